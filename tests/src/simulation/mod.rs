//! A deterministic simulation of saves: the deployed definition, the real steps and service, the simulated cloud, and
//! virtual time. Every possible fault is injected at every call, one at a time, in pairs, and at random, and the
//! promises are checked against what really happened. See `docs/simulation.md`.

mod before;
mod campaign;
mod chance;
mod conductor;
mod coverage;
mod fault;
mod hands;
mod invocation;
mod known;
mod lambda;
mod mutant;
mod neighbour;
mod oracle;
mod others;
mod pairs;
mod path;
mod play;
mod ports;
mod random;
mod run;
mod scene;
mod singles;
mod tale;
mod wanted;

pub use campaign::{Failure, Part, Progress, Tally, Watch};
pub use conductor::{Act, Conductor, Visit};
pub use coverage::Coverage;
pub use fault::{Fault, Kind, Point, Site, Spot};
pub use mutant::{MUTANTS, Mutant};
pub use pairs::{Pairs, pairs, play_pairs};
pub use path::{ALL as PATHS, MAIN, Path};
pub use random::{random, randoms};
pub use run::Run;
pub use singles::{play, points, singles};
pub use tale::{tell, trace};
pub use wanted::{Subject, Wanted};
