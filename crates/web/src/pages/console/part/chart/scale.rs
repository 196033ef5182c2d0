//! The upright axis of a chart: round steps from nothing up to what holds everything, in whole numbers.

/// Steps of an axis at the most.
const MOST_STEPS: u128 = 4;

/// An axis from nothing up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scale {
    step: u128,
    steps: u128,
}

impl Scale {
    /// The smallest axis of 1, 2 or 5 times a power of ten, four steps at the most, that reaches `greatest`.
    pub(super) fn over(greatest: u64) -> Self {
        let greatest = u128::from(greatest).max(1);
        let mut power = 1_u128;
        loop {
            for leading in [1, 2, 5] {
                let step = leading * power;
                if step * MOST_STEPS >= greatest {
                    return Self { step, steps: greatest.div_ceil(step) };
                }
            }
            power *= 10;
        }
    }

    /// What stands at the lines of the axis, from nothing to its top.
    pub(super) fn marks(self) -> impl Iterator<Item = u128> {
        (0..=self.steps).map(move |place| place * self.step)
    }

    /// How high a value stands on an axis of this height, in tenths; more than its top stands at the top.
    pub(super) fn height(self, value: u128, height: u32) -> u32 {
        let top = self.steps * self.step;
        let tenths = value.min(top) * u128::from(height) * 10;
        u32::try_from((tenths + top / 2) / top).unwrap_or(u32::MAX)
    }
}

/// A number with few digits: `950`, `1.5k`, `20M`. Only round numbers stay exact, as those of an axis.
pub(super) fn short(value: u128) -> String {
    let mut unit = (1_u128, "");
    for (size, name) in [
        (1_000, "k"),
        (1_000_000, "M"),
        (1_000_000_000, "G"),
        (1_000_000_000_000, "T"),
        (1_000_000_000_000_000, "P"),
        (1_000_000_000_000_000_000, "E"),
    ] {
        if value >= size {
            unit = (size, name);
        }
    }
    let (size, name) = unit;
    let tenths = value * 10 / size % 10;
    let whole = value / size;
    if size == 1 || tenths == 0 { format!("{whole}{name}") } else { format!("{whole}.{tenths}{name}") }
}

/// Billionths with few digits: `20`, `0.15`, `15e-5`. Only round numbers stay exact, as those of an axis.
pub(super) fn short_amount(billionths: u128) -> String {
    const UNIT: u128 = 1_000_000_000;
    let (whole, rest) = (billionths / UNIT, billionths % UNIT);
    if rest == 0 {
        return short(whole);
    }
    let digits = format!("{rest:09}");
    let digits = digits.trim_end_matches('0');
    if whole > 0 || digits.len() <= 3 {
        return format!("{whole}.{digits}");
    }
    format!("{}e-{}", digits.trim_start_matches('0'), digits.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round_and_reach_the_greatest() {
        let cases: [(u64, &[u128]); 12] = [
            (0, &[0, 1]),
            (1, &[0, 1]),
            (3, &[0, 1, 2, 3]),
            (4, &[0, 1, 2, 3, 4]),
            (5, &[0, 2, 4, 6]),
            (9, &[0, 5, 10]),
            (20, &[0, 5, 10, 15, 20]),
            (21, &[0, 10, 20, 30]),
            (41, &[0, 20, 40, 60]),
            (999, &[0, 500, 1000]),
            (1_000_000, &[0, 500_000, 1_000_000]),
            (12_345_678, &[0, 5_000_000, 10_000_000, 15_000_000]),
        ];
        for (greatest, marks) in cases {
            assert_eq!(Scale::over(greatest).marks().collect::<Vec<_>>(), marks, "{greatest}");
        }
        let huge: Vec<u128> = Scale::over(u64::MAX).marks().collect();
        assert_eq!(huge.last(), Some(&20_000_000_000_000_000_000));
    }

    #[test]
    fn heights_go_from_nothing_to_the_top() {
        for greatest in [0, 1, 7, 999, 12_345_678, u64::MAX] {
            let scale = Scale::over(greatest);
            let top = scale.marks().last().unwrap();
            assert_eq!((scale.height(0, 140), scale.height(top, 140)), (0, 1_400), "{greatest}");
            assert_eq!(scale.height(top * 2, 140), 1_400, "nothing leaves the picture");
            assert!(scale.height(u128::from(greatest), 140) <= 1_400);
        }
        assert_eq!(Scale::over(20).height(5, 140), 350);
        assert_eq!(Scale::over(3).height(1, 100), 333);
    }

    #[test]
    fn amounts_are_short() {
        for (billionths, text) in [
            (0, "0"),
            (1, "1e-9"),
            (150_000, "15e-5"),
            (5_000_000, "0.005"),
            (500_000_000, "0.5"),
            (1_500_000_000, "1.5"),
            (20_000_000_000, "20"),
            (1_500_000_000_000, "1.5k"),
        ] {
            assert_eq!(short_amount(billionths), text);
            assert!(text.len() <= 5);
        }
    }

    #[test]
    fn labels_are_short() {
        for (value, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1k"),
            (1_500, "1.5k"),
            (20_000, "20k"),
            (2_500_000, "2.5M"),
            (5_000_000_000, "5G"),
            (20_000_000_000_000_000_000, "20E"),
        ] {
            assert_eq!(short(value), text);
            assert!(text.len() <= 5);
        }
    }
}
