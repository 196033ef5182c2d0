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
        (-40 * 86_400, "2026-10-13"),
        (1, "in a minute"),
        (61, "in 2 minutes"),
        (3600, "in 60 minutes"),
        (3601, "in 2 hours"),
        (86_400, "in 24 hours"),
        (86_401, "in 2 days"),
        (30 * 86_400 - 1, "in 30 days"),
        (90 * 86_400, "in 90 days"),
        (91 * 86_400, "2027-02-21"),
    ] {
        assert_eq!(words(seconds), said, "{seconds}");
    }
}
