//! What organisations ask of their people, on both engines: who asks, who answers, who is told.

use std::collections::BTreeMap;

use doorward_core::{
    audit::{self, Filter, Sealer},
    call::{Actor, Call},
    orgs::{
        Holder, Org, OrgScope, enter,
        fields::{self, Change, Field, Kind, NewField, Said},
        manage::{self, NewOrg},
        members,
    },
    outcome::{Code, Error, Result},
    tokens, users,
};
use doorward_proto::id::{Id, User};
use doorward_world::{World, both_engines};
use serde_json::{Value as Json, json};

use crate::kit::{self, Alice, application, code_for, inside, redeem};

fn refused<T: std::fmt::Debug>(outcome: Result<T>) -> (Code, String) {
    match outcome {
        Err(Error::Refused(refusal)) => (refusal.code, refusal.field.unwrap_or_default().into_owned()),
        other => panic!("{other:?}"),
    }
}

async fn enters(world: &World, org: &Org, person: Id<User>) -> OrgScope {
    let holder = Holder { person: Some(person), ..Holder::default() };
    enter(&world.call(), holder, &org.id.to_string(), "org:settings:read").await.unwrap()
}

fn by(world: &World, person: Id<User>) -> Call {
    let call = world.call();
    let session = call.id().unwrap();
    call.by(Actor::User { id: person, session })
}

/// An organisation that somebody owns and others belong to.
async fn team(world: &World, name: &str, owner: &Alice, others: &[&Alice]) -> (Org, OrgScope) {
    let new = NewOrg { name: name.to_owned(), owner: Some(owner.user.id), ..NewOrg::default() };
    let org = manage::create(&world.local(), new).await.unwrap();
    let holder = Holder { scopes: vec!["admin:*".to_owned()], ..Holder::default() };
    let all = enter(&world.local(), holder, &org.id.to_string(), "org:members:write").await.unwrap();
    for other in others {
        members::add(&world.local(), &all, other.user.id, "member").await.unwrap();
    }
    let scope = enters(world, &org, owner.user.id).await;
    (org, scope)
}

fn change(label: &str) -> Change {
    Change { label: label.to_owned(), in_claims: true, ..Change::default() }
}

fn field(key: &str, kind: Kind) -> NewField {
    let options =
        if kind == Kind::Choice { vec!["Sales".to_owned(), "Research".to_owned()] } else { Vec::new() };
    NewField { key: key.to_owned(), kind, change: Change { options, ..change(key) } }
}

fn said<const N: usize>(pairs: [(&str, Json); N]) -> Said {
    pairs.map(|(key, value)| (key.to_owned(), Some(value).filter(|value| !value.is_null()))).into()
}

fn values(answers: &[fields::Answer]) -> BTreeMap<&str, Json> {
    let value = |answer: &fields::Answer| answer.value.clone().unwrap_or_default();
    answers.iter().map(|answer| (answer.field.key.as_str(), value(answer))).collect()
}

fn keys(all: &[Field]) -> Vec<&str> {
    all.iter().map(|field| field.key.as_str()).collect()
}

