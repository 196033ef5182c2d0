use super::*;

#[test]
fn instants_are_said_from_here() {
    let now = Time::from_seconds(1_795_348_800);
    let words =
        |seconds: i64| When::new(Text::fallback(), Time::from_seconds(1_795_348_800 + seconds), now).words;
    for (seconds, said) in [
        (-30, "just now"),
        (0, "just now"),
        (-60, "a minute ago"),
        (-7200, "2 hours ago"),
        (-86_400, "yesterday"),
        (-40 * 86_400, "2026-10-13 12:00 UTC"),
        (1, "in a minute"),
        (61, "in 2 minutes"),
        (3600, "in 60 minutes"),
        (3601, "in 2 hours"),
        (86_400, "in 24 hours"),
        (86_401, "in 2 days"),
        (30 * 86_400 - 1, "in 30 days"),
        (90 * 86_400, "in 90 days"),
        (91 * 86_400, "2027-02-21 12:00 UTC"),
    ] {
        assert_eq!(words(seconds), said, "{seconds}");
    }
}

#[test]
fn dates_are_told_in_the_zone_and_instants_in_utc() {
    let now = Time::from_seconds(1_795_348_800);
    let long_ago = Time::from_seconds(1_782_863_999);
    let told = |zone: Option<&str>| When::new(Text::fallback().in_zone(zone), long_ago, now);
    for (zone, words) in [
        (None, "2026-06-30 23:59 UTC"),
        (Some("Europe/Berlin"), "2026-07-01 01:59 CEST"),
        (Some("America/New_York"), "2026-06-30 19:59 EDT"),
        (Some("Mars/Olympus"), "2026-06-30 23:59 UTC"),
    ] {
        let when = told(zone);
        assert_eq!(
            (when.words.as_str(), when.exact.as_str()),
            (words, "2026-06-30 23:59:59 UTC"),
            "{zone:?}"
        );
        assert_eq!(when.instant, "2026-06-30T23:59:59Z");
    }
}
