//! Export and import: what moves goes on working, on either engine, and a file counts as a whole or not at all.

use std::{
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use doorward_core::{
    api_keys, args,
    audit::{self, Filter, Sealer},
    call::{Actor, Call},
    clients, credentials,
    db::Db,
    env::{Env, no_fetch},
    integrity,
    moving::{self, ExportAsk, Exported, ImportAsk, Imported, Progress, Tell},
    orgs::{
        self, Holder, enter, fields,
        invitations::{self, By, NewInvitation},
        manage::{self, NewOrg},
        roles,
    },
    outcome::{Code, Error, Refusal, Result},
    providers::{self, NewProvider},
    realm::{Parts, Realm},
    rights::Rights,
    service_tokens,
    settings::Settings,
    users::{self, Email, NewUser, Profile},
    vault::Vault,
};
use doorward_proto::{
    id::{Id, User},
    secret::{Kind, Opaque, SecretText},
};
use doorward_world::{EngineName, Fresh, ISSUER, World, both_engines, run::BEGINNING};

use crate::kit::{self, PASSWORD, application};

const PHRASE: &str = "seven quiet lanterns by the canal";

/// What was made at one server, and has to be there at another.
struct Made {
    ada: Id<User>,
    client_secret: Opaque,
    token: Opaque,
    key: Opaque,
    invitation: Opaque,
}

fn all() -> Rights {
    Rights { scopes: vec!["admin:*".to_owned()], workspaces: None }
}

fn email(text: &str) -> Email {
    Email::parse(text).unwrap()
}

/// One of everything.
async fn furnish(world: &World) -> Made {
    let local = world.local();
    let mut new = NewUser::new(email("Ada@Example.org"));
    new.email_verified = true;
    new.name = Some("Ada Lovelace".to_owned());
    new.username = Some("Ada".to_owned());
    new.profile = Profile { given_name: Some("Ada".to_owned()), ..Profile::default() };
    new.marketing_consent = Some("2026-01".to_owned());
    new.password = Some(local.realm.passwords.make(&PASSWORD.into()).await.unwrap());
    let ada = users::create(&local, new).await.unwrap().id;
    let mut bob = NewUser::new(email("bob@example.org"));
    bob.password = Some(
        credentials::Hashed::parse("$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW").unwrap(),
    );
    users::create(&local, bob).await.unwrap();
    let new = NewOrg { name: "Lanterns".to_owned(), slug: Some("lanterns".to_owned()), owner: Some(ada) };
    let org = manage::create(&local, new).await.unwrap();
    let holder = Holder { scopes: vec!["admin:*".to_owned()], ..Holder::default() };
    let scope = enter(&local, holder, &org.id.to_string(), "org:members:write").await.unwrap();
    let terms =
        roles::Terms { description: "Lights them".to_owned(), permissions: vec!["lamps:light".to_owned()] };
    roles::create(&local, &scope, "lighter", terms).await.unwrap();
    let change = fields::Change { label: "Wick".to_owned(), is_required: true, ..fields::Change::default() };
    let new = fields::NewField { key: "wick".to_owned(), kind: fields::Kind::Number, change };
    fields::create(&local, &scope, new).await.unwrap();
    fields::answer(&local, org.id, ada, [("wick".to_owned(), Some(7.into()))].into()).await.unwrap();
    let new = NewInvitation {
        email: email("eve@example.org"),
        role: "lighter".to_owned(),
        is_mailed: false,
        locale: None,
    };
    let invitation = invitations::create(&local, &scope, new).await.unwrap().link.unwrap();
    let invitation = Opaque::parse(Kind::Link, invitation.rsplit(['=', '/']).next().unwrap()).unwrap();
    kit::api(world, "https://api.example", &["lamps:light"]).await;
    let app = application(world, "lamps", |_| {}).await;
    let rotated = clients::manage::rotate_secret(&local, app.id, std::time::Duration::ZERO).await.unwrap();
    let new = service_tokens::NewToken {
        name: Some("nightly".to_owned()),
        scopes: vec!["workflows:read".to_owned()],
        ..service_tokens::NewToken::default()
    };
    let token = service_tokens::create(&local, new, &all()).await.unwrap().secret;
    let terms = api_keys::Terms { name: "laptop".to_owned(), is_enabled: true, ..api_keys::Terms::default() };
    let key = api_keys::NewKey { whose: api_keys::Whose::Person(ada, None), terms, expires_in: None };
    let key = api_keys::create(&local, key, all()).await.unwrap().secret;
    let settings = providers::Settings {
        name: "Login".to_owned(),
        scopes: vec!["openid".to_owned()],
        issuer: Some("https://login.example".to_owned()),
        client_id: "us".to_owned(),
        ..providers::Settings::default()
    };
    let secret = Some(SecretText::from("our secret there"));
    providers::create(&local, NewProvider { slug: "login".to_owned(), secret, settings }).await.unwrap();
    Made { ada, client_secret: rotated.secret.unwrap(), token, key, invitation }
}

fn heard() -> Tell {
    Arc::new(|_| true)
}

async fn export(call: &Call, path: &Path, phrase: Option<&str>) -> Result<Exported> {
    let ask = ExportAsk { path: path.to_owned(), passphrase: phrase.map(SecretText::from) };
    moving::export(call, ask, heard()).await
}

fn plain(path: &Path) -> ImportAsk {
    ImportAsk { path: path.to_owned(), merge: false, passphrase: None, without_secrets: false }
}

async fn import(call: &Call, path: &Path, phrase: Option<&str>) -> Result<Imported> {
    let ask = ImportAsk { passphrase: phrase.map(SecretText::from), ..plain(path) };
    moving::import(call, ask, heard()).await
}

async fn merge(call: &Call, path: &Path) -> Result<Imported> {
    moving::import(call, ImportAsk { merge: true, without_secrets: true, ..plain(path) }, heard()).await
}

/// A server that nobody has used, under a master key of its own.
async fn another(engine: EngineName, master: u8) -> (Arc<Realm>, Fresh) {
    let place = match engine {
        EngineName::Sqlite => Fresh::sqlite().unwrap(),
        EngineName::Postgres => Fresh::postgres(true).await.unwrap(),
    };
    let db = Db::open(place.place()).await.unwrap();
    doorward_core::db::migrate::up(&db, BEGINNING).await.unwrap();
    (open(db, master).await, place)
}

async fn open(db: Db, master: u8) -> Arc<Realm> {
    let env = Env::fixed(BEGINNING, u64::from(master), no_fetch());
    let vault = Vault::new(&[master; 32]).unwrap();
    let settings = Settings::default();
    let parts = Parts { issuer: ISSUER.to_owned(), db, env, vault, settings, mail_transport: None };
    Realm::open(parts).await.unwrap()
}

fn local(realm: &Arc<Realm>) -> Call {
    Call::system(realm).by(Actor::LocalAdministrator)
}

/// Everything that `furnish` has made works here.
async fn assert_works(realm: &Arc<Realm>, made: &Made) {
    let call = local(realm);
    kit::sign_in_as(&call, "ada@example.org").await;
    let ada = users::get(&call, made.ada).await.unwrap();
    assert_eq!((ada.name.as_deref(), ada.profile.given_name.as_deref()), (Some("Ada Lovelace"), Some("Ada")));
    let org = orgs::find(&call, "lanterns").await.unwrap().unwrap();
    let answers = fields::own(&call, org.id, made.ada).await.unwrap();
    assert_eq!((answers[0].field.label.as_str(), &answers[0].value), ("Wick", &Some(7.into())));
    let app = clients::get_active(&call, "lamps").await.unwrap();
    assert!(app.owns_secret(&call, &made.client_secret), "the client secret");
    service_tokens::verify(&call, made.token.expose()).await.expect("the service token");
    api_keys::verify(&call, made.key.expose()).await.expect("the key");
    let offer = invitations::look(&call, &made.invitation).await.expect("the invitation");
    assert_eq!(offer.invitation.role, "lighter");
    let report = integrity::verify(realm).await.unwrap();
    assert!(report.is_whole(), "{report:?}");
}

fn refused<T: std::fmt::Debug>(outcome: Result<T>) -> Refusal {
    match outcome {
        Err(Error::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

async fn rows(realm: &Realm) -> i64 {
    let count = "SELECT CAST((SELECT COUNT(*) FROM users) + (SELECT COUNT(*) FROM orgs)
        + (SELECT COUNT(*) FROM clients) + (SELECT COUNT(*) FROM principals) AS BIGINT)";
    let found = realm.db.read("count", (), move |tx, ()| {
        Box::pin(async move { tx.opt(count, args![], |row| row.int(0)).await })
    });
    found.await.unwrap().unwrap()
}

fn file(world: &World, name: &str) -> PathBuf {
    world.place().folder().join(name)
}

both_engines! {
    async fn what_moves_goes_on_working_at_either_engine_and_back(world: World) {
        let made = furnish(&world).await;
        let path = file(&world, "moved.ndjson");
        let exported = export(&world.local(), &path, Some(PHRASE)).await.unwrap();
        let metadata = std::fs::metadata(&path).unwrap();
        assert_eq!((metadata.permissions().mode() & 0o777, exported.bytes), (0o600, metadata.len()));
        assert!(exported.left_out.is_empty(), "{exported:?}");
        let text = std::fs::read_to_string(&path).unwrap();
        for secret in [made.client_secret.expose(), made.token.expose(), "our secret there", PHRASE] {
            assert!(!text.contains(secret), "{secret} is not readable in the file");
        }
        for engine in [EngineName::Sqlite, EngineName::Postgres] {
            let (realm, place) = another(engine, 8).await;
            let done = import(&local(&realm), &path, Some(PHRASE)).await.unwrap();
            assert!(done.keys_taken && done.left_out.is_empty(), "{done:?}");
            assert_eq!(done.instead_of, Some(world.realm.instance_org));
            assert_works(&realm, &made).await;
            // Whoever opens it next goes on with the same keys.
            let again = open(realm.db.clone(), 8).await;
            assert_works(&again, &made).await;
            // The way back: all of it is known there, by the same keys.
            let back = place.folder().join("back.ndjson");
            let exported_there = export(&local(&again), &back, Some(PHRASE)).await.unwrap();
            assert_eq!(exported_there.records, exported.records);
            let done = moving::import(
                &world.local(),
                ImportAsk { merge: true, passphrase: Some(PHRASE.into()), ..plain(&back) },
                heard(),
            ).await.unwrap();
            assert!(done.records.is_empty(), "{done:?}");
            let known: u64 = done.known.values().sum();
            assert_eq!(known + 1, exported.records.values().sum::<u64>(), "all but the instance's organisation");
            drop((realm, again));
            place.remove().await;
        }
        Sealer::new(&world.realm).unwrap().finish().await.unwrap();
        for code in ["server.exported", "server.imported"] {
            let filter = Filter { code: Some(code.to_owned()), ..Filter::default() };
            let found = audit::list(&world.realm, filter, None, 10).await.unwrap();
            assert!(found.iter().all(|event| event.actor == "local") && !found.is_empty(), "{code}");
        }
    }

    async fn without_the_keys_passwords_move_and_secrets_are_told_to_stay(world: World) {
        let made = furnish(&world).await;
        let path = file(&world, "open.ndjson");
        let exported = export(&world.local(), &path, None).await.unwrap();
        assert_eq!(exported.left_out, [("secret of provider".to_owned(), 1)].into());
        let (realm, place) = another(world.realm.db.engine(), 8).await;
        let call = local(&realm);
        let done = import(&call, &path, None).await.unwrap();
        assert!(!done.keys_taken);
        for what in ["client_secret", "service_token", "api_key", "invitation"] {
            assert!(done.left_out.contains_key(what), "{done:?}");
        }
        kit::sign_in_as(&call, "ada@example.org").await;
        let app = clients::get_active(&call, "lamps").await.unwrap();
        assert!(!app.owns_secret(&call, &made.client_secret));
        assert!(service_tokens::verify(&call, made.token.expose()).await.is_err());
        // Under the same master key nothing is lost even so.
        let (same, beside) = another(EngineName::Sqlite, 7).await;
        let done = import(&local(&same), &path, None).await.unwrap();
        assert!(done.left_out.is_empty(), "{done:?}");
        assert_works(&same, &made).await;
        drop((realm, same));
        place.remove().await;
        beside.remove().await;
    }

    async fn a_file_that_was_cut_or_changed_changes_nothing(world: World) {
        furnish(&world).await;
        let path = file(&world, "whole.ndjson");
        export(&world.local(), &path, Some(PHRASE)).await.unwrap();
        let whole = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = whole.lines().collect();
        let without = |at: usize| {
            let kept: Vec<&str> = lines.iter().enumerate().filter(|(line, _)| *line != at).map(|(_, line)| *line).collect();
            format!("{}\n", kept.join("\n"))
        };
        let last = lines.len() - 1;
        let damaged = [
            whole[..whole.len() / 2].to_owned(),
            whole[..whole.len() - 1].to_owned(),
            without(last),
            without(3),
            without(0),
            whole.replacen("Ada Lovelace", "Eve Lovelace", 1),
            whole.replacen("\"version\":1", "\"version\":2", 1),
            format!("{whole}{{}}\n"),
            String::new(),
            "no json\n".to_owned(),
        ];
        let (realm, place) = another(world.realm.db.engine(), 8).await;
        let before = rows(&realm).await;
        for (number, text) in damaged.iter().enumerate() {
            let path = file(&world, &format!("damaged-{number}"));
            std::fs::write(&path, text).unwrap();
            let refusal = refused(import(&local(&realm), &path, Some(PHRASE)).await);
            assert_eq!(refusal.code, Code::RequestInvalid, "{number}");
            assert!(refusal.hint.contains("Nothing was changed"), "{number}: {}", refusal.hint);
            assert_eq!(rows(&realm).await, before, "{number}");
        }
        // Changed by somebody who can count, and does not know the passphrase.
        let changed = whole.replacen("Ada Lovelace", "Eve Lovelace", 1);
        let body = &changed[..=changed.trim_end().rfind('\n').unwrap()];
        let digest = digest_of(body);
        let mut end: serde_json::Value = serde_json::from_str(lines[last]).unwrap();
        end["sha256"] = digest.into();
        let path = file(&world, "forged");
        std::fs::write(&path, format!("{body}{end}\n")).unwrap();
        let refusal = refused(import(&local(&realm), &path, Some(PHRASE)).await);
        assert!(refusal.hint.contains("does not know its passphrase"), "{}", refusal.hint);
        for phrase in ["another passphrase", ""] {
            let refusal = refused(import(&local(&realm), &file(&world, "whole.ndjson"), Some(phrase)).await);
            assert_eq!(refusal.field.as_deref(), Some("passphrase"));
        }
        let refusal = refused(import(&local(&realm), &file(&world, "whole.ndjson"), None).await);
        assert_eq!(refusal.field.as_deref(), Some("passphrase"), "its secrets are not lost in silence");
        assert_eq!(rows(&realm).await, before);
        drop(realm);
        place.remove().await;
    }

    async fn into_a_server_in_use_conflicts_are_told_and_nothing_is_done(world: World) {
        furnish(&world).await;
        let path = file(&world, "from.ndjson");
        export(&world.local(), &path, None).await.unwrap();
        let (realm, place) = another(world.realm.db.engine(), 8).await;
        let call = local(&realm);
        let mut other = NewUser::new(email("ada@example.org"));
        other.username = Some("bobby".to_owned());
        users::create(&call, other).await.unwrap();
        let new = NewOrg { name: "Others".to_owned(), slug: Some("lanterns".to_owned()), owner: None };
        manage::create(&call, new).await.unwrap();
        let refusal = refused(import(&call, &path, None).await);
        assert!(refusal.hint.contains("--merge"), "{}", refusal.hint);
        let before = rows(&realm).await;
        let refusal = refused(merge(&call, &path).await);
        assert_eq!((refusal.code, rows(&realm).await), (Code::Conflict, before));
        let conflicts = format!("{:?}", refusal.facts);
        assert!(conflicts.contains("has the slug of organization"), "{conflicts}");
        assert!(conflicts.contains("email ada@example.org is here with another user_id"), "{conflicts}");
        // Where nothing stands in the way it is added, and a second time it is there already.
        let (free, beside) = another(world.realm.db.engine(), 9).await;
        users::create(&local(&free), NewUser::new(email("zoe@example.org"))).await.unwrap();
        let first = merge(&local(&free), &path).await.unwrap();
        let second = merge(&local(&free), &path).await.unwrap();
        assert!(second.records.is_empty() && second.known == first.records, "{first:?} {second:?}");
        kit::sign_in_as(&local(&free), "ada@example.org").await;
        let report = integrity::verify(&free).await.unwrap();
        assert!(report.is_whole(), "{report:?}");
        drop((realm, free));
        place.remove().await;
        beside.remove().await;
    }

    async fn whoever_breaks_off_leaves_nothing_and_can_begin_again(world: World) {
        let made = furnish(&world).await;
        let seen = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&seen);
        let broken_off: Tell = Arc::new(move |progress: Progress| {
            noted.lock().unwrap().push(progress);
            progress.done < 4
        });
        let path = file(&world, "broken-off.ndjson");
        let ask = ExportAsk { path: path.clone(), passphrase: None };
        assert!(moving::export(&world.local(), ask, Arc::clone(&broken_off)).await.is_err());
        assert!(!path.exists() && !seen.lock().unwrap().is_empty());
        let left: Vec<_> = std::fs::read_dir(world.place().folder()).unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.contains("broken-off"))
            .collect();
        assert!(left.is_empty(), "{left:?}");
        export(&world.local(), &path, Some(PHRASE)).await.unwrap();
        assert!(export(&world.local(), &path, None).await.is_err(), "no file is overwritten");
        let (realm, place) = another(world.realm.db.engine(), 8).await;
        let before = rows(&realm).await;
        let ask = ImportAsk { passphrase: Some(PHRASE.into()), ..plain(&path) };
        assert!(moving::import(&local(&realm), ask, broken_off).await.is_err());
        assert_eq!(rows(&realm).await, before);
        import(&local(&realm), &path, Some(PHRASE)).await.unwrap();
        assert_works(&realm, &made).await;
        drop(realm);
        place.remove().await;
    }
}

fn digest_of(text: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    data_encoding::HEXLOWER.encode(digest.as_ref())
}

#[tokio::test]
async fn an_invitation_that_moved_is_accepted() {
    let place = Fresh::sqlite().unwrap();
    let world = World::new(&place, Settings::default(), no_fetch()).await;
    let made = furnish(&world).await;
    let path = file(&world, "invited.ndjson");
    export(&world.local(), &path, Some(PHRASE)).await.unwrap();
    let (realm, _beside) = another(EngineName::Sqlite, 8).await;
    import(&local(&realm), &path, Some(PHRASE)).await.unwrap();
    let call = local(&realm);
    let new = NewUser { email_verified: true, ..NewUser::new(email("eve@example.org")) };
    let eve = users::create(&call, new).await.unwrap().id;
    let org = invitations::accept(&call, By::Link(made.invitation), eve).await.unwrap();
    assert_eq!(org.slug.as_deref(), Some("lanterns"));
}
