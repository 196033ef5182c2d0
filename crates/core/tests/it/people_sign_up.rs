//! From a form to an account: sign-up, verification, set-up, forgotten passwords, the mails they send.

#![expect(clippy::expect_used, reason = "a test that cannot go on ends there")]

use std::time::Duration;

use doorward_core::{
    call::Call,
    credentials::{self, PasswordAsk, Reset},
    mail::{self, Template},
    outcome::Code,
    page::PageAsk,
    sessions,
    users::{self, Email, Proof, SignUpAsk, setup},
};
use doorward_proto::secret::{Kind, Opaque, SecretText};
use doorward_world::{World, both_engines};

const GOOD: &str = "correct-Horse7-battery";

fn email(text: &str) -> Email {
    Email::parse(text).expect("an address")
}

fn sign_up_ask(address: &str) -> SignUpAsk {
    SignUpAsk {
        email: email(address),
        password: GOOD.into(),
        name: Some("Alice Example".to_owned()),
        locale: Some("en-GB".to_owned()),
        marketing_consent: None,
        next: Some("/oauth2/authorize?draft=1".to_owned()),
        registers: None,
    }
}

fn page() -> PageAsk {
    PageAsk { limit: 50, ..PageAsk::default() }
}

/// The templates in the outbox for an address, the newest first, and the secret of the newest link.
async fn outbox(call: &Call, address: &str) -> (Vec<Template>, Option<Opaque>) {
    let all = mail::list(call, None, page()).await.expect("the outbox");
    let mine: Vec<_> = all.items.into_iter().filter(|mail| mail.recipient == address).collect();
    let mut secret = None;
    if let Some(newest) = mine.first() {
        let (_, words) = mail::show(call, newest.id).await.expect("the mail");
        let link = words.text.split("token=").nth(1).and_then(|rest| rest.split_whitespace().next());
        secret = link.and_then(|text| Opaque::parse(Kind::Link, text));
    }
    (mine.iter().map(|mail| mail.template).collect(), secret)
}

async fn account(world: &World, address: &str) -> users::User {
    let call = world.call();
    let marker = users::sign_up(&call, sign_up_ask(address)).await.expect("signs up");
    let (_, link) = outbox(&call, address).await;
    let link = link.expect("a link in the mail");
    let (signed_in, _) = users::verify(&call, &link, Proof::Marker(marker), None).await.expect("verifies");
    users::get(&call, signed_in.session.user).await.expect("the account")
}

async fn sign_in(call: &Call, address: &str, password: &str) -> Result<credentials::SignedIn, Option<Code>> {
    let ask = PasswordAsk { identifier: address.to_owned(), password: password.into(), cookie: None };
    credentials::sign_in(call, ask).await.map_err(|error| error.code())
}

