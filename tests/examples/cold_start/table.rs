//! The measured figures, and their limits.

use std::fmt::Write as _;
use std::time::Duration;

use prism_tests::harness::Cost;

/// The function with the strictest limits.
pub(crate) const RUST: &str = "AwaitStopped";
/// The function it is compared with.
pub(crate) const PYTHON: &str = "the same in Python";
/// The minimum ratio of Python's start time to the Rust function's.
const FASTER: f64 = 30.0;
/// The minimum ratio of Python's memory to the Rust function's.
const SMALLER: f64 = 5.0;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    pub(crate) wall: Duration,
    pub(crate) cost: Cost,
}

#[derive(Debug)]
pub(crate) struct Row {
    name: &'static str,
    samples: Vec<Sample>,
}

impl Row {
    pub(crate) fn new(name: &'static str) -> Self {
        Self {
            name,
            samples: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, sample: Sample) {
        self.samples.push(sample);
    }

    fn median(&self, figure: impl Fn(&Sample) -> f64) -> f64 {
        self.part(0.5, figure)
    }

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "there are a few dozen starts"
    )]
    fn part(&self, part: f64, figure: impl Fn(&Sample) -> f64) -> f64 {
        let mut figures: Vec<f64> = self.samples.iter().map(figure).collect();
        figures.sort_unstable_by(f64::total_cmp);
        let place = (part * figures.len() as f64) as usize;
        figures
            .get(place)
            .or(figures.last())
            .copied()
            .unwrap_or(f64::NAN)
    }
}

fn wall_ms(sample: &Sample) -> f64 {
    sample.wall.as_secs_f64() * 1e3
}

fn cpu_ms(sample: &Sample) -> f64 {
    sample.cost.cpu.as_secs_f64() * 1e3
}

#[expect(clippy::cast_precision_loss, reason = "memory is far below 2^52 KiB")]
fn peak_mib(sample: &Sample) -> f64 {
    sample.cost.peak_kib as f64 / 1024.0
}

pub(crate) fn render(rows: &[Row]) -> String {
    let mut text = format!(
        "{:<20} {:>7} {:>9} {:>9} {:>8} {:>9}\n",
        "from spawn to answer", "starts", "median ms", "90 % ms", "CPU ms", "peak MiB"
    );
    for row in rows {
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "{:<20} {:>7} {:>9.1} {:>9.1} {:>8.1} {:>9.1}",
            row.name,
            row.samples.len(),
            row.median(wall_ms),
            row.part(0.9, wall_ms),
            row.median(cpu_ms),
            row.median(peak_mib)
        );
    }
    if let Some((time, memory)) = ratios(rows) {
        let _ = writeln!(
            text,
            "{PYTHON} takes {time:.1} times as long (promised: {FASTER}) and {memory:.1} times \
             the memory (promised: {SMALLER})"
        );
    }
    text
}

/// The ratios of Python's time and memory to those of the Rust function.
fn ratios(rows: &[Row]) -> Option<(f64, f64)> {
    let row = |name| rows.iter().find(|row| row.name == name);
    let (rust, python) = (row(RUST)?, row(PYTHON)?);
    let ratio = |figure: fn(&Sample) -> f64| python.median(figure) / rust.median(figure);
    Some((ratio(wall_ms), ratio(peak_mib)))
}

pub(crate) fn judge(rows: &[Row]) -> Result<(), String> {
    match ratios(rows) {
        Some((time, memory)) if time >= FASTER && memory >= SMALLER => Ok(()),
        Some(_) => Err("a function begins more slowly, or larger, than is promised".to_owned()),
        None => Err("nothing was measured".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &'static str, wall_ms: u64, peak_kib: u64) -> Row {
        let mut row = Row::new(name);
        row.add(Sample {
            wall: Duration::from_millis(wall_ms),
            cost: Cost {
                cpu: Duration::from_millis(wall_ms),
                peak_kib,
            },
        });
        row
    }

    #[test]
    fn a_slower_or_larger_function_is_refused() {
        let python = || row(PYTHON, 600, 60_000);
        assert!(judge(&[row(RUST, 20, 12_000), python()]).is_ok());
        assert!(judge(&[row(RUST, 21, 12_000), python()]).is_err());
        assert!(judge(&[row(RUST, 20, 12_100), python()]).is_err());
        assert!(judge(&[python()]).is_err());
    }
}
