//! How long operations took: every one is kept, so percentiles are exact.

use std::time::Duration;

/// Durations in microseconds.
#[derive(Default)]
pub(crate) struct Latencies(Vec<u32>);

impl Latencies {
    pub(crate) fn add(&mut self, took: Duration) {
        self.0.push(u32::try_from(took.as_micros()).unwrap_or(u32::MAX));
    }

    pub(crate) fn len(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }

    /// The nearest-rank percentile in milliseconds, 0 when there is nothing.
    pub(crate) fn percentile(&mut self, share: f64) -> f64 {
        self.0.sort_unstable();
        let rank = (f64::from(self.len()) * share).ceil().max(1.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank within the list")]
        let found = self.0.get(rank as usize - 1);
        found.map_or(0.0, |us| f64::from(*us) / 1000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_rank() {
        let mut latencies = Latencies::default();
        assert!(latencies.percentile(0.99).abs() < f64::EPSILON);
        for ms in 1..=100 {
            latencies.add(Duration::from_millis(ms));
        }
        for (share, expected) in [(0.5, 50.0), (0.95, 95.0), (0.99, 99.0), (1.0, 100.0)] {
            assert!((latencies.percentile(share) - expected).abs() < f64::EPSILON, "{share}");
        }
    }
}
