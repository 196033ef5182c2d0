//! Prices: what an hour of usage costs is what the price of that hour says, for ever, and sums are exact.

use std::{collections::BTreeMap, time::Duration};

use doorward_core::{
    audit,
    outcome::Code,
    usage::{
        self, Ask, By, Counts, Filter, Kind, Sample,
        prices::{self, Meter, NewPrice, Price},
    },
};
use doorward_proto::time::Time;
use doorward_world::{World, both_engines};

const HOUR: Duration = Duration::from_hours(1);

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn of<'n>(&mut self, names: &[&'n str]) -> &'n str {
        names[usize::try_from(self.roll(names.len() as u64)).unwrap()]
    }
}

fn between(from: Time, to: Time, kind: Kind) -> Filter {
    Filter { from, to, kind, ..Filter::default() }
}

async fn set(world: &World, (meter, route): (Meter, &str), micros: i64, ahead: u32) -> Option<Price> {
    let route = Some(route.to_owned()).filter(|route| !route.is_empty());
    let valid_from = usage::hour_of(world.call().now) + HOUR * ahead;
    let new = NewPrice { meter, route, micros, valid_from: Some(valid_from) };
    match prices::create(&world.call(), new).await {
        Ok(price) => Some(price),
        Err(error) => {
            assert_eq!(error.code(), Some(Code::Conflict), "{error:?}");
            None
        }
    }
}

/// The price that is set for an hour.
fn price_at(set: &[(Meter, String, Time, i64)], meter: Meter, route: &str, hour: Time) -> i128 {
    let of = |route: &str| {
        let begun = set.iter().filter(|one| one.0 == meter && one.1 == route && one.2 <= hour);
        begun.max_by_key(|one| one.2).map(|one| i128::from(one.3))
    };
    of(route).or_else(|| of("")).unwrap_or_default()
}

fn cost(set: &[(Meter, String, Time, i64)], (hour, route): (Time, &str), counts: Counts) -> i128 {
    let price = |meter| price_at(set, meter, route, hour);
    let bytes = |bytes: i64, meter| i128::from(bytes) * price(meter) / 1_000_000;
    i128::from(counts.requests - counts.denied) * price(Meter::Request) * 1_000
        + bytes(counts.request_bytes, Meter::GigabyteIn)
        + bytes(counts.response_bytes, Meter::GigabyteOut)
}

