//! The time that a chart shows, cut into points. Days are those of UTC, as usage is counted: each has 24
//! hours, whatever clocks do where somebody looks from.

use doorward_proto::time::Time;

use super::MOST;

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
/// Hours are shown of up to three days.
const HOURS: i64 = 72;

/// How much time a point stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Width {
    /// An hour.
    Hour,
    /// So many days.
    Days(u32),
}

impl Width {
    const fn seconds(self) -> i64 {
        match self {
            Self::Hour => HOUR,
            Self::Days(days) => days as i64 * DAY,
        }
    }
}

/// From one hour to before another, cut into points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Where the first point begins: the beginning of its hour or day.
    first: i64,
    /// Where the last one ends, or later.
    end: i64,
    /// How much time a point stands for.
    pub width: Width,
}

impl Span {
    /// The time from `from` to `to` in no more than [`MOST`] points.
    pub fn new(from: Time, to: Time) -> Self {
        let (from, to) = (from.as_seconds(), to.as_seconds().max(from.as_seconds()));
        if to - from <= HOURS * HOUR {
            return Self { first: from.div_euclid(HOUR) * HOUR, end: to, width: Width::Hour };
        }
        let first = from.div_euclid(DAY) * DAY;
        let days = (to - first).div_euclid(DAY) + i64::from((to - first).rem_euclid(DAY) > 0);
        let most = i64::try_from(MOST).unwrap_or(1);
        let each = days.div_euclid(most) + i64::from(days.rem_euclid(most) > 0);
        Self { first, end: to, width: Width::Days(u32::try_from(each.max(1)).unwrap_or(u32::MAX)) }
    }

    /// Where each point begins.
    pub fn begins(self) -> impl Iterator<Item = Time> {
        (0..)
            .map(move |place: i64| self.first + place * self.width.seconds())
            .take_while(move |at| *at < self.end)
            .map(Time::from_seconds)
    }

    /// The point that an instant belongs to.
    pub fn place(self, at: Time) -> Option<usize> {
        usize::try_from((at.as_seconds() - self.first).div_euclid(self.width.seconds())).ok()
    }

    /// What stands below a point, and what it is called in a table.
    pub fn words(self, begin: Time) -> (String, String) {
        let text = begin.to_string();
        let date: String = text.chars().take(10).collect();
        match self.width {
            Width::Hour => {
                let hour: String = text.chars().skip(11).take(5).collect();
                (hour.clone(), format!("{date} {hour}"))
            }
            Width::Days(_) => (date.clone(), date),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Time {
        text.parse().unwrap()
    }

    fn span(from: &str, to: &str) -> (Width, Vec<String>) {
        let span = Span::new(at(from), at(to));
        (span.width, span.begins().map(|begin| span.words(begin).1).collect())
    }

    #[test]
    fn hours_and_days_are_whole_and_none_is_left_out() {
        let (width, names) = span("2026-11-22T10:00:00Z", "2026-11-23T10:00:00Z");
        assert_eq!((width, names.len()), (Width::Hour, 24));
        assert_eq!((names[0].as_str(), names[23].as_str()), ("2026-11-22 10:00", "2026-11-23 09:00"));
        let (width, names) = span("2026-11-01T10:00:00Z", "2026-11-30T01:00:00Z");
        assert_eq!((width, names.len()), (Width::Days(1), 30));
        assert_eq!((names[0].as_str(), names[29].as_str()), ("2026-11-01", "2026-11-30"));
        assert_eq!(span("2026-11-01T10:00:00Z", "2026-11-01T10:00:00Z").1.len(), 0);
        assert_eq!(span("2026-11-02T10:00:00Z", "2026-11-01T10:00:00Z").1.len(), 0);
    }

    #[test]
    fn the_nights_in_which_clocks_change_have_every_hour_once() {
        // Where clocks went forward on 2026-03-29 and back on 2026-10-25, as in most of Europe.
        for day in ["2026-03-29", "2026-10-25"] {
            let from = at(&format!("{day}T00:00:00Z"));
            let span = Span::new(from, from + std::time::Duration::from_hours(24));
            let labels: Vec<String> = span.begins().map(|begin| span.words(begin).0).collect();
            let all: Vec<String> = (0..24).map(|hour| format!("{hour:02}:00")).collect();
            assert_eq!(labels, all, "{day}");
        }
        let (_, days) = span("2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z");
        assert_eq!((days.len(), days[28].as_str()), (31, "2026-03-29"));
    }

    #[test]
    fn every_instant_has_its_point() {
        let span = Span::new(at("2026-11-01T10:00:00Z"), at("2026-11-30T00:00:00Z"));
        for (instant, place) in [
            ("2026-11-01T00:00:00Z", Some(0)),
            ("2026-11-01T23:00:00Z", Some(0)),
            ("2026-11-02T00:00:00Z", Some(1)),
        ] {
            assert_eq!(span.place(at(instant)), place, "{instant}");
        }
        assert_eq!(span.place(at("2026-10-31T23:00:00Z")), None);
        let years = Span::new(at("2020-01-01T00:00:00Z"), at("2026-01-01T00:00:00Z"));
        assert_eq!(years.width, Width::Days(22));
        assert!(years.begins().count() <= MOST);
        let last = years.begins().last().unwrap();
        assert_eq!(years.place(at("2025-12-31T23:00:00Z")), years.place(last));
    }
}
