//! Providers of an organisation: for its people and its proven domains alone, whatever their owner lets them say.

use std::sync::{Arc, Mutex};

use super::kit::{Browser, UPSTREAM, Upstream, added, openid, people, world};
use crate::kit::person;
use doorward_core::{
    call::{Actor, Call},
    env::Resolve,
    orgs::{
        Holder, JoinedBy, Org, OrgScope, domains, enter, invitations,
        manage::{self, Change, NewOrg},
        members,
    },
    outcome::{Code, Result},
    page::PageAsk,
    providers::{self, Finished, NewProvider, Offer, Provider, of_org},
    sessions::Session,
    settings::SignUpMode,
    users::{self, Email, NewUser, PlatformRole},
};
use doorward_proto::id::{Id, User};
use doorward_world::{Fresh, World, both_engines};
use serde_json::json;

fn code<T>(outcome: Result<T>) -> Option<Code> {
    outcome.err().and_then(|error| error.code())
}

/// A DNS in which every domain says what it has been told to.
type Zone = Arc<Mutex<Vec<(String, String)>>>;

fn resolved_by(world: &World) -> Zone {
    let zone = Zone::default();
    let told = Arc::clone(&zone);
    let resolve: Resolve = Arc::new(move |name| {
        let said = told.lock().expect("no panic").clone();
        Box::pin(
            async move { Ok(said.into_iter().filter(|(of, _)| *of == name).map(|(_, text)| text).collect()) },
        )
    });
    drop(world.realm.env.clone().resolving_by(resolve));
    zone
}

async fn somebody(world: &World, address: &str) -> Id<User> {
    let new = NewUser { email_verified: true, ..NewUser::new(Email::parse(address).expect("an address")) };
    users::create(&world.local(), new).await.expect("is made").id
}

/// An organisation that its owner runs, with one proven domain and a provider.
struct House {
    org: Org,
    scope: OrgScope,
    owner: Call,
    provider: Provider,
}

async fn house(world: &World, zone: &Zone, name: &str, joined_by: JoinedBy) -> House {
    let domain = format!("{name}.example");
    let owner = somebody(world, &format!("owner@{domain}")).await;
    let new = NewOrg { name: name.to_owned(), slug: Some(name.to_owned()), ..NewOrg::default() };
    let org = manage::create_own(&world.call(), owner, new).await.expect("is made");
    let holder = Holder { person: Some(owner), ..Holder::default() };
    let scope = enter(&world.call(), holder, name, of_org::WRITE).await.expect("enters");
    let call = world.call();
    let owner = call.by(Actor::User { id: owner, session: call.id().expect("an id") });
    let added = domains::add(&owner, &scope, &domain).await.expect("is added");
    zone.lock().expect("no panic").push((added.record(), added.value()));
    domains::verify(&owner, &scope, &domain).await.expect("is proven");
    let change = Change { joined_by: Some(joined_by), ..Change::default() };
    let org = manage::update(&owner, &scope, org.version, change).await.expect("is changed");
    let provider = of_org::create(&owner, &scope, NewProvider { slug: "sso".to_owned(), ..openid() }).await;
    House { org, scope, owner, provider: provider.expect("is added") }
}

impl House {
    /// Somebody comes back from the organisation's provider, which says this of them.
    async fn comes(&self, call: &Call, upstream: &Upstream, sub: &str, email: &str) -> Result<Finished> {
        upstream.set(|says| says.claims = json!({ "sub": sub, "email": email, "email_verified": true }));
        Browser::leaves_for(call, upstream, &self.provider.slug).await.returns(call).await
    }

    async fn signs_in(&self, call: &Call, upstream: &Upstream, sub: &str, email: &str) -> Session {
        match self.comes(call, upstream, sub, email).await.expect("comes back") {
            Finished::SignedIn { signed_in, .. } => signed_in.session,
            other => panic!("{other:?}"),
        }
    }

    async fn role_of(&self, user: Id<User>) -> Option<String> {
        members::get(&self.owner, &self.scope, user).await.ok().map(|member| member.role)
    }
}

