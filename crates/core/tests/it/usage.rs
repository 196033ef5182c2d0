//! Usage: what is told is what was counted, whatever happens in between.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use doorward_core::{
    call::Call,
    db::Db,
    env::{Env, no_fetch},
    outcome::Code,
    realm::{Parts, Realm},
    settings::{self, Settings},
    usage::{self, Ask, By, Counts, Filter, Kind, Row, Sample},
    vault::Vault,
};
use doorward_proto::time::Time;
use doorward_world::{EngineName, Fresh, ISSUER, World, both_engines};

const HOUR: Duration = Duration::from_hours(1);

/// Everything that is counted around the beginning of tests.
fn always(world: &World) -> Filter {
    let now = usage::hour_of(world.realm.env.now());
    Filter { from: now - 100 * 24 * HOUR, to: now + 100 * 24 * HOUR, ..Filter::default() }
}

async fn grouped(world: &World, filter: Filter, by: &[By]) -> Vec<Row> {
    let ask = Ask { filter, by: by.to_vec(), after: None, limit: usage::GREATEST_PAGE };
    usage::read(&world.call(), ask).await.unwrap().rows
}

fn sum(rows: &[Row]) -> Counts {
    rows.iter().map(|row| row.counts).sum()
}

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

/// Takes the table away, or gives it back: what is written meanwhile fails.
async fn break_off(world: &World, is_off: bool) {
    let sql = if is_off {
        "ALTER TABLE usage_hours RENAME TO usage_away"
    } else {
        "ALTER TABLE usage_away RENAME TO usage_hours"
    };
    let db = &world.realm.db;
    db.write("test", sql, |tx, sql| Box::pin(async move { tx.exec(sql, &[]).await })).await.unwrap();
}

