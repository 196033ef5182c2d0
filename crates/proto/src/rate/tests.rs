use super::*;

#[test]
fn rates_are_written_in_one_way() {
    for (text, expect) in [
        ("100/minute", Some("100/minute")),
        (" 5 / second ", Some("5/second")),
        ("1000000/month", Some("1000000/month")),
        ("1000001/month", None),
        ("0/minute", None),
        ("-1/minute", None),
        ("+1/minute", None),
        ("1.5/minute", None),
        ("100", None),
        ("100/", None),
        ("/minute", None),
        ("100/minutes", None),
        ("100/Minute", None),
        ("100/minute/1", None),
        ("99999999999999999999/minute", None),
        ("", None),
    ] {
        let read = text.parse::<Rate>().ok().map(|rate| rate.to_string());
        assert_eq!(read.as_deref(), expect, "{text:?}");
    }
}

#[test]
fn periods_are_those_of_the_calendar() {
    let at = |text: &str| text.parse::<Time>().unwrap();
    for (per, now, start, end) in [
        (Period::Second, "2026-11-22T15:30:07.25Z", "2026-11-22T15:30:07Z", "2026-11-22T15:30:08Z"),
        (Period::Minute, "2026-11-22T15:30:59.999999Z", "2026-11-22T15:30:00Z", "2026-11-22T15:31:00Z"),
        (Period::Minute, "2026-11-22T15:31:00Z", "2026-11-22T15:31:00Z", "2026-11-22T15:32:00Z"),
        (Period::Hour, "2026-11-22T15:30:59Z", "2026-11-22T15:00:00Z", "2026-11-22T16:00:00Z"),
        (Period::Day, "2026-11-22T23:59:59Z", "2026-11-22T00:00:00Z", "2026-11-23T00:00:00Z"),
        (Period::Month, "2026-12-31T23:59:59Z", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        (Period::Month, "2028-02-29T12:00:00Z", "2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z"),
        (Period::Day, "1969-12-31T23:00:00Z", "1969-12-31T00:00:00Z", "1970-01-01T00:00:00Z"),
    ] {
        assert_eq!(per.around(at(now)), (at(start), at(end)), "{per:?} {now}");
    }
}
