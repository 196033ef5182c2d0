//! What only SQLite promises: one process per file, private files, groups that share a commit.

use std::{
    os::unix::fs::PermissionsExt as _,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
};

use doorward_core::{
    args,
    db::{Db, Place, migrate},
    outcome::{Code, refuse},
};
use doorward_proto::time::Time;
use doorward_world::Fresh;
use tokio::task::JoinSet;

const ADD: &str = "INSERT INTO replays (hash, expires_at) VALUES ($1, $2)";
const COUNT: &str = "SELECT CAST(COUNT(*) AS BIGINT) FROM replays";

fn path(place: &Fresh) -> std::path::PathBuf {
    match place.place() {
        Place::Sqlite(path) => path.clone(),
        Place::Postgres(_) => panic!("a SQLite place was made"),
    }
}

async fn migrated(place: &Fresh) -> Db {
    let db = Db::open(place.place()).await.unwrap();
    migrate::up(&db, Time::from_seconds(0)).await.unwrap();
    db
}

#[tokio::test]
async fn a_second_handle_on_the_file_is_refused_until_the_first_is_gone() {
    let place = Fresh::sqlite().unwrap();
    let first = Db::open(place.place()).await.unwrap();
    let refused = format!("{:?}", Db::open(place.place()).await.err().unwrap());
    assert!(refused.contains("in use by another process"), "{refused}");
    drop(first);
    Db::open(place.place()).await.unwrap();
}

#[tokio::test]
async fn the_files_belong_to_their_owner_alone() {
    let place = Fresh::sqlite().unwrap();
    let path = path(&place);
    std::fs::write(&path, b"").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let db = migrated(&place).await;
    let mut names: Vec<String> = Vec::new();
    for entry in std::fs::read_dir(place.folder()).unwrap() {
        let entry = entry.unwrap();
        names.push(entry.file_name().into_string().unwrap());
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.file_name());
    }
    names.sort();
    assert_eq!(names, ["doorward.db", "doorward.db-shm", "doorward.db-wal", "doorward.db.lock"]);
    drop(db);
    assert!(!path.with_extension("db-wal").exists(), "the log is folded in at the end");
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_named() {
    let place = Place::Sqlite("/nowhere/at/all/doorward.db".into());
    let refused = format!("{:?}", Db::open(&place).await.err().unwrap());
    assert!(refused.contains("/nowhere/at/all"), "{refused}");
}

/// While the first operation holds the writer, 200 others queue up; then each looks, over a connection
/// of its own, at what is durable while it runs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn groups_of_at_most_64_become_durable_together_and_answer_after_that() {
    let place = Fresh::sqlite().unwrap();
    let db = migrated(&place).await;
    let (release, wait) = mpsc::channel::<()>();
    let wait = Arc::new(Mutex::new(wait));
    let mut holder = Box::pin(db.write("hold", wait, |_, wait| {
        Box::pin(async move {
            let _ = wait.lock().unwrap().recv();
            Ok(())
        })
    }));
    assert!(futures_util::poll!(holder.as_mut()).is_pending());
    let outside = Arc::new(Mutex::new(rusqlite::Connection::open(path(&place)).unwrap()));
    let durable = |outside: &Mutex<rusqlite::Connection>| -> i64 {
        outside.lock().unwrap().query_row(COUNT, [], |row| row.get(0)).unwrap()
    };
    let mut queued = JoinSet::new();
    for number in 0..200_i64 {
        let (db, outside) = (db.clone(), Arc::clone(&outside));
        let operation = async move {
            let during = db
                .write("add", (number, Arc::clone(&outside)), move |tx, (number, outside)| {
                    Box::pin(async move {
                        tx.exec(ADD, args![number.to_be_bytes().to_vec(), *number]).await?;
                        Ok(durable(outside))
                    })
                })
                .await
                .unwrap();
            assert!(durable(&outside) > during, "answered before it was durable");
            during
        };
        // Polled in this task first, so that the order of the queue is known.
        let mut operation = Box::pin(operation);
        assert!(futures_util::poll!(operation.as_mut()).is_pending());
        queued.spawn(operation);
    }
    release.send(()).unwrap();
    holder.await.unwrap();
    let mut seen = queued.join_all().await;
    seen.sort_unstable();
    let mut groups: Vec<(i64, usize)> = Vec::new();
    for before in seen {
        match groups.last_mut() {
            Some((of, members)) if *of == before => *members += 1,
            _ => groups.push((before, 1)),
        }
    }
    // The holder is the first member of the first group.
    assert_eq!(groups, [(0, 63), (63, 64), (127, 64), (191, 9)]);
}

