use super::*;

fn at(text: &str) -> Time {
    text.parse().unwrap()
}

fn sums(events: &[(&str, &str, &str, &str)]) -> Vec<(String, String, i64, i64)> {
    let mut tally = Tally::default();
    for (when, code, org, facts) in events {
        tally.count(Happened { at: at(when), code, org, subject: "usr_a", facts });
    }
    tally.sums.into_iter().map(|((org, hour, kind), times)| (org, hour.to_string(), kind, times)).collect()
}

#[test]
fn an_event_counts_for_the_server_and_for_its_organisation() {
    let told = sums(&[
        ("2026-11-22T10:59:59Z", "user.signed_in", "", "{}"),
        ("2026-11-22T11:00:00Z", "user.signed_in", "org_a", "{}"),
        ("2026-11-22T11:10:00Z", "user.sign_in_refused", "", "{}"),
        ("2026-11-22T11:20:00Z", "user.sign_in_slowed", "", "{}"),
        ("2026-11-22T11:20:00Z", "client.created", "org_a", "{}"),
        ("2026-11-22T11:20:00Z", "api_key.refused", "org_a", "{}"),
    ]);
    let row = |org: &str, hour: &str, kind, times| {
        (org.to_owned(), format!("2026-11-22T{hour}:00:00Z"), kind, times)
    };
    assert_eq!(
        told,
        [row("", "10", 0, 1), row("", "11", 0, 1), row("", "11", 1, 2), row("org_a", "11", 0, 1)]
    );
}

#[test]
fn what_was_counted_together_belongs_to_its_minute() {
    let facts =
        r#"{"event":"gateway.refused","minute":"2026-11-22T10:59:00Z","more":41,"route":"/validate"}"#;
    let told = sums(&[
        ("2026-11-22T11:00:05Z", "refusals.counted", "org_a", facts),
        (
            "2026-11-22T11:00:05Z",
            "refusals.counted",
            "",
            r#"{"event":"api_key.refused","minute":"2026-11-22T10:59:00Z","more":7}"#,
        ),
        ("2026-11-22T11:00:05Z", "refusals.counted", "", r#"{"more":7}"#),
    ]);
    assert_eq!(
        told.iter()
            .map(|(org, hour, kind, times)| (org.as_str(), hour.as_str(), *kind, *times))
            .collect::<Vec<_>>(),
        [("", "2026-11-22T10:00:00Z", 4, 41), ("org_a", "2026-11-22T10:00:00Z", 4, 41),]
    );
}

#[test]
fn days_and_hours_begin_in_utc() {
    for (instant, hour, day) in [
        ("2026-03-29T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-29T00:00:00Z"),
        ("2026-10-25T23:59:59Z", "2026-10-25T23:00:00Z", "2026-10-25T00:00:00Z"),
        ("2026-11-22T00:00:00Z", "2026-11-22T00:00:00Z", "2026-11-22T00:00:00Z"),
    ] {
        assert_eq!((Width::Hour.begin(at(instant)), Width::Day.begin(at(instant))), (at(hour), at(day)));
    }
    let week = Range::last(at("2026-11-22T10:30:00Z"), Width::Day, 7);
    assert_eq!((week.from, week.to), (at("2026-11-16T00:00:00Z"), at("2026-11-23T00:00:00Z")));
}

#[test]
fn what_is_known_to_be_written_is_not_written_again() {
    let marked = Marked::default();
    let now = at("2026-11-22T10:00:00Z");
    let marks = |users: &[&str]| {
        users.iter().flat_map(|user| Mark::both("org_a", now, user)).collect::<BTreeSet<_>>()
    };
    assert_eq!(marked.new_of(marks(&["usr_a"])).len(), 2);
    marked.learn(marks(&["usr_a"]), now);
    assert_eq!(marked.new_of(marks(&["usr_a", "usr_b"])), marks(&["usr_b"]));
    // The next hour is another one.
    let later: BTreeSet<_> = Mark::both("", now + HOUR, "usr_a").collect();
    assert_eq!(marked.new_of(later.clone()), later);
}
