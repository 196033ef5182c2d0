//! Time zones by their IANA names, from a table that is compiled in: what a machine has installed does not matter.

use std::{
    fmt,
    sync::{LazyLock, OnceLock},
};

use jiff::tz::{TimeZone, TimeZoneDatabase};

use crate::time::Time;

/// The longest name that is looked for.
const LONGEST: usize = 64;

struct Entry {
    name: String,
    /// Read when it is first asked for: hardly anybody needs many.
    zone: OnceLock<TimeZone>,
}

static TABLE: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    let names = TimeZoneDatabase::bundled();
    let entry = |name: jiff::tz::TimeZoneName<'_>| Entry { name: name.to_string(), zone: OnceLock::new() };
    let mut table: Vec<Entry> = names.available().map(entry).collect();
    table.sort_by_key(|entry| entry.name.to_ascii_lowercase());
    table
});

/// A time zone; UTC unless one was found.
#[derive(Clone, Copy, Default)]
pub struct Zone(Option<&'static Entry>);

impl Zone {
    /// UTC.
    pub const UTC: Self = Self(None);

    /// The zone of this name, in whatever case; none that is not in the table.
    pub fn find(name: &str) -> Option<Self> {
        if name.len() > LONGEST {
            return None;
        }
        let folded = name.to_ascii_lowercase();
        let at = TABLE.binary_search_by_key(&folded, |entry| entry.name.to_ascii_lowercase()).ok()?;
        TABLE.get(at).map(|entry| Self(Some(entry)))
    }

    /// Its name as the table has it.
    pub fn name(self) -> &'static str {
        self.0.map_or("UTC", |entry| entry.name.as_str())
    }

    /// Every name, sorted.
    pub fn names() -> impl Iterator<Item = &'static str> {
        TABLE.iter().map(|entry| entry.name.as_str())
    }

    fn rules(self) -> TimeZone {
        let Some(entry) = self.0 else { return TimeZone::UTC };
        let read = || TimeZoneDatabase::bundled().get(&entry.name).unwrap_or(TimeZone::UTC);
        entry.zone.get_or_init(read).clone()
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Time {
    /// `2026-11-22 16:30 CET`, for people of this zone.
    pub fn to_human_in(self, zone: Zone) -> String {
        self.timestamp().to_zoned(zone.rules()).strftime("%Y-%m-%d %H:%M %Z").to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_told_in_the_zone() {
        for (instant, zone, told) in [
            ("2026-11-22T15:30:00Z", "Europe/Berlin", "2026-11-22 16:30 CET"),
            ("2026-07-22T15:30:00Z", "europe/BERLIN", "2026-07-22 17:30 CEST"),
            ("2026-11-01T05:30:00Z", "America/New_York", "2026-11-01 01:30 EDT"),
            ("2026-11-01T06:30:00Z", "America/New_York", "2026-11-01 01:30 EST"),
            ("2026-11-22T20:00:00Z", "Asia/Kathmandu", "2026-11-23 01:45 +0545"),
            ("2026-11-22T15:30:00Z", "UTC", "2026-11-22 15:30 UTC"),
        ] {
            let time: Time = instant.parse().unwrap();
            assert_eq!(time.to_human_in(Zone::find(zone).unwrap()), told);
        }
        assert_eq!(Time::from_seconds(0).to_human_in(Zone::UTC), "1970-01-01 00:00 UTC");
        for extreme in [i64::MIN, i64::MAX] {
            for name in Zone::names() {
                assert!(!Time::from_micros(extreme).to_human_in(Zone::find(name).unwrap()).is_empty());
            }
        }
    }

    #[test]
    fn only_names_of_the_table_are_zones() {
        for name in ["", "Mars/Olympus", "Europe/Berlin\0", "../etc/passwd", &"A".repeat(100_000)] {
            assert!(Zone::find(name).is_none(), "{name}");
        }
        assert!(Zone::names().count() > 400);
        assert_eq!(Zone::find("europe/berlin").unwrap().name(), "Europe/Berlin");
    }
}
