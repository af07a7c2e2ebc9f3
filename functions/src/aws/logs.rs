//! Logs: one line of JSON per event, on standard output, where Lambda collects it.

use tracing::{Level, Metadata};
use tracing_subscriber::filter::{FilterExt as _, Targets, filter_fn};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt};

/// What is logged where nothing else is said.
const DEFAULT: Level = Level::INFO;
/// Where lambda_runtime logs once more what an invocation failed with.
const TWICE: &str = "lambda_runtime::layers::panic";
/// The most that code which is not ours may log, whatever is asked for. At `debug` the SDK shows the
/// ids of access keys; at `trace` it shows requests with their signatures and session tokens, and
/// lambda_runtime shows events with the callers' own tokens.
const MOST_OF_OTHERS: Level = Level::INFO;
/// How the names of our own code begin.
const OURS: &str = "prism";

/// Begins to log, as `filter` says: a level, or levels by module, such as `warn,prism=debug`.
/// `Targets` reads these without the regular expressions of `EnvFilter`, which are a fiftieth of the
/// artefact.
pub(super) fn init(filter: Option<&str>) {
    let wanted = filter.and_then(|filter| filter.parse::<Targets>().ok());
    let wanted = wanted.unwrap_or_else(|| Targets::new().with_default(DEFAULT));
    let lines = fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_filter(wanted.and(filter_fn(may_be_logged)));
    // Whoever logs already goes on with it.
    let _ = tracing_subscriber::registry().with(lines).try_init();
}

fn may_be_logged(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target();
    target != TWICE && (*metadata.level() <= MOST_OF_OTHERS || target.starts_with(OURS))
}
