//! What a person is handed of what is held of them.

#![expect(clippy::expect_used, reason = "a test that cannot go on ends there")]

use std::time::Duration;

use doorward_core::{
    audit::{self, Event},
    call::{Actor, Call},
    credentials::{self, PasswordAsk},
    outcome::Code,
    own_data,
    usage::{self, Sample},
    users::{self, Email, NewUser},
};
use doorward_proto::id::{Id, User};
use doorward_world::{World, both_engines};
use serde_json::Value as Json;

const GOOD: &str = "correct-Horse7-battery";

async fn person(call: &Call, address: &str) -> Id<User> {
    let mut new = NewUser::new(Email::parse(address).expect("an address"));
    new.password = Some(call.realm.passwords.make(&GOOD.into()).await.expect("hashes"));
    new.email_verified = true;
    users::create(call, new).await.expect("is made").id
}

/// A call by a person who has just signed in.
async fn signed_in(world: &World, address: &str) -> Call {
    let ask = PasswordAsk { identifier: address.to_owned(), password: GOOD.into(), cookie: None };
    let signed = credentials::sign_in(&world.call(), ask).await.expect("signs in");
    world.call().by(Actor::User { id: signed.session.user, session: signed.session.id })
}

async fn file(call: &Call) -> (String, Json, usize) {
    let mut export = own_data::export(call).await.expect("begins");
    let (mut text, mut largest) = (String::new(), 0);
    while let Some(piece) = export.more().await.expect("goes on") {
        largest = largest.max(piece.len());
        text.push_str(&piece);
    }
    let json = serde_json::from_str(&text).expect("JSON");
    (text, json, largest)
}

both_engines! {
    async fn everything_that_is_held_of_a_person_is_in_the_file_and_nothing_of_others(world: World) {
        let local = world.local();
        let alice = person(&local, "alice@example.org").await;
        let bob = person(&local, "bob@example.org").await;
        signed_in(&world, "bob@example.org").await;
        let call = signed_in(&world, "alice@example.org").await;
        let (of_alice, of_bob) = (alice.to_string(), bob.to_string());
        for principal in [&of_alice, &of_bob] {
            call.realm.usage.count(call.now, &Sample { principal, status: 2, ..Sample::default() }, usage::Counts::ONE);
        }
        let about_bob = Event::new(&call, "test.about_bob").expect("an event").subject(bob).detail("email", "bob@example.org");
        audit::note(&call, about_bob).await.expect("is noted");
        let suspended = users::suspend(&local, alice).await.expect("is suspended");
        assert_eq!(suspended.id, alice);
        users::resume(&local, alice).await.expect("is back");
        let call = signed_in(&world, "alice@example.org").await;
        let (text, json, _) = file(&call).await;
        assert_eq!((json["format"].as_str(), json["issuer"].as_str()), (Some("doorward-own-data/1"), Some("https://id.example")));
        assert_eq!(json["profile"][0]["id"], of_alice);
        assert_eq!(json["addresses"][0]["address"], "alice@example.org");
        assert_eq!(json["standing"][0]["status"], "active");
        assert_eq!(json["password"].as_array().map(Vec::len), Some(1));
        assert_eq!(json["sessions"].as_array().map(Vec::len), Some(2), "the ended one too: {text}");
        assert_eq!(json["sessions"][0]["user_agent"], "Test/1.0");
        assert_eq!(json["organizations"].as_array().map(Vec::len), Some(2));
        assert_eq!(json["usage"][0]["requests"], 1);
        let codes = |part: &str| -> Vec<String> {
            let all = json[part].as_array().expect("a list");
            all.iter().map(|event| event["code"].as_str().expect("a code").to_owned()).collect()
        };
        assert!(codes("events").iter().any(|code| code == "user.exported"), "{text}");
        assert!(codes("events_by_others").iter().any(|code| code == "user.suspended"), "{text}");
        let of = |part: &str, code: &str| {
            json[part].as_array().and_then(|all| all.iter().find(|one| one["code"] == code)).cloned()
        };
        assert_eq!(of("events", "user.exported").expect("is there")["detail"]["address"], "203.0.113.7");
        assert!(of("events", "test.about_bob").expect("is there")["detail"].is_null());
        assert!(of("events_by_others", "user.suspended").expect("is there")["detail"].is_null());
        for part in own_data::HELD.iter().map(|held| held.name).chain(own_data::READ.iter().map(|part| part.0)) {
            assert!(json[part].is_array(), "{part}");
        }
        for never in ["bob@example.org", "$argon2", "\"phc\"", "\"hash\"", "sealed"] {
            assert!(!text.contains(never), "{never}: {text}");
        }
    }

    async fn a_long_life_is_read_in_pieces_and_none_is_missing_or_twice(world: World) {
        let local = world.local();
        let alice = person(&local, "alice@example.org").await;
        let call = signed_in(&world, "alice@example.org").await;
        for number in 0..1_203 {
            let event = Event::new(&call, "test.happened").expect("an event").subject(alice).fact("number", number);
            audit::note(&call, event).await.expect("is noted");
        }
        for hour in 0..1_100 {
            let principal = alice.to_string();
            let at = call.now - Duration::from_hours(hour);
            call.realm.usage.count(at, &Sample { principal: &principal, ..Sample::default() }, usage::Counts::ONE);
        }
        let (_, json, largest) = file(&call).await;
        let mut numbers: Vec<i64> = json["events"].as_array().expect("a list").iter()
            .filter_map(|event| event["facts"]["number"].as_i64()).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (0..1_203).collect::<Vec<_>>());
        assert_eq!(json["usage"].as_array().map(Vec::len), Some(1_100));
        assert!(largest < 500 * 1_000, "{largest}");
    }

    async fn only_who_has_just_signed_in_is_handed_it(world: World) {
        let local = world.local();
        person(&local, "alice@example.org").await;
        let mut call = signed_in(&world, "alice@example.org").await;
        call.now = call.now + Duration::from_mins(11);
        let refused = own_data::export(&call).await.err().expect("is refused");
        assert_eq!(refused.code(), Some(Code::SignInStale));
        let refused = own_data::export(&local).await.err().expect("is refused");
        assert_eq!(refused.code(), Some(Code::Forbidden));
        let all = audit::list(&local.realm, audit::Filter::default(), None, 100).await.expect("lists");
        assert!(all.iter().all(|event| event.code != "user.exported"));
    }
}
