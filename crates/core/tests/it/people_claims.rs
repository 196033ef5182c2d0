//! What applications learn of people, when it changes, and which links a change leaves alive.

#![expect(clippy::expect_used, reason = "a test that cannot go on ends there")]

use crate::kit;
use std::time::Duration;

use crate::kit::{PASSWORD, alice, application, code_for, inside, person, redeem};
use doorward_core::{
    call::Call,
    credentials, mail,
    orgs::manage::{self, NewOrg},
    outcome::Code,
    page::PageAsk,
    tokens,
    users::{self, Change, Email},
};
use doorward_proto::secret::{Kind, Opaque};
use doorward_world::{World, both_engines};
use serde_json::{Value, json};

const OLD: &str = "alice@example.org";
const NEW: &str = "alice@example.net";

fn email(text: &str) -> Email {
    Email::parse(text).expect("an address")
}

async fn newest_link(call: &Call, address: &str) -> Opaque {
    let all = mail::list(call, None, PageAsk { limit: 50, ..PageAsk::default() }).await.expect("the outbox");
    for mail in all.items.into_iter().filter(|mail| mail.recipient == address) {
        let (_, words) = mail::show(call, mail.id).await.expect("the mail");
        if let Some(text) = words.text.split("token=").nth(1).and_then(|rest| rest.split_whitespace().next())
        {
            return Opaque::parse(Kind::Link, text).expect("well formed");
        }
    }
    panic!("no link for {address}")
}

/// A link to a new password; an hour later, so that the last one is not in the way.
async fn reset_link(world: &World) -> Opaque {
    world.advance(Duration::from_hours(1));
    let call = world.call();
    credentials::forgot(&call, email(OLD), None, None).await.expect("is sent");
    let link = newest_link(&call, OLD).await;
    credentials::check_reset(&call, &link).await.expect("works");
    link
}

async fn is_over(call: &Call, link: &Opaque) -> bool {
    match credentials::check_reset(call, link).await {
        Ok(_) => false,
        Err(error) => error.code() == Some(Code::LinkInvalid),
    }
}

