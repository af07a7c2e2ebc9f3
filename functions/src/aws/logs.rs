//! Logs: one line of JSON per event on standard output, from which Lambda collects it.

use tracing::{Level, Metadata};
use tracing_subscriber::filter::{FilterExt as _, Targets, filter_fn};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt};

/// The log level if nothing else is configured.
const DEFAULT: Level = Level::INFO;
/// The target under which lambda_runtime logs the error of an invocation a second time.
const TWICE: &str = "lambda_runtime::layers::panic";
/// The most verbose level for other crates, whatever is configured. At `debug` the SDK logs access key IDs. At
/// `trace` it logs requests with their signatures and session tokens, and lambda_runtime logs events with the
/// callers' tokens.
const MOST_OF_OTHERS: Level = Level::INFO;
/// The prefix of Prism's own modules.
const OURS: &str = "prism";

/// Starts logging. `filter` is a level, or levels by module, such as `warn,prism=debug`. `Targets` parses these
/// without the regular expressions of `EnvFilter`, which would add a fiftieth to the artefact.
pub(super) fn init(filter: Option<&str>) {
    let wanted = filter.and_then(|filter| filter.parse::<Targets>().ok());
    let wanted = wanted.unwrap_or_else(|| Targets::new().with_default(DEFAULT));
    let lines = fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_filter(wanted.and(filter_fn(may_be_logged)));
    // If a logger is already installed, it stays.
    let _ = tracing_subscriber::registry().with(lines).try_init();
}

fn may_be_logged(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target();
    target != TWICE && (*metadata.level() <= MOST_OF_OTHERS || target.starts_with(OURS))
}