both_engines! {
    /// Whatever it is put together by, the sum of what is told is the sum of what was counted, over random
    /// sequences in which writing fails, fails after it was done, and is done by two at once.
    async fn every_sum_is_what_was_counted(world: World) {
        let mut dice = Dice(11);
        let mut model: BTreeMap<(i64, String, String, String, i64), Counts> = BTreeMap::new();
        let begin = world.realm.env.now();
        let mut is_off = false;
        for step in 0..1_500_u64 {
            let status = 2 + dice.roll(3);
            let sample = Sample {
                org: dice.of(&["", "org_a", "org_b"]),
                principal: dice.of(&["", "usr_a", "usr_b", "svt_c", "elsewhere|ä"]),
                route: dice.of(&["reports", "files"]),
                status: u8::try_from(status).unwrap(),
                ..Sample::default()
            };
            let counts = Counts {
                requests: 1,
                denied: i64::from(status == 4),
                request_bytes: i64::try_from(dice.roll(1 << 20)).unwrap(),
                response_bytes: i64::try_from(dice.roll(1 << 31)).unwrap(),
                micros: i64::try_from(dice.roll(1_000_000)).unwrap(),
            };
            let at = begin + Duration::from_secs(dice.roll(60 * 3_600));
            world.realm.usage.count(at, &sample, counts);
            let key = (
                usage::hour_of(at).as_micros(),
                sample.org.to_owned(),
                sample.principal.to_owned(),
                sample.route.to_owned(),
                i64::from(sample.status),
            );
            *model.entry(key).or_default() += counts;
            let call = world.call();
            match dice.roll(60) {
                0 if is_off => {
                    break_off(&world, false).await;
                    is_off = false;
                }
                1 if !is_off && step < 1_400 => {
                    break_off(&world, true).await;
                    is_off = true;
                }
                2..=4 => assert_eq!(usage::flush(&call).await.is_err(), is_off, "{step}"),
                // Written, and nobody was told so.
                5 if !is_off => {
                    if let Some(batch) = world.realm.usage.next().await {
                        usage::write(&call, batch).await.unwrap();
                    }
                }
                6 if !is_off => {
                    let (one, other) = tokio::join!(usage::flush(&call), usage::flush(&call));
                    one.unwrap();
                    other.unwrap();
                }
                _ => {}
            }
        }
        if is_off {
            break_off(&world, false).await;
        }
        usage::flush(&world.call()).await.unwrap();
        let all: Counts = model.values().copied().sum();
        assert_eq!(usage::totals(&world.call(), always(&world)).await.unwrap(), all);
        for by in [&[][..], &[By::Hour], &[By::Day], &[By::Org], &[By::User], &[By::Route, By::Status], &By::ALL[1..]] {
            assert_eq!(sum(&grouped(&world, always(&world), by).await), all, "{by:?}");
        }
        let by = [By::Hour, By::Org, By::User, By::Route, By::Status];
        let told: BTreeMap<_, _> = grouped(&world, always(&world), &by).await.into_iter().map(|row| {
            let status = row.name(By::Status).trim_end_matches("xx").parse::<i64>().unwrap();
            let names = (row.name(By::Org), row.name(By::User), row.name(By::Route));
            ((row.at().as_micros(), names.0, names.1, names.2, status), row.counts)
        }).collect();
        assert_eq!(told, model);
        // And page by page.
        let mut paged = Vec::new();
        let mut after = None;
        loop {
            let ask = Ask { filter: always(&world), by: by.to_vec(), after, limit: 7 };
            let found = usage::read(&world.call(), ask).await.unwrap();
            assert!(found.rows.len() <= 7);
            paged.extend(found.rows);
            after = found.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(paged, grouped(&world, always(&world), &by).await);
        // And filtered.
        let wanted = Filter { org: Some("org_a".to_owned()), status: Some(4), ..always(&world) };
        let of_model = model.iter().filter(|(key, _)| key.1 == "org_a" && key.4 == 4).map(|(_, counts)| *counts);
        assert_eq!(usage::totals(&world.call(), wanted).await.unwrap(), of_model.sum());
    }

    async fn two_hundred_at_once_add_up(world: World) {
        let tasks: Vec<_> = (0..200_u32).map(|n| {
            let world = world.clone();
            tokio::spawn(async move {
                let name = format!("usr_{}", n % 9);
                let sample = Sample { principal: &name, route: "reports", status: 2, ..Sample::default() };
                for _ in 0..25 {
                    world.realm.usage.count(world.realm.env.now(), &sample, Counts::ONE);
                    tokio::task::yield_now().await;
                }
                usage::flush(&world.call()).await.unwrap();
            })
        }).collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(usage::totals(&world.call(), always(&world)).await.unwrap().requests, 5_000);
        let of_one = Filter { user: Some("usr_0".to_owned()), ..always(&world) };
        assert_eq!(usage::totals(&world.call(), of_one).await.unwrap().requests, 23 * 25);
    }

    async fn a_batch_that_is_written_again_counts_once(world: World) {
        let (call, meter) = (world.call(), &world.realm.usage);
        let sample = Sample { principal: "usr_a", ..Sample::default() };
        meter.count(call.now, &sample, Counts::ONE);
        let batch = meter.next().await.unwrap();
        meter.count(call.now, &sample, Counts::ONE);
        assert!(usage::write(&call, Arc::clone(&batch)).await.unwrap());
        assert!(!usage::write(&call, Arc::clone(&batch)).await.unwrap());
        // What came meanwhile is another batch, and is not lost with it.
        usage::flush(&call).await.unwrap();
        assert!(!usage::write(&call, batch).await.unwrap());
        assert_eq!(usage::totals(&call, always(&world)).await.unwrap().requests, 2);
        assert!(meter.next().await.is_none());
    }

    async fn kinds_and_those_without_a_name_are_apart(world: World) {
        let (call, meter) = (world.call(), &world.realm.usage);
        for (kind, principal, times) in [(Kind::Request, "", 1), (Kind::Token, "usr_a", 2), (Kind::SignIn, "usr_a", 3)] {
            for _ in 0..times {
                meter.count(call.now, &Sample { kind, principal, ..Sample::default() }, Counts::ONE);
            }
        }
        usage::flush(&call).await.unwrap();
        for (kind, user, times) in [
            (Kind::Request, None, 1),
            (Kind::Request, Some(""), 1),
            (Kind::Request, Some("usr_a"), 0),
            (Kind::Token, None, 2),
            (Kind::SignIn, Some("usr_a"), 3),
        ] {
            let filter = Filter { kind, user: user.map(str::to_owned), ..always(&world) };
            assert_eq!(usage::totals(&call, filter).await.unwrap().requests, times, "{kind:?} {user:?}");
        }
    }

    async fn what_makes_no_sense_is_refused(world: World) {
        let now = usage::hour_of(world.realm.env.now());
        let between = |from: Time, to: Time| Filter { from, to, ..Filter::default() };
        for (filter, by, after, field) in [
            (between(now + Duration::from_secs(1), now + HOUR), vec![], None, "from"),
            (between(now, now + Duration::from_micros(1)), vec![], None, "to"),
            (between(now + HOUR, now), vec![], None, "from"),
            (between(now, now), vec![By::Day, By::Hour], None, "by"),
            (between(now, now), vec![By::Day], Some("{}".to_owned()), "cursor"),
        ] {
            let refused = usage::read(&world.call(), Ask { filter, by, after, limit: 5 }).await.unwrap_err();
            assert_eq!(refused.code(), Some(Code::RequestInvalid), "{field}");
            assert!(format!("{refused:?}").contains(field), "{refused:?}");
        }
    }

    async fn old_hours_go_and_newer_ones_stay(place: Fresh) {
        let usage = settings::Usage { retention: 48 * HOUR };
        let world = World::new(&place, Settings { usage, ..Settings::default() }, no_fetch()).await;
        let begin = world.realm.env.now();
        for (hours, users) in [(0, 700), (1, 3), (40, 5)] {
            for n in 0..users {
                let name = format!("usr_{n}");
                world.realm.usage.count(begin + hours * HOUR, &Sample { principal: &name, ..Sample::default() }, Counts::ONE);
            }
        }
        usage::flush(&world.call()).await.unwrap();
        let left = async || usage::totals(&world.call(), always(&world)).await.unwrap().requests;
        Realm::run_due_jobs(&world.call()).await.unwrap();
        assert_eq!(left().await, 708);
        world.advance(50 * HOUR);
        Realm::run_due_jobs(&world.call()).await.unwrap();
        assert_eq!(left().await, 5);
    }
}

/// Another process on the same database.
pub(crate) async fn another(place: &Fresh, number: u64) -> Call {
    let db = Db::open(place.place()).await.unwrap();
    let env = Env::fixed(doorward_world::run::BEGINNING, number, no_fetch());
    let vault = Vault::new(&[7; 32]).unwrap();
    let issuer = ISSUER.to_owned();
    let parts = Parts { issuer, db, env, vault, settings: Settings::default(), mail_transport: None };
    Call::system(&Realm::open(parts).await.unwrap())
}

#[test]
fn two_processes_add_up_on_postgres() {
    doorward_world::run::scenario(EngineName::Postgres, |world: World| async move {
        let others = [another(world.place(), 2).await, another(world.place(), 3).await];
        let mut tasks = Vec::new();
        for call in others.iter().chain([&world.call()]) {
            let call = call.clone();
            tasks.push(tokio::spawn(async move {
                for round in 0..40_u32 {
                    for n in 0..30 {
                        // From both ends: whoever wrote in the order of counting would wait for one another.
                        let n = if round % 2 == 0 { n } else { 29 - n };
                        let name = format!("usr_{n}");
                        call.realm.usage.count(
                            call.now,
                            &Sample { principal: &name, ..Sample::default() },
                            Counts::ONE,
                        );
                    }
                    usage::flush(&call).await.unwrap();
                }
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
        let rows = grouped(&world, always(&world), &[By::User]).await;
        assert_eq!((sum(&rows).requests, rows.len()), (3 * 40 * 30, 30));
        assert!(rows.iter().all(|row| row.counts.requests == 120));
    });
}