both_engines! {
    async fn fields_are_made_ordered_changed_and_removed(world: World) {
        let (owner, member) = (kit::alice(&world).await, kit::person(&world, "bob@example.org", None).await);
        let (org, scope) = team(&world, "Acme", &owner, &[&member]).await;
        let call = by(&world, owner.user.id);
        for key in ["new", "", "Desk", "1st", "a-b", "ü", &"x".repeat(41)] {
            assert_eq!(refused(fields::create(&call, &scope, field(key, Kind::Text)).await), (Code::RequestInvalid, "key".to_owned()), "{key}");
        }
        let wrong = |change: Change, kind| NewField { key: "it".to_owned(), kind, change };
        let options = |all: &[&str]| all.iter().map(ToString::to_string).collect::<Vec<_>>();
        for (new, at) in [
            (wrong(change(" "), Kind::Text), "label"),
            (wrong(change("two\nlines"), Kind::Text), "label"),
            (wrong(change(&"x".repeat(101)), Kind::Text), "label"),
            (wrong(Change { options: options(&["a"]), ..change("It") }, Kind::Text), "options"),
            (wrong(change("It"), Kind::Choice), "options"),
            (wrong(Change { options: options(&["a", " a"]), ..change("It") }, Kind::Choice), "options"),
            (wrong(Change { options: options(&["a", ""]), ..change("It") }, Kind::Choice), "options"),
        ] {
            assert_eq!(refused(fields::create(&call, &scope, new).await), (Code::RequestInvalid, at.to_owned()));
        }
        for key in ["desk", "staff", "team"] {
            fields::create(&call, &scope, field(key, Kind::Text)).await.unwrap();
        }
        assert_eq!(refused(fields::create(&call, &scope, field("desk", Kind::Date)).await).0, Code::Conflict);
        let moved = fields::update(&call, &scope, "team", 1, Change { position: Some(0), ..change("Your team") }).await.unwrap();
        assert_eq!((moved.label.as_str(), moved.position, moved.version), ("Your team", 0, 2));
        assert_eq!(keys(&fields::list(&call, &scope).await.unwrap()), ["team", "desk", "staff"]);
        assert_eq!(refused(fields::update(&call, &scope, "team", 1, change("Late")).await).0, Code::VersionMismatch);
        assert_eq!(refused(fields::update(&call, &scope, "none", 1, change("None")).await).0, Code::NotFound);
        fields::remove(&call, &scope, "team").await.unwrap();
        assert_eq!(refused(fields::remove(&call, &scope, "team").await).0, Code::NotFound);
        let left = fields::list(&call, &scope).await.unwrap();
        assert_eq!(left.iter().map(|field| field.position).collect::<Vec<_>>(), [0, 1]);

        // A member sees what is asked, and decides nothing.
        let theirs = enters(&world, &org, member.user.id).await;
        assert_eq!(fields::list(&call, &theirs).await.unwrap().len(), 2);
        for outcome in [
            fields::create(&call, &theirs, field("mine", Kind::Text)).await.map(drop),
            fields::update(&call, &theirs, "desk", 1, change("Mine")).await.map(drop),
            fields::remove(&call, &theirs, "desk").await,
        ] {
            assert_eq!(refused(outcome).0, Code::ScopeMissing);
        }
        let own = orgs_own(&world, &owner).await;
        assert_eq!(refused(fields::create(&call, &own, field("me", Kind::Text)).await).0, Code::Conflict);
    }

    /// There is room for so many, and tokens hold fewer.
    async fn fields_have_a_bound(world: World) {
        let owner = kit::alice(&world).await;
        let (_, scope) = team(&world, "Acme", &owner, &[]).await;
        let call = by(&world, owner.user.id);
        for number in 0..fields::MOST {
            let mut new = field(&format!("f{number}"), Kind::Text);
            new.change.in_claims = number < fields::MOST_IN_CLAIMS;
            fields::create(&call, &scope, new).await.unwrap();
        }
        let mut new = field("more", Kind::Text);
        new.change.in_claims = false;
        assert_eq!(refused(fields::create(&call, &scope, new).await).0, Code::Conflict);
        let told = fields::update(&call, &scope, &format!("f{}", fields::MOST_IN_CLAIMS), 1, change("Told")).await;
        assert_eq!(refused(told).0, Code::Conflict);
        fields::update(&call, &scope, "f0", 1, change("Still told")).await.unwrap();
    }

    async fn people_answer_for_themselves_and_what_they_said_goes_with_them(world: World) {
        let (owner, bob) = (kit::alice(&world).await, kit::person(&world, "bob@example.org", None).await);
        let stranger = kit::person(&world, "eve@example.org", None).await;
        let (org, scope) = team(&world, "Acme", &owner, &[&bob]).await;
        let (other, _) = team(&world, "Other", &bob, &[]).await;
        let (call, by_bob) = (by(&world, owner.user.id), by(&world, bob.user.id));
        for (kind, is_required) in Kind::ALL.into_iter().zip([true, false, false, true, false, false]) {
            let mut new = field(kind.name(), kind);
            new.change.is_required = is_required;
            fields::create(&call, &scope, new).await.unwrap();
        }
        let asks = |answers: &[fields::Answer]| answers.iter().filter(|answer| answer.is_missing()).count();
        assert_eq!(asks(&fields::own(&by_bob, org.id, bob.user.id).await.unwrap()), 2);
        let good = [
            ("text", json!("Room 7")), ("number", json!(4.5)), ("boolean", json!(false)),
            ("choice", json!("Sales")), ("date", json!("2026-02-28")), ("url", json!("https://bob.example")),
        ];
        let answered = fields::answer(&by_bob, org.id, bob.user.id, said(good.clone())).await.unwrap();
        assert_eq!(values(&answered), good.clone().into());
        for (key, value) in [
            ("text", json!(7)), ("number", json!("4")), ("boolean", json!("no")), ("choice", json!("sales")),
            ("date", json!("2026-02-29")), ("url", json!("ftp://bob.example")), ("text", Json::Null), ("unknown", json!(1)),
        ] {
            let outcome = fields::answer(&by_bob, org.id, bob.user.id, said([("number", json!(9)), (key, value.clone())])).await;
            assert_eq!(refused(outcome), (Code::RequestInvalid, key.to_owned()), "{value}");
        }
        let kept = fields::own(&by_bob, org.id, bob.user.id).await.unwrap();
        assert_eq!(values(&kept), good.into(), "a refusal changes nothing");
        // Who sees members sees it; a member does not, and to a stranger there is nothing.
        assert_eq!(fields::of_member(&call, &scope, bob.user.id).await.unwrap(), kept);
        let theirs = enters(&world, &org, bob.user.id).await;
        assert_eq!(refused(fields::of_member(&by_bob, &theirs, owner.user.id).await).0, Code::ScopeMissing);
        for outcome in [
            fields::own(&call, org.id, stranger.user.id).await,
            fields::answer(&call, org.id, stranger.user.id, said([("text", json!("x"))])).await,
            fields::of_member(&call, &scope, stranger.user.id).await,
        ] {
            assert_eq!(refused(outcome).0, Code::NotFound);
        }
        assert_eq!(fields::own(&by_bob, other.id, bob.user.id).await.unwrap(), Vec::new());
        assert_eq!(fields::asking(&by_bob, bob.user.id).await.unwrap(), [org.id]);
        // An option that is gone is no answer any more.
        let narrowed = Change { options: vec!["Research".to_owned()], is_required: true, ..change("choice") };
        fields::update(&call, &scope, "choice", 1, narrowed).await.unwrap();
        assert_eq!(asks(&fields::own(&by_bob, org.id, bob.user.id).await.unwrap()), 1);
        // A field that comes back under its name has no answers of before.
        fields::remove(&call, &scope, "date").await.unwrap();
        fields::create(&call, &scope, field("date", Kind::Date)).await.unwrap();
        assert_eq!(values(&fields::own(&by_bob, org.id, bob.user.id).await.unwrap())["date"], Json::Null);

        // Whoever is taken out, leaves or is deleted leaves nothing behind.
        let holder = Holder { scopes: vec!["admin:*".to_owned()], ..Holder::default() };
        let all = enter(&world.local(), holder, &org.id.to_string(), "org:members:write").await.unwrap();
        members::remove(&world.local(), &all, bob.user.id).await.unwrap();
        members::add(&world.local(), &all, bob.user.id, "member").await.unwrap();
        let nothing = async || fields::own(&by_bob, org.id, bob.user.id).await.unwrap().iter().all(|answer| answer.value.is_none());
        assert!(nothing().await, "taken out");
        fields::answer(&by_bob, org.id, bob.user.id, said([("text", json!("again"))])).await.unwrap();
        members::leave(&by_bob, org.id, bob.user.id).await.unwrap();
        members::add(&world.local(), &all, bob.user.id, "member").await.unwrap();
        assert!(nothing().await, "left");
        fields::answer(&by_bob, org.id, bob.user.id, said([("text", json!("again"))])).await.unwrap();
        fields::answer(&call, org.id, owner.user.id, said([("text", json!("mine"))])).await.unwrap();
        assert_eq!(kept_in(&world).await, 2);
        manage::end(&world.local(), &enter_other(&world, &other).await).await.unwrap();
        users::end(&world.local(), bob.user.id).await.unwrap();
        assert_eq!(kept_in(&world).await, 1);
        manage::end(&world.local(), &enter_other(&world, &org).await).await.unwrap();
        assert_eq!(kept_in(&world).await, 0);
    }

    /// Applications are told what is meant for them, of the organisation that the token is for; the audit trail
    /// knows that something was answered, and not what.
    async fn applications_are_told_what_the_active_organisation_asks(world: World) {
        let alice = kit::alice(&world).await;
        let (org, scope) = team(&world, "Acme", &alice, &[]).await;
        let (other, theirs) = team(&world, "Other", &alice, &[]).await;
        let call = by(&world, alice.user.id);
        for (scope, org, desk) in [(&scope, &org, "acme-7"), (&theirs, &other, "other-9")] {
            fields::create(&call, scope, field("desk", Kind::Text)).await.unwrap();
            fields::create(&call, scope, field("staff", Kind::Number)).await.unwrap();
            let mut hidden = field("salary", Kind::Number);
            hidden.change.in_claims = false;
            fields::create(&call, scope, hidden).await.unwrap();
            let answers = said([("desk", json!(desk)), ("staff", json!(12)), ("salary", json!(54_321))]);
            fields::answer(&call, org.id, alice.user.id, answers).await.unwrap();
        }
        let app = application(&world, "app", |_| {}).await;
        let signed = alice.signed(&call).await;
        let asks = r#"{"id_token":{"tenant_profile":null}}"#;
        for (named, scopes, claims, in_id, in_userinfo) in [
            (&*org.id.to_string(), "openid profile", "", Some("acme-7"), Some("acme-7")),
            (&*other.id.to_string(), "openid profile", "", Some("other-9"), Some("other-9")),
            (&*org.id.to_string(), "openid", "", None, None),
            (&*org.id.to_string(), "openid", asks, Some("acme-7"), None),
            ("", "openid profile", "", None, None),
        ] {
            let code = code_for(&call, &app, &signed, &[("organization", named), ("scope", scopes), ("claims", claims)]).await;
            let made = redeem(&call, &app, &code).await.unwrap();
            let live = tokens::verify(&call, &made.access_token).await.unwrap();
            let userinfo: Json = serde_json::from_str(&tokens::userinfo(&call, &live).await.unwrap()).unwrap();
            for (told, expected) in [(inside(&made.id_token.unwrap()), in_id), (userinfo, in_userinfo)] {
                let expected = expected.map(|desk| json!({"desk": desk, "staff": 12}));
                assert_eq!(told.get("tenant_profile"), expected.as_ref(), "{named} {scopes} {claims}");
                assert!(!told.to_string().contains("54321"), "{told}");
            }
            assert!(!inside(&made.access_token).to_string().contains("desk"));
            if in_userinfo == Some("acme-7") {
                // What userinfo has said is not remembered beyond a change.
                fields::answer(&call, org.id, alice.user.id, said([("desk", json!("acme-8"))])).await.unwrap();
                let live = tokens::verify(&call, &made.access_token).await.unwrap();
                assert!(tokens::userinfo(&call, &live).await.unwrap().contains("acme-8"));
                fields::answer(&call, org.id, alice.user.id, said([("desk", json!("acme-7"))])).await.unwrap();
            }
        }
        Sealer::new(&world.realm).unwrap().finish().await.unwrap();
        let filter = Filter { code: Some("org.profile_changed".to_owned()), ..Filter::default() };
        let found = audit::list(&world.realm, filter, None, 50).await.unwrap();
        assert_eq!(found.len(), 4);
        let text = format!("{found:?}");
        assert!(text.contains("salary") && !text.contains("54321") && !text.contains("acme-7"), "{text}");
    }
}

async fn orgs_own(world: &World, person: &Alice) -> OrgScope {
    let holder = Holder { person: Some(person.user.id), ..Holder::default() };
    enter(&world.call(), holder, &person.user.org.to_string(), "org:settings:write").await.unwrap()
}

async fn enter_other(world: &World, org: &Org) -> OrgScope {
    let holder = Holder { scopes: vec!["admin:*".to_owned()], ..Holder::default() };
    enter(&world.local(), holder, &org.id.to_string(), "org:settings:end").await.unwrap()
}

/// How many answers there are.
async fn kept_in(world: &World) -> i64 {
    let count = "SELECT CAST(COUNT(*) AS BIGINT) FROM org_values";
    let found = world.realm.db.read("count", (), move |tx, ()| {
        Box::pin(async move { tx.opt(count, doorward_core::args![], |row| row.int(0)).await })
    });
    found.await.unwrap().unwrap()
}
