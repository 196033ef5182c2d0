//! People as administrators see them, and what is left of one who is deleted.

#![expect(clippy::expect_used, reason = "a test that cannot go on ends there")]

use std::{collections::BTreeSet, time::Duration};

use doorward_core::{
    args,
    branding::Picture,
    call::{Actor, Call},
    credentials::{self, PasswordAsk},
    mail::{self, Template},
    outcome::Code,
    page::PageAsk,
    principals::Status,
    sessions,
    users::{self, Change, Email, ListAsk, NewUser, PlatformRole},
};
use doorward_proto::secret::{Kind, Opaque};
use doorward_world::{World, both_engines};
use serde_json::json;

const GOOD: &str = "correct-Horse7-battery";

fn email(text: &str) -> Email {
    Email::parse(text).expect("an address")
}

async fn account(call: &Call, address: &str, name: &str) -> users::User {
    let mut new = NewUser::new(email(address));
    new.name = Some(name.to_owned());
    new.password = Some(call.realm.passwords.make(&GOOD.into()).await.expect("hashes"));
    users::create(call, new).await.expect("is made")
}

fn page(query: &str, limit: u32) -> PageAsk {
    PageAsk { after: None, limit, query: Some(query.to_owned()) }
}

async fn names(call: &Call, query: &str) -> Vec<String> {
    let page = users::list(call, page(query, 50)).await.expect("lists");
    let mut names: Vec<String> = page.items.into_iter().filter_map(|user| user.name).collect();
    names.sort();
    names
}

async fn newest_link(call: &Call, address: &str) -> Opaque {
    let all = mail::list(call, None, page("", 50)).await.expect("the outbox");
    let mail = all.items.into_iter().find(|mail| mail.recipient == address).expect("a mail");
    let (_, words) = mail::show(call, mail.id).await.expect("the mail");
    let text = words.text.split("token=").nth(1).and_then(|rest| rest.split_whitespace().next());
    Opaque::parse(Kind::Link, text.expect("a link")).expect("well formed")
}

