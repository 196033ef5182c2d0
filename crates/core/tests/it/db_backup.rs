//! Backup, restore and copy: between both engines, while others write, and never by half.

use std::{os::unix::fs::PermissionsExt as _, path::Path};

use doorward_core::{
    args,
    audit::{self, Event, Sealer},
    db::{BulkInto, Db, EngineName, Place, backup},
    integrity,
};
use doorward_world::{Fresh, World, both_engines, run::BEGINNING};

const ADD: &str = "INSERT INTO replays (hash, expires_at) VALUES ($1, $2)";
const COUNT: &str = "SELECT CAST(COUNT(*) AS BIGINT) FROM replays";

async fn add(db: &Db, number: i64) {
    db.write("add", number, |tx, number| {
        Box::pin(async move { tx.exec(ADD, args![number.to_be_bytes().to_vec(), *number]).await })
    })
    .await
    .unwrap();
}

async fn count(db: &Db) -> i64 {
    let found =
        db.read("count", (), |tx, ()| Box::pin(async move { tx.opt(COUNT, &[], |row| row.int(0)).await }));
    found.await.unwrap().unwrap()
}

/// Rows of every kind, more than one page of them, NULLs and odd bytes among them.
async fn fill(world: &World) {
    let into = BulkInto::new("replays", &["hash", "expires_at"]);
    let rows = (0..1_234_i64).map(|number| args![number.to_be_bytes().to_vec(), number].to_vec());
    world.realm.db.bulk("seed", into, rows.collect()).await.unwrap();
    let odd = "Ünï\u{1F512} \\ ' \" \u{1}";
    let event = Event::new(&world.call(), "test.filled").unwrap().subject(odd).detail("odd", odd);
    audit::note(&world.call(), event).await.unwrap();
    Sealer::new(&world.realm).unwrap().finish().await.unwrap();
}

async fn archive_of(db: &Db, folder: &Path, name: &str) -> Vec<u8> {
    let path = folder.join(name);
    backup::export(db, &path, BEGINNING).await.unwrap();
    std::fs::read(path).unwrap()
}

async fn empty(engine: EngineName) -> Fresh {
    match engine {
        EngineName::Sqlite => Fresh::sqlite().unwrap(),
        EngineName::Postgres => Fresh::postgres(false).await.unwrap(),
    }
}

