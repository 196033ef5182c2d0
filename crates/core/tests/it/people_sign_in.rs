//! Signing in: one answer and one time for every failure, delays that lock nobody out, hashes from
//! elsewhere.

#![expect(clippy::expect_used, clippy::panic, reason = "a test that cannot go on ends there")]

use std::{net::IpAddr, time::Duration};

use doorward_core::{
    args,
    call::Call,
    credentials::{self, Hashed, PasswordAsk, SignedIn},
    db::Db,
    env::{Env, no_fetch},
    outcome::{Code, Refusal},
    realm::{Parts, Realm},
    sessions,
    settings::Settings,
    users::{self, Email, NewUser},
    vault::Vault,
};
use doorward_proto::secret::{Opaque, SecretText};
use doorward_world::{Fresh, World, both_engines, run::Fixture as _};

const GOOD: &str = "correct-Horse7-battery";
/// The same password, hashed by other programs (Python's hashlib, bcrypt and argon2-cffi).
const IMPORTED: [&str; 9] = [
    "$2b$05$bfYc/UVubFRxalPAlZnMHeGdXZsmTgsN9OsF3iMaHsTPYmKrnnmXe",
    "$2a$05$e/6di3oDt1f6p6TnbWoKkurrJvyQelHEYzmo.jvPOMJ8lTMfe68.W",
    "$2y$05$e/6di3oDt1f6p6TnbWoKkurrJvyQelHEYzmo.jvPOMJ8lTMfe68.W",
    "$scrypt$ln=10,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$HFwUGkY42uGsnd4wNA/7490v/v8eGdrYsCcbNTQi2zo",
    "$pbkdf2-sha256$i=1000$MDEyMzQ1Njc4OWFiY2RlZg$epscgsGiBzAGkMhPtP6hz7TrjZnch+01H0A1eSKdosE",
    "$pbkdf2-sha256$1000$MDEyMzQ1Njc4OWFiY2RlZg$epscgsGiBzAGkMhPtP6hz7TrjZnch.01H0A1eSKdosE",
    "$pbkdf2-sha1$i=1000$MDEyMzQ1Njc4OWFiY2RlZg$VxpUmWDOtdEwksEJVssVEglZgy4",
    "pbkdf2_sha256$1000$seasalt$g7ccU2j1+gZni9GGBsDwD1zIXChjA+GD2r42Z/F0d3I=",
    "$argon2id$v=19$m=64,t=1,p=2$MDEyMzQ1Njc4OWFiY2RlZg$8AkaURR1tq+gEuJAbHSJVeaBXAZPrBL1o0SE8o2fzBI",
];

fn email(text: &str) -> Email {
    Email::parse(text).expect("an address")
}

async fn account(call: &Call, address: &str, password: Hashed) -> users::User {
    let mut new = NewUser::new(email(address));
    new.password = Some(password);
    users::create(call, new).await.expect("is made")
}

async fn alice(call: &Call) -> users::User {
    let password = call.realm.passwords.make(&GOOD.into()).await.expect("hashes");
    account(call, "alice@example.org", password).await
}

async fn sign_in(
    call: &Call,
    identifier: &str,
    password: &str,
    cookie: Option<&Opaque>,
) -> Result<SignedIn, Refusal> {
    let ask =
        PasswordAsk { identifier: identifier.to_owned(), password: password.into(), cookie: cookie.cloned() };
    credentials::sign_in(call, ask).await.map_err(|error| match error {
        doorward_core::outcome::Error::Refused(refusal) => refusal,
        doorward_core::outcome::Error::Fault(fault) => panic!("{fault}"),
    })
}

fn from(world: &World, address: &str) -> Call {
    let mut call = world.call();
    call.origin.address = address.parse::<IpAddr>().expect("an address");
    call
}

