//! Tokens of an Orcheo database: their secrets go on working, an import can be run again, and what cannot
//! be taken over safely is left out by name.

use std::{path::Path, time::Duration};

use doorward_core::{
    outcome::{Code, Result},
    rights::Rights,
    service_tokens::{
        Key, RotateAsk, State, find,
        import::{Report, orcheo, read},
        may_be, revoke, rotate, verify,
    },
};
use doorward_world::{
    World, both_engines,
    orcheo::{hash, write, write_other},
};

async fn import(world: &World, path: &Path) -> Report {
    orcheo(&world.local(), &read(path).unwrap()).await.unwrap()
}

fn all() -> Rights {
    Rights { scopes: vec!["admin:*".to_owned()], workspaces: None }
}

async fn told(world: &World, secret: &str) -> Option<Code> {
    let outcome: Result<_> = verify(&world.call(), secret).await;
    outcome.err().and_then(|error| error.code())
}

both_engines! {
    async fn old_secrets_go_on_working(world: World) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("service_tokens.sqlite");
        let in_an_hour = "2030-01-01T01:00:00+00:00";
        write(&path, &[
            ("my-ci-token", hash("s3cret-one"), &[
                ("scopes", r#"["workflows:read", "workflows:execute"]"#),
                ("workspace_ids", r#"["WS-1"]"#),
                ("issued_at", "2029-12-31T01:00:00+00:00"),
                ("expires_at", in_an_hour),
                ("use_count", "7"),
                ("rate_limit_override", "120"),
            ]),
            ("bare", hash("s3cret-two"), &[]),
            ("gone", hash("s3cret-three"), &[("revoked_at", "2029-12-01T00:00:00"), ("revocation_reason", "lost")]),
            ("old", hash("s3cret-four"), &[("rotated_to", "z-new"), ("expires_at", "2030-01-01T00:05:00+00:00"),
                ("rotation_expires_at", "2030-01-01T00:05:00+00:00")]),
            ("z-new", hash("s3cret-five"), &[("rotated_from", "old")]),
            ("a-ended", hash("s3cret-six"), &[("rotated_to", "z-new")]),
        ]);
        assert!(!may_be(&world.call(), "s3cret-one").await.unwrap(), "nothing came from elsewhere yet");
        let report = import(&world, &path).await;
        assert_eq!((report.imported, report.known, report.left_out.len()), (6, 0, 0), "{report:?}");
        assert!(may_be(&world.call(), "s3cret-one").await.unwrap());
        for (secret, expected) in [
            ("s3cret-one", None),
            ("s3cret-two", None),
            ("s3cret-three", Some(Code::CredentialRevoked)),
            ("s3cret-four", None),
            ("s3cret-five", None),
            ("s3cret-six", Some(Code::CredentialExpired)),
            ("s3cret", Some(Code::CredentialInvalid)),
            (&hash("s3cret-one"), Some(Code::CredentialInvalid)),
        ] {
            assert_eq!(told(&world, secret).await, expected, "{secret}");
            world.realm.db.write("test.changes", (), |tx, ()| Box::pin(tx.raise_changes())).await.unwrap();
            assert_eq!(told(&world, secret).await, expected, "{secret}, hashed again");
        }
        let one = async |name: &str| find(&world.local(), Key::read(&world.call(), name, None)).await;
        let first = one("my-ci-token").await;
        let first = first.unwrap();
        assert_eq!((first.scopes.as_str(), first.use_count), ("workflows:read workflows:execute", 7));
        assert_eq!(first.workspace_ids, ["ws-1"]);
        assert_eq!(first.notes.rate_limit_override.unwrap().to_string(), "120/minute");
        assert_eq!(first.lifetime, Some(Duration::from_secs(24 * 60 * 60)));
        let (old, new) = (one("old").await.unwrap(), one("z-new").await.unwrap());
        assert_eq!((old.rotated_to, new.rotated_from), (Some(new.id.to_string()), Some(old.id.to_string())));
        assert_eq!(one("gone").await.unwrap().revocation.unwrap().reason, "lost");
        assert_eq!(one("a-ended").await.unwrap().state(world.call().now), State::Rotated);
        world.advance(Duration::from_secs(300));
        assert_eq!(told(&world, "s3cret-four").await, Some(Code::CredentialExpired));

        let again = import(&world, &path).await;
        assert_eq!((again.imported, again.known, again.left_out.len()), (0, 6, 0), "{again:?}");
        let next = rotate(&world.local(), Key::read(&world.call(), "bare", None), RotateAsk { overlap: 0, ..RotateAsk::default() }, all()).await.unwrap();
        assert_eq!(next.token.version, 2);
        assert_eq!(told(&world, "s3cret-two").await, Some(Code::CredentialExpired));
        assert_eq!(told(&world, next.secret.expose()).await, None);
        revoke(&world.local(), Key::read(&world.call(), "z-new", None), "done".to_owned(), all()).await.unwrap();
        assert_eq!(told(&world, "s3cret-five").await, Some(Code::CredentialRevoked));
    }

    async fn garbage_is_left_out_by_name_and_the_rest_is_taken(world: World) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("service_tokens.sqlite");
        let good = hash("good");
        write(&path, &[
            ("good", good.clone(), &[("scopes", ""), ("workspace_ids", "null"), ("use_count", "many"), ("issued_at", "")]),
            ("no-hash", String::new(), &[]),
            ("plain", "not a hash".to_owned(), &[]),
            ("bad-scopes", hash("1"), &[("scopes", "workflows:read")]),
            ("worse-scopes", hash("2"), &[("scopes", r#"["a b"]"#)]),
            ("numbers", hash("3"), &[("workspace_ids", "[1]")]),
            ("bad-time", hash("4"), &[("expires_at", "tomorrow")]),
            ("bad-fence", hash("5"), &[("allowed_ip_ranges", r#"["nowhere"]"#)]),
            ("", hash("6"), &[]),
            ("zz-same", good.to_uppercase(), &[]),
            ("with a name / that is none", hash("7"), &[("revoked_by", "\u{1b}[31m")]),
            ("tok_1", hash("8"), &[]),
        ]);
        let report = import(&world, &path).await;
        let mut left_out: Vec<&str> = report.left_out.iter().map(|(name, _)| name.as_str()).collect();
        left_out.sort_unstable();
        assert_eq!(left_out, ["", "bad-fence", "bad-scopes", "bad-time", "no-hash", "numbers", "plain", "worse-scopes", "zz-same"]);
        assert_eq!(report.imported, 3, "{report:?}");
        for secret in ["good", "7", "8"] {
            assert_eq!(told(&world, secret).await, None, "{secret}");
        }
        for secret in ["1", "2", "3", "4", "5", "6", ""] {
            assert_eq!(told(&world, secret).await, Some(Code::CredentialInvalid), "{secret}");
        }
        let renamed = find(&world.local(), Key::read(&world.call(), "with-a-name---that-is-none", None)).await.unwrap();
        assert_eq!(renamed.notes.description.as_deref(), Some("Orcheo: with a name / that is none"));
        assert!(find(&world.local(), Key::read(&world.call(), "orcheo-tok_1", None)).await.is_ok());
    }

    async fn what_is_no_orcheo_database_is_refused(world: World) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let refused = |path: &Path| read(path).err().and_then(|error| error.code());
        assert_eq!(refused(&path), Some(Code::RequestInvalid));
        std::fs::write(&path, "no database").unwrap();
        assert_eq!(refused(&path), Some(Code::RequestInvalid));
        let other = folder.path().join("other");
        write_other(&other);
        assert_eq!(refused(&other), Some(Code::RequestInvalid));
        drop(world);
    }
}
