//! Records which operations run and which rights each of them checks.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};

use prism_functions::rules::access::CHECKS;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

/// The rights, such as "See Template", by the ID of the operation that checked them.
pub type Checked = BTreeMap<String, BTreeSet<String>>;

/// Runs a test, and returns which operations it ran and which rights they checked.
pub fn checked(test: impl FnOnce()) -> Checked {
    let recorder = Recorder::default();
    let subscriber = tracing_subscriber::registry().with(recorder.clone());
    tracing::subscriber::with_default(subscriber, test);
    recorder.take()
}

#[derive(Debug, Clone, Default)]
struct Recorder(Arc<Mutex<Checked>>);

impl Recorder {
    fn take(&self) -> Checked {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, operation: &str, right: Option<String>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(operation.to_owned()).or_default().extend(right);
    }
}

/// The operation of a span.
struct OperationId(String);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Recorder {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut texts = Texts::default();
        attributes.record(&mut texts);
        if let (Some(span), Some(operation)) = (context.span(id), texts.0.remove("operation.id")) {
            self.note(&operation, None);
            span.extensions_mut().insert(OperationId(operation));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        if event.metadata().target() != CHECKS {
            return;
        }
        let mut texts = Texts::default();
        event.record(&mut texts);
        let (action, resource) = (&texts.0["action"], &texts.0["resource"]);
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(OperationId(operation)) = span.extensions().get() {
                return self.note(operation, Some(format!("{action} {resource}")));
            }
        }
    }
}

/// The fields of an event, as texts.
#[derive(Default)]
struct Texts(BTreeMap<&'static str, String>);

impl Visit for Texts {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }
}
