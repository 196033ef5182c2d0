//! Analytics: what is told is what happened, in every resolution, for the server and for each organisation.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use doorward_core::{
    analytics::{self, Counts, Figure, Found, Range, Width},
    audit::{self, Event, Refused, Sealer},
    call::Call,
    credentials::{self, PasswordAsk},
    env::no_fetch,
    orgs::{self, Holder, OrgScope},
    outcome::Code,
    realm::Realm,
    settings::{self, Settings},
    usage::{self, Sample},
};
use doorward_proto::{
    id::{self, Id},
    time::Time,
};
use doorward_world::{Fresh, World, both_engines};

use crate::kit;

const HOUR: Duration = Duration::from_hours(1);

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }
}

async fn seal(world: &World) {
    Sealer::new(&world.realm).unwrap().finish().await.unwrap();
}

/// The last four days, this hour among them.
fn around(world: &World, width: Width) -> Range {
    let days = 4;
    Range::last(world.call().now, width, if width == Width::Day { days } else { days * 24 })
}

async fn of_all(world: &World, width: Width) -> Found {
    analytics::of_all(&world.call(), around(world, width)).await.unwrap()
}

async fn scope_of(world: &World, org: Id<id::Org>) -> OrgScope {
    let holder = Holder { scopes: vec!["admin:*".to_owned()], ..Holder::default() };
    orgs::enter(&world.call(), holder, &org.to_string(), "org:usage:read").await.unwrap()
}

fn sum(found: &Found, figure: Figure) -> i64 {
    found.rows.iter().map(|row| row.counts.of(figure)).sum()
}

async fn note(call: &Call, code: &'static str, user: Id<id::User>, org: Org) {
    let event = match code {
        "user.sign_in_refused" => Event::refused(call, code, Code::SignInFailed).unwrap(),
        _ => Event::new(call, code).unwrap(),
    };
    let event = event.subject(user);
    audit::note(call, org.into_iter().fold(event, Event::org)).await.unwrap();
}

/// The server where it is none.
type Org = Option<Id<id::Org>>;

/// What is expected of an organisation (none: the server), by hour.
#[derive(Default)]
struct Model(BTreeMap<(Org, Time, Figure), i64>, BTreeSet<(Org, Time, Id<id::User>)>);

impl Model {
    fn happens(&mut self, at: Time, figure: Figure, org: Org, times: i64) {
        for org in [None].into_iter().chain(org.map(Some)) {
            *self.0.entry((org, usage::hour_of(at), figure)).or_default() += times;
        }
    }

    fn is_there(&mut self, at: Time, user: Id<id::User>, org: Org) {
        for org in [None].into_iter().chain(org.map(Some)) {
            self.1.insert((org, usage::hour_of(at), user));
        }
    }

    fn times(&self, org: Org, figure: Figure, (width, begin): (Width, Time)) -> i64 {
        let within = |at: Time| width.begin(at) == begin;
        if figure == Figure::ActiveUsers {
            let there =
                self.1.iter().filter(|(of, at, _)| *of == org && within(*at)).map(|(_, _, user)| *user);
            return i64::try_from(there.collect::<BTreeSet<_>>().len()).unwrap();
        }
        self.0
            .iter()
            .filter(|((of, at, what), _)| *of == org && *what == figure && within(*at))
            .map(|(_, n)| n)
            .sum()
    }

    fn people_since(&self, org: Org, from: Time) -> i64 {
        let there = self.1.iter().filter(|(of, at, _)| *of == org && *at >= from).map(|(_, _, user)| *user);
        i64::try_from(there.collect::<BTreeSet<_>>().len()).unwrap()
    }
}

fn check(model: &Model, org: Org, found: &Found, width: Width) {
    for row in &found.rows {
        for figure in Figure::ALL {
            let expected = model.times(org, figure, (width, row.at));
            assert_eq!(row.counts.of(figure), expected, "{org:?} {figure:?} {} {width:?}", row.at);
        }
    }
    for figure in Figure::ALL.into_iter().filter(|it| *it != Figure::ActiveUsers) {
        assert_eq!(found.totals.of(figure), sum(found, figure), "{figure:?}");
    }
    let people = model.people_since(org, found.rows[0].at);
    assert!(found.knows_people);
    assert_eq!(found.totals.of(Figure::ActiveUsers), people, "{org:?} {width:?}");
}