both_engines! {
    async fn an_administrator_is_told_what_is_taken(world: World) {
        let call = world.local();
        let alice = account(&call, "alice@example.org", "Alice").await;
        assert_eq!((alice.status, alice.platform_role), (Status::Active, PlatformRole::User));
        let facts = users::facts(&call, alice.id).await.expect("reads").expect("is there");
        assert!(facts.orgs.iter().any(|org| org.org == call.realm.instance_org && org.role == "member"));
        let taken = users::create(&call, NewUser::new(email("ALICE@example.org"))).await.expect_err("taken");
        assert_eq!(taken.code(), Some(Code::EmailTaken));
        let mut bob = NewUser::new(email("bob@example.org"));
        bob.username = Some("Bob".to_owned());
        users::create(&call, bob.clone()).await.expect("is made");
        bob.email = email("bob2@example.org");
        bob.username = Some("bOB".to_owned());
        assert_eq!(users::create(&call, bob).await.expect_err("taken").code(), Some(Code::Conflict));
        assert!(users::find_by_email(&call, &email("bob2@example.org")).await.expect("reads").is_none());
    }

    async fn people_are_found_by_the_beginning_of_what_they_are_called(world: World) {
        let call = world.local();
        account(&call, "Anna.Berg@example.org", "Änne Berg").await;
        let otto = account(&call, "otto@example.net", "Otto Anders").await;
        account(&call, "zoe@example.org", "Zoé Anna").await;
        assert_eq!(names(&call, "ann").await, ["Änne Berg"]);
        assert_eq!(names(&call, "ÄNN").await, ["Änne Berg"]);
        assert_eq!(names(&call, "otto@EXAMPLE.n").await, ["Otto Anders"]);
        assert_eq!(names(&call, "zoé").await, ["Zoé Anna"]);
        assert_eq!(names(&call, &otto.id.to_string()).await, ["Otto Anders"]);
        assert!(names(&call, "%").await.is_empty());
        let mut seen = Vec::new();
        let mut ask = PageAsk { limit: 2, ..PageAsk::default() };
        loop {
            let page = users::list(&call, ask.clone()).await.expect("lists");
            seen.extend(page.items.into_iter().map(|user| user.id));
            let Some(next) = page.next else { break };
            ask.after = Some(next);
        }
        assert_eq!(seen.len(), 3);
        assert!(seen.is_sorted());
    }

    async fn people_are_found_by_what_they_are(world: World) {
        let call = world.local();
        let alice = account(&call, "alice@example.org", "Alice").await;
        let mut bob = NewUser::new(email("bob@example.org"));
        bob.platform_role = PlatformRole::Administrator;
        let bob = users::create(&call, bob).await.expect("is made");
        let carol = account(&call, "carol@example.org", "Carol").await;
        users::suspend(&call, carol.id).await.expect("is suspended");
        let who = async |ask: ListAsk| {
            let ask = ListAsk { page: PageAsk { limit: 50, ..ask.page }, ..ask };
            let found = users::list(&call, ask).await.expect("lists").items;
            // Of people made within a millisecond none comes first for certain.
            found.into_iter().map(|user| user.id).collect::<BTreeSet<_>>()
        };
        let of = |status| ListAsk { status: Some(status), ..ListAsk::default() };
        assert_eq!(who(of(Status::Suspended)).await, BTreeSet::from([carol.id]));
        assert_eq!(who(of(Status::Active)).await, BTreeSet::from([alice.id, bob.id]));
        let role = |role| ListAsk { platform_role: Some(role), ..ListAsk::default() };
        assert_eq!(who(role(PlatformRole::Administrator)).await, BTreeSet::from([bob.id]));
        assert_eq!(who(role(PlatformRole::User)).await, BTreeSet::from([alice.id, carol.id]));
        let has = |address: &str| ListAsk { email: Some(email(address)), ..ListAsk::default() };
        assert_eq!(who(has("CAROL@example.org")).await, BTreeSet::from([carol.id]));
        assert!(who(has("carol@example.or")).await.is_empty(), "the whole address");
        assert!(who(ListAsk { status: Some(Status::Active), ..has("carol@example.org") }).await.is_empty());
        let both = ListAsk { page: page("ali", 50), status: Some(Status::Suspended), ..ListAsk::default() };
        assert!(who(both).await.is_empty());
        let refused = users::list(&call, ListAsk { page: page("ali", 50), ..has("alice@example.org") }).await;
        assert_eq!(refused.expect_err("either or").code(), Some(Code::RequestInvalid));
    }

    async fn a_change_needs_the_version_it_was_made_from(world: World) {
        let call = world.local();
        let alice = account(&call, "alice@example.org", "Alice").await;
        let patch = json!({"given_name": "Alice", "address": {"locality": "Bonn"}, "website": "https://a.example"});
        let change = Change {
            name: Some(Some(" Alice Adler ".to_owned())),
            profile: patch.as_object().cloned(),
            locale: Some(Some("de-AT".to_owned())),
            zone: Some(Some("Europe/Vienna".to_owned())),
            ..Change::default()
        };
        let changed = users::update(&call, alice.id, Some(alice.version), change.clone()).await.expect("changes");
        assert_eq!(changed.name.as_deref(), Some("Alice Adler"));
        assert_eq!(changed.profile.address.clone().expect("an address").locality.as_deref(), Some("Bonn"));
        assert_eq!(changed.version, alice.version + 1);
        let stale = users::update(&call, alice.id, Some(alice.version), change).await.expect_err("stale");
        assert_eq!(stale.code(), Some(Code::VersionMismatch));
        let less = Change { profile: json!({"address": null}).as_object().cloned(), ..Change::default() };
        let less = users::update(&call, alice.id, None, less).await.expect("changes");
        assert_eq!((less.profile.address, less.profile.given_name.as_deref()), (None, Some("Alice")));
        for wrong in [
            json!({"email_verified": true}),
            json!({"website": "javascript:alert(1)"}),
            json!({"birthdate": "yesterday"}),
            json!({"nickname": 7}),
        ] {
            let change = Change { profile: wrong.as_object().cloned(), ..Change::default() };
            let refused = users::update(&call, alice.id, None, change).await.expect_err("refused");
            assert_eq!(refused.code(), Some(Code::RequestInvalid), "{wrong}");
        }
    }

    async fn the_last_administrator_stays(world: World) {
        let call = world.local();
        let alice = account(&call, "alice@example.org", "Alice").await;
        let bob = account(&call, "bob@example.org", "Bob").await;
        let to = |role| Change { platform_role: Some(role), ..Change::default() };
        for id in [alice.id, bob.id] {
            users::update(&call, id, None, to(PlatformRole::Administrator)).await.expect("is promoted");
        }
        let leave = [alice.id, bob.id].map(|id| users::update(&call, id, None, to(PlatformRole::User)));
        let outcomes = futures_util::future::join_all(leave).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
        let refused = outcomes.into_iter().find_map(Result::err).expect("one stays");
        assert_eq!(refused.code(), Some(Code::LastAdministrator));
    }

    async fn another_address_is_proven_first_and_the_old_one_is_told(world: World) {
        let call = world.call();
        let alice = account(&call, "alice@example.org", "Alice").await;
        account(&call, "bob@example.org", "Bob").await;
        let wrong = users::change_email(&call, alice.id, &"wrong".into(), email("new@example.org")).await;
        assert_eq!(wrong.expect_err("wrong").code(), Some(Code::PasswordWrong));
        users::change_email(&call, alice.id, &GOOD.into(), email("bob@example.org")).await.expect("the same answer");
        users::change_email(&call, alice.id, &GOOD.into(), email("New@example.org")).await.expect("a mail");
        assert_eq!(users::get(&call, alice.id).await.expect("reads").email.as_deref(), Some("alice@example.org"));
        let link = newest_link(&call, "New@example.org").await;
        assert_eq!(users::check_change_email(&call, &link).await.expect("works"), "New@example.org");
        world.advance(Duration::from_millis(1));
        let call = world.call();
        let changed = users::confirm_email(&call, &link).await.expect("changes");
        assert_eq!(changed.email.as_deref(), Some("New@example.org"));
        assert!(changed.email_verified_at.is_some());
        assert_eq!(users::confirm_email(&call, &link).await.expect_err("once").code(), Some(Code::LinkInvalid));
        let all = mail::list(&call, None, page("", 50)).await.expect("the outbox");
        let told: Vec<_> = all.items.iter().filter(|mail| mail.recipient == "alice@example.org").collect();
        assert_eq!(told.iter().map(|mail| mail.template).collect::<Vec<_>>(), [Template::EmailChanged]);
        let owner = all.items.iter().find(|mail| mail.recipient == "bob@example.org").expect("is told");
        assert_eq!(owner.template, Template::AlreadySignedUp);
        assert!(users::find_by_email(&call, &email("alice@example.org")).await.expect("reads").is_none());
    }

    async fn nothing_personal_is_left_of_a_deleted_account(world: World) {
        let call = world.call();
        let alice = account(&call, "alice@example.org", "Alice Adler").await;
        let ask = PasswordAsk {
            identifier: "alice@example.org".to_owned(),
            password: GOOD.into(),
            cookie: None,
        };
        let signed_in = credentials::sign_in(&call, ask.clone()).await.expect("signs in");
        let by = call.by(Actor::User { id: alice.id, session: signed_in.session.id });
        let picture = include_bytes!("../../../../tests/data/pictures/logo.png");
        let picture = Picture::within(picture, &users::PICTURE).expect("a picture");
        let person = users::set_picture(&by, alice.id, Some(picture)).await.expect("is set");
        let address = person.profile.picture.expect("an address");
        let name = address.rsplit('/').next().and_then(|file| file.split('.').next()).expect("a name");
        assert!(users::picture(&call, name).await.expect("reads").is_some());
        let wrong = users::delete(&by, (alice.id, Some(signed_in.session.id)), &"wrong".into()).await.expect_err("wrong");
        assert_eq!(wrong.code(), Some(Code::PasswordWrong));
        users::delete(&by, (alice.id, None), &GOOD.into()).await.expect("is deleted");
        assert!(users::find(&call, alice.id).await.expect("reads").is_none());
        assert!(users::picture(&call, name).await.expect("reads").is_none());
        let signed = sessions::find(&call, &signed_in.cookie).await.expect("reads").expect("known");
        assert!(signed.accounts.is_empty());
        let refused = credentials::sign_in(&call, ask).await.expect_err("no account");
        assert_eq!(refused.code(), Some(Code::SignInFailed));
        assert_eq!(personal_rows(&call, "%lice%").await, 0);
        assert_eq!(users::end(&world.local(), alice.id).await.expect_err("gone").code(), Some(Code::NotFound));
        // The address is free again.
        account(&call, "alice@example.org", "Another Alice").await;
    }
}

