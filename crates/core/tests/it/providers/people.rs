//! Who gets in by a provider, and as whom.

use super::kit::{Browser, SECRET, UPSTREAM, Upstream, added, goes, people, refused, signed_in, world};
use crate::{
    anonymous::{begun, desktop, subject},
    kit::{PASSWORD, person},
};
use doorward_core::{
    mail,
    outcome::Code,
    page::PageAsk,
    providers::{self, Finished, Kind},
    settings::SignUpMode,
    users::{self, Email},
};
use doorward_proto::secret::Kind as SecretKind;
use doorward_world::{Fresh, World, both_engines};
use serde_json::json;

/// Subjects of the mails of one kind, which all say where.
async fn mailed(world: &World, template: &str) -> Vec<String> {
    let call = world.local();
    let mut subjects = Vec::new();
    let page = PageAsk { limit: 100, ..PageAsk::default() };
    for one in mail::list(&call, None, page).await.expect("a list").items {
        if one.template.name() == template {
            let (_, words) = mail::show(&call, one.id).await.expect("is there");
            assert!(
                words.text.contains("Login") && words.text.contains("/account/security"),
                "{}",
                words.text
            );
            subjects.push(words.subject);
        }
    }
    subjects
}

both_engines! {
    async fn a_newcomer_gets_an_account_and_comes_back_to_it(place: Fresh) {
        let upstream = Upstream::new();
        let world = world(&place, &upstream, SignUpMode::Open).await;
        let provider = added(&world, |_| {}).await;
        let call = world.call();
        upstream.set(|says| says.claims["amr"] = json!(["otp", "fed", "b a\nd"]));
        let (session, next) = signed_in(&call, &upstream).await;
        assert_eq!(next.as_deref(), Some("/account/keys"));
        assert_eq!(session.amr, ["fed", "otp", "bad"]);
        let asked = upstream.0.lock().expect("no panic").asked.clone();
        assert_eq!(asked["redirect_uri"], format!("{}/connect/login/callback", call.realm.issuer));
        assert_eq!((asked["response_type"].as_str(), asked["code_challenge_method"].as_str()), ("code", "S256"));
        let user = users::get(&call, session.user).await.expect("is there");
        assert_eq!((user.email.as_deref(), user.name.as_deref()), (Some("ada@login.example"), Some("Ada")));
        assert!(user.email_verified_at.is_some());
        // By the subject alone from now on, whatever address is named, verified or not.
        upstream.set(|says| says.claims = json!({ "email": "other@login.example" }));
        let (again, _) = signed_in(&call, &upstream).await;
        assert_eq!(again.user, session.user);
        let linked = providers::connections(&call, session.user).await.expect("a list");
        assert_eq!(linked.len(), 1);
        assert_eq!((linked[0].provider, linked[0].email.as_deref()), (provider.id, Some("other@login.example")));
        assert_eq!(people(&world).await, 1);
        // The secret is sealed and told to nobody.
        assert!(provider.has_secret && !format!("{provider:?}").contains(SECRET));
    }

    async fn first_returns_of_one_person_at_once_all_sign_in(place: Fresh) {
        let upstream = Upstream::new();
        let world = world(&place, &upstream, SignUpMode::Open).await;
        added(&world, |_| {}).await;
        let call = world.call();
        let mut returning = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let (browser, call) = (Browser::leaves(&call, &upstream).await, call.clone());
            returning.spawn(async move { browser.returns(&call).await });
        }
        let mut who = std::collections::BTreeSet::new();
        for finished in returning.join_all().await {
            let Finished::SignedIn { signed_in, .. } = finished.expect("is not turned away") else { panic!("asked for proof") };
            who.insert(signed_in.session.user);
        }
        assert_eq!((who.len(), people(&world).await), (1, 1));
    }

    async fn a_known_address_takes_proof_before_it_is_linked(place: Fresh) {
        let upstream = Upstream::new();
        let world = world(&place, &upstream, SignUpMode::Open).await;
        added(&world, |_| {}).await;
        let call = world.call();
        let (ada, eve) = (person(&world, "ada@login.example", None).await, person(&world, "eve@example.org", None).await);
        let browser = Browser::leaves(&call, &upstream).await;
        let Finished::Known { link } = browser.returns(&call).await.expect("comes back") else { panic!("signed in") };
        assert!(providers::connections(&call, ada.user.id).await.expect("a list").is_empty());
        let other = call.secret(SecretKind::Link).expect("a secret");
        let stolen = providers::linking(&call, &link, &other).await.expect_err("another browser");
        assert_eq!(stolen.code(), Some(Code::ConnectState));
        let waiting = providers::linking(&call, &link, &browser.marker).await.expect("waits");
        assert_eq!((waiting.owner, waiting.email.as_str()), (ada.user.id, "ada@login.example"));
        let not_hers = providers::confirm_link(&call, &link, &browser.marker, &eve.signed_in.session).await;
        assert_eq!(not_hers.expect_err("is refused").code(), Some(Code::Forbidden));
        providers::confirm_link(&call, &link, &browser.marker, &ada.signed_in.session).await.expect("is linked");
        let twice = providers::confirm_link(&call, &link, &browser.marker, &ada.signed_in.session).await;
        assert_eq!(twice.expect_err("once").code(), Some(Code::ConnectState));
        assert!(users::get(&call, ada.user.id).await.expect("is there").email_verified_at.is_some());
        assert_eq!(signed_in(&call, &upstream).await.0.user, ada.user.id);
        assert_eq!(mailed(&world, "sign-in-linked").await, ["Another way to sign in was linked"]);
    }

    async fn what_a_provider_does_not_vouch_for_makes_nothing(place: Fresh) {
        let upstream = Upstream::new();
        let world = world(&place, &upstream, SignUpMode::Open).await;
        let provider = added(&world, |_| {}).await;
        let call = world.call();
        for claims in [json!({}), json!({ "email": "ada@login.example" }),
            json!({ "email": "ada@login.example", "email_verified": false }),
            json!({ "email": "ada@login.example", "email_verified": "yes" }),
            json!({ "email": "no address", "email_verified": true })] {
            upstream.set(|says| {
                says.userinfo = json!({ "sub": "ada-1" });
                says.claims = claims.clone();
            });
            assert_eq!(refused(&call, &upstream).await, Code::ConnectUnverified, "{claims}");
        }
        // Not even where the address is somebody's: nobody is asked to prove anything.
        person(&world, "ada@login.example", None).await;
        upstream.set(|says| says.claims = json!({ "email": "ada@login.example" }));
        assert_eq!(refused(&call, &upstream).await, Code::ConnectUnverified);
        // Another domain than the operator's, and a provider whose word counts for the operator's domain.
        let mut settings = provider.settings.clone();
        (settings.allowed_domains, settings.trusts_email) = (vec!["staff.example".to_owned()], true);
        providers::update(&world.local(), (provider.id, provider.version), settings, None).await.expect("is changed");
        upstream.set(|says| says.claims = json!({ "email": "eve@login.example", "email_verified": true }));
        assert_eq!(refused(&call, &upstream).await, Code::SignUpDomain);
        assert_eq!(people(&world).await, 1);
        upstream.set(|says| says.claims = json!({ "email": "bob@staff.example" }));
        let (session, _) = signed_in(&call, &upstream).await;
        assert_ne!(users::find_by_email(&call, &Email::parse("ada@login.example").expect("one")).await.expect("reads").expect("is there").id, session.user);
    }

    async fn who_has_been_here_without_an_account_keeps_the_subject(place: Fresh) {
        let upstream = Upstream::new();
        let world = world(&place, &upstream, SignUpMode::Open).await;
        added(&world, |_| {}).await;
        let call = world.call();
        let client = desktop(&world).await;
        let subject = subject(&begun(&world, &client).await);
        let leaves = async || Browser::leave_as(&call, &upstream, "login", Some(subject)).await.expect("leaves");
        // Two have left with it: the first to come back registers.
        let (first, second) = (leaves().await, leaves().await);
        upstream.set(|says| says.asked = first.away.clone());
        let Finished::SignedIn { signed_in, .. } = first.returns(&call).await.expect("comes back") else { panic!("known") };
        assert_eq!(signed_in.session.user, subject);
        let user = users::get(&call, subject).await.expect("is there");
        assert_eq!((user.is_anonymous, user.email.as_deref()), (false, Some("ada@login.example")));
        upstream.set(|says| {
            says.asked = second.away.clone();
            says.claims = json!({ "sub": "eve-1", "email": "eve@login.example", "email_verified": true });
        });
        let Finished::SignedIn { signed_in, .. } = second.returns(&call).await.expect("comes back") else { panic!("known") };
        assert_ne!(signed_in.session.user, subject);
    }

    async fn nobody_is_made_where_sign_up_is_closed(place: Fresh) {
        let upstream = Upstream::new();
        let world = world(&place, &upstream, SignUpMode::Invited).await;
        added(&world, |_| {}).await;
        assert_eq!(refused(&world.call(), &upstream).await, Code::SignUpClosed);
        assert_eq!(people(&world).await, 0);
    }

    async fn plain_oauth_is_read_by_its_mapping(place: Fresh) {
        let upstream = Upstream::new();
        let world = world(&place, &upstream, SignUpMode::Open).await;
        let endpoint = |path: &str| Some(format!("{UPSTREAM}{path}"));
        added(&world, |settings| {
            settings.kind = Kind::OAuth2;
            settings.issuer = None;
            settings.endpoints = providers::Endpoints {
                authorization: endpoint("/authorize"), token: endpoint("/token"), userinfo: endpoint("/userinfo"), emails: endpoint("/emails"),
            };
            settings.mapping = providers::Mapping { subject: "user.id".to_owned(), email_verified: String::new(), ..providers::Mapping::default() };
        })
        .await;
        let call = world.call();
        let said = |verified: bool| json!({
            "user": { "id": 583_231 }, "email": "public@evil.example", "email_verified": true, "name": "Octo",
            "all": [{ "email": "second@login.example", "primary": false, "verified": true },
                { "email": "octo@login.example", "primary": true, "verified": verified }],
        });
        upstream.set(|says| says.userinfo = said(false));
        assert_eq!(refused(&call, &upstream).await, Code::ConnectUnverified);
        upstream.set(|says| says.userinfo = said(true));
        let (session, _) = signed_in(&call, &upstream).await;
        let user = users::get(&call, session.user).await.expect("is there");
        assert_eq!((user.email.as_deref(), user.name.as_deref()), (Some("octo@login.example"), Some("Octo")));
        assert!(!upstream.0.lock().expect("no panic").asked.contains_key("nonce"));
    }

    async fn the_last_way_to_sign_in_stays(place: Fresh) {
        let upstream = Upstream::new();
        let world = world(&place, &upstream, SignUpMode::Open).await;
        let provider = added(&world, |_| {}).await;
        let call = world.call();
        let (session, _) = signed_in(&call, &upstream).await;
        let last = providers::disconnect(&call, session.user, provider.id).await.expect_err("the last one");
        assert_eq!(last.code(), Some(Code::LastSignIn));
        doorward_core::credentials::set(&world.local(), session.user, &PASSWORD.into()).await.expect("is set");
        assert!(mailed(&world, "sign-in-unlinked").await.is_empty());
        let german = users::Change { locale: Some(Some("de".to_owned())), ..users::Change::default() };
        users::update(&world.local(), session.user, None, german).await.expect("is changed");
        providers::disconnect(&call, session.user, provider.id).await.expect("is unlinked");
        assert_eq!(mailed(&world, "sign-in-unlinked").await, ["Die Verknüpfung einer Anmeldung wurde aufgehoben"]);
        let again = providers::disconnect(&call, session.user, provider.id).await.expect_err("once");
        assert_eq!(again.code(), Some(Code::NotFound));
        assert!(providers::connections(&call, session.user).await.expect("a list").is_empty());
        // Unlinked, it is a stranger again whose address somebody has.
        assert!(matches!(goes(&call, &upstream).await, Ok(Finished::Known { .. })));
    }
}