both_engines! {
    async fn every_failure_gets_the_same_answer(world: World) {
        let call = world.call();
        let user = alice(&call).await;
        let without = users::create(&call, NewUser::new(email("nopassword@example.org"))).await.expect("made");
        let hashed = call.realm.passwords.make(&GOOD.into()).await.expect("hashes");
        let suspended = account(&call, "suspended@example.org", hashed).await;
        users::suspend(&world.local(), suspended.id).await.expect("is suspended");
        let long = "x".repeat(5000);
        let tries = [
            ("alice@example.org", "wrong"),
            ("nobody@example.org", GOOD),
            ("nobody", GOOD),
            ("", ""),
            ("suspended@example.org", GOOD),
            (without.email.as_deref().expect("an address"), ""),
            (&long, GOOD),
            ("alice@example.org", &long),
        ];
        let expected = Refusal::new(Code::SignInFailed);
        for (identifier, password) in tries {
            let refused = sign_in(&call, identifier, password, None).await.expect_err("is refused");
            assert_eq!(refused, expected, "{identifier:.30}");
        }
        let signed_in = sign_in(&call, " Alice@EXAMPLE.org ", GOOD, None).await.expect("signs in");
        assert_eq!(signed_in.session.user, user.id);
        assert_eq!(signed_in.session.amr, ["pwd"]);
    }

    async fn hashes_from_elsewhere_verify_and_are_replaced(world: World) {
        for (number, text) in IMPORTED.into_iter().enumerate() {
            let call = from(&world, &format!("203.0.113.{number}"));
            let address = format!("imported{number}@example.org");
            let hashed = Hashed::parse(text).expect(text);
            assert!(!hashed.is_current());
            account(&call, &address, hashed).await;
            let refused = sign_in(&call, &address, "correct-Horse7-batterx", None).await.expect_err(text);
            assert_eq!(refused.code, Code::SignInFailed);
            sign_in(&call, &address, GOOD, None).await.expect(text);
            let stored = stored_hash(&call, &address).await;
            assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
            sign_in(&call, &address, GOOD, None).await.expect("still signs in");
            assert_eq!(stored_hash(&call, &address).await, stored);
        }
    }

    /// A row that another version, or somebody at the database, left behind: its owner is refused like
    /// everybody with a wrong password, and nobody else notices.
    async fn a_stored_hash_that_nothing_can_verify_refuses_its_owner_only(world: World) {
        let bad = [
            "$2b$05$bfYc/UVubFRxalPAlZnMHfGdXZsmTgsN9OsF3iMaHsTPYmKrnnmXe",
            "$scrypt$ln=40,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$HFwUGkY42uGsnd4wNA/7490v/v8eGdrYsCcbNTQi2zo",
            "pbkdf2_sha256$0$seasalt$g7ccU2j1+gZni9GGBsDwD1zIXChjA+GD2r42Z/F0d3I=",
            "not a hash",
        ];
        for (number, text) in bad.into_iter().enumerate() {
            let call = from(&world, &format!("203.0.113.{number}"));
            let address = format!("bad{number}@example.org");
            let user = account(&call, &address, Hashed::parse(IMPORTED[3]).expect("parses")).await;
            let ask = (user.id.to_string(), text.to_owned());
            let write = call.realm.db.write("spoil", ask, |tx, (user, text)| {
                Box::pin(async move {
                    tx.exec("UPDATE passwords SET phc = $2 WHERE user_id = $1", args![&*user, &*text]).await?;
                    tx.exec("UPDATE password_schemes SET example = $1", args![&*text]).await
                })
            });
            write.await.expect("is spoiled");
            for identifier in [&*address, "nobody@example.org"] {
                let refused = sign_in(&call, identifier, GOOD, None).await.expect_err(text);
                assert_eq!(refused, Refusal::new(Code::SignInFailed), "{identifier}: {text}");
            }
        }
        let call = from(&world, "198.51.100.1");
        alice(&call).await;
        sign_in(&call, "alice@example.org", GOOD, None).await.expect("signs in");
    }

    /// Whoever commands ten thousand addresses makes a storm, but locks nobody out who has not failed.
    async fn a_storm_from_everywhere_slows_only_addresses_that_fail(world: World) {
        let quiet = from(&world, "198.51.100.1");
        alice(&quiet).await;
        let noisy = from(&world, "203.0.113.50");
        for number in 0..6 {
            let refused = sign_in(&noisy, &format!("nobody{number}"), GOOD, None).await.expect_err("nobody");
            assert_eq!(refused.code, Code::SignInFailed, "{number}");
        }
        let now = world.call().now;
        let storm = world.realm.db.write("storm", now, |tx, now| {
            Box::pin(async move {
                let sql = "UPDATE throttles SET failures = 100000, first_at = $1, last_at = $1, blocked_until = $2
                    WHERE key = 'overall'";
                tx.exec(sql, args![*now, *now + Duration::from_secs(4)]).await
            })
        });
        assert_eq!(storm.await.expect("is made"), 1);
        for _ in 0..3 {
            sign_in(&quiet, "alice@example.org", GOOD, None).await.expect("signs in");
        }
        let last = sign_in(&noisy, "somebody", GOOD, None).await.expect_err("nobody");
        assert_eq!(last.code, Code::SignInFailed);
        let slowed = sign_in(&noisy, "alice@example.org", GOOD, None).await.expect_err("has to wait");
        assert_eq!(slowed.code, Code::RateLimitedAddress);
        assert!(slowed.retry_after.is_some_and(|seconds| seconds > 0));
    }

    async fn two_sign_ins_at_once_may_both_find_the_hash_old(world: World) {
        let call = world.call();
        account(&call, "alice@example.org", Hashed::parse(IMPORTED[0]).expect("parses")).await;
        let tries = (0..4).map(|_| sign_in(&call, "alice@example.org", GOOD, None));
        for outcome in futures_util::future::join_all(tries).await {
            outcome.expect("signs in");
        }
    }

    async fn a_stranger_waits_longer_and_longer_but_the_owner_does_not(world: World) {
        let owner = from(&world, "198.51.100.1");
        alice(&owner).await;
        let at_home = sign_in(&owner, "alice@example.org", GOOD, None).await.expect("signs in");
        let stranger = from(&world, "203.0.113.9");
        for _ in 0..6 {
            let refused = sign_in(&stranger, "alice@example.org", "guess", None).await.expect_err("wrong");
            assert_eq!(refused.code, Code::SignInFailed);
        }
        let refused = sign_in(&stranger, "alice@example.org", GOOD, None).await.expect_err("waits");
        assert_eq!((refused.code, refused.retry_after), (Code::RateLimited, Some(1)));
        // Many strangers: who failed before waits, for some seconds; a newcomer is looked at at once.
        for number in 0..20 {
            let stranger = from(&world, &format!("192.0.2.{number}"));
            let _ = sign_in(&stranger, "alice@example.org", "guess", None).await;
        }
        let newcomer = from(&world, "198.51.100.77");
        let refused = sign_in(&newcomer, "alice@example.org", "a slip", None).await.expect_err("wrong");
        assert_eq!(refused.code, Code::SignInFailed);
        let refused = sign_in(&newcomer, "alice@example.org", GOOD, None).await.expect_err("waits");
        assert_eq!(refused.code, Code::RateLimited);
        assert!(refused.retry_after.is_some_and(|seconds| seconds <= 30));
        // A browser that knows the person is not concerned, whatever its address.
        let again = sign_in(&newcomer, "alice@example.org", GOOD, Some(&at_home.cookie)).await;
        assert_eq!(again.expect("signs in").session.user, at_home.session.user);
        world.advance(Duration::from_secs(30));
        sign_in(&from(&world, "198.51.100.77"), "alice@example.org", GOOD, None).await.expect("the wait is over");
    }

    /// However long and from however many addresses: whoever comes from somewhere else is let in at once.
    async fn a_stranger_who_goes_on_locks_nobody_out(world: World) {
        alice(&world.call()).await;
        for round in 0..40_u8 {
            for number in 0..3 {
                let stranger = from(&world, &format!("192.0.2.{number}"));
                let refused = sign_in(&stranger, "alice@example.org", "guess", None).await.expect_err("wrong");
                assert!(refused.retry_after.is_none_or(|seconds| seconds <= 30), "{refused:?}");
            }
            let elsewhere = from(&world, &format!("198.51.100.{round}"));
            sign_in(&elsewhere, "alice@example.org", GOOD, None).await.expect("at once");
            world.advance(Duration::from_secs(31));
        }
    }

    /// Right passwords cost nobody anything, however many wrong ones came from the same address.
    async fn a_busy_address_is_not_shut_by_its_own_people(world: World) {
        let call = world.call();
        let hashed = call.realm.passwords.make(&GOOD.into()).await.expect("hashes");
        for number in 0..8 {
            account(&call, &format!("p{number}@example.org"), hashed.clone()).await;
        }
        for number in 0..60 {
            let _ = sign_in(&call, &format!("nobody{number}@example.org"), "wrong", None).await;
            world.advance(Duration::from_secs(4));
        }
        let (call, all) = (world.call(), 0..8);
        for number in all.clone() {
            sign_in(&call, &format!("p{number}@example.org"), GOOD, None).await.expect("one after the other");
        }
        // Somebody signs in every minute; what was wrong before is forgotten all the same.
        for number in all.cycle().take(30) {
            world.advance(Duration::from_mins(1));
            sign_in(&world.call(), &format!("p{number}@example.org"), GOOD, None).await.expect("signs in");
        }
        for number in 0..20 {
            let refused = sign_in(&world.call(), &format!("new{number}@example.org"), "wrong", None).await;
            assert_eq!(refused.expect_err("wrong").code, Code::SignInFailed, "{number}");
        }
    }

    /// People who hang up before the answer have guessed nothing: each of them is at most one of the five
    /// tries of an account that cost nothing, and none of them is left once their sign-in has ended.
    async fn who_hangs_up_with_the_right_password_is_not_counted(world: World) {
        let call = world.call();
        let user = alice(&call).await;
        for gone in 1..=6 {
            let ask = PasswordAsk { identifier: "alice@example.org".to_owned(), password: GOOD.into(), cookie: None };
            {
                let mut hung_up = Box::pin(credentials::sign_in(&call, ask));
                assert!(futures_util::poll!(hung_up.as_mut()).is_pending());
            }
            let ended = async {
                while sessions::list(&call, user.id).await.expect("lists").len() < gone {
                    tokio::task::yield_now().await;
                }
            };
            tokio::time::timeout(Duration::from_secs(60), ended).await.expect("what was begun ends");
        }
        assert!(sign_in(&call, "alice@example.org", GOOD, None).await.is_ok());
    }

    /// Somebody behind the same address guesses at an account: the neighbours' accounts are not concerned.
    async fn a_neighbour_who_guesses_slows_only_themselves(world: World) {
        let call = world.call();
        let hashed = call.realm.passwords.make(&GOOD.into()).await.expect("hashes");
        account(&call, "bob@example.org", hashed).await;
        alice(&call).await;
        for _ in 0..80 {
            let _ = sign_in(&world.call(), "alice@example.org", "guess", None).await;
            world.advance(Duration::from_secs(10));
        }
        sign_in(&world.call(), "bob@example.org", GOOD, None).await.expect("at once");
    }

    async fn a_burst_does_not_slip_through(world: World) {
        let call = world.call();
        alice(&call).await;
        let tries = (0..50).map(|_| sign_in(&call, "alice@example.org", "guess", None));
        let outcomes = futures_util::future::join_all(tries).await;
        let looked_at = outcomes
            .iter()
            .filter(|outcome| outcome.as_ref().is_err_and(|refusal| refusal.code == Code::SignInFailed))
            .count();
        assert_eq!(looked_at, 6);
    }

    async fn one_address_is_slowed_down_over_all_accounts(world: World) {
        for number in 0..51 {
            // One /64 is one address, however many it holds.
            let call = from(&world, &format!("2001:db8:1:2::{number:x}"));
            let refused = sign_in(&call, &format!("u{number}@example.org"), "guess", None).await;
            assert_eq!(refused.expect_err("unknown").code, Code::SignInFailed, "{number}");
        }
        let same = from(&world, "2001:db8:1:2:ffff::1");
        let refused = sign_in(&same, "other@example.org", "guess", None).await.expect_err("waits");
        assert_eq!(refused.code, Code::RateLimitedAddress);
        let neighbour = from(&world, "2001:db8:1:3::1");
        let refused = sign_in(&neighbour, "other@example.org", "guess", None).await.expect_err("unknown");
        assert_eq!(refused.code, Code::SignInFailed);
    }
}

