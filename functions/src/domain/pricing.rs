//! Prices, in USD, us-east-1: one table that says its date and sources.
//!
//! As AWS's price pages of EBS, Step Functions, Lambda, DynamoDB, CloudWatch and KMS give them; last
//! gone over on the day that [`READ_ON`] says, from notes on those pages, not the pages themselves.

/// An EBS snapshot in the standard tier, per GB-month.
pub const SNAPSHOT_GB_MONTH: f64 = 0.05;
/// Step Functions Standard, per state transition; retries count.
pub const STATE_TRANSITION: f64 = 0.025 / 1_000.0;
/// Lambda, per request.
pub const LAMBDA_REQUEST: f64 = 0.20 / 1_000_000.0;
/// Lambda on arm64, per GB-second.
pub const LAMBDA_GB_SECOND: f64 = 0.000_013_333_4;
/// DynamoDB on demand, per read unit: one read of up to 4 KB, or two that may lag behind.
pub const TABLE_READ: f64 = 0.125 / 1_000_000.0;
/// DynamoDB on demand, per write unit: 1 KB; two in a transaction.
pub const TABLE_WRITE: f64 = 0.625 / 1_000_000.0;
/// A CloudWatch alarm of standard resolution, per month.
pub const ALARM_MONTH: f64 = 0.10;
/// A CloudWatch dashboard, per month, after an account's first three.
pub const DASHBOARD_MONTH: f64 = 3.00;
/// A key of KMS, per month.
pub const KEY_MONTH: f64 = 1.00;
/// The day the prices were last gone over.
pub const READ_ON: &str = "2026-11-23";

/// What snapshots of this many bytes cost in a month, in each Region that holds them. An upper
/// bound: EC2 bills only the blocks that no earlier snapshot has.
pub fn snapshot_usd_per_month(bytes: u64, regions: usize) -> f64 {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a price needs no more than 52 bits"
    )]
    let gigabytes = bytes as f64 / f64::from(1u32 << 30);
    #[expect(clippy::cast_precision_loss, reason = "there are few Regions")]
    let regions = regions as f64;
    gigabytes * SNAPSHOT_GB_MONTH * regions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_gib_in_two_regions() {
        let cost = snapshot_usd_per_month(100 << 30, 2);
        assert!((cost - 10.0).abs() < 1e-9, "{cost}");
    }
}