/// How many rows that belong to accounts mention somebody.
async fn personal_rows(call: &Call, pattern: &'static str) -> i64 {
    const STATEMENTS: [&str; 6] = [
        "SELECT CAST(COUNT(*) AS BIGINT) FROM users WHERE name LIKE $1 OR profile LIKE $1",
        "SELECT CAST(COUNT(*) AS BIGINT) FROM emails WHERE address LIKE $1",
        "SELECT CAST(COUNT(*) AS BIGINT) FROM orgs WHERE name LIKE $1",
        "SELECT CAST(COUNT(*) AS BIGINT) FROM event_intake WHERE detail LIKE $1 OR facts LIKE $1",
        "SELECT CAST(COUNT(*) AS BIGINT) FROM event_details WHERE detail LIKE $1",
        "SELECT CAST(COUNT(*) AS BIGINT) FROM mails WHERE recipient LIKE $1 AND template <> 'account-deleted'",
    ];
    call.realm
        .db
        .read("test.personal", pattern, |tx, pattern| {
            Box::pin(async move {
                let mut rows = 0;
                for statement in STATEMENTS {
                    rows += tx.opt(statement, args![*pattern], |row| row.int(0)).await?.unwrap_or(0);
                }
                Ok(rows)
            })
        })
        .await
        .expect("counts")
}
