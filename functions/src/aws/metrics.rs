//! Metrics of saves, in CloudWatch's embedded metric format: CloudWatch turns a line of JSON in the log into metrics,
//! which needs no call and no permission.

use serde_json::{Map, Value, json};

use crate::domain::Timestamp;
use crate::domain::save::{SaveRecord, SaveState, seconds_between};
use crate::operations::Backlog;

/// A metrics line under construction.
struct Line<'a> {
    namespace: &'a str,
    directives: Vec<Value>,
    values: Map<String, Value>,
}

impl<'a> Line<'a> {
    fn new(namespace: &'a str) -> Self {
        Self {
            namespace,
            directives: Vec::new(),
            values: Map::new(),
        }
    }

    fn add(&mut self, name: &str, unit: &str, dimension: Option<(&str, &str)>, value: Value) {
        let dimensions: Vec<&str> = dimension.iter().map(|(name, _)| *name).collect();
        self.directives.push(json!({
            "Namespace": self.namespace,
            "Dimensions": [dimensions],
            "Metrics": [{"Name": name, "Unit": unit}],
        }));
        self.values.insert(name.to_owned(), value);
        if let Some((name, value)) = dimension {
            self.values.insert(name.to_owned(), value.into());
        }
    }

    fn at(mut self, now: Timestamp) -> String {
        let metrics =
            json!({"Timestamp": now.timestamp_millis(), "CloudWatchMetrics": self.directives});
        self.values.insert("_aws".to_owned(), metrics);
        Value::Object(self.values).to_string()
    }
}

/// The line for a save that has just ended or stranded: `saves` by `state`, `failures` by `code`, `stranded`,
/// `downtime_s`, and `restore_s`, the time it took to bring the instance back.
pub(super) fn line(namespace: &str, record: &SaveRecord, now: Timestamp) -> String {
    let mut line = Line::new(namespace);
    let stranded = record.state == SaveState::Stranded;
    let state = ("state", record.state.as_str());
    line.add("saves", "Count", Some(state), 1.into());
    line.add("stranded", "Count", None, u8::from(stranded).into());
    if let Some(failure) = &record.failure {
        let code = ("code", failure.code.as_str());
        line.add("failures", "Count", Some(code), 1.into());
    }
    if let Some(downtime_s) = record.downtime_s {
        line.add("downtime_s", "Seconds", None, downtime_s.into());
    }
    if let Some(restore_s) = restore_s(record) {
        line.add("restore_s", "Seconds", None, restore_s.into());
    }
    let id = record.save_id.as_str().into();
    line.values.insert("save.id".to_owned(), id);
    line.at(now)
}

/// The line for what a sweep has found open: `open_saves`, `open_duties`, and `oldest_duty_s`.
pub(super) fn backlog_line(namespace: &str, backlog: &Backlog, now: Timestamp) -> String {
    let mut line = Line::new(namespace);
    line.add("open_saves", "Count", None, backlog.open_saves.into());
    line.add("open_duties", "Count", None, backlog.open_duties.into());
    let oldest = backlog.oldest_duty_s.into();
    line.add("oldest_duty_s", "Seconds", None, oldest);
    line.at(now)
}

/// Seconds from the beginning of the restore until the instance was first seen running.
fn restore_s(record: &SaveRecord) -> Option<f64> {
    let (began, running) = (record.restore_began_at?, record.running_at?);
    (began <= running).then(|| seconds_between(began, running))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::save::Failure;

    fn record() -> SaveRecord {
        let request = json!({"instance": "i-0123456789abcdef0", "template": "python-env", "region": "us-east-1"});
        SaveRecord::new(
            "save-0123456789abcdef".parse().unwrap(),
            serde_json::from_value(request).unwrap(),
            "ann".parse().unwrap(),
            "save-0123456789abcdef".to_owned(),
            "2026-01-02T03:04:05Z".parse().unwrap(),
        )
    }

    fn read(record: &SaveRecord) -> Value {
        serde_json::from_str(&line(
            "Prism",
            record,
            "2026-01-02T03:05:05Z".parse().unwrap(),
        ))
        .unwrap()
    }

    #[test]
    fn a_save_is_counted_by_its_state_with_its_downtime() {
        let mut record = record();
        record.state = SaveState::Succeeded;
        record.downtime_s = Some(41.5);
        let directive = |dimensions: Value, name: &str, unit: &str| {
            json!({
                "Dimensions": [dimensions], "Metrics": [{"Name": name, "Unit": unit}], "Namespace": "Prism",
            })
        };
        let directives = [
            directive(json!(["state"]), "saves", "Count"),
            directive(json!([]), "stranded", "Count"),
            directive(json!([]), "downtime_s", "Seconds"),
        ];
        let expected = json!({
            "_aws": {"CloudWatchMetrics": directives, "Timestamp": 1_767_323_105_000_i64},
            "downtime_s": 41.5, "save.id": "save-0123456789abcdef",
            "saves": 1, "state": "succeeded", "stranded": 0,
        });
        assert_eq!(read(&record), expected);
    }

    #[test]
    fn a_sweep_tells_what_is_open() {
        let backlog = Backlog {
            open_saves: 3,
            open_duties: 2,
            oldest_duty_s: 901.5,
        };
        let line = backlog_line("Prism", &backlog, "2026-01-02T03:05:05Z".parse().unwrap());
        let told: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(told["oldest_duty_s"], 901.5);
        assert_eq!(told["open_saves"], 3);
        let directives = told["_aws"]["CloudWatchMetrics"].as_array().unwrap();
        let names: Vec<&Value> = directives
            .iter()
            .map(|directive| &directive["Metrics"][0]["Name"])
            .collect();
        assert_eq!(names, ["open_saves", "open_duties", "oldest_duty_s"]);
    }

    #[test]
    fn a_failure_is_counted_by_its_code_with_the_time_of_the_restore() {
        let mut record = record();
        record.state = SaveState::Failed;
        record.restore_began_at = Some("2026-01-02T03:04:10Z".parse().unwrap());
        record.running_at = Some("2026-01-02T03:04:40Z".parse().unwrap());
        record.failure = Some(Failure {
            code: "SnapshotsTimedOut".to_owned(),
            message: String::new(),
            hint: String::new(),
            step: String::new(),
        });
        let line = read(&record);
        assert_eq!(line["code"], "SnapshotsTimedOut");
        assert_eq!(
            (&line["failures"], &line["stranded"]),
            (&json!(1), &json!(0))
        );
        assert_eq!(line["restore_s"], json!(30.0));
    }

    #[test]
    fn every_metric_and_dimension_that_is_declared_is_there() {
        let mut record = record();
        record.state = SaveState::Stranded;
        let line = read(&record);
        assert_eq!(line["stranded"], 1);
        for directive in line["_aws"]["CloudWatchMetrics"].as_array().unwrap() {
            let name = directive["Metrics"][0]["Name"].as_str().unwrap();
            assert!(line[name].is_number(), "{name}");
            for dimension in directive["Dimensions"][0].as_array().unwrap() {
                assert!(line[dimension.as_str().unwrap()].is_string(), "{dimension}");
            }
        }
    }
}
