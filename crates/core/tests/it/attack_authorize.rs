//! Attacks on authorizations in progress: one person's answer must never serve another.

use std::time::Duration;

use crate::kit::{PASSWORD, alice, application, request};
use doorward_core::{
    authorize::{self, Consented, Next, Step},
    call::{Actor, Call},
    clients::AuthMethod,
    credentials::{self, PasswordAsk, SignedIn},
    outcome::Code,
    sessions::{self, Signed},
    users::{self, Email, NewUser},
};
use doorward_proto::{
    id::{Draft, Id},
    secret::Opaque,
};
use doorward_world::{World, both_engines};

async fn person(world: &World, address: &str, cookie: Option<&Opaque>) -> SignedIn {
    let call = world.call();
    let mut new = NewUser::new(Email::parse(address).expect("an address"));
    new.password = Some(call.realm.passwords.make(&PASSWORD.into()).await.expect("hashes"));
    users::create(&call, new).await.expect("is made");
    let ask =
        PasswordAsk { identifier: address.to_owned(), password: PASSWORD.into(), cookie: cookie.cloned() };
    credentials::sign_in(&call, ask).await.expect("signs in")
}

async fn signed(call: &Call, who: &SignedIn) -> Signed {
    sessions::find(call, &who.cookie).await.expect("reads").expect("known")
}

fn shown(next: Next) -> (Id<Draft>, Step) {
    match next {
        Next::Show { draft, step } => (draft, step),
        other => panic!("no page but {other:?}"),
    }
}

both_engines! {
    /// Somebody says yes to their own application, and hands the address they come back to on to others.
    async fn a_consent_counts_for_nobody_else(world: World) {
        let (alice, mallory) = (alice(&world).await, person(&world, "mallory@example.org", None).await);
        let app = application(&world, "app", |new| new.registration.is_first_party = false).await;
        let call = world.call();
        let (his, hers) = (signed(&call, &mallory).await, alice.signed(&call).await);
        let (draft, step) = shown(authorize::begin(&call, &request(&app, &[]), Some(&his)).await.expect("is answered"));
        assert_eq!(step, Step::Consent);
        let yes = Consented { draft, session: mallory.session.id, only_once: false };
        authorize::approve(&call, &yes, his.active().expect("signed in")).await.expect("says yes");
        let (_, step) = shown(authorize::resume(&call, draft, Some(&hers)).await.expect("is answered"));
        assert_eq!(step, Step::Consent, "she was never asked");
        let next = authorize::resume(&call, draft, Some(&his)).await.expect("is answered");
        assert!(matches!(next, Next::Grant { .. }), "{next:?}");
    }

    /// Two accounts in one browser: proving the one again says nothing about the other.
    async fn a_fresh_sign_in_counts_for_no_other_account(world: World) {
        let bob = person(&world, "bob@example.org", None).await;
        let carol = person(&world, "carol@example.org", Some(&bob.cookie)).await;
        let app = application(&world, "app", |_| {}).await;
        world.advance(Duration::from_secs(300));
        let call = world.call();
        let both = signed(&call, &carol).await;
        for asks in [("prompt", "login"), ("max_age", "60")] {
            let (draft, step) = shown(authorize::begin(&call, &request(&app, &[asks]), Some(&both)).await.expect("is answered"));
            assert_eq!(step, Step::SignIn, "{asks:?}");
            authorize::signed_in(&call, draft, bob.session.id).await.expect("is noted");
            authorize::chose_account(&call, draft, carol.session.id).await.expect("is noted");
            let (_, step) = shown(authorize::resume(&call, draft, Some(&both)).await.expect("is answered"));
            assert_eq!(step, Step::SignIn, "{asks:?}: carol has proven nothing again");
        }
    }

    /// The same by the consent page, which names the account that answers.
    async fn a_consent_brings_no_fresh_sign_in_along(world: World) {
        let bob = person(&world, "bob@example.org", None).await;
        let carol = person(&world, "carol@example.org", Some(&bob.cookie)).await;
        let app = application(&world, "app", |new| new.registration.is_first_party = false).await;
        world.advance(Duration::from_secs(300));
        let call = world.call();
        let both = signed(&call, &carol).await;
        let ask = request(&app, &[("prompt", "login")]);
        let (draft, _) = shown(authorize::begin(&call, &ask, Some(&both)).await.expect("is answered"));
        authorize::signed_in(&call, draft, bob.session.id).await.expect("is noted");
        let account = both.accounts.iter().find(|account| account.session.id == carol.session.id).expect("is there");
        authorize::approve(&call, &Consented { draft, session: carol.session.id, only_once: false }, account).await.expect("says yes");
        let (_, step) = shown(authorize::resume(&call, draft, Some(&both)).await.expect("is answered"));
        assert_eq!(step, Step::SignIn, "carol has proven nothing again");
    }

    /// Nobody has proven anything when an authorization begins, so one address may not fill the disk; and
    /// whoever does it keeps nobody else out, not even a person who is signed in behind the same address.
    async fn beginning_without_end_is_slowed_down_for_that_address_only(world: World) {
        let alice = alice(&world).await;
        let public = application(&world, "public", |new| {
            new.registration.is_confidential = false;
            new.registration.is_first_party = false;
            new.registration.metadata.token_endpoint_auth_method = AuthMethod::None;
            new.registration.metadata.grant_types.retain(|grant| grant != "client_credentials");
        })
        .await;
        let secret = application(&world, "secret", |_| {}).await;
        let call = world.call();
        let ask = request(&public, &[]);
        let mut begun = 0;
        let refused = loop {
            match authorize::begin(&call, &ask, None).await {
                Ok(_) => begun += 1,
                Err(error) => break error,
            }
            assert!(begun < 1000, "nobody stops it");
        };
        assert_eq!(refused.code(), Some(Code::RateLimitedAddress));
        assert!(begun >= 100, "an office may sit behind one address: {begun}");
        let pushed = authorize::push(&call, &public, &ask, None).await.expect_err("the same store");
        assert_eq!(pushed.code(), Some(Code::RateLimitedAddress));
        authorize::push(&call, &secret, &request(&secret, &[]), None).await.expect("it has authenticated");
        let signed = alice.signed(&call).await;
        let person = &signed.active().expect("signed in").session;
        let hers = call.by(Actor::User { id: person.user, session: person.id });
        authorize::begin(&hers, &ask, Some(&signed)).await.expect("is asked for consent");
        let mut elsewhere = call.clone();
        elsewhere.origin.address = [198, 51, 100, 1].into();
        authorize::begin(&elsewhere, &ask, None).await.expect("begins");
        world.advance(Duration::from_secs(61));
        let call = world.call();
        // A whole office that signs in is no attack.
        for _ in 0..2 * begun {
            let next = authorize::begin(&call, &ask, None).await.expect("begins again");
            let Next::Show { draft, .. } = next else { panic!("no page but {next:?}") };
            authorize::signed_in(&call, draft, person.id).await.expect("is noted");
        }
    }
}
