//! The audit trail: sealed in order, verified link by link, erasable, kept for its time.

use std::{net::IpAddr, sync::Arc, time::Duration};

use doorward_core::{
    args,
    audit::{self, Event, Filter, Outcome, Sealer},
    call::{Actor, Call},
    db::Db,
    outcome::Code,
    realm::{Parts, Realm},
    settings::Settings,
    vault::Vault,
};
use doorward_proto::{
    id::{self, Id},
    time::Time,
};
use doorward_world::{ISSUER, World, both_engines};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

async fn note(call: &Call, code: &'static str, subject: &str) {
    audit::note(call, Event::new(call, code).unwrap().subject(subject).fact("n", 1)).await.unwrap();
}

async fn seal(world: &World) -> usize {
    Sealer::new(&world.realm).unwrap().finish().await.unwrap()
}

/// As somebody would who can write to the database; answers how many rows changed.
async fn run(db: &Db, sql: impl Into<String>) -> u64 {
    let sql: &'static str = sql.into().leak();
    db.write("tamper", (), move |tx, ()| Box::pin(async move { tx.exec(sql, &[]).await })).await.unwrap()
}

/// The same database in the hands of a server that is reached at `issuer`.
async fn reopened(world: &World, issuer: &str) -> Arc<Realm> {
    let parts = Parts {
        issuer: issuer.to_owned(),
        db: world.realm.db.clone(),
        env: world.realm.env.clone(),
        vault: Vault::new(&[7; 32]).unwrap(),
        settings: Settings::default(),
        mail_transport: None,
    };
    Realm::open(parts).await.unwrap()
}

const TABLES: [&str; 3] = ["events", "event_details", "event_checkpoints"];

async fn keep(db: &Db) {
    for table in TABLES {
        run(db, format!("CREATE TABLE kept_{table} AS SELECT * FROM {table}")).await;
    }
}

async fn put_back(db: &Db) {
    for table in TABLES {
        run(db, format!("DELETE FROM {table}")).await;
        run(db, format!("INSERT INTO {table} SELECT * FROM kept_{table}")).await;
    }
}

async fn count(db: &Db, sql: &'static str) -> i64 {
    let found = db
        .read("count", (), move |tx, ()| Box::pin(async move { tx.opt(sql, &[], |row| row.int(0)).await }))
        .await;
    found.unwrap().unwrap()
}

async fn broken_at(world: &World) -> Option<i64> {
    audit::verify(&world.realm).await.unwrap().broken.map(|broken| broken.seq)
}

async fn trail(world: &World, events: usize) {
    for number in 0..events {
        note(&world.call(), "test.happened", &format!("usr_{number}")).await;
        world.advance(Duration::from_millis(10));
    }
    // What opening the realm left is sealed with them.
    assert!(seal(world).await >= events);
}

