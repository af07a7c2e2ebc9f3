//! Prices in USD for us-east-1, in one table with its date and sources.
//!
//! The prices are those of AWS's price pages for EBS, Step Functions, Lambda, DynamoDB, CloudWatch and KMS. They were
//! last checked on the date in [`READ_ON`], against notes on those pages rather than the pages themselves.

/// An EBS snapshot in the standard tier, per GB-month.
pub const SNAPSHOT_GB_MONTH: f64 = 0.05;
/// EBS volumes by type, per GB-month. Provisioned IOPS and throughput cost extra.
const VOLUME_GB_MONTH: [(&str, f64); 7] = [
    ("gp3", 0.08),
    ("gp2", 0.10),
    ("io1", 0.125),
    ("io2", 0.125),
    ("st1", 0.045),
    ("sc1", 0.015),
    ("standard", 0.05),
];
/// Step Functions Standard, per state transition; retries count.
pub const STATE_TRANSITION: f64 = 0.025 / 1_000.0;
/// Lambda, per request.
pub const LAMBDA_REQUEST: f64 = 0.20 / 1_000_000.0;
/// Lambda on arm64, per GB-second.
pub const LAMBDA_GB_SECOND: f64 = 0.000_013_333_4;
/// DynamoDB on demand, per read unit: one strongly consistent read of up to 4 KB, or two eventually consistent reads.
pub const TABLE_READ: f64 = 0.125 / 1_000_000.0;
/// DynamoDB on demand, per write unit: 1 KB; two units in a transaction.
pub const TABLE_WRITE: f64 = 0.625 / 1_000_000.0;
/// A CloudWatch alarm of standard resolution, per month.
pub const ALARM_MONTH: f64 = 0.10;
/// A CloudWatch dashboard, per month, beyond an account's first three.
pub const DASHBOARD_MONTH: f64 = 3.00;
/// A KMS key, per month.
pub const KEY_MONTH: f64 = 1.00;
/// The Region whose prices these are. Estimates use them in every Region.
pub const REGION: &str = "us-east-1";
/// The date on which the prices were last checked.
pub const READ_ON: &str = "2026-11-23";

/// The cost of snapshots of this size, in USD per month, for all Regions that hold them. This is an upper bound: EC2
/// bills only the blocks that no earlier snapshot contains.
pub fn snapshot_usd_per_month(bytes: u64, regions: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a price needs at most 52 bits")]
    let gigabytes = bytes as f64 / f64::from(1u32 << 30);
    #[expect(clippy::cast_precision_loss, reason = "there are few Regions")]
    let regions = regions as f64;
    gigabytes * SNAPSHOT_GB_MONTH * regions
}

/// The cost of a volume of this type and size, in USD per month, without provisioned IOPS and throughput; `None` if the
/// table does not contain the type.
pub fn volume_usd_per_month(kind: &str, size_gib: u32) -> Option<f64> {
    let (_, usd) = VOLUME_GB_MONTH.iter().find(|(known, _)| *known == kind)?;
    Some(usd * f64::from(size_gib))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_gib_in_two_regions() {
        let cost = snapshot_usd_per_month(100 << 30, 2);
        assert!((cost - 10.0).abs() < 1e-9, "{cost}");
    }

    #[test]
    fn a_volume_costs_by_its_type() {
        let cost = volume_usd_per_month("gp3", 400).unwrap();
        assert!((cost - 32.0).abs() < 1e-9, "{cost}");
        assert_eq!(volume_usd_per_month("gp9", 400), None);
    }
}