both_engines! {
    /// Random sequences over two days, in which sealing and writing happen whenever they do, by two at once.
    async fn every_sum_is_what_happened(world: World) {
        let mut dice = Dice(5);
        let mut model = Model::default();
        let users: Vec<Id<id::User>> = (0..7).map(|_| world.realm.env.id(world.realm.env.now()).unwrap()).collect();
        let mut orgs = vec![None];
        let owner = kit::alice(&world).await.user.id;
        for name in ["One", "Two"] {
            orgs.push(Some(crate::orgs::team(&world, owner, name).await.id));
        }
        // What it took to get here is older than what is looked at.
        seal(&world).await;
        world.advance(24 * 6 * HOUR);
        let codes = [
            ("user.signed_in", Some(Figure::SignIns)),
            ("user.sign_in_refused", Some(Figure::SignInsFailed)),
            ("grant.created", Some(Figure::AppSignIns)),
            ("token.issued", Some(Figure::Tokens)),
            ("user.changed", None),
        ];
        for _ in 0..500 {
            let call = world.call();
            let (user, org) = (users[dice.roll(users.len())], orgs[dice.roll(orgs.len())]);
            match dice.roll(8) {
                kind @ 0..5 => {
                    let (code, figure) = codes[kind];
                    note(&call, code, user, org).await;
                    if let Some(figure) = figure {
                        model.happens(call.now, figure, org, 1);
                        if figure != Figure::SignInsFailed {
                            model.is_there(call.now, user, org);
                        }
                    }
                }
                5 => {
                    // The first is an event, the others are counted.
                    let identity = user.to_string();
                    let what = Refused { event: "gateway.refused", route: "/validate", code: Code::ScopeMissing, org, identity };
                    for _ in 0..=dice.roll(3) {
                        audit::refused(&call, what.clone(), |event| event).await.unwrap();
                        model.happens(call.now, Figure::Denials, org, 1);
                    }
                }
                6 => {
                    let (org_name, user_name) = (org.map_or_else(String::new, |org| org.to_string()), user.to_string());
                    let denied = i64::from(dice.roll(3) == 0);
                    let sample = Sample { org: &org_name, principal: &user_name, route: "reports", status: 2, ..Sample::default() };
                    world.realm.usage.count(call.now, &sample, usage::Counts { denied, ..usage::Counts::ONE });
                    if denied == 0 {
                        model.is_there(call.now, user, org);
                    }
                }
                _ => match dice.roll(4) {
                    0 => seal(&world).await,
                    1 => usage::flush(&call).await.unwrap(),
                    2 => {
                        let (flushed, ()) = tokio::join!(usage::flush(&call), seal(&world));
                        flushed.unwrap();
                    }
                    _ => world.advance(Duration::from_secs(60 * u64::try_from(1 + dice.roll(120)).unwrap())),
                },
            }
        }
        audit::count_refusals(&world.call(), true).await.unwrap();
        usage::flush(&world.call()).await.unwrap();
        seal(&world).await;
        for width in Width::ALL {
            check(&model, None, &of_all(&world, width).await, width);
            for org in orgs.iter().copied().flatten() {
                let scope = scope_of(&world, org).await;
                let found = analytics::of_org(&world.call(), &scope, around(&world, width)).await.unwrap();
                check(&model, Some(org), &found, width);
            }
        }
        let (hours, days) = (of_all(&world, Width::Hour).await, of_all(&world, Width::Day).await);
        for figure in [Figure::SignIns, Figure::SignInsFailed, Figure::AppSignIns, Figure::Tokens, Figure::Denials] {
            assert!(sum(&days, figure) > 0, "{figure:?}");
            let since = hours.rows[0].at;
            let of_days: i64 = days.rows.iter().filter(|row| row.at >= since).map(|row| row.counts.of(figure)).sum();
            assert!(of_days <= sum(&hours, figure), "{figure:?}");
        }
    }

    async fn people_who_sign_in_and_who_fail_are_told(world: World) {
        kit::person(&world, "ada@example.org", None).await;
        for _ in 0..2 {
            let ask = PasswordAsk { identifier: "ada@example.org".to_owned(), password: "wrong".into(), cookie: None };
            credentials::sign_in(&world.call(), ask).await.unwrap_err();
        }
        assert_eq!(of_all(&world, Width::Hour).await.totals, Counts::default(), "nothing is sealed yet");
        seal(&world).await;
        let found = of_all(&world, Width::Hour).await;
        assert_eq!(Figure::ALL.map(|figure| found.totals.of(figure)), [1, 2, 0, 0, 0, 1]);
        assert_eq!(found.rows.last().unwrap().counts, found.totals, "in this hour");
        // A range that is over has people of its hours, and none of its own.
        let before = Range { to: usage::hour_of(world.call().now), ..around(&world, Width::Hour) };
        let over = analytics::of_all(&world.call(), before).await.unwrap();
        assert!(!over.knows_people && over.totals.is_nothing());
    }

    async fn what_makes_no_sense_is_refused(world: World) {
        let hour = usage::hour_of(world.call().now);
        let day = Width::Day.begin(world.call().now);
        for (from, to, width, field) in [
            (hour + Duration::from_secs(1), hour + HOUR, Width::Hour, "from"),
            (hour, hour + Duration::from_micros(1), Width::Hour, "to"),
            (day + HOUR, day + 24 * HOUR, Width::Day, "from"),
            (hour + HOUR, hour, Width::Hour, "from"),
            (hour, hour + 24 * 94 * HOUR, Width::Hour, "from"),
            (day, day + 24 * 3_701 * HOUR, Width::Day, "from"),
        ] {
            let refused = analytics::of_all(&world.call(), Range { from, to, width }).await.unwrap_err();
            assert_eq!(refused.code(), Some(Code::RequestInvalid));
            assert!(format!("{refused:?}").contains(field), "{refused:?}");
        }
    }

    async fn what_is_old_goes_by_whole_days(place: Fresh) {
        let usage = settings::Usage { retention: 72 * HOUR };
        let world = World::new(&place, Settings { usage, ..Settings::default() }, no_fetch()).await;
        let user: Id<id::User> = world.realm.env.id(world.realm.env.now()).unwrap();
        for _ in 0..5 {
            note(&world.call(), "user.signed_in", user, None).await;
            seal(&world).await;
            world.advance(24 * HOUR);
        }
        Realm::run_due_jobs(&world.call()).await.unwrap();
        let ask = Range::last(world.call().now, Width::Day, 6);
        let found = analytics::of_all(&world.call(), ask).await.unwrap();
        let told: Vec<i64> = found.rows.iter().map(|row| row.counts.of(Figure::SignIns)).collect();
        assert_eq!(told, [0, 0, 1, 1, 1, 0]);
        assert_eq!(found.totals.of(Figure::ActiveUsers), 1);
        // Who is met again after the marks are gone is counted once all the same.
        note(&world.call(), "user.signed_in", user, None).await;
        seal(&world).await;
        Realm::run_due_jobs(&world.call()).await.unwrap();
        note(&world.call(), "user.signed_in", user, None).await;
        seal(&world).await;
        let now = analytics::of_all(&world.call(), ask).await.unwrap();
        assert_eq!(now.rows.last().unwrap().counts.of(Figure::ActiveUsers), 1);
    }
}

#[test]
fn two_nodes_count_a_person_once_on_postgres() {
    doorward_world::run::scenario(doorward_world::EngineName::Postgres, |world: World| async move {
        let other = crate::usage::another(world.place(), 4).await;
        let mut tasks = Vec::new();
        for call in [world.call(), other] {
            tasks.push(tokio::spawn(async move {
                for round in 0..20 {
                    for n in 0..30 {
                        let name = format!("usr_{n}");
                        let at = call.now + HOUR * (round / 10);
                        let sample = Sample { org: "org_a", principal: &name, ..Sample::default() };
                        call.realm.usage.count(at, &sample, usage::Counts::ONE);
                    }
                    usage::flush(&call).await.unwrap();
                }
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
        world.advance(HOUR);
        let found = of_all(&world, Width::Hour).await;
        let told: Vec<i64> =
            found.rows.iter().rev().take(3).map(|row| row.counts.of(Figure::ActiveUsers)).collect();
        assert_eq!((told, found.totals.of(Figure::ActiveUsers)), (vec![30, 30, 0], 30));
    });
}
