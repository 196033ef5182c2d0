//! The audit trail by the month: where events lie, how months begin, and how they go.

use std::time::Duration;

use doorward_core::{
    audit::{self, Event, Filter, Sealer},
    db::{Db, EngineName, backup, month_after, month_of},
};
use doorward_world::{Fresh, World, both_engines};

const DAY: Duration = Duration::from_secs(24 * 3600);
/// How long events are kept by default.
const KEPT_DAYS: u32 = 730;

const BY_MONTH: &str = "SELECT month, CAST(COUNT(*) AS BIGINT) FROM events GROUP BY month ORDER BY month";
/// The rows whose place says another month than they do.
const ASTRAY: &str = "SELECT CAST(COUNT(*) AS BIGINT) FROM (
        SELECT tableoid::regclass::text AS place, 'events_' || month AS wanted FROM events UNION ALL
        SELECT tableoid::regclass::text, 'event_details_' || month FROM event_details) AS rows
    WHERE place <> wanted";
const PARTITIONS: &str =
    "SELECT CAST(c.relname AS TEXT) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent IN ('events'::regclass, 'event_details'::regclass) ORDER BY c.relname";

async fn note(world: &World) {
    audit::note(&world.call(), Event::new(&world.call(), "test.happened").unwrap()).await.unwrap();
}

async fn seal(world: &World) -> usize {
    Sealer::new(&world.realm).unwrap().finish().await.unwrap()
}

/// Months and how many events lie in each.
async fn by_month(db: &Db) -> Vec<(i64, i64)> {
    let found = db.read("months", (), |tx, ()| {
        Box::pin(async move { tx.all(BY_MONTH, &[], |row| Ok((row.int(0)?, row.int(1)?))).await })
    });
    found.await.unwrap()
}

/// The tables of months, where there are such.
async fn partitions(db: &Db) -> Vec<String> {
    if db.engine() == EngineName::Sqlite {
        return Vec::new();
    }
    let found = db.read("partitions", (), |tx, ()| {
        Box::pin(async move {
            assert_eq!(tx.opt(ASTRAY, &[], |row| row.int(0)).await?, Some(0));
            tx.all(PARTITIONS, &[], |row| row.text(0)).await
        })
    });
    found.await.unwrap()
}

/// What [`partitions`] are for these months.
fn tables_of(engine: EngineName, months: &[i64]) -> Vec<String> {
    let of = |table: &'static str| months.iter().map(move |month| format!("{table}_{month}"));
    match engine {
        EngineName::Sqlite => Vec::new(),
        EngineName::Postgres => of("event_details").chain(of("events")).collect(),
    }
}

/// Events in each of this many months, sealed as they happen; answers the months.
async fn months(world: &World, count: usize) -> Vec<i64> {
    let mut months = vec![month_of(world.realm.env.now())];
    loop {
        for _ in 0..3 {
            note(world).await;
            world.advance(Duration::from_secs(1));
        }
        seal(world).await;
        if months.len() == count {
            return months;
        }
        let next = month_after(*months.last().unwrap());
        while month_of(world.realm.env.now()) < next {
            world.advance(DAY);
        }
        months.push(next);
    }
}

/// As somebody does who can write to the database.
async fn exec(db: &Db, sql: String) {
    let sql: &'static str = sql.leak();
    db.write("run", (), move |tx, ()| Box::pin(async move { tx.exec(sql, &[]).await })).await.unwrap();
}

async fn assert_whole(world: &World) {
    let report = audit::verify(&world.realm).await.unwrap();
    assert_eq!(report.broken, None);
}

#[test]
fn months_follow_one_another() {
    assert_eq!((month_after(202_611), month_after(202_612)), (202_612, 202_701));
}

