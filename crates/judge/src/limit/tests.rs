use std::net::IpAddr;

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::{
    claims::Identity,
    principal::{CredentialKind, Principal},
    rule::{Rule, RuleSpec},
};

fn compiled(rate_limit: Json, quota: Json) -> Result<Vec<Limit>, String> {
    let spec = json!({ "name": "x", "rate_limit": rate_limit, "quota": quota });
    let spec: RuleSpec = serde_json::from_value(spec).map_err(|wrong| wrong.to_string())?;
    let rule = Rule::compile(spec).map_err(|wrong| wrong.to_string())?;
    Ok(rule.limits().to_vec())
}

#[test]
fn limits_are_written_short_or_as_tables() {
    let rate = |interval, burst| Measure::Rate(Gcra { interval, burst });
    let both = compiled(
        json!(["100/minute", { "limit": 7, "per": "minute", "burst": 2, "by": "ip" }]),
        json!({ "limit": 5000, "per": "month", "by": "organization" }),
    );
    let limit = |measure, by, place| Limit { measure, by, place };
    let quota = Measure::Quota(Quota { limit: 5000, per: Period::Month });
    let expect = vec![
        limit(rate(600_000, 100), By::Identity, 0),
        limit(rate(8_571_429, 2), By::Address, 1),
        limit(quota, By::Organisation, 0),
    ];
    assert_eq!(both, Ok(expect));
    assert_eq!(compiled(Json::Null, json!([])), Ok(Vec::new()));
}

#[test]
fn what_is_no_limit_is_told() {
    for (rate_limit, quota, told) in [
        (json!("100"), Json::Null, "`100` is no limit: write a number"),
        (json!("0/minute"), Json::Null, "`0/minute` is no limit"),
        (json!(100), Json::Null, "`100` is no limit; write \"100/minute\""),
        (json!({ "limit": 1, "per": "week" }), Json::Null, "`week` is no time of a limit"),
        (json!({ "limit": 1 }), Json::Null, "missing field `per`"),
        (json!({ "limit": 1, "per": "hour", "by": "moon" }), Json::Null, "unknown variant `moon`"),
        (json!({ "limit": 1, "per": "hour", "burts": 3 }), Json::Null, "unknown field `burts`"),
        (json!({ "limit": 0, "per": "hour" }), Json::Null, "a limit is 1 to 1000000, not 0"),
        (json!({ "limit": 1, "per": "hour", "burst": 0 }), Json::Null, "a burst is 1 to 1000000"),
        (json!({ "limit": 1, "per": "day", "burst": 32 }), Json::Null, "no more than the rate gives"),
        (json!("100/month"), Json::Null, "use quota"),
        (Json::Null, json!("100/second"), "use rate_limit"),
        (Json::Null, json!({ "limit": 1, "per": "day", "burst": 2 }), "a quota has no burst"),
        (json!(vec!["1/second"; 9]), Json::Null, "no more than 8 limits"),
    ] {
        let wrong = compiled(rate_limit.clone(), quota.clone()).expect_err(&rate_limit.to_string());
        assert!(wrong.contains(told), "{rate_limit} {quota}: {wrong}");
    }
}

#[test]
fn a_burst_then_one_by_one() {
    let gcra = Gcra::new("60/minute".parse().unwrap(), 3);
    let mut kept = 0;
    let seconds = |seconds: i64, millis: i64| Time::from_millis(1_800_000_000_000 + seconds * 1_000 + millis);
    for (at, fits, left, whole_in, fits_in) in [
        (seconds(0, 0), true, 2, 1_000, 0),
        (seconds(0, 0), true, 1, 2_000, 0),
        (seconds(0, 0), true, 0, 3_000, 0),
        (seconds(0, 0), false, 0, 3_000, 1_000),
        (seconds(0, 999), false, 0, 2_001, 1),
        (seconds(1, 0), true, 0, 3_000, 0),
        (seconds(3, 0), true, 1, 2_000, 0),
        (seconds(60, 0), true, 2, 1_000, 0),
        // A clock that was set back by a day takes no more than what was there.
        (seconds(-86_400, 0), false, 0, 3_000, 1_000),
        (seconds(-86_399, 0), false, 0, 3_000, 1_000),
    ] {
        let (standing, then) = gcra.take(kept, at, 1);
        let millis = |time: Duration| time.as_millis();
        let told = (standing.fits, standing.left, millis(standing.whole_in), millis(standing.fits_in));
        assert_eq!(told, (fits, left, whole_in, fits_in), "{at}");
        if fits {
            kept = then;
        }
    }
    let whole = gcra.take(0, seconds(0, 0), 3).0;
    assert!(whole.fits && whole.left == 0);
    assert!(!gcra.take(0, seconds(0, 0), 4).0.fits, "more than there ever is");
}