both_engines! {
    async fn newcomers_belong_to_the_organisation_as_it_lets_people_join(place: Fresh) {
        let upstream = Upstream::new();
        let world = world(&place, &upstream, SignUpMode::Open).await;
        let zone = resolved_by(&world);
        let (acme, globex) = (house(&world, &zone, "acme", JoinedBy::Domain).await, house(&world, &zone, "globex", JoinedBy::Invitation).await);
        let call = world.call();
        let bob = acme.signs_in(&call, &upstream, "b", "bob@acme.example").await.user;
        assert_eq!(acme.role_of(bob).await.as_deref(), Some("member"));
        assert_eq!(acme.signs_in(&call, &upstream, "b", "bob@acme.example").await.user, bob);
        let usage = of_org::usage(&acme.owner, &acme.scope, "sso").await.expect("is counted");
        assert_eq!((usage.people, usage.sign_ins, usage.last_used_at), (1, 2, Some(call.now)));
        // By invitation: nobody is made until there is one, and then with its role.
        let before = people(&world).await;
        assert_eq!(code(globex.comes(&call, &upstream, "g", "gil@globex.example").await), Some(Code::ConnectOutside));
        assert_eq!(people(&world).await, before);
        let invited = invitations::NewInvitation {
            email: Email::parse("gil@globex.example").expect("an address"), role: "admin".to_owned(), is_mailed: false, locale: None,
        };
        let holder = Holder { scopes: vec!["admin:*".to_owned()], ..Holder::default() };
        let scope = enter(&world.local(), holder, "globex", "org:members:write").await.expect("enters");
        invitations::create(&world.local(), &scope, invited).await.expect("is invited");
        let gil = globex.signs_in(&call, &upstream, "g", "gil@globex.example").await.user;
        assert_eq!(globex.role_of(gil).await.as_deref(), Some("admin"));
    }

    async fn an_invitation_lets_in_where_sign_up_is_by_invitation(place: Fresh) {
        let upstream = Upstream::new();
        let world = world(&place, &upstream, SignUpMode::Invited).await;
        let acme = house(&world, &resolved_by(&world), "acme", JoinedBy::Domain).await;
        let call = world.call();
        assert_eq!(code(acme.comes(&call, &upstream, "b", "bob@acme.example").await), Some(Code::SignUpClosed));
        let email = Email::parse("bob@acme.example").expect("an address");
        let invited = invitations::NewInvitation { email, role: "member".to_owned(), is_mailed: false, locale: None };
        invitations::create(&acme.owner, &acme.scope, invited).await.expect("is invited");
        acme.signs_in(&call, &upstream, "b", "bob@acme.example").await;
    }

    /// The owner of an organisation runs its provider, and lets it say whatever helps.
    async fn a_hostile_provider_signs_in_nobody_but_its_own_people(place: Fresh) {
        let upstream = Upstream::new();
        let world = world(&place, &upstream, SignUpMode::Open).await;
        let zone = resolved_by(&world);
        added(&world, |_| {}).await;
        let (evil, acme) = (house(&world, &zone, "evil", JoinedBy::Domain).await, house(&world, &zone, "acme", JoinedBy::Domain).await);
        let call = world.call();
        let root = |address: &str| {
            let email = Email::parse(address).expect("an address");
            NewUser { email_verified: true, platform_role: PlatformRole::Administrator, ..NewUser::new(email) }
        };
        users::create(&world.local(), root("root@example.com")).await.expect("is made");
        users::create(&world.local(), root("root@evil.example")).await.expect("is made");
        // Somebody is known at the instance's own provider by a subject.
        upstream.set(|says| says.claims = json!({ "sub": "carol-1", "email": "carol@login.example", "email_verified": true }));
        let Finished::SignedIn { signed_in: carol, .. } = Browser::leaves(&call, &upstream).await.returns(&call).await.expect("comes back") else { panic!("known") };
        let anna = acme.signs_in(&call, &upstream, "a", "anna@acme.example").await.user;
        let before = people(&world).await;
        for (sub, email) in [
            ("x", "root@example.com"), ("x", "root@evil.example"), ("x", "ROOT@Evil.example"), ("x", "carol@login.example"),
            ("carol-1", "carol@login.example"), ("a", "anna@acme.example"), ("x", "new@acme.example"),
            ("x", "eve@sub.evil.example"), ("x", "eve@evil.example.attacker.example"),
        ] {
            assert_eq!(code(evil.comes(&call, &upstream, sub, email).await), Some(Code::ConnectOutside), "{sub} {email}");
        }
        assert_eq!(people(&world).await, before);
        // Another's subject, with an address of its own domain, is another person.
        for sub in ["carol-1", "a"] {
            let made = evil.signs_in(&call, &upstream, sub, &format!("{sub}@evil.example")).await.user;
            assert!(made != carol.session.user && made != anna);
        }
        // An address that the provider does not vouch for, and no address at all.
        for claims in [json!({ "sub": "y", "email": "y@evil.example" }), json!({ "sub": "y" })] {
            upstream.set(|says| (says.claims, says.userinfo) = (claims.clone(), json!({ "sub": "y" })));
            let browser = Browser::leaves_for(&call, &upstream, &evil.provider.slug).await;
            assert_eq!(code(browser.returns(&call).await), Some(Code::ConnectUnverified), "{claims}");
        }
        // Domains that the owner writes into the settings prove nothing.
        let mut settings = evil.provider.settings.clone();
        (settings.allowed_domains, settings.trusts_email) = (vec!["example.com".to_owned()], true);
        of_org::update(&evil.owner, &evil.scope, ("sso", evil.provider.version), settings, None).await.expect("is changed");
        assert_eq!(code(evil.comes(&call, &upstream, "x", "root@example.com").await), Some(Code::ConnectOutside));
    }

    async fn who_was_let_in_once_is_looked_at_each_time(place: Fresh) {
        let upstream = Upstream::new();
        let world = world(&place, &upstream, SignUpMode::Open).await;
        let zone = resolved_by(&world);
        let acme = house(&world, &zone, "acme", JoinedBy::Domain).await;
        let call = world.call();
        let bob = acme.signs_in(&call, &upstream, "b", "bob@acme.example").await.user;
        let outside = async |why: &str| {
            let refused = acme.comes(&call, &upstream, "b", "bob@acme.example").await;
            assert_eq!(code(refused), Some(Code::ConnectOutside), "{why}");
        };
        assert_eq!(code(acme.comes(&call, &upstream, "b", "bob@elsewhere.example").await), Some(Code::ConnectOutside));
        let root = somebody(&world, "root@example.com").await;
        let role = |role| users::Change { platform_role: Some(role), ..users::Change::default() };
        for administrator in [root, bob] {
            users::update(&world.local(), administrator, None, role(PlatformRole::Administrator)).await.expect("is changed");
        }
        outside("an administrator").await;
        users::update(&world.local(), bob, None, role(PlatformRole::User)).await.expect("is changed");
        acme.signs_in(&call, &upstream, "b", "bob@acme.example").await;
        members::remove(&acme.owner, &acme.scope, bob).await.expect("is taken out");
        outside("no member").await;
        let carl = acme.signs_in(&call, &upstream, "c", "carl@acme.example").await.user;
        domains::remove(&acme.owner, &acme.scope, "acme.example").await.expect("is removed");
        assert_eq!(code(acme.comes(&call, &upstream, "c", "carl@acme.example").await), Some(Code::ConnectOutside));
        assert_eq!(acme.role_of(carl).await.as_deref(), Some("member"), "a member still");
        // Without an address in the answer, the account's own counts.
        upstream.set(|says| (says.claims, says.userinfo) = (json!({ "sub": "c" }), json!({ "sub": "c" })));
        let browser = Browser::leaves_for(&call, &upstream, &acme.provider.slug).await;
        assert_eq!(code(browser.returns(&call).await), Some(Code::ConnectOutside));
    }

    async fn an_account_that_is_there_takes_proof_and_belonging(place: Fresh) {
        let upstream = Upstream::new();
        let world = world(&place, &upstream, SignUpMode::Open).await;
        let zone = resolved_by(&world);
        let (acme, globex) = (house(&world, &zone, "acme", JoinedBy::Domain).await, house(&world, &zone, "globex", JoinedBy::Invitation).await);
        let call = world.call();
        for (house, email, outcome) in [(&acme, "ann@acme.example", None), (&globex, "gil@globex.example", Some(Code::ConnectOutside))] {
            let there = person(&world, email, None).await;
            upstream.set(|says| says.claims = json!({ "sub": email, "email": email, "email_verified": true }));
            let browser = Browser::leaves_for(&call, &upstream, &house.provider.slug).await;
            let Finished::Known { link } = browser.returns(&call).await.expect("comes back") else { panic!("signed in") };
            let linked = providers::confirm_link(&call, &link, &browser.marker, &there.signed_in.session).await;
            assert_eq!(code(linked), outcome, "{email}");
            let connections = providers::connections(&call, there.user.id).await.expect("a list");
            assert_eq!(connections.len(), usize::from(outcome.is_none()));
            assert_eq!(house.role_of(there.user.id).await.is_some(), outcome.is_none());
        }
    }

    async fn names_are_the_organisations_own_and_end_with_it(place: Fresh) {
        let upstream = Upstream::new();
        let world = world(&place, &upstream, SignUpMode::Open).await;
        let zone = resolved_by(&world);
        let (acme, globex) = (house(&world, &zone, "acme", JoinedBy::Domain).await, house(&world, &zone, "globex", JoinedBy::Domain).await);
        let call = world.call();
        assert_eq!((acme.provider.short_name(), globex.provider.short_name()), ("sso", "sso"));
        assert_eq!(acme.provider.redirect_uri(&call), format!("{}/connect/{}.sso/callback", call.realm.issuer, acme.org.id));
        let theirs = globex.provider.id.to_string();
        for name in [theirs.as_str(), &globex.provider.slug, "login", "nothing"] {
            assert_eq!(code(of_org::find(&acme.owner, &acme.scope, name).await), Some(Code::NotFound), "{name}");
            assert_eq!(code(of_org::end(&acme.owner, &acme.scope, name).await), Some(Code::NotFound), "{name}");
        }
        let again = of_org::create(&acme.owner, &acme.scope, NewProvider { slug: "sso".to_owned(), ..openid() }).await;
        assert_eq!(code(again), Some(Code::Conflict));
        let bob = acme.signs_in(&call, &upstream, "b", "bob@acme.example").await.user;
        let holder = Holder { scopes: vec!["admin:*".to_owned()], ..Holder::default() };
        let platform = enter(&world.local(), holder, "acme", "org:settings:end").await.expect("enters");
        let leaves = || async {
            let marker = call.secret(doorward_proto::secret::Kind::Link).expect("a secret");
            providers::begin(&call, &acme.provider.slug, &marker, providers::Leaving::default()).await
        };
        manage::set_active(&world.local(), &platform, false).await.expect("is suspended");
        assert_eq!(code(leaves().await), Some(Code::NotFound));
        manage::set_active(&world.local(), &platform, true).await.expect("is resumed");
        leaves().await.expect("leaves");
        manage::end(&world.local(), &platform).await.expect("ends");
        assert_eq!(code(leaves().await), Some(Code::NotFound));
        assert!(providers::connections(&call, bob).await.expect("a list").is_empty());
        assert_eq!(of_org::list(&globex.owner, &globex.scope, PageAsk { limit: 10, ..PageAsk::default() }).await.expect("a list").items.len(), 1);
    }

    async fn buttons_are_those_of_the_instance_the_organisation_and_the_application(place: Fresh) {
        let upstream = Upstream::new();
        let world = world(&place, &upstream, SignUpMode::Open).await;
        let zone = resolved_by(&world);
        added(&world, |_| {}).await;
        let (acme, globex) = (house(&world, &zone, "acme", JoinedBy::Domain).await, house(&world, &zone, "globex", JoinedBy::Domain).await);
        let call = world.call();
        let offered = async |organization: Option<&str>, only: Option<&[&str]>| {
            let only = only.map(|only| only.iter().map(ToString::to_string).collect());
            let offer = Offer { organization: organization.map(str::to_owned), only };
            let all = providers::buttons(&call, &offer).await.expect("a list");
            all.into_iter().map(|button| button.slug).collect::<Vec<_>>()
        };
        let (ours, theirs) = (acme.provider.slug.as_str(), globex.provider.slug.as_str());
        assert_eq!(offered(None, None).await, ["login"]);
        assert_eq!(offered(Some("acme"), None).await, [ours, "login"]);
        assert_eq!(offered(Some(&acme.org.id.to_string()), Some(&[ours])).await, [ours]);
        assert_eq!(offered(Some("acme"), Some(&["login", theirs])).await, ["login"]);
        assert_eq!(offered(Some("nobody"), Some(&[])).await, Vec::<String>::new());
        let at = async |typed: &str, offer: Offer| {
            providers::for_address(&call, &offer, typed).await.expect("reads").map(|button| button.slug)
        };
        assert_eq!(at("whoever@ACME.example", Offer::default()).await.as_deref(), Some(ours));
        for typed in ["whoever@login.example", "whoever@sub.acme.example", "acme.example", ""] {
            assert_eq!(at(typed, Offer::default()).await, None, "{typed}");
        }
        let only = Offer { only: Some(vec!["login".to_owned()]), ..Offer::default() };
        assert_eq!(at("whoever@acme.example", only).await, None);
        let mut settings = acme.provider.settings.clone();
        settings.is_enabled = false;
        of_org::update(&acme.owner, &acme.scope, ("sso", acme.provider.version), settings, None).await.expect("is changed");
        assert_eq!(at("whoever@acme.example", Offer::default()).await, None);
        assert_eq!(offered(Some("acme"), None).await, ["login"]);
    }

    /// What is in the operator's network is not for an organisation to find out.
    async fn an_organisation_is_not_told_why_nothing_is_reached(place: Fresh) {
        let upstream = Upstream::new();
        let world = world(&place, &upstream, SignUpMode::Open).await;
        let acme = house(&world, &resolved_by(&world), "acme", JoinedBy::Domain).await;
        added(&world, |_| {}).await;
        upstream.set(|says| says.is_silent = true);
        let told = of_org::test(&acme.owner, &acme.scope, "sso").await.expect("is tried");
        assert_eq!(told.problems, ["no answer, or an address that may not be reached from here"]);
        let told = providers::test(&world.local(), "login").await.expect("is tried");
        assert!(told.problems[0].contains(UPSTREAM) && told.problems[0].contains("down"), "{:?}", told.problems);
    }
}