both_engines! {
    async fn the_link_in_the_mail_makes_the_account(world: World) {
        let call = world.call();
        let marker = users::sign_up(&call, sign_up_ask("Alice@Example.org")).await.expect("signs up");
        assert!(users::find_by_email(&call, &email("alice@example.org")).await.expect("reads").is_none());
        let (templates, link) = outbox(&call, "Alice@Example.org").await;
        assert_eq!(templates, [Template::VerifySignUp]);
        let link = link.expect("a link");
        let shown = users::check_sign_up(&call, &link, Some(&marker)).await.expect("works");
        assert_eq!((shown.email.as_str(), shown.is_same_browser), ("Alice@Example.org", true));
        let (signed_in, next) =
            users::verify(&call, &link, Proof::Marker(marker), None).await.expect("verifies");
        assert_eq!(next.as_deref(), Some("/oauth2/authorize?draft=1"));
        let facts = users::facts(&call, signed_in.session.user).await.expect("reads").expect("is there");
        assert_eq!(facts.user.email.as_deref(), Some("Alice@Example.org"));
        assert!(facts.user.email_verified_at.is_some());
        assert_eq!(facts.user.marketing_consent_at, None);
        assert_eq!(facts.orgs.len(), 1);
        assert_eq!((facts.orgs[0].org, facts.orgs[0].role.as_str()), (facts.user.org, "owner"));
        let signed = sessions::find(&call, &signed_in.cookie).await.expect("reads").expect("is known");
        assert_eq!(signed.active().expect("active").session.id, signed_in.session.id);
        sign_in(&call, "alice@EXAMPLE.org", GOOD).await.expect("signs in");
    }

    async fn an_address_that_is_known_gets_another_mail_and_the_same_answer(world: World) {
        account(&world, "bob@example.org").await;
        world.advance(Duration::from_millis(1));
        let call = world.call();
        users::sign_up(&call, sign_up_ask("bob@example.org")).await.expect("the same answer");
        let (templates, _) = outbox(&call, "bob@example.org").await;
        assert_eq!(templates, [Template::AlreadySignedUp, Template::VerifySignUp]);
        world.advance(Duration::from_millis(1));
        let call = world.call();
        credentials::forgot(&call, email("nobody@example.org"), None, None).await.expect("the same answer");
        credentials::forgot(&call, email("bob@example.org"), None, None).await.expect("the same answer");
        assert!(outbox(&call, "nobody@example.org").await.0.is_empty());
        assert_eq!(outbox(&call, "bob@example.org").await.0[0], Template::ResetPassword);
    }

    async fn who_signs_up_with_anothers_address_does_not_use_up_the_resets(world: World) {
        account(&world, "bob@example.org").await;
        for _ in 0..8 {
            let _ = users::sign_up(&world.call(), sign_up_ask("bob@example.org")).await;
        }
        world.advance(Duration::from_millis(1));
        credentials::forgot(&world.call(), email("bob@example.org"), None, None).await.expect("answers");
        assert_eq!(outbox(&world.call(), "bob@example.org").await.0[0], Template::ResetPassword);
    }

    async fn a_stranger_cannot_have_an_address_confirmed_by_its_owner(world: World) {
        let call = world.call();
        users::sign_up(&call, sign_up_ask("victim@example.org")).await.expect("signs up");
        let link = outbox(&call, "victim@example.org").await.1.expect("a link");
        let other = call.secret(Kind::Link).expect("random");
        let shown = users::check_sign_up(&call, &link, Some(&other)).await.expect("works");
        assert!(!shown.is_same_browser);
        for proof in [Proof::Marker(other), Proof::Password("a wrong guess".into())] {
            let refused = users::verify(&call, &link, proof, None).await.expect_err("is refused");
            assert_eq!(refused.code(), Some(Code::PasswordWrong));
        }
        users::verify(&call, &link, Proof::Password(GOOD.into()), None).await.expect("knows the password");
    }

    async fn a_link_works_once_and_not_for_ever(world: World) {
        let call = world.call();
        let marker = users::sign_up(&call, sign_up_ask("late@example.org")).await.expect("signs up");
        let link = outbox(&call, "late@example.org").await.1.expect("a link");
        world.advance(Duration::from_mins(61));
        let late = world.call();
        let refused = users::verify(&late, &link, Proof::Marker(marker), None).await.expect_err("too old");
        assert_eq!(refused.code(), Some(Code::LinkInvalid));
        let marker = users::sign_up(&late, sign_up_ask("late@example.org")).await.expect("again");
        let link = outbox(&late, "late@example.org").await.1.expect("a link");
        let tries = (0..50).map(|_| users::verify(&late, &link, Proof::Marker(marker.clone()), None));
        let outcomes = futures_util::future::join_all(tries).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
        for refused in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
            assert_eq!(refused.code(), Some(Code::LinkInvalid));
        }
    }

    async fn weak_and_known_passwords_are_refused(world: World) {
        let call = world.call();
        let expected = [
            ("short", Code::PasswordShort),
            ("password123", Code::PasswordBreached),
            ("PassWord123", Code::PasswordBreached),
            ("aliceexample1", Code::PasswordWeak),
            ("doorward2030", Code::PasswordWeak),
        ];
        for (password, code) in expected {
            let mut ask = sign_up_ask("alice@example.org");
            ask.password = password.into();
            let refused = users::sign_up(&call, ask).await.expect_err(password);
            assert_eq!(refused.code(), Some(code), "{password}");
        }
        let mut ask = sign_up_ask("alice@example.org");
        ask.password = SecretText::new("é".repeat(513));
        assert_eq!(users::sign_up(&call, ask).await.expect_err("long").code(), Some(Code::PasswordLong));
    }

    async fn a_reset_ends_everything_and_works_once(world: World) {
        let user = account(&world, "carol@example.org").await;
        world.advance(Duration::from_millis(1));
        let call = world.call();
        let before = sign_in(&call, "carol@example.org", GOOD).await.expect("signs in");
        credentials::forgot(&call, email("carol@example.org"), None, Some("/x".to_owned())).await.expect("asks");
        let link = outbox(&call, "carol@example.org").await.1.expect("a link");
        credentials::check_reset(&call, &link).await.expect("works");
        let weak = Reset { link: link.clone(), password: "password123".into(), cookie: None };
        assert_eq!(
            credentials::reset(&call, weak).await.expect_err("weak").code(),
            Some(Code::PasswordBreached)
        );
        let reset = Reset { link, password: "another-Good-phrase-5".into(), cookie: None };
        let (signed_in, next) = credentials::reset(&call, reset.clone()).await.expect("resets");
        assert_eq!(next.as_deref(), Some("/x"));
        assert_eq!(
            credentials::reset(&call, reset).await.expect_err("once").code(),
            Some(Code::LinkInvalid)
        );
        let old = sessions::find(&call, &before.cookie).await.expect("reads").expect("browser is known");
        assert!(old.accounts.is_empty());
        let new = sessions::find(&call, &signed_in.cookie).await.expect("reads").expect("is known");
        assert_eq!(new.accounts.len(), 1);
        assert_eq!(sign_in(&call, "carol@example.org", GOOD).await.err(), Some(Some(Code::SignInFailed)));
        sign_in(&call, "carol@example.org", "another-Good-phrase-5").await.expect("signs in");
        let after = users::get(&call, user.id).await.expect("is there");
        assert_eq!(after.epoch, user.epoch + 1);
    }

    async fn there_is_one_first_administrator(world: World) {
        let call = world.local();
        let first = setup::link(&call).await.expect("a link").expect("none yet");
        let second = setup::link(&call).await.expect("a link").expect("none yet");
        let secret = |link: &str| {
            Opaque::parse(Kind::Link, link.split("token=").nth(1).expect("a token")).expect("well formed")
        };
        let who = setup::Administrator {
            email: email("root@example.org"),
            password: GOOD.into(),
            name: None,
        };
        let refused = setup::complete(&call, &secret(&first), who.clone(), None).await.expect_err("replaced");
        assert_eq!(refused.code(), Some(Code::LinkInvalid));
        let signed_in = setup::complete(&call, &secret(&second), who.clone(), None).await.expect("sets up");
        let facts = users::facts(&call, signed_in.session.user).await.expect("reads").expect("is there");
        assert_eq!(facts.user.platform_role, users::PlatformRole::Administrator);
        assert!(facts.orgs.iter().any(|org| org.org == call.realm.instance_org && org.role == "owner"));
        assert_eq!(setup::link(&call).await.expect("asks"), None);
        assert_eq!(setup::ensure(&call, who).await.expect("nothing to do"), None);
        let end = users::end(&call, facts.user.id).await.expect_err("the last one");
        assert_eq!(end.code(), Some(Code::LastAdministrator));
    }
}