both_engines! {
    async fn events_are_sealed_in_order_and_verify(world: World) {
        trail(&world, 600).await;
        note(&world.call(), "test.later", "x").await;
        let report = audit::verify(&world.realm).await.unwrap();
        assert_eq!(report.broken, None);
        assert_eq!(report.first, Some(1));
        assert_eq!(report.last, Some(i64::try_from(report.events).unwrap()));
        assert!(report.events >= 600);
        assert_eq!(report.signed_through, report.last, "the first round signs");
        assert_eq!(report.unsealed, 1);
        assert!(report.unsealed_from.unwrap().starts_with("evt_"));
        assert_eq!(seal(&world).await, 1);
        assert_eq!(seal(&world).await, 0);
    }

    async fn a_change_to_any_column_is_found(world: World) {
        trail(&world, 5).await;
        world.advance(HOUR);
        trail(&world, 5).await;
        let db = &world.realm.db;
        keep(db).await;
        assert_eq!(broken_at(&world).await, None);
        let last = audit::tip(&world.realm).await.unwrap();
        let victim = last - 2;
        let signed = count(db, "SELECT MIN(seq) FROM event_checkpoints").await;
        let next = victim + 1;
        let of_next = |column: &str| format!("(SELECT {column} FROM events WHERE seq = {next})");
        let mut changes: Vec<(String, i64)> = [
            ("id", "id || 'x'".to_owned()),
            ("at", "at + 1".to_owned()),
            ("code", "code || 'x'".to_owned()),
            ("outcome", "1 - outcome".to_owned()),
            ("org_id", "org_id || 'x'".to_owned()),
            ("actor", "actor || 'x'".to_owned()),
            ("subject", "subject || 'x'".to_owned()),
            ("client_id", "client_id || 'x'".to_owned()),
            ("request_id", "request_id || 'x'".to_owned()),
            ("facts", "facts || ' '".to_owned()),
            ("detail_hash", of_next("detail_hash")),
            ("link", of_next("link")),
        ]
        .into_iter()
        .map(|(column, to)| (format!("UPDATE events SET {column} = {to} WHERE seq = {victim}"), victim))
        .collect();
        changes.extend([
            (format!("UPDATE events SET seq = seq + 1000 WHERE seq = {victim}"), next),
            (format!("DELETE FROM events WHERE seq = {victim}"), next),
            ("DELETE FROM events WHERE seq = 1".to_owned(), 2),
            (format!("DELETE FROM events WHERE seq > {victim}"), last),
            ("DELETE FROM events".to_owned(), signed),
            (format!("UPDATE event_details SET detail = '{{}}' WHERE seq = {victim}"), victim),
            (format!("UPDATE event_details SET salt = {} WHERE seq = {victim}", of_next("link")), victim),
            (format!("UPDATE event_details SET erased_at = 1 WHERE seq = {victim}"), victim),
            (format!("DELETE FROM event_details WHERE seq = {victim}"), victim),
            (format!("UPDATE event_checkpoints SET seq = seq - 1 WHERE seq = {signed}"), signed - 1),
            (format!("UPDATE event_checkpoints SET at = at + 1 WHERE seq = {signed}"), signed),
            (format!("UPDATE event_checkpoints SET link = signature WHERE seq = {signed}"), signed),
            (format!("UPDATE event_checkpoints SET key_id = 'other' WHERE seq = {signed}"), signed),
            (format!("UPDATE event_checkpoints SET signature = link WHERE seq = {signed}"), signed),
            (format!("UPDATE event_checkpoints SET reason = 'retention' WHERE seq = {signed}"), signed),
        ]);
        for (change, found) in changes {
            assert_ne!(run(db, change.clone()).await, 0, "{change}");
            assert_eq!(broken_at(&world).await, Some(found), "{change}");
            put_back(db).await;
        }
        assert_eq!(broken_at(&world).await, None);
    }

    async fn another_master_key_does_not_pass_for_ours(world: World) {
        trail(&world, 3).await;
        run(&world.realm.db, "UPDATE event_checkpoints SET key_id = '0000000000000000'").await;
        let report = audit::verify(&world.realm).await.unwrap();
        assert_eq!(report.broken.unwrap().what, "the checkpoint was signed under another master key");
    }

    async fn a_server_that_moves_to_another_address_keeps_its_trail(world: World) {
        trail(&world, 3).await;
        let moved = reopened(&world, "https://login.elsewhere.example").await;
        world.advance(HOUR);
        note(&Call::system(&moved), "test.moved", "x").await;
        Sealer::new(&moved).unwrap().finish().await.unwrap();
        for realm in [&moved, &world.realm] {
            let report = audit::verify(realm).await.unwrap();
            assert_eq!(report.broken, None, "{}", realm.issuer);
            assert_eq!(report.checkpoints, 2);
            assert_eq!(report.signed_through, report.last);
        }
    }

    /// One master key over two databases: what was signed for one says nothing about the other.
    async fn a_checkpoint_of_another_realm_is_refused(world: World) {
        trail(&world, 3).await;
        assert_eq!(run(&world.realm.db, "UPDATE orgs SET kind = 2 WHERE kind = 0").await, 1);
        let other = reopened(&world, ISSUER).await;
        let report = audit::verify(&other).await.unwrap();
        assert_eq!(report.broken.unwrap().what, "the checkpoint's signature is wrong");
    }

    async fn erasure_takes_the_personal_part_and_nothing_else(world: World) {
        let person: Id<id::User> = world.call().id().unwrap();
        let session = world.call().id().unwrap();
        let hers = world.call().by(Actor::User { id: person, session });
        note(&hers, "test.by_her", "other").await;
        note(&world.call(), "test.to_her", &person.to_string()).await;
        note(&world.call(), "test.not_hers", "other").await;
        seal(&world).await;
        note(&hers, "test.unsealed", "other").await;
        let erase = move |world: &World| {
            let (db, now) = (world.realm.db.clone(), world.realm.env.now());
            async move {
                db.write("erase", (person, now), |tx, (who, now)| {
                    Box::pin(async move { audit::erase(tx, *who, *now).await })
                })
                .await
                .unwrap();
            }
        };
        erase(&world).await;
        seal(&world).await;
        let report = audit::verify(&world.realm).await.unwrap();
        assert_eq!((report.broken, report.erased), (None, 2));
        let all = audit::list(&world.realm, Filter::default(), None, 100).await.unwrap();
        let detail_of = |code: &str| all.iter().find(|entry| entry.code == code).unwrap().detail.clone();
        assert_eq!(detail_of("test.by_her"), None);
        assert_eq!(detail_of("test.to_her"), None);
        assert_eq!(detail_of("test.not_hers").unwrap()["address"], "203.0.113.7");
        assert_eq!(detail_of("test.unsealed").unwrap().len(), 0, "sealed without its detail");
        let from = Filter { address: "203.0.113.7".parse().ok(), ..Filter::default() };
        let found = audit::list(&world.realm, from, None, 100).await.unwrap();
        let hers = found.iter().filter(|entry| entry.code.ends_with("her") || entry.code == "test.unsealed");
        assert_eq!(hers.count(), 0, "and cannot be found by where it came from");
    }

    async fn each_filter_finds_its_own_and_pages_do_not_overlap(world: World) {
        seal(&world).await;
        let start = world.realm.env.now();
        let client: Id<id::Client> = world.call().id().unwrap();
        let org: Id<id::Org> = world.call().id().unwrap();
        let elsewhere = IpAddr::from([198, 51, 100, 7]);
        for number in 0..30 {
            world.advance(Duration::from_secs(1));
            let mut call = world.call();
            call.origin.request_id = format!("req-{number}");
            if number % 6 == 1 {
                call.origin.address = elsewhere;
            }
            let event = match number % 3 {
                0 => Event::new(&call, "user.signed_in").unwrap().subject("usr_a").client(client),
                1 => Event::refused(&call, "user.sign_in", Code::SignInFailed).unwrap().subject("usr_b"),
                _ => Event::new(&call.by(Actor::LocalAdministrator), "org.created").unwrap().org(org),
            };
            audit::note(&call, event).await.unwrap();
            if number == 14 {
                seal(&world).await;
            }
        }
        let some = |text: &str| Some(text.to_owned());
        let begun = Filter { since: Some(start + Duration::from_millis(1)), ..Filter::default() };
        let cases = [
            (begun.clone(), 30),
            (Filter { actor: some("local"), ..begun.clone() }, 10),
            (Filter { subject: some("usr_b"), ..begun.clone() }, 10),
            (Filter { client: Some(client.to_string()), ..begun.clone() }, 10),
            (Filter { org: Some(org.to_string()), ..begun.clone() }, 10),
            (Filter { code: some("user.signed_in"), ..begun.clone() }, 10),
            (Filter { code: some("user."), ..begun.clone() }, 20),
            (Filter { outcome: Some(Outcome::Refused), ..begun.clone() }, 10),
            (Filter { request_id: some("req-7"), ..begun.clone() }, 1),
            (Filter { since: Some(start + Duration::from_secs(11)), ..Filter::default() }, 20),
            (Filter { until: Some(start + Duration::from_secs(11)), ..begun.clone() }, 10),
            (Filter { code: some("user."), outcome: Some(Outcome::Granted), ..begun.clone() }, 10),
            (Filter { address: Some(elsewhere), ..begun.clone() }, 5),
            (Filter { address: Some(elsewhere), code: some("user."), ..begun.clone() }, 5),
            (Filter { address: Some(elsewhere), outcome: Some(Outcome::Granted), ..begun.clone() }, 0),
            (Filter { address: Some(IpAddr::from([198, 51, 100, 8])), ..begun }, 0),
        ];
        for (filter, wanted) in cases {
            let mut found: Vec<String> = Vec::new();
            loop {
                let page = audit::list(&world.realm, filter.clone(), found.last().cloned(), 4).await.unwrap();
                if page.is_empty() {
                    break;
                }
                found.extend(page.into_iter().map(|entry| entry.id));
                // Sealing between the pages moves what they go over.
                seal(&world).await;
            }
            assert_eq!(found.len(), wanted, "{filter:?}");
            assert!(found.is_sorted_by(|one, next| one > next), "newest first, none twice");
        }
    }

    async fn a_follower_sees_every_event_once(world: World) {
        seal(&world).await;
        let mut after = audit::tip(&world.realm).await.unwrap();
        let mut seen = 0;
        for round in 0..5 {
            for _ in 0..=round {
                note(&world.call(), "test.followed", "x").await;
            }
            note(&world.call(), "other", "x").await;
            seal(&world).await;
            let filter = Filter { code: Some("test.".to_owned()), ..Filter::default() };
            let page = audit::follow(&world.realm, filter, after, 100).await.unwrap();
            seen += page.len();
            assert_eq!(page.len(), round + 1);
            after = page.last().unwrap().seq.unwrap();
        }
        assert_eq!(seen, 15);
    }

    async fn retention_cuts_behind_a_signed_checkpoint(world: World) {
        trail(&world, 10).await;
        world.advance(400 * DAY);
        trail(&world, 10).await;
        world.advance(400 * DAY);
        let call = world.local();
        let dropped = audit::retain(&call).await.unwrap();
        assert!(dropped >= 10);
        seal(&world).await;
        let report = audit::verify(&world.realm).await.unwrap();
        assert_eq!(report.broken, None);
        assert_eq!(report.first, Some(i64::try_from(dropped).unwrap() + 1));
        let filter = Filter { code: Some("audit.retained".to_owned()), ..Filter::default() };
        assert_eq!(audit::list(&world.realm, filter, None, 10).await.unwrap().len(), 1);
        assert_eq!(audit::retain(&call).await.unwrap(), 0);
        // Cut further than was signed.
        run(&world.realm.db, format!("DELETE FROM events WHERE seq = {}", dropped + 1)).await;
        assert!(broken_at(&world).await.is_some());
    }

    async fn a_month_ends_in_a_checkpoint(world: World) {
        trail(&world, 2).await;
        world.advance(10 * DAY);
        trail(&world, 2).await;
        let before = audit::tip(&world.realm).await.unwrap();
        world.advance(25 * DAY);
        trail(&world, 2).await;
        let months = "SELECT MAX(seq) FROM event_checkpoints WHERE reason = 'month'";
        assert_eq!(count(&world.realm.db, months).await, before);
        assert_eq!(broken_at(&world).await, None);
    }

    async fn many_sealers_work_as_one(world: World) {
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..4 {
            let world = world.clone();
            tasks.spawn(async move {
                let mut sealer = Sealer::new(&world.realm).unwrap();
                for _ in 0..40 {
                    note(&world.call(), "test.raced", "x").await;
                    sealer.round().await.unwrap();
                }
            });
        }
        while let Some(done) = tasks.join_next().await {
            done.unwrap();
        }
        // The lease of whoever sealed last runs out.
        world.advance(HOUR);
        seal(&world).await;
        let report = audit::verify(&world.realm).await.unwrap();
        assert_eq!((report.broken, report.unsealed), (None, 0));
        let all = count(&world.realm.db, "SELECT CAST(COUNT(*) AS BIGINT) FROM events WHERE code = 'test.raced'");
        assert_eq!(all.await, 160);
    }

    async fn an_issuance_is_gated_by_its_principals_epoch(world: World) {
        const ADD: &str = "INSERT INTO principals (id, kind, org_id, status, epoch, created_at)
            SELECT $1, 1, id, 0, 3, 0 FROM orgs";
        let db = &world.realm.db;
        run(db, "INSERT INTO orgs (id, kind, name, name_folded, created_at, updated_at)
            SELECT 'org_x', 0, 'x', 'x', 0, 0 WHERE NOT EXISTS (SELECT 1 FROM orgs)").await;
        db.write("add", (), |tx, ()| Box::pin(async move { tx.exec(ADD, args!["cli_x"]).await })).await.unwrap();
        let issue = |epoch: i64| {
            let (call, db) = (world.call(), db.clone());
            async move {
                let event = Event::new(&call, "token.issued").unwrap();
                db.write_one("issue", (event, epoch), |tx, (event, epoch)| {
                    Box::pin(async move { audit::record_under(tx, event, "cli_x", *epoch).await })
                })
                .await
                .unwrap()
            }
        };
        assert!(issue(3).await);
        assert!(!issue(2).await);
        run(db, "UPDATE principals SET status = 1 WHERE id = 'cli_x'").await;
        assert!(!issue(3).await);
        seal(&world).await;
        let issued = "SELECT CAST(COUNT(*) AS BIGINT) FROM events WHERE code = 'token.issued'";
        assert_eq!(count(db, issued).await, 1);
    }
}

#[test]
fn time_is_read_back_from_event_ids() {
    let at = Time::from_millis(1_893_456_000_123);
    assert_eq!(Id::<id::Event>::new(at, [255; 10]).created_at(), at);
}
