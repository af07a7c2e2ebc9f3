use super::*;

#[test]
fn what_is_noted_for_the_future_is_brought_to_now() {
    let at = |second: i64| Timestamp::from_timestamp(second, 0).unwrap_or_default();
    let request =
        serde_json::json!({ "instance": "work", "template": "kept", "region": "us-east-1" });
    let request = serde_json::from_value(request).expect("it is a request");
    let (id, ada) = ("save-0123456789abcdef", "ada");
    let (id, ada) = (id.parse().expect("an id"), ada.parse().expect("a name"));
    let mut record = SaveRecord::new(id, request, ada, "it".to_owned(), at(0));
    record.stop_requested_at = Some(at(7200));
    record.stopped_at = Some(at(3600));
    record.restore_began_at = Some(at(3630));
    record.heed_clock(at(3600));
    assert_eq!(record.stop_requested_at, Some(at(3600)));
    assert_eq!(record.stopped_at, Some(at(3600)));
    assert_eq!(record.start_requested_at, None);
    // Half a minute is an ordinary difference between clocks.
    assert_eq!(record.restore_began_at, Some(at(3630)));
}