both_engines! {
    async fn what_is_restored_is_what_was_backed_up(world: World) {
        fill(&world).await;
        let folder = tempfile::tempdir().unwrap();
        let original = archive_of(&world.realm.db, folder.path(), "original").await;
        let file = folder.path().join("backup");
        let summary = backup::backup(&world.realm.db, &file, BEGINNING).await.unwrap();
        let metadata = std::fs::metadata(&file).unwrap();
        assert_eq!(summary.bytes, metadata.len());
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "nothing is left beside it");
        for engine in [EngineName::Sqlite, EngineName::Postgres] {
            let target = empty(engine).await;
            backup::restore(&file, target.place(), BEGINNING).await.unwrap();
            let restored = Db::open(target.place()).await.unwrap();
            let again = archive_of(&restored, folder.path(), &format!("{engine:?}")).await;
            assert!(again == original, "{engine:?} holds the same rows");
            assert_eq!(restored.check().await.unwrap(), Vec::<String>::new());
            drop(restored);
            let refused = backup::restore(&file, target.place(), BEGINNING).await.unwrap_err();
            assert!(format!("{refused:?}").contains("not empty"), "{refused:?}");
            target.remove().await;
        }
        assert!(backup::backup(&world.realm.db, &file, BEGINNING).await.is_err(), "no backup is overwritten");
        let report = integrity::verify(&world.realm).await.unwrap();
        assert!(report.is_whole(), "{report:?}");
        assert!(report.opened > 0, "signing keys were opened");
    }

    async fn events_that_wait_are_restored_and_others_arrive_after_them(world: World) {
        for _ in 0..3 {
            let event = Event::new(&world.call(), "test.waits").unwrap();
            audit::note(&world.call(), event).await.unwrap();
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("backup");
        backup::backup(&world.realm.db, &file, BEGINNING).await.unwrap();
        for engine in [EngineName::Sqlite, EngineName::Postgres] {
            let target = empty(engine).await;
            backup::restore(&file, target.place(), BEGINNING).await.unwrap();
            let restored = Db::open(target.place()).await.unwrap();
            let arrive = "INSERT INTO event_intake
                (id, at, code, outcome, org_id, actor, subject, client_id, request_id, facts, detail)
                SELECT 'evt_late', at, 'test.late', outcome, org_id, actor, subject, client_id, request_id,
                    facts, detail FROM event_intake WHERE code = 'test.waits' ORDER BY seq LIMIT 1";
            restored
                .write("arrive", (), move |tx, ()| Box::pin(async move { tx.exec(arrive, &[]).await }))
                .await
                .unwrap();
            let codes = "SELECT code FROM event_intake WHERE code LIKE 'test.%' ORDER BY seq";
            let found = restored.read("codes", (), move |tx, ()| {
                Box::pin(async move { tx.all(codes, &[], |row| row.text(0)).await })
            });
            assert_eq!(found.await.unwrap(), ["test.waits", "test.waits", "test.waits", "test.late"]);
            drop(restored);
            target.remove().await;
        }
    }

    async fn a_damaged_archive_changes_nothing(world: World) {
        fill(&world).await;
        let folder = tempfile::tempdir().unwrap();
        let whole = archive_of(&world.realm.db, folder.path(), "whole").await;
        let target = empty(world.realm.db.engine()).await;
        let length = whole.len();
        let cuts = [length - 1, length - 60, length / 2, 100, 8, 3];
        let damaged = cuts.iter().map(|cut| whole[..*cut].to_vec());
        let changed = [20, length / 3, length / 2, length - 50].map(|at| {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            bytes
        });
        for (number, bytes) in damaged.chain(changed).enumerate() {
            let path = folder.path().join(format!("damaged{number}"));
            std::fs::write(&path, bytes).unwrap();
            assert!(backup::restore(&path, target.place(), BEGINNING).await.is_err(), "{number}");
            if let Place::Sqlite(database) = target.place() {
                let left: Vec<_> = std::fs::read_dir(database.parent().unwrap()).unwrap().collect();
                assert!(left.is_empty(), "a server would start on {left:?}");
            }
        }
        backup::restore(&folder.path().join("whole"), target.place(), BEGINNING).await.unwrap();
        target.remove().await;
    }

    async fn what_an_interrupted_one_has_left_is_in_nobodys_way(world: World) {
        fill(&world).await;
        let folder = tempfile::tempdir().unwrap();
        let leave = |path: &Path| {
            for ending in ["", "-journal", "-wal", "-shm", ".lock", ".busy"] {
                std::fs::write(format!("{}.unfinished{ending}", path.display()), "half").unwrap();
            }
        };
        let file = folder.path().join("backup");
        leave(&file);
        backup::backup(&world.realm.db, &file, BEGINNING).await.unwrap();
        for engine in [EngineName::Sqlite, EngineName::Postgres] {
            let target = empty(engine).await;
            match target.place() {
                Place::Sqlite(database) => leave(database),
                // Only a SQLite file is copied on its way into the other engine.
                Place::Postgres(_) if world.realm.db.engine() == EngineName::Postgres => {}
                Place::Postgres(_) => {
                    std::fs::create_dir_all(folder.path().join("backup.restoring.unfinished/half")).unwrap();
                }
            }
            backup::restore(&file, target.place(), BEGINNING).await.unwrap();
            target.remove().await;
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    async fn a_backup_is_one_state_while_others_write(world: World) {
        fill(&world).await;
        let db = world.realm.db.clone();
        let writer = tokio::spawn(async move {
            for number in 10_000..10_400 {
                add(&db, number).await;
            }
        });
        let folder = tempfile::tempdir().unwrap();
        let target = Fresh::sqlite().unwrap();
        let file = folder.path().join("backup");
        backup::backup(&world.realm.db, &file, BEGINNING).await.unwrap();
        writer.await.unwrap();
        backup::restore(&file, target.place(), BEGINNING).await.unwrap();
        let restored = Db::open(target.place()).await.unwrap();
        assert!((1_234..=1_634).contains(&count(&restored).await));
        assert_eq!(count(&world.realm.db).await, 1_634);
    }

    async fn what_does_not_belong_together_is_found(world: World) {
        let db = &world.realm.db;
        let run = |sql: &'static str| async move {
            db.write("break", (), move |tx, ()| Box::pin(async move { tx.exec(sql, &[]).await })).await.unwrap()
        };
        assert!(integrity::verify(&world.realm).await.unwrap().is_whole());
        run("INSERT INTO access_tokens (hash, family, client_id, principal_id, epoch, claims, created_at, expires_at)
            SELECT sealed, 'grt_none', '', '', 0, '', 0, 0 FROM signing_keys ORDER BY id LIMIT 1").await;
        let wrong = integrity::verify(&world.realm).await.unwrap().wrong;
        assert_eq!(wrong, ["access tokens of a family that there is not: 1"]);
        run("DELETE FROM access_tokens").await;
        run("UPDATE signing_keys SET sealed = (SELECT other.sealed FROM signing_keys other ORDER BY other.id LIMIT 1)").await;
        let report = integrity::verify(&world.realm).await.unwrap();
        assert!(report.opened > 0 && !report.wrong.is_empty(), "sealed for one row, it opens in no other");
        assert!(report.wrong.iter().all(|line| line.starts_with("signing_keys/key_")), "{report:?}");
    }

    async fn many_rows_go_in_at_once(db: Db) {
        let rows = (0..1_700_i64)
            .map(|number| args![number.to_be_bytes().to_vec(), number].to_vec())
            .collect::<Vec<_>>();
        let into = BulkInto::new("replays", &["hash", "expires_at"]);
        db.bulk("seed", into.clone(), rows.clone()).await.unwrap();
        assert_eq!(count(&db).await, 1_700);
        assert!(db.bulk("again", into, rows).await.is_err());
        assert_eq!(count(&db).await, 1_700);
    }
}
