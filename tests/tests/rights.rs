//! No operations of any users achieve more than what was granted (promise P10). `cargo xtask simulate --rights N` runs
//! more of the same.

use prism_tests::rights::{pairs, play, play_pair};

const SEEDS: u64 = 40;
/// Every n-th pair is run.
const EVERY: usize = 17;

#[test]
fn random_operations_of_four_users_give_no_more_than_was_granted() {
    let wrong: Vec<String> = (1..=SEEDS).filter_map(|seed| play(seed).err()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn two_operations_of_two_users_give_no_more_than_was_granted() {
    let pairs = pairs();
    assert!(pairs.len() > 1000, "{}", pairs.len());
    let some = pairs.iter().step_by(EVERY);
    let wrong: Vec<String> = some.filter_map(|pair| play_pair(pair).err()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