async fn stored_hash(call: &Call, address: &str) -> String {
    let user = users::find_by_email(call, &email(address)).await.expect("reads").expect("is there");
    call.realm
        .db
        .read("test.phc", user.id, |tx, id| {
            Box::pin(async move {
                tx.opt("SELECT phc FROM passwords WHERE user_id = $1", doorward_core::args![*id], |row| {
                    row.text(0)
                })
                .await
            })
        })
        .await
        .expect("reads")
        .expect("has a password")
}

/// With a real clock: whoever has no account waits as long as whoever has the slowest hash.
#[tokio::test]
async fn a_failure_takes_as_long_as_the_slowest_verification() {
    let place = Fresh::sqlite().expect("a place");
    let parts = Parts {
        issuer: "https://id.example".to_owned(),
        db: Db::make(&place).await,
        env: Env::system(no_fetch()),
        vault: Vault::new(&[7; 32]).expect("keys"),
        settings: Settings::default(),
        mail_transport: None,
    };
    let realm = Realm::open(parts).await.expect("opens");
    let mut call = Call::system(&realm);
    alice(&call).await;
    let slow = "$2b$11$bfYc/UVubFRxalPAlZnMHeGdXZsmTgsN9OsF3iMaHsTPYmKrnnmXe";
    account(&call, "slow@example.org", Hashed::parse(slow).expect("parses")).await;
    let (nothing, hashed) = (SecretText::default(), Hashed::parse(slow).expect("parses"));
    let slowest = realm.passwords.verify(&nothing, Some(&hashed)).await.expect("verifies").took;
    for (number, identifier) in
        ["nobody@example.org", "alice@example.org", "slow@example.org"].iter().enumerate()
    {
        call.origin.address = IpAddr::from([203, 0, 113, u8::try_from(number).expect("small")]);
        let began = realm.env.monotonic();
        sign_in(&call, identifier, "wrong", None).await.expect_err("is refused");
        let took = realm.env.monotonic().saturating_sub(began);
        assert!(took >= slowest * 9 / 10, "{identifier}: {took:?}, the slowest verification {slowest:?}");
    }
}
