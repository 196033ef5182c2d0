//! Joining an organisation by signing in to an application, on both engines.

use std::time::Duration;

use doorward_core::{
    authorize::{self, Consented, Next, Step},
    clients::{Client, Organizations},
    orgs::{
        self, Org, fields,
        joins::{self, JoinClient},
        manage::{self, set_active},
        members,
    },
    outcome::Code,
    users,
};
use doorward_proto::id::{Draft, Id, User};
use doorward_world::{World, both_engines};
use futures_util::future::join_all;

use crate::{
    kit::{self, Alice, application, code_for, request},
    orgs::{adds, by, code, enters, person, platform, team},
};

async fn names(world: &World, org: &Org, client: &str) {
    joins::add(&world.local(), &platform(world, org).await, client).await.unwrap();
}

async fn role(world: &World, org: &Org, user: Id<User>) -> Option<String> {
    let facts = users::facts(&world.call(), user).await.unwrap().unwrap();
    facts.orgs.into_iter().find(|one| one.org == org.id).map(|one| one.role)
}

/// The page that asks somebody, whatever they have allowed before.
async fn asked(world: &World, app: &Client, alice: &Alice) -> Id<Draft> {
    let call = world.call();
    let signed = alice.signed(&call).await;
    let silent = authorize::begin(&call, &request(app, &[("prompt", "none")]), Some(&signed)).await.unwrap();
    let Next::Refuse { refusal, .. } = silent else { panic!("{silent:?}") };
    assert_eq!(refusal.code, Code::ConsentRequired);
    match authorize::begin(&call, &request(app, &[]), Some(&signed)).await.unwrap() {
        Next::Show { draft, step: Step::Consent } => draft,
        other => panic!("{other:?}"),
    }
}

/// What the page says that the person joins, and a yes to it.
async fn agrees(world: &World, draft: Id<Draft>, alice: &Alice) -> Vec<String> {
    let call = world.call();
    let signed = alice.signed(&call).await;
    let account = signed.active().unwrap();
    let view = authorize::view(&call, draft).await.unwrap();
    let said = authorize::would_join(&call, &view, account).await.unwrap();
    let yes = Consented { draft, session: account.session.id, only_once: false };
    authorize::approve(&call, &yes, account).await.unwrap();
    let next = authorize::resume(&call, draft, Some(&signed)).await.unwrap();
    assert!(matches!(next, Next::Grant { .. }), "{next:?}");
    said
}

