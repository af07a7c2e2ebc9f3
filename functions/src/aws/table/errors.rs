//! Converts DynamoDB's errors into the port's errors.

use std::collections::BTreeSet;
use std::error::Error;

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::CancellationReason;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::aws::failure::Failure;
use crate::ports::{Call, TableError, Write, advice};

/// The error code for a request that is itself invalid.
const INVALID: &str = "ValidationException";

/// Converts the SDK's error for a call on the table with that name into the port's error. The call requires these IAM
/// actions.
pub(super) fn of<E>(
    actions: &str,
    table: &str,
) -> impl FnOnce(SdkError<E, HttpResponse>) -> TableError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    move |error| {
        let failure = Failure::of(error);
        if failure.code == INVALID {
            return TableError::Invalid(failure.message);
        }
        if failure.is_throttle() {
            return TableError::Throttled(failure.reason());
        }
        match failure.refusal(actions, &format!("the table {table}")) {
            Ok(refusal) => TableError::Refused(refusal),
            Err(failure) => TableError::Unavailable {
                transient: failure.is_transient(),
                advice: advice(&failure.code, &failure.message),
                reason: failure.reason(),
                source: failure.source,
            },
        }
    }
}

pub(super) fn of_transaction(
    writes: &[Write],
    table: &str,
    error: SdkError<TransactWriteItemsError, HttpResponse>,
) -> TableError {
    match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
            of_reasons(cancelled.cancellation_reasons())
        }
        _ => of(&actions(writes), table)(error),
    }
}

/// The IAM actions that a transaction requires: those of its parts.
fn actions(writes: &[Write]) -> String {
    let calls = writes.iter().map(|write| match write {
        Write::Put(..) => Call::Put,
        Write::Update(..) => Call::Update,
        Write::Delete(..) => Call::Delete,
        Write::Check(..) => Call::Check,
    });
    let calls: BTreeSet<Call> = calls.collect();
    let actions: Vec<&str> = calls
        .iter()
        .flat_map(|call| call.actions())
        .copied()
        .collect();
    actions.join(", ")
}

/// Interprets why DynamoDB cancelled a transaction: one reason for each write, in their order. A condition that did
/// not hold takes precedence, because it is a definite result.
fn of_reasons(reasons: &[CancellationReason]) -> TableError {
    let first = |code: &str| reasons.iter().position(|it| it.code() == Some(code));
    if let Some(write) = first("ConditionalCheckFailed") {
        return TableError::ConditionFailed { write };
    }
    if let Some(write) = first("ValidationError") {
        let message = reasons[write].message().unwrap_or("no reason was given");
        return TableError::Invalid(format!("write {write}: {message}"));
    }
    if first("TransactionConflict").is_some() {
        return TableError::Conflict;
    }
    let codes: Vec<&str> = reasons
        .iter()
        .filter_map(CancellationReason::code)
        .filter(|code| *code != "None")
        .collect();
    // The remaining reasons are throttles.
    TableError::Throttled(format!(
        "the transaction was cancelled: {}",
        codes.join(", ")
    ))
}

/// The error for a request that the SDK itself considers incomplete.
pub(super) fn invalid(error: &dyn Error) -> TableError {
    TableError::Invalid(error.to_string())
}

/// The error for data in the table that Prism did not write.
pub(super) fn foreign(what: &str) -> TableError {
    TableError::Unavailable {
        reason: format!("an item contains a value that Prism did not write: {what}"),
        transient: false,
        advice: None,
        source: None,
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::operation::get_item::GetItemError;
    use aws_smithy_types::body::SdkBody;
    use aws_smithy_types::error::ErrorMetadata;

    use super::*;
    use crate::ports::{Condition, Key};

    fn reasons(codes: &[&str]) -> Vec<CancellationReason> {
        let reason = |code: &&str| {
            CancellationReason::builder()
                .code(*code)
                .message("why")
                .build()
        };
        codes.iter().map(reason).collect()
    }

    #[test]
    fn the_first_failed_condition_is_named_whatever_else_went_wrong() {
        let cancelled = reasons(&[
            "TransactionConflict",
            "ValidationError",
            "ConditionalCheckFailed",
        ]);
        assert!(matches!(
            of_reasons(&cancelled),
            TableError::ConditionFailed { write: 2 }
        ));
        let cancelled = reasons(&["None", "ConditionalCheckFailed", "ConditionalCheckFailed"]);
        assert!(matches!(
            of_reasons(&cancelled),
            TableError::ConditionFailed { write: 1 }
        ));
    }

    #[test]
    fn a_transaction_needs_the_actions_of_its_parts() {
        let key = || Key::new("a", "b");
        let writes = [
            Write::Delete(key(), Condition::Always),
            Write::Check(key(), Condition::Always),
            Write::Delete(key(), Condition::Always),
        ];
        assert_eq!(
            actions(&writes),
            "dynamodb:DeleteItem, dynamodb:ConditionCheckItem"
        );
    }

    #[test]
    fn a_throttle_differs_from_a_failure() {
        let of_code = |code: &str| {
            let metadata = ErrorMetadata::builder().code(code).message("slow").build();
            let status = 400.try_into().expect("it is a status code");
            let raw = HttpResponse::new(status, SdkBody::empty());
            let error = SdkError::service_error(GetItemError::generic(metadata), raw);
            of("dynamodb:GetItem", "prism")(error)
        };
        for code in [
            "ThrottlingException",
            "ProvisionedThroughputExceededException",
            "RequestLimitExceeded",
        ] {
            assert!(matches!(of_code(code), TableError::Throttled(why) if why.starts_with(code)));
        }
        assert!(matches!(
            of_code("InternalServerError"),
            TableError::Unavailable {
                transient: true,
                ..
            }
        ));
    }

    #[test]
    fn other_reasons_have_their_meaning() {
        let conflict = of_reasons(&reasons(&["None", "TransactionConflict"]));
        assert!(matches!(conflict, TableError::Conflict));
        let invalid = of_reasons(&reasons(&["None", "ValidationError"]));
        assert!(matches!(invalid, TableError::Invalid(why) if why == "write 1: why"));
        let throttled = of_reasons(&reasons(&["None", "ThrottlingError"]));
        assert!(
            matches!(throttled, TableError::Throttled(why) if why.ends_with(": ThrottlingError"))
        );
    }
}