both_engines! {
    /// Who may only know that somebody is signed in learns nothing else of them, and no organisation is
    /// called after a person.
    async fn openid_alone_tells_only_who_it_is(world: World) {
        let alice = alice(&world).await;
        let call = world.call();
        let signed = alice.signed(&call).await;
        let own = application(&world, "own", |_| {}).await;
        let third = application(&world, "third", |new| new.registration.is_first_party = false).await;
        for (app, scope, is_told) in [(&third, "openid", false), (&third, "openid profile", true), (&own, "openid", true)] {
            let ask = [("scope", scope), ("redirect_uri", kit::CALLBACK)];
            let code = match doorward_core::authorize::begin(&call, &kit::request(app, &ask), Some(&signed)).await.expect("answered") {
                doorward_core::authorize::Next::Grant { code, .. } => code.expose().to_owned(),
                doorward_core::authorize::Next::Show { draft, .. } => {
                    let account = signed.active().expect("signed in");
                    let yes = doorward_core::authorize::Consented { draft, session: account.session.id, only_once: false };
                    doorward_core::authorize::approve(&call, &yes, account).await.expect("says yes");
                    code_for(&call, app, &signed, &ask).await
                }
                other => panic!("{other:?}"),
            };
            let made = redeem(&call, app, &code).await.expect("is redeemed");
            let live = tokens::verify(&call, &made.access_token).await.expect("is good");
            let userinfo: Value = serde_json::from_str(&tokens::userinfo(&call, &live).await.expect("answers")).expect("JSON");
            for claims in [inside(&made.id_token.expect("openid")), userinfo] {
                let name = &app.client_id;
                assert!(!claims.to_string().contains("alice"), "{name} {scope}: {claims}");
                assert_eq!(claims.get("organization_ids").is_some(), is_told, "{name} {scope}");
                let expected = is_told.then(|| json!(["Personal", "Doorward"]));
                assert_eq!(claims.get("organization_names"), expected.as_ref(), "{name} {scope}");
                assert_eq!(claims["tenant_id"], json!(alice.signed_in.session.org), "{name} {scope}");
            }
        }
    }

    /// A token names so many organisations and no more, the active one among them.
    async fn a_token_of_who_belongs_to_many_stays_small(world: World) {
        let (alice, app) = (alice(&world).await, application(&world, "app", |_| {}).await);
        let mut last = None;
        for number in 0..60 {
            world.advance(Duration::from_millis(1));
            let local = world.local();
            let new = NewOrg { name: format!("Org {number}"), slug: None, owner: Some(alice.user.id) };
            last = Some(manage::create(&local, new).await.expect("is made").id.to_string());
        }
        let last = last.expect("some were made");
        let (call, scope) = (world.call(), [("scope", "openid profile"), ("organization", last.as_str())]);
        let code = code_for(&call, &app, &alice.signed(&call).await, &scope).await;
        let made = redeem(&call, &app, &code).await.expect("is redeemed");
        let live = tokens::verify(&call, &made.access_token).await.expect("is good");
        let userinfo = serde_json::from_str(&tokens::userinfo(&call, &live).await.expect("answers")).expect("JSON");
        for claims in [inside(&made.id_token.expect("openid")), userinfo] {
            let (ids, names) = (&claims["organization_ids"], &claims["organization_names"]);
            assert_eq!([ids, names].map(|all| all.as_array().map(Vec::len)), [Some(50); 2]);
            assert_eq!((&ids[49], &names[49]), (&json!(last), &json!("Org 59")));
            assert_eq!((&claims["tenant_id"], &claims["organizations_truncated"]), (&json!(last), &json!(true)));
        }
    }

    /// Userinfo says what stands now, by whichever way a fact was changed.
    async fn userinfo_follows_every_change(world: World) {
        let (alice, app) = (alice(&world).await, application(&world, "app", |_| {}).await);
        let call = world.call();
        let scope: &[(&str, &str)] = &[("scope", "openid profile email")];
        let code = code_for(&call, &app, &alice.signed(&call).await, scope).await;
        let token = redeem(&call, &app, &code).await.expect("is redeemed").access_token;
        let told = async |claim: &'static str| {
            let live = tokens::verify(&call, &token).await.expect("is good");
            let answer: Value = serde_json::from_str(&tokens::userinfo(&call, &live).await.expect("answers")).expect("JSON");
            answer[claim].clone()
        };
        assert_eq!(told("email").await, json!(OLD));
        users::change_email(&call, alice.user.id, &PASSWORD.into(), email(NEW)).await.expect("is sent");
        users::confirm_email(&call, &newest_link(&call, NEW).await).await.expect("is changed");
        assert_eq!((told("email").await, told("email_verified").await), (json!(NEW), json!(true)));
        let change = Change { name: Some(Some("Alice Berg".to_owned())), ..Change::default() };
        users::update(&call, alice.user.id, None, change).await.expect("is changed");
        assert_eq!(told("name").await, json!("Alice Berg"));
        let change = Change { email: Some((email(OLD), false)), ..Change::default() };
        users::update(&world.local(), alice.user.id, None, change).await.expect("is changed");
        assert_eq!((told("email").await, told("email_verified").await), (json!(OLD), json!(false)));
    }

    /// A link in an old mailbox opens nothing once the password or the address is another.
    async fn a_reset_link_ends_with_what_it_was_for(world: World) {
        let alice = alice(&world).await;
        let user = alice.user.id;
        let link = reset_link(&world).await;
        let own = (user, alice.signed_in.session.id);
        credentials::change(&world.call(), own, &PASSWORD.into(), &"another-Horse8-battery".into()).await.expect("is changed");
        assert!(is_over(&world.call(), &link).await, "the password was changed");
        let link = reset_link(&world).await;
        credentials::set(&world.local(), user, &PASSWORD.into()).await.expect("is set");
        assert!(is_over(&world.call(), &link).await, "an administrator set a password");
        let link = reset_link(&world).await;
        let change = Change { email: Some((email(NEW), true)), ..Change::default() };
        users::update(&world.local(), user, None, change).await.expect("is changed");
        assert!(is_over(&world.call(), &link).await, "an administrator set another address");
        let change = Change { email: Some((email(OLD), true)), ..Change::default() };
        users::update(&world.local(), user, None, change).await.expect("is changed");
        let link = reset_link(&world).await;
        users::change_email(&world.call(), user, &PASSWORD.into(), email(NEW)).await.expect("is sent");
        assert!(!is_over(&world.call(), &link).await, "asking alone changes nothing");
        users::confirm_email(&world.call(), &newest_link(&world.call(), NEW).await).await.expect("is changed");
        assert!(is_over(&world.call(), &link).await, "the address was changed");
        let bob = person(&world, "bob@example.org", None).await;
        users::change_email(&world.call(), bob.user.id, &PASSWORD.into(), email("bob@example.net")).await.expect("is sent");
        let pending = newest_link(&world.call(), "bob@example.net").await;
        credentials::set(&world.local(), bob.user.id, &"another-Horse8-battery".into()).await.expect("is set");
        let over = users::confirm_email(&world.call(), &pending).await.expect_err("asked under the old password");
        assert_eq!(over.code(), Some(Code::LinkInvalid));
    }
}