both_engines! {
    async fn whoever_signs_in_to_it_is_a_member_once(world: World) {
        let owner = person(&world, "owner@example.org").await;
        let org = team(&world, owner, "Acme").await;
        let app = application(&world, "app", |new| new.org = Some(org.id)).await;
        let other = application(&world, "other", |_| {}).await;
        let scope = enters(&world, owner, &org, "org:settings:write").await.unwrap();
        let one = joins::add(&by(&world, owner), &scope, "app").await.unwrap();
        assert_eq!(joins::add(&by(&world, owner), &scope, &app.id.to_string()).await.unwrap(), one);
        assert_eq!(joins::list(&by(&world, owner), &scope).await.unwrap(), [one]);

        let alice = kit::alice(&world).await;
        let (call, user) = (world.call(), alice.user.id);
        let signed = alice.signed(&call).await;
        code_for(&call, &other, &signed, &[]).await;
        assert_eq!(role(&world, &org, user).await, None, "by that application alone");
        let draft = asked(&world, &app, &alice).await;
        assert_eq!(agrees(&world, draft, &alice).await, ["Acme"]);
        assert_eq!(role(&world, &org, user).await.as_deref(), Some(orgs::MEMBER));
        assert_eq!(code(enters(&world, user, &org, "org:members:read").await), Some(Code::ScopeMissing), "sees no members");

        members::leave(&by(&world, user), org.id, user).await.unwrap();
        code_for(&call, &app, &signed, &[]).await;
        assert_eq!(role(&world, &org, user).await, None, "whoever has left stays out");
        joins::remove(&by(&world, owner), &scope, "app").await.unwrap();
        assert_eq!(code(joins::remove(&by(&world, owner), &scope, "app").await), Some(Code::NotFound));
        let bob = kit::person(&world, "bob@example.org", None).await;
        code_for(&call, &app, &bob.signed(&call).await, &[]).await;
        assert_eq!(role(&world, &org, bob.user.id).await, None);
    }

    /// An administrator's word counts for all, also where the organisation has named it before.
    async fn an_administrator_names_what_was_named_before(world: World) {
        let owner = person(&world, "owner@example.org").await;
        let org = team(&world, owner, "Acme").await;
        let app = application(&world, "app", |new| new.org = Some(org.id)).await;
        let scope = enters(&world, owner, &org, "org:settings:write").await.unwrap();
        let call = by(&world, owner);
        let named = async || {
            let code = Some("org.join_client_added".to_owned());
            let filter = doorward_core::audit::Filter { code, ..Default::default() };
            doorward_core::audit::list(&world.realm, filter, None, 10).await.unwrap().len()
        };
        let asks = joins::add(&call, &scope, "app").await.unwrap();
        assert!(asks.is_asked);
        names(&world, &org, "app").await;
        let told = JoinClient { is_asked: false, ..asks };
        assert_eq!(joins::list(&call, &scope).await.unwrap(), std::slice::from_ref(&told));
        assert_eq!(named().await, 2);
        // Said again by either, nothing changes.
        names(&world, &org, "app").await;
        assert_eq!(joins::add(&call, &scope, "app").await.unwrap(), told);
        assert_eq!(named().await, 2);
        let alice = kit::alice(&world).await;
        code_for(&world.call(), &app, &alice.signed(&world.call()).await, &[]).await;
        assert_eq!(role(&world, &org, alice.user.id).await.as_deref(), Some(orgs::MEMBER));
    }

    /// A stranger who has not agreed to anything learns no name and is no member.
    async fn nobody_joins_before_they_consent(world: World) {
        let owner = person(&world, "owner@example.org").await;
        let org = team(&world, owner, "Acme").await;
        let app = application(&world, "app", |new| new.registration.is_first_party = false).await;
        names(&world, &org, "app").await;
        let alice = kit::alice(&world).await;
        let call = world.call();
        let signed = alice.signed(&call).await;
        let next = authorize::begin(&call, &request(&app, &[]), Some(&signed)).await.unwrap();
        let Next::Show { draft, step: Step::Consent } = next else { panic!("{next:?}") };
        assert_eq!(role(&world, &org, alice.user.id).await, None);
        let account = signed.active().unwrap();
        authorize::deny(&call, draft, account.session.id, account).await.unwrap();
        assert_eq!(role(&world, &org, alice.user.id).await, None);
    }

    /// Who has no team is not sent away to make one: the application's own takes them in, once they agree.
    async fn who_needs_a_team_joins_it_first(world: World) {
        let owner = person(&world, "owner@example.org").await;
        let org = team(&world, owner, "Acme").await;
        let app = application(&world, "app", |new| {
            new.registration.is_first_party = false;
            new.registration.metadata.organizations = Organizations::Team;
        })
        .await;
        names(&world, &org, "app").await;
        let scope = enters(&world, owner, &org, "org:settings:write").await.unwrap();
        let change = fields::Change { label: "Floor".to_owned(), is_required: true, ..Default::default() };
        let asked = fields::NewField { key: "floor".to_owned(), kind: fields::Kind::Text, change };
        fields::create(&by(&world, owner), &scope, asked).await.unwrap();
        let (alice, call) = (kit::alice(&world).await, world.call());
        let signed = alice.signed(&call).await;
        let account = signed.active().unwrap();
        let silent = request(&app, &[("prompt", "none")]);
        let next = authorize::begin(&call, &silent, Some(&signed)).await.unwrap();
        let Next::Refuse { refusal, .. } = next else { panic!("{next:?}") };
        assert_eq!(refusal.code, Code::ConsentRequired);

        let next = authorize::begin(&call, &request(&app, &[]), Some(&signed)).await.unwrap();
        let Next::Show { draft, step: Step::Consent } = next else { panic!("{next:?}") };
        let view = authorize::view(&call, draft).await.unwrap();
        assert_eq!(authorize::on_behalf_of(&call, &view, account).await.unwrap(), None, "a stranger learns no name");
        assert_eq!(role(&world, &org, alice.user.id).await, None);
        let yes = Consented { draft, session: account.session.id, only_once: true };
        authorize::approve(&call, &yes, account).await.unwrap();
        let next = authorize::resume(&call, draft, Some(&signed)).await.unwrap();
        assert!(matches!(next, Next::Show { step: Step::CompleteProfile, .. }), "what members are asked: {next:?}");
        assert_eq!(role(&world, &org, alice.user.id).await.as_deref(), Some(orgs::MEMBER));
        let said = [("floor".to_owned(), Some("2".into()))].into_iter().collect();
        fields::answer(&by(&world, alice.user.id), org.id, alice.user.id, said).await.unwrap();
        let next = authorize::resume(&call, draft, Some(&signed)).await.unwrap();
        let Next::Grant { code, .. } = next else { panic!("{next:?}") };
        let token = kit::redeem(&call, &app, code.expose()).await.unwrap().access_token;
        assert_eq!(kit::inside(&token)["tenant_id"], org.id.to_string());

        members::leave(&by(&world, alice.user.id), org.id, alice.user.id).await.unwrap();
        let next = authorize::begin(&call, &request(&app, &[]), Some(&signed)).await.unwrap();
        assert!(matches!(next, Next::Show { step: Step::ChooseOrganization, .. }), "who has left stays out: {next:?}");
        set_active(&world.local(), &platform(&world, &org).await, false).await.unwrap();
        let bob = kit::person(&world, "bob@example.org", None).await.signed(&call).await;
        let next = authorize::begin(&call, &request(&app, &[]), Some(&bob)).await.unwrap();
        let Next::Show { draft, step: Step::Consent } = next else { panic!("{next:?}") };
        let account = bob.active().unwrap();
        let yes = Consented { draft, session: account.session.id, only_once: false };
        authorize::approve(&call, &yes, account).await.unwrap();
        let next = authorize::resume(&call, draft, Some(&bob)).await.unwrap();
        let Next::Refuse { refusal, .. } = next else { panic!("{next:?}") };
        assert!(refusal.hint.contains("suspended"), "{}", refusal.hint);
    }

    /// Whoever has an organisation can name an application that people use already: none of them belongs to it unless
    /// they say so.
    async fn nobody_joins_by_what_they_have_allowed_before(world: World) {
        let owner = person(&world, "owner@example.org").await;
        let org = team(&world, owner, "Acme").await;
        let app = application(&world, "app", |new| new.org = Some(org.id)).await;
        let alice = kit::alice(&world).await;
        let (call, user) = (world.call(), alice.user.id);
        let signed = alice.signed(&call).await;
        code_for(&call, &app, &signed, &[]).await;
        let scope = enters(&world, owner, &org, "org:settings:write").await.unwrap();
        joins::add(&by(&world, owner), &scope, "app").await.unwrap();

        let draft = asked(&world, &app, &alice).await;
        let account = signed.active().unwrap();
        authorize::deny(&call, draft, account.session.id, account).await.unwrap();
        assert_eq!(role(&world, &org, user).await, None, "who refuses has not joined");
        let draft = asked(&world, &app, &alice).await;
        world.advance(Duration::from_secs(1));
        // What is named while the page is shown is not on it.
        joins::remove(&by(&world, owner), &scope, "app").await.unwrap();
        joins::add(&by(&world, owner), &scope, "app").await.unwrap();
        assert!(agrees(&world, draft, &alice).await.is_empty());
        assert_eq!(role(&world, &org, user).await, None, "the page did not say so");
        let draft = asked(&world, &app, &alice).await;
        assert_eq!(agrees(&world, draft, &alice).await, ["Acme"]);
        assert_eq!(role(&world, &org, user).await.as_deref(), Some(orgs::MEMBER));
        code_for(&call, &app, &signed, &[]).await;
    }

    /// Whoever is taken out stays out, however they came in, and whatever page they have agreed to.
    async fn who_is_taken_out_does_not_come_back_by_an_application(world: World) {
        let owner = person(&world, "owner@example.org").await;
        let org = team(&world, owner, "Acme").await;
        let app = application(&world, "app", |_| {}).await;
        let alice = kit::alice(&world).await;
        adds(&world, &org, alice.user.id, orgs::MEMBER).await;
        members::remove(&world.local(), &platform(&world, &org).await, alice.user.id).await.unwrap();
        names(&world, &org, "app").await;
        let call = world.call();
        code_for(&call, &app, &alice.signed(&call).await, &[]).await;
        assert_eq!(role(&world, &org, alice.user.id).await, None);
    }

    /// What one application is joined by is read with every code: it has an end.
    async fn an_application_is_named_by_so_many_organisations(world: World) {
        application(&world, "app", |_| {}).await;
        let call = world.local();
        for number in 0..100 {
            let new = manage::NewOrg { name: format!("Org {number}"), slug: None, owner: None };
            let org = manage::create(&call, new).await.unwrap();
            names(&world, &org, "app").await;
        }
        let new = manage::NewOrg { name: "One more".to_owned(), slug: None, owner: None };
        let org = manage::create(&call, new).await.unwrap();
        let refused = joins::add(&call, &platform(&world, &org).await, "app").await;
        assert_eq!(code(refused), Some(Code::Conflict));
    }

    async fn only_its_own_applications_are_for_an_organisation_to_name(world: World) {
        let owner = person(&world, "owner@example.org").await;
        let org = team(&world, owner, "Acme").await;
        application(&world, "app", |_| {}).await;
        let scope = enters(&world, owner, &org, "org:settings:write").await.unwrap();
        for name in ["app", "nothing"] {
            let refused = joins::add(&by(&world, owner), &scope, name).await;
            assert_eq!(code(refused), Some(Code::RequestInvalid), "{name}");
        }
        names(&world, &org, "app").await;
        let own = users::find(&world.call(), owner).await.unwrap().unwrap().org;
        let own = orgs::get(&world.call(), own).await.unwrap();
        let personal = enters(&world, owner, &own, "org:settings:write").await.unwrap();
        assert_eq!(code(joins::add(&by(&world, owner), &personal, "app").await), Some(Code::Conflict));
        manage::end(&by(&world, owner), &enters(&world, owner, &org, orgs::permissions::END).await.unwrap()).await.unwrap();
        let alice = kit::alice(&world).await;
        let app = doorward_core::clients::get_active(&world.call(), "app").await.unwrap();
        code_for(&world.call(), &app, &alice.signed(&world.call()).await, &[]).await;
    }

    async fn a_suspended_one_lets_nobody_in_and_nothing_is_half_done(world: World) {
        let owner = person(&world, "owner@example.org").await;
        let org = team(&world, owner, "Acme").await;
        let app = application(&world, "app", |_| {}).await;
        names(&world, &org, "app").await;
        let every = platform(&world, &org).await;
        set_active(&world.local(), &every, false).await.unwrap();
        let alice = kit::alice(&world).await;
        let call = world.call();
        let signed = alice.signed(&call).await;
        let next = authorize::begin(&call, &request(&app, &[]), Some(&signed)).await.unwrap();
        let Next::Refuse { refusal, .. } = next else { panic!("{next:?}") };
        assert_eq!(refusal.code, Code::OrganizationUnknown);
        assert!(refusal.hint.contains("suspended"), "{}", refusal.hint);
        set_active(&world.local(), &every, true).await.unwrap();
        code_for(&call, &app, &signed, &[]).await;
        assert_eq!(role(&world, &org, alice.user.id).await.as_deref(), Some(orgs::MEMBER));
    }

    async fn two_sign_ins_at_once_join_once(world: World) {
        let owner = person(&world, "owner@example.org").await;
        let org = team(&world, owner, "Acme").await;
        let app = application(&world, "app", |_| {}).await;
        names(&world, &org, "app").await;
        let alice = kit::alice(&world).await;
        let call = world.call();
        let signed = alice.signed(&call).await;
        let all = join_all((0..50).map(|_| code_for(&call, &app, &signed, &[]))).await;
        assert_eq!(all.len(), 50);
        let filter = doorward_core::audit::Filter { code: Some("org.joined".to_owned()), ..Default::default() };
        let joined = doorward_core::audit::list(&call.realm, filter, None, 10).await.unwrap();
        assert_eq!(joined.len(), 1);
        assert_eq!(joined[0].facts["by"], "client");
    }
}