#[tokio::test]
async fn a_refused_member_does_not_undo_its_group() {
    let place = Fresh::sqlite().unwrap();
    let db = migrated(&place).await;
    let mut operations = Vec::new();
    for number in 0..40_i64 {
        let mut operation = Box::pin(db.write("add", number, |tx, number| {
            Box::pin(async move {
                tx.exec(ADD, args![number.to_be_bytes().to_vec(), *number]).await?;
                if number % 3 == 0 { Err(doorward_core::outcome::Error::fault("no")) } else { Ok(()) }
            })
        }));
        assert!(futures_util::poll!(operation.as_mut()).is_pending());
        operations.push(operation);
    }
    for (number, operation) in operations.into_iter().enumerate() {
        assert_eq!(operation.await.is_ok(), number % 3 != 0);
    }
    let count = db.read("count", (), |tx, ()| Box::pin(tx.opt(COUNT, &[], |row| row.int(0)))).await;
    assert_eq!(count.unwrap(), Some(26));
}

/// Runs `add` operations as one group; `writes` and `refuses` say what each does. Answers how often each
/// was run and whether it was granted.
async fn run_group(db: &Db, members: &[(bool, bool)]) -> Vec<(usize, bool)> {
    let (release, wait) = mpsc::channel::<()>();
    let mut holder = Box::pin(db.write("hold", Mutex::new(wait), |_, wait| {
        Box::pin(async move {
            let _ = wait.lock().unwrap().recv();
            Ok(())
        })
    }));
    assert!(futures_util::poll!(holder.as_mut()).is_pending());
    let mut operations = Vec::new();
    for (number, (writes, refuses)) in members.iter().copied().enumerate() {
        let runs = Arc::new(AtomicUsize::new(0));
        let ask = (i64::try_from(number).unwrap(), Arc::clone(&runs));
        let mut operation = Box::pin(db.write("add", ask, move |tx, (number, runs)| {
            Box::pin(async move {
                runs.fetch_add(1, Ordering::Relaxed);
                if writes {
                    tx.exec(ADD, args![number.to_be_bytes().to_vec(), *number]).await?;
                }
                if refuses { refuse(Code::Conflict) } else { Ok(()) }
            })
        }));
        assert!(futures_util::poll!(operation.as_mut()).is_pending());
        operations.push((runs, operation));
    }
    drop(release);
    holder.await.unwrap();
    let mut seen = Vec::new();
    for (runs, operation) in operations {
        let is_granted = operation.await.is_ok();
        seen.push((runs.load(Ordering::Relaxed), is_granted));
    }
    seen
}

#[tokio::test]
async fn a_group_is_run_again_only_when_a_member_left_traces() {
    let place = Fresh::sqlite().unwrap();
    let db = migrated(&place).await;
    let count = || async {
        db.read("count", (), |tx, ()| Box::pin(tx.opt(COUNT, &[], |row| row.int(0)))).await.unwrap()
    };
    let looks_and_refuses = [(true, false), (false, true), (true, false)];
    assert_eq!(run_group(&db, &looks_and_refuses).await, [(1, true), (1, false), (1, true)]);
    assert_eq!(count().await, Some(2));
    db.write("clear", (), |tx, ()| Box::pin(tx.exec("DELETE FROM replays", &[]))).await.unwrap();
    let writes_and_refuses = [(true, false), (true, true), (true, false), (true, true)];
    assert_eq!(run_group(&db, &writes_and_refuses).await, [(2, true), (2, false), (1, true), (1, false)]);
    assert_eq!(count().await, Some(2));
}