#[test]
fn a_quota_ends_with_its_part_of_the_calendar() {
    let quota = Quota { limit: 3, per: Period::Minute };
    let at = |text: &str| format!("2026-11-22T15:{text}Z").parse::<Time>().unwrap();
    let mut kept = Counted::default();
    for (now, cost, fits, left, fits_in) in [
        (at("30:10"), 1, true, 2, 0),
        (at("30:20"), 2, true, 0, 0),
        (at("30:59.5"), 1, false, 0, 500),
        (at("31:00"), 1, true, 2, 0),
        (at("31:01"), 3, false, 2, 59_000),
    ] {
        let (standing, then) = quota.take(kept, now, cost);
        assert_eq!(
            (standing.fits, standing.left, standing.fits_in.as_millis()),
            (fits, left, fits_in),
            "{now}"
        );
        if fits {
            kept = then;
        }
    }
}

#[test]
fn failures_are_forgotten_one_by_one() {
    let window = Window { limit: 10, length: Duration::from_secs(60) };
    let now = Time::from_seconds(1_000);
    let at = |seconds: i64| Some(Time::from_seconds(seconds).as_micros());
    for (limiting, wait) in
        [(None, None), (at(940), None), (at(941), Some(1)), (at(1_000), Some(60)), (at(5_000), Some(60))]
    {
        assert_eq!(window.wait(limiting, now).map(|wait| wait.as_secs()), wait, "{limiting:?}");
    }
}

#[test]
fn who_shares_a_counter() {
    let address: IpAddr = "2001:db8:1:2:3::4".parse().unwrap();
    let of = |identity| Principal::new(identity, CredentialKind::AccessToken);
    let ada = of(Identity {
        subject: "ada".to_owned(),
        client_id: Some("app".to_owned()),
        organization: Some("org".to_owned()),
        agent_id: Some("bot".to_owned()),
        issuer: Some("https://id.example".to_owned()),
        ..Identity::default()
    });
    let bare = of(Identity { subject: "tok".to_owned(), ..Identity::default() });
    let here = "2001:db8:1:2::/64";
    for (by, ada_counts, bare_counts, nobody_counts) in [
        (By::Identity, "identity ada@https://id.example", "identity tok", "address"),
        (By::Client, "client app@https://id.example", "identity tok", "address"),
        (By::Organisation, "organisation org@https://id.example", "identity tok", "address"),
        (By::Agent, "agent bot@https://id.example", "identity tok", "address"),
        (By::Address, "address", "address", "address"),
        (By::Route, "route ", "route ", "route "),
    ] {
        for (who, expect) in [(Some(&ada), ada_counts), (Some(&bare), bare_counts), (None, nobody_counts)] {
            let (counted, key) = by.of(who, address);
            let expect = if expect == "address" { format!("address {here}") } else { expect.to_owned() };
            assert_eq!(format!("{} {key}", counted.name()), expect);
        }
    }
    assert_eq!(network("::ffff:192.0.2.7".parse().unwrap()), "192.0.2.7");
}

proptest! {
    /// In whatever span of time: no more than a burst, and what the rate gives back in it.
    #[test]
    fn no_span_of_time_has_more(
        limit in 1_u32..2_000,
        burst in 1_u32..50,
        steps in prop::collection::vec((0_i64..2_000_000, 1_u32..4), 1..200),
    ) {
        let gcra = Gcra::new(Rate::new(limit, Period::Minute).unwrap(), burst);
        let (mut now, mut kept) = (1_800_000_000_000_000_i64, 0);
        let mut taken: Vec<(i64, i64)> = Vec::new();
        for (step, cost) in steps {
            now += step;
            let (standing, then) = gcra.take(kept, Time::from_micros(now), cost);
            let later = Time::from_micros(now) + standing.fits_in;
            if standing.fits {
                kept = then;
                taken.push((now, i64::from(cost)));
            } else if cost <= burst {
                // What `Retry-After` promises is true, and not a moment too long.
                prop_assert!(gcra.take(kept, later, cost).0.fits);
                prop_assert!(!gcra.take(kept, later - Duration::from_micros(1), cost).0.fits);
            }
            prop_assert!(standing.left <= burst && standing.whole_in.as_micros() <= u128::try_from(gcra.tolerance()).unwrap());
        }
        for (place, (from, _)) in taken.iter().enumerate() {
            let mut sum = 0;
            for (at, cost) in &taken[place..] {
                sum += cost;
                prop_assert!((sum - i64::from(burst)) * gcra.interval <= at - from, "{sum} in {}", at - from);
            }
        }
    }
}
