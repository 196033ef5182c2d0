use std::sync::atomic::{AtomicI64, Ordering};

use doorward_proto::secret::SecretText;
use doorward_sdk::server::Scheme;
use doorward_world::orcheo::{self, Row};

use super::*;

struct World {
    folder: tempfile::TempDir,
    tokens: OrcheoTokens,
    now: Arc<AtomicI64>,
}

fn write(path: &Path, rows: &[Row<'_>]) {
    let _ = fs::remove_file(path);
    orcheo::write(path, rows);
    fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
}

fn world(rows: &[Row<'_>]) -> World {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("service_tokens.sqlite");
    write(&path, rows);
    // 2030-01-01.
    let now = Arc::new(AtomicI64::new(1_893_456_000));
    let clock = Arc::clone(&now);
    let tokens =
        OrcheoTokens::open(&path, Arc::new(move || Time::from_seconds(clock.load(Ordering::Relaxed))))
            .unwrap();
    World { folder, tokens, now }
}

impl World {
    async fn of(&self, secret: &str) -> Recognition {
        let credential =
            Credential::Token { scheme: Scheme::Bearer, token: SecretText::new(secret.to_owned()) };
        let now = Time::from_seconds(self.now.load(Ordering::Relaxed));
        self.tokens.recognise(&credential, Seen { now }).await
    }
}

#[tokio::test]
async fn a_token_of_the_file_is_good_on_its_terms() {
    let world = world(&[
        (
            "ci",
            orcheo::hash("ci-secret"),
            &[
                ("scopes", r#"["workflows:read"]"#),
                ("workspace_ids", r#"["WS-A"]"#),
                ("allowed_ip_ranges", r#"["10.0.0.0/8"]"#),
                ("expires_at", "2030-01-01T01:00:00+00:00"),
            ],
        ),
        ("gone", orcheo::hash("gone-secret"), &[("revoked_at", "2029-12-01T00:00:00+00:00")]),
        ("old", orcheo::hash("old-secret"), &[("expires_at", "2029-12-01T00:00:00+00:00")]),
        ("rotated", orcheo::hash("rotated-secret"), &[("rotated_to", "ci")]),
        ("odd", "no hash".to_owned(), &[]),
    ]);
    let found = world.of("ci-secret").await.unwrap().unwrap();
    assert_eq!((found.identity.subject.as_str(), found.credential), ("ci", CredentialKind::ServiceToken));
    assert!(found.identity.scopes.contains("workflows:read"));
    assert_eq!(found.addresses.len(), 1);
    assert_eq!(world.of("gone-secret").await.unwrap_err().why, Why::TokenRevoked);
    for secret in ["old-secret", "rotated-secret"] {
        assert_eq!(world.of(secret).await.unwrap_err().why, Why::TokenExpired, "{secret}");
    }
    assert!(world.of("no hash").await.unwrap().is_none());
    world.now.fetch_add(3_600, Ordering::Relaxed);
    assert_eq!(world.of("ci-secret").await.unwrap_err().why, Why::TokenExpired);
}

#[tokio::test]
async fn what_changes_in_the_file_counts_within_a_second() {
    let world = world(&[("ci", orcheo::hash("ci-secret"), &[])]);
    let path = world.folder.path().join("service_tokens.sqlite");
    let before = world.tokens.state();
    let many: Vec<Row<'_>> = vec![
        ("ci", orcheo::hash("ci-secret"), &[("revoked_at", "2029-12-01T00:00:00+00:00")]),
        ("new", orcheo::hash("new-secret"), &[]),
    ];
    write(&path, &many);
    world.now.fetch_add(1, Ordering::Relaxed);
    assert_ne!(world.tokens.state(), before);
    assert_eq!(world.of("ci-secret").await.unwrap_err().why, Why::TokenRevoked);
    assert!(world.of("new-secret").await.unwrap().is_some());
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_believed_for_five_minutes() {
    let world = world(&[("ci", orcheo::hash("ci-secret"), &[])]);
    let path = world.folder.path().join("service_tokens.sqlite");
    let after = |seconds| world.now.fetch_add(seconds, Ordering::Relaxed);
    for spoil in [
        (|path| fs::write(path, "no database").unwrap()) as fn(&Path),
        |path| fs::remove_file(path).unwrap(),
        |path| fs::set_permissions(path, fs::Permissions::from_mode(0o666)).unwrap(),
    ] {
        spoil(&path);
        // Permissions are seen when the file is read for another reason.
        let _ = fs::File::options()
            .append(true)
            .open(&path)
            .and_then(|file| file.set_modified(SystemTime::UNIX_EPOCH));
        after(1);
        assert!(world.of("ci-secret").await.unwrap().is_some());
        after(299);
        assert!(world.of("ci-secret").await.unwrap().is_some());
        after(1);
        assert_eq!(world.of("ci-secret").await.unwrap_err().why, Why::Unavailable);
        assert!(world.of("other").await.unwrap().is_none(), "somebody else may know it");
        write(&path, &[("ci", orcheo::hash("ci-secret"), &[])]);
        after(1);
        assert!(world.of("ci-secret").await.unwrap().is_some());
    }
}

/// Somebody who writes the file keeps it locked for a moment.
#[tokio::test]
async fn nobody_else_waits_for_the_file_to_be_read() {
    let world = world(&[("ci", orcheo::hash("ci-secret"), &[])]);
    let path = world.folder.path().join("service_tokens.sqlite");
    write(&path, &[("ci", orcheo::hash("ci-secret"), &[]), ("new", orcheo::hash("new-secret"), &[])]);
    let writer = orcheo::lock(&path);
    world.now.fetch_add(1, Ordering::Relaxed);
    let mut asked = std::pin::pin!(world.of("new-secret"));
    // On one thread: whoever waited on it would keep the writer from ever being done.
    tokio::select! {
        biased;
        found = &mut asked => panic!("the file is locked: {found:?}"),
        () = tokio::task::yield_now() => drop(writer),
    }
    assert!(asked.await.unwrap().is_some());
}

#[test]
fn a_file_that_others_can_write_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("service_tokens.sqlite");
    let open = || OrcheoTokens::open(&path, doorward_sdk::clock::system());
    assert!(open().is_err());
    write(&path, &[]);
    assert!(open().is_ok());
    let log = folder.path().join("service_tokens.sqlite-wal");
    fs::write(&log, "").unwrap();
    for (shared, mode) in [(&path, 0o644), (&log, 0o644), (&folder.path().to_owned(), 0o755)] {
        assert!(open().is_ok());
        fs::set_permissions(shared, fs::Permissions::from_mode(mode | 0o020)).unwrap();
        let said = open().err().unwrap().to_string();
        assert!(said.contains(&*shared.to_string_lossy()) && said.contains("chmod go-w"), "{said}");
        fs::set_permissions(shared, fs::Permissions::from_mode(mode)).unwrap();
    }
}