both_engines! {
    /// Random usage under prices that change all the time: every sum is the sum of what each row costs under
    /// the price of its hour, and no change touches what an hour came to before.
    async fn every_sum_is_what_the_prices_of_its_hours_say(world: World) {
        let mut dice = Dice(3);
        let mut rows: BTreeMap<(Time, String, String), Counts> = BTreeMap::new();
        let mut known: Vec<(Meter, String, Time, i64)> = Vec::new();
        let begin = usage::hour_of(world.call().now);
        let mut billed: Vec<(Time, i64)> = Vec::new();
        for _ in 0..40 {
            for _ in 0..12 {
                let (route, user) = (dice.of(&["", "reports", "files"]), dice.of(&["", "usr_a", "usr_b"]));
                let counts = Counts {
                    requests: 1,
                    denied: i64::from(dice.roll(5) == 0),
                    request_bytes: i64::try_from(dice.roll(1 << 20)).unwrap(),
                    response_bytes: i64::try_from(dice.roll(1 << 31)).unwrap() * 40,
                    micros: 0,
                };
                let at = world.call().now;
                world.realm.usage.count(at, &Sample { principal: user, route, ..Sample::default() }, counts);
                *rows.entry((usage::hour_of(at), route.to_owned(), user.to_owned())).or_default() += counts;
            }
            let meter = [Meter::Request, Meter::GigabyteIn, Meter::GigabyteOut][usize::try_from(dice.roll(3)).unwrap()];
            let route = dice.of(&["", "reports"]);
            let micros = i64::try_from(dice.roll(200_000)).unwrap();
            let ahead = u32::try_from(1 + dice.roll(4)).unwrap();
            if let Some(price) = set(&world, (meter, route), micros, ahead).await {
                if dice.roll(4) == 0 {
                    prices::delete(&world.call(), price.id).await.unwrap();
                } else {
                    known.push((meter, route.to_owned(), price.valid_from, micros));
                }
            }
            world.advance(HOUR);
            usage::flush(&world.call()).await.unwrap();
            let now = usage::hour_of(world.call().now);
            let sum = usage::sum(&world.call(), between(begin, now, Kind::Request)).await.unwrap();
            billed.push((now, sum.cost.unwrap_or_default()));
        }
        let end = billed.last().unwrap().0;
        let expected = |to: Time| rows.iter().filter(|(key, _)| key.0 < to)
            .map(|(key, counts)| cost(&known, (key.0, &key.1), *counts)).sum::<i128>();
        assert!(expected(end) > 0);
        for (to, cost) in billed {
            let again = usage::sum(&world.call(), between(begin, to, Kind::Request)).await.unwrap();
            assert_eq!((again.cost, i128::from(cost)), (Some(cost), expected(to)), "{to}");
        }
        for by in [&[By::Hour][..], &[By::Day], &[By::User], &[By::Route], &[By::Route, By::User, By::Hour]] {
            let ask = Ask { filter: between(begin, end, Kind::Request), by: by.to_vec(), after: None, limit: usage::GREATEST_PAGE };
            let found = usage::read(&world.call(), ask).await.unwrap();
            assert!(found.is_priced);
            let told: i128 = found.rows.iter().map(|row| i128::from(row.cost)).sum();
            assert_eq!(told, expected(end), "{by:?}");
        }
    }

    async fn sign_ins_and_tokens_have_prices_of_their_own(world: World) {
        let none = usage::sum(&world.call(), between(world.call().now, world.call().now + HOUR, Kind::Token)).await.unwrap();
        assert_eq!(none.cost, None, "nothing has a price");
        set(&world, (Meter::Token, ""), 2_500, 1).await.unwrap();
        for _ in 0..3 {
            for kind in Kind::ALL {
                world.realm.usage.count(world.call().now, &Sample { kind, principal: "usr_a", ..Sample::default() }, Counts::ONE);
            }
            world.advance(HOUR);
        }
        usage::flush(&world.call()).await.unwrap();
        let (from, to) = (world.call().now - 4 * HOUR, world.call().now);
        for (kind, cost) in [(Kind::Token, Some(5_000_000)), (Kind::SignIn, None), (Kind::Request, None)] {
            assert_eq!(usage::sum(&world.call(), between(from, to, kind)).await.unwrap().cost, cost, "{kind:?}");
        }
        assert_eq!(prices::amount(5_000_000), "0.005000000");
    }

    async fn a_price_that_has_begun_stays(world: World) {
        let first = set(&world, (Meter::Request, ""), 10, 1).await.unwrap();
        let third = set(&world, (Meter::Request, ""), 30, 3).await.unwrap();
        let second = set(&world, (Meter::Request, ""), 20, 2).await.unwrap();
        assert!(set(&world, (Meter::Request, ""), 40, 2).await.is_none(), "one begins there already");
        let of_route = set(&world, (Meter::Request, "reports"), 5, 2).await.unwrap();
        let list = || async { prices::list(&world.call()).await.unwrap() };
        let ends = |all: &[Price]| all.iter().map(|one| (one.id, one.valid_until)).collect::<Vec<_>>();
        assert_eq!(ends(&list().await), [
            (first.id, Some(second.valid_from)),
            (second.id, Some(third.valid_from)),
            (third.id, None),
            (of_route.id, None),
        ]);
        world.advance(HOUR);
        let begun = prices::delete(&world.call(), first.id).await.unwrap_err();
        assert_eq!(begun.code(), Some(Code::Conflict));
        prices::delete(&world.call(), second.id).await.unwrap();
        prices::delete(&world.call(), third.id).await.unwrap();
        assert_eq!(ends(&list().await), [(first.id, None), (of_route.id, None)]);
        assert_eq!(prices::delete(&world.call(), third.id).await.unwrap_err().code(), Some(Code::NotFound));
        let filter = audit::Filter { code: Some("price.".to_owned()), ..audit::Filter::default() };
        let events = audit::list(&world.realm, filter, None, 50).await.unwrap();
        assert_eq!(events.iter().filter(|event| event.code == "price.deleted").count(), 2);
        assert_eq!(events.iter().filter(|event| event.code == "price.created").count(), 4);
    }

    async fn a_price_that_makes_no_sense_is_refused(world: World) {
        let now = world.call().now;
        let next = usage::hour_of(now) + HOUR;
        let good = NewPrice { meter: Meter::Request, route: None, micros: 1, valid_from: None };
        for (new, field) in [
            (NewPrice { valid_from: Some(usage::hour_of(now)), ..good.clone() }, "valid_from"),
            (NewPrice { valid_from: Some(next + Duration::from_secs(1)), ..good.clone() }, "valid_from"),
            (NewPrice { valid_from: Some(next + HOUR * 24 * 4_000), ..good.clone() }, "valid_from"),
            (NewPrice { micros: -1, ..good.clone() }, "price_micros"),
            (NewPrice { micros: prices::HIGHEST + 1, ..good.clone() }, "price_micros"),
            (NewPrice { meter: Meter::Token, route: Some("reports".to_owned()), ..good.clone() }, "route"),
            (NewPrice { route: Some("x".repeat(65)), ..good.clone() }, "route"),
        ] {
            let refused = prices::create(&world.call(), new).await.unwrap_err();
            assert_eq!(refused.code(), Some(Code::RequestInvalid), "{field}");
            assert!(format!("{refused:?}").contains(field), "{refused:?}");
        }
        assert_eq!(prices::create(&world.call(), good).await.unwrap().valid_from, next);
    }
}
