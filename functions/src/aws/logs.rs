//! Logs: one line of JSON per event, on standard output, where Lambda collects it.

use tracing_subscriber::EnvFilter;

/// What is logged where nothing else is said. lambda_runtime would log every failure once more.
const DEFAULT: &str = "info,lambda_runtime::layers::panic=off";

/// Begins to log, as `filter` says, by the syntax of tracing-subscriber's `EnvFilter`; a panic is
/// logged like everything else.
pub(super) fn init(filter: Option<&str>) {
    let wanted = filter.and_then(|filter| EnvFilter::try_new(filter).ok());
    let logged = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_env_filter(wanted.unwrap_or_else(|| EnvFilter::new(DEFAULT)))
        .try_init();
    if logged.is_ok() {
        std::panic::set_hook(Box::new(|panic| {
            tracing::error!(%panic, "the function panicked");
        }));
    }
}
