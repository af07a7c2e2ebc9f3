//! The known differences of moto. Each is described, with what AWS documents, in `docs/interpreters.md`. A difference
//! that no longer occurs fails the test, so that it is removed here and there.

struct Difference {
    /// The prefix of the names of its scenarios.
    scenario: &'static str,
    part: &'static str,
    ours: &'static str,
    theirs: &'static str,
    /// Its heading in the document.
    title: &'static str,
}

const fn difference(
    title: &'static str,
    scenario: &'static str,
    part: &'static str,
    ours: &'static str,
    theirs: &'static str,
) -> Difference {
    Difference {
        scenario,
        part,
        ours,
        theirs,
        title,
    }
}

const CAUSE_LOST: &str = "The cause of a stop is lost";
const STOP_IN_MAP: &str = "A stop within a Map is a failure";
const STATES_NAME: &str = "A Fail state refuses the name of a built-in error";

const STOPPED_IN_COPY: &str = "an execution that is stopped in CopyImage";
const NEVER: &str = "answers that never come";

/// The first that matches counts.
const DIFFERENCES: &[Difference] = &[
    difference(STOP_IN_MAP, STOPPED_IN_COPY, "status", "ABORTED", "FAILED"),
    difference(
        STOP_IN_MAP,
        STOPPED_IN_COPY,
        "error",
        "none",
        "States.Runtime",
    ),
    difference(
        STOP_IN_MAP,
        STOPPED_IN_COPY,
        "cause",
        "\"the test stops it\"",
        "\"AttributeError('str' object has no attribute 'get')\"",
    ),
    difference(
        CAUSE_LOST,
        "an execution that is stopped in ",
        "cause",
        "\"the test stops it\"",
        "\"none\"",
    ),
    difference(
        STATES_NAME,
        NEVER,
        "error",
        "States.Timeout",
        "States.Runtime",
    ),
    difference(
        STATES_NAME,
        NEVER,
        "cause",
        "\"\"",
        "\"ValueError(Custom Error Names MUST NOT begin with the prefix 'States.', got \
         'States.Timeout'.)\"",
    ),
];

#[derive(Debug)]
pub(crate) struct Known {
    seen: [bool; DIFFERENCES.len()],
}

impl Default for Known {
    fn default() -> Self {
        Self {
            seen: [false; DIFFERENCES.len()],
        }
    }
}

impl Known {
    /// Whether a difference is known. If so, it is marked as seen.
    pub(crate) fn explain(&mut self, scenario: &str, part: &str, ours: &str, theirs: &str) -> bool {
        let fits = |known: &Difference| {
            scenario.starts_with(known.scenario)
                && (part, ours, theirs) == (known.part, known.ours, known.theirs)
        };
        let found = DIFFERENCES.iter().position(fits);
        if let Some(index) = found {
            self.seen[index] = true;
        }
        found.is_some()
    }

    pub(crate) fn fixed(&self) -> Vec<&'static str> {
        let all = DIFFERENCES.iter().zip(self.seen);
        let unseen = all.filter(|(_, seen)| !seen);
        unseen.map(|(known, _)| known.title).collect()
    }
}

#[test]
fn the_document_lists_all_differences() {
    let document = include_str!("../../../docs/interpreters.md");
    for known in DIFFERENCES {
        assert!(document.contains(known.title), "{}", known.title);
    }
}