both_engines! {
    async fn events_lie_in_their_months(world: World) {
        let months = months(&world, 4).await;
        let db = &world.realm.db;
        let found = by_month(db).await;
        assert_eq!(found.iter().map(|(month, _)| *month).collect::<Vec<_>>(), months);
        assert!(found.iter().all(|(_, events)| *events >= 3), "{found:?}");
        assert_eq!(partitions(db).await, tables_of(db.engine(), &months));
        assert_whole(&world).await;
        assert_eq!(db.check().await.unwrap(), Vec::<String>::new());
        let all = audit::list(&world.realm, Filter::default(), None, 100).await.unwrap();
        let detail = |entry: &audit::Entry| entry.code != "test.happened" || entry.detail.is_some();
        assert!(all.len() >= 12 && all.iter().all(detail));
        for entry in [all.first().unwrap(), all.last().unwrap()] {
            let found = audit::find(&world.realm, entry.id.parse().unwrap()).await.unwrap();
            assert_eq!(found.as_ref(), Some(entry));
        }
    }

    /// What waited over the turn of a month, or says that it comes from a later one, keeps its place.
    async fn months_never_go_back(world: World) {
        let months = months(&world, 1).await;
        let mut ahead = world.call();
        ahead.now = ahead.now + 400 * DAY;
        audit::note(&ahead, Event::new(&ahead, "test.ahead").unwrap()).await.unwrap();
        seal(&world).await;
        assert_eq!(by_month(&world.realm.db).await.len(), 1, "no later than the clock of who seals");
        let late = world.call();
        note(&world).await;
        world.advance(31 * DAY);
        note(&world).await;
        audit::note(&late, Event::new(&late, "test.late").unwrap()).await.unwrap();
        seal(&world).await;
        let found = by_month(&world.realm.db).await;
        let next = month_after(months[0]);
        assert_eq!(found.iter().map(|(month, _)| *month).collect::<Vec<_>>(), [months[0], next]);
        assert_eq!(found[1].1, 2, "the late one came after one of the next month");
        assert_whole(&world).await;
    }

    async fn the_next_month_is_opened_ahead(world: World) {
        let db = &world.realm.db;
        note(&world).await;
        let mut sealer = Sealer::new(&world.realm).unwrap();
        sealer.round().await.unwrap();
        let month = month_of(world.realm.env.now());
        let months = [month, month_after(month)];
        assert_eq!(partitions(db).await, tables_of(db.engine(), &months));
        sealer.round().await.unwrap();
        sealer.finish().await.unwrap();
        assert_eq!(partitions(db).await, tables_of(db.engine(), &months));
    }

    async fn two_sealers_begin_a_month_as_one(world: World) {
        for round in 0..3_usize {
            let mut tasks = tokio::task::JoinSet::new();
            for _ in 0..2 {
                let world = world.clone();
                tasks.spawn(async move {
                    let mut sealer = Sealer::new(&world.realm).unwrap();
                    for _ in 0..5 {
                        note(&world).await;
                        sealer.round().await.unwrap();
                    }
                    sealer.finish().await.unwrap();
                });
            }
            while let Some(done) = tasks.join_next().await {
                done.unwrap();
            }
            seal(&world).await;
            assert_eq!(by_month(&world.realm.db).await.len(), round + 1);
            let month = month_of(world.realm.env.now());
            while month_of(world.realm.env.now()) == month {
                world.advance(DAY);
            }
        }
        let report = audit::verify(&world.realm).await.unwrap();
        assert_eq!((report.broken, report.unsealed), (None, 0));
        let happened: i64 = by_month(&world.realm.db).await.iter().map(|(_, events)| events).sum();
        assert!(happened >= 30);
    }

    async fn what_cannot_be_sealed_stays_in_the_intake(world: World) {
        months(&world, 1).await;
        let db = &world.realm.db;
        world.advance(31 * DAY);
        note(&world).await;
        let next = format!("events_{}", month_of(world.realm.env.now()));
        let (hinder, mend) = match db.engine() {
            EngineName::Sqlite => ("ALTER TABLE events RENAME TO hidden".to_owned(),
                "ALTER TABLE hidden RENAME TO events".to_owned()),
            EngineName::Postgres => (format!("CREATE TABLE {next} (n INTEGER)"), format!("DROP TABLE {next}")),
        };
        exec(db, hinder).await;
        assert!(Sealer::new(&world.realm).unwrap().round().await.is_err());
        exec(db, mend).await;
        assert_eq!(audit::verify(&world.realm).await.unwrap().unsealed, 1);
        assert_eq!(seal(&world).await, 1);
        assert_whole(&world).await;
    }

    async fn retention_drops_whole_months(world: World) {
        let months = months(&world, 4).await;
        let db = &world.realm.db;
        let before = by_month(db).await;
        // The second month is not over for a whole retention time yet, though its first days are.
        world.advance((KEPT_DAYS - 45) * DAY);
        let cut = month_of(world.realm.env.now() - world.realm.settings.audit.retention);
        assert_eq!(cut, months[1]);
        let dropped = audit::retain(&world.local()).await.unwrap();
        assert_eq!(dropped, u64::try_from(before[0].1).unwrap());
        assert_eq!(by_month(db).await, before[1..]);
        assert_eq!(partitions(db).await, tables_of(db.engine(), &months[1..]));
        assert_whole(&world).await;
        assert_eq!(audit::retain(&world.local()).await.unwrap(), 0, "nothing is left to be dropped");
        assert_eq!(audit::verify(&world.realm).await.unwrap().unsealed, 1, "and nothing is said of it");
        // However old it is, the month in which the chain ends stays.
        world.advance(4_000 * DAY);
        assert_ne!(audit::retain(&world.local()).await.unwrap(), 0);
        assert_eq!(by_month(db).await, before[3..]);
        assert_whole(&world).await;
        seal(&world).await;
        assert_ne!(audit::retain(&world.local()).await.unwrap(), 0);
        assert_eq!(by_month(db).await.len(), 1);
        assert_whole(&world).await;
    }

    async fn retention_that_was_cut_short_goes_on(world: World) {
        let months = months(&world, 4).await;
        let db = &world.realm.db;
        world.advance((KEPT_DAYS - 20) * DAY);
        // As it is when it ends between the two tables of a month.
        let limit = month_of(world.realm.env.now() - world.realm.settings.audit.retention);
        assert_eq!(limit, months[2]);
        match db.engine() {
            EngineName::Postgres => exec(db, format!("DROP TABLE event_details_{}", months[0])).await,
            EngineName::Sqlite => {
                exec(db, format!("DELETE FROM event_details WHERE month = {}", months[0])).await;
            }
        }
        assert_ne!(audit::retain(&world.local()).await.unwrap(), 0);
        assert_eq!(partitions(db).await, tables_of(db.engine(), &months[2..]));
        assert_eq!(by_month(db).await.len(), 2);
        assert_whole(&world).await;
    }

    async fn months_are_restored(world: World) {
        let months = months(&world, 4).await;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("backup");
        let now = world.realm.env.now();
        backup::backup(&world.realm.db, &file, now).await.unwrap();
        for engine in [EngineName::Sqlite, EngineName::Postgres] {
            let target = match engine {
                EngineName::Sqlite => Fresh::sqlite().unwrap(),
                EngineName::Postgres => Fresh::postgres(false).await.unwrap(),
            };
            backup::restore(&file, target.place(), now).await.unwrap();
            let restored = Db::open(target.place()).await.unwrap();
            assert_eq!(by_month(&restored).await, by_month(&world.realm.db).await);
            assert_eq!(partitions(&restored).await, tables_of(engine, &months));
            assert_eq!(restored.check().await.unwrap(), Vec::<String>::new());
            drop(restored);
            target.remove().await;
        }
    }
}
