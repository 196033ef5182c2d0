//! From where an organisation may be used, on both engines: all that is done in its name, and who is bound.

use doorward_core::{
    addresses, api_keys,
    audit::{self, Filter},
    authorize::{self, Next, Step},
    call::Call,
    grants::{
        client::{self, ClientAsk},
        refresh::{self, RefreshAsk},
    },
    orgs::{
        self, Org,
        manage::{self, Change},
    },
    outcome::{Code, Result},
    service_tokens::{self, NewToken, create},
    sessions, tokens,
};
use doorward_proto::scope::ScopeSet;
use doorward_world::{World, both_engines};

use crate::{
    kit::{self, application, code_for, redeem, request},
    orgs::{adds, by, code, enters, person, platform, team},
    service_tokens::kit::{all, named},
};

fn at(call: Call, address: &str) -> Call {
    let mut call = call;
    call.origin.address = address.parse().unwrap();
    call
}

fn list(ranges: &[&str]) -> Vec<ipnet::IpNet> {
    addresses::read(&ranges.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap()
}

/// By who administers the instance, who may lock others out.
async fn fences(world: &World, org: &Org, ranges: &[&str]) {
    let scope = platform(world, org).await;
    let change = Change { allowed_addresses: Some(list(ranges)), ..Change::default() };
    manage::update(&world.local(), &scope, scope.org().version, change).await.unwrap();
}

fn refused(next: Result<Next>) -> Option<Code> {
    match next {
        Ok(Next::Refuse { refusal, .. }) => Some(refusal.code),
        Ok(_) => None,
        Err(error) => error.code(),
    }
}

both_engines! {
    async fn nothing_is_issued_in_its_name_elsewhere(world: World) {
        let alice = kit::alice(&world).await;
        let org = team(&world, alice.user.id, "Acme").await;
        let app = application(&world, "app", |_| {}).await;
        let service = application(&world, "service", |new| new.org = Some(org.id)).await;
        let (here, there) = (at(world.call(), "10.1.2.3"), at(world.call(), "127.0.0.2"));
        let signed = alice.signed(&here).await;
        let id = org.id.to_string();
        let asks = [("organization", id.as_str())];
        let granted = code_for(&there, &app, &signed, &asks).await;
        fences(&world, &org, &["::ffff:10.0.0.0/104"]).await;

        assert_eq!(code(redeem(&there, &app, &granted).await), Some(Code::OrgAddress));
        let issued = redeem(&here, &app, &granted).await.unwrap();
        let secret = issued.refresh_token.unwrap();
        let again = |token: &str| RefreshAsk { token: token.to_owned(), scope: None, resources: Vec::new(), jkt: None };
        assert_eq!(code(refresh::rotate(&there, &app, again(secret.expose())).await), Some(Code::OrgAddress));
        let issued = refresh::rotate(&here, &app, again(secret.expose())).await.unwrap();
        assert_eq!(code(client::issue(&there, &service, ClientAsk::default()).await), Some(Code::OrgAddress));
        let own = client::issue(&here, &service, ClientAsk::default()).await.unwrap();

        for token in [&issued.access_token, &own.access_token] {
            let live = tokens::verify(&there, token).await.unwrap();
            assert_eq!(code(live.allows(there.origin.address)), Some(Code::CredentialAddress));
            live.allows(here.origin.address).unwrap();
            assert!(live.introspection().unwrap().contains(r#""allowed_addresses":["10.0.0.0/8"]"#));
        }
        fences(&world, &org, &[]).await;
        let live = tokens::verify(&there, &own.access_token).await.unwrap();
        live.allows(there.origin.address).unwrap();
        assert!(!live.introspection().unwrap().contains("allowed_addresses"));
    }

    /// Elsewhere a person acts for another organisation, and says which: nothing is switched unasked.
    async fn it_is_not_chosen_elsewhere(world: World) {
        let alice = kit::alice(&world).await;
        let org = team(&world, alice.user.id, "Acme").await;
        let app = application(&world, "app", |_| {}).await;
        fences(&world, &org, &["10.0.0.0/8"]).await;
        let (here, there) = (at(world.call(), "10.1.2.3"), at(world.call(), "127.0.0.2"));
        let signed = alice.signed(&here).await;
        let session = (signed.active().unwrap().session.id, alice.user.id);
        assert_eq!(code(sessions::act_for(&there, session, org.id).await), Some(Code::OrgAddress));
        let filter = Filter { code: Some("org.refused".to_owned()), ..Filter::default() };
        let noted = audit::list(&there.realm, filter, None, 5).await.unwrap();
        assert_eq!(noted[0].detail.as_ref().unwrap()["address"], "127.0.0.2");

        let id = org.id.to_string();
        let asked = authorize::begin(&there, &request(&app, &[("organization", &id)]), Some(&signed)).await;
        assert_eq!(refused(asked), Some(Code::OrgAddress));
        sessions::act_for(&here, session, org.id).await.unwrap();
        let signed = alice.signed(&here).await;
        code_for(&here, &app, &signed, &[]).await;
        let silent = authorize::begin(&there, &request(&app, &[("prompt", "none")]), Some(&signed)).await;
        assert_eq!(refused(silent), Some(Code::InteractionRequired));
        let next = authorize::begin(&there, &request(&app, &[]), Some(&signed)).await.unwrap();
        let Next::Show { draft, step: Step::ChooseOrganization } = next else { panic!("{next:?}") };
        let account = signed.active().unwrap();
        let again = authorize::choose_organization(&there, draft, account, org.id).await;
        assert_eq!(code(again), Some(Code::OrgAddress));
        authorize::choose_organization(&there, draft, account, alice.user.org).await.unwrap();
        let next = authorize::resume(&there, draft, Some(&signed)).await.unwrap();
        assert!(matches!(next, Next::Grant { .. }), "{next:?}");
    }

    async fn its_tokens_and_keys_work_where_both_lists_let_them(world: World) {
        let alice = person(&world, "alice@example.org").await;
        let org = team(&world, alice, "Acme").await;
        let mut new = NewToken { org: Some(org.id), ..named("build") };
        new.notes.allowed_addresses = list(&["10.1.0.0/16", "192.0.2.1"]);
        let token = create(&world.local(), new, &all()).await.unwrap().secret;
        let lifts = NewToken { org: Some(org.id), scopes: vec!["admin:orgs:write".to_owned()], ..named("operator") };
        let lifts = create(&world.local(), lifts, &all()).await.unwrap().secret;
        let scopes = ScopeSet::from_names(["workflows:read"]).unwrap();
        let terms = api_keys::Terms { name: "CI".to_owned(), scopes, is_enabled: true, ..api_keys::Terms::default() };
        let key = api_keys::NewKey { whose: api_keys::Whose::Org(Some(org.id)), terms, expires_in: None };
        let key = api_keys::create(&world.local(), key, all()).await.unwrap().secret;
        let tries = async |address: &str| {
            let call = at(world.call(), address);
            let of = |outcome: Result<()>| code(outcome);
            (
                of(service_tokens::admit(&call, token.expose()).await.map(drop)),
                of(api_keys::admit(&call, key.expose()).await.map(drop)),
                of(service_tokens::admit(&call, lifts.expose()).await.map(drop)),
            )
        };
        let no = Some(Code::CredentialAddress);
        assert_eq!(tries("192.0.2.1").await, (None, None, None));
        fences(&world, &org, &["10.0.0.0/8"]).await;
        for (address, told) in [
            ("10.1.2.3", (None, None, None)),
            ("10.2.2.3", (no, None, None)),
            ("192.0.2.1", (no, no, None)),
            ("127.0.0.1", (no, no, None)),
        ] {
            assert_eq!(tries(address).await, told, "{address}: who can lift the list is not bound");
        }
        let call = at(world.call(), "127.0.0.1");
        let live = service_tokens::verify(&call, token.expose()).await.unwrap();
        assert_eq!(live.allowed_addresses(), Some(list(&["10.1.0.0/16"])));
        fences(&world, &org, &["198.51.100.0/24"]).await;
        let live = service_tokens::verify(&call, token.expose()).await.unwrap();
        assert_eq!(live.allowed_addresses(), None, "nowhere is not everywhere");
    }

    async fn whoever_runs_it_is_bound_and_does_not_lock_themselves_out_unawares(world: World) {
        let (alice, mallory) = (person(&world, "alice@example.org").await, person(&world, "mallory@example.org").await);
        let org = team(&world, alice, "Acme").await;
        let scope = enters(&world, alice, &org, "org:settings:write").await.unwrap();
        let call = at(by(&world, alice), "203.0.113.7");
        let change = |ranges: &[&str], force| Change { allowed_addresses: Some(list(ranges)), force, ..Change::default() };
        let out = manage::update(&call, &scope, 1, change(&["10.0.0.0/8"], false)).await.unwrap_err();
        let doorward_core::outcome::Error::Refused(refusal) = out else { panic!("{out:?}") };
        assert_eq!((refusal.code, refusal.field.as_deref()), (Code::RequestInvalid, Some("allowed_addresses")));
        assert!(refusal.hint.contains("203.0.113.7"), "{}", refusal.hint);
        let saved = manage::update(&call, &scope, 1, change(&["10.0.0.0/8", "203.0.113.0/24"], false)).await.unwrap();
        assert_eq!(saved.allowed_addresses, list(&["10.0.0.0/8", "203.0.113.0/24"]));
        let saved = manage::update(&call, &scope, 2, change(&["10.0.0.0/8"], true)).await.unwrap();
        assert_eq!(saved.version, 3);

        assert_eq!(code(enters(&world, alice, &org, "org:settings:read").await), Some(Code::OrgAddress));
        assert_eq!(code(enters(&world, mallory, &org, "org:settings:read").await), Some(Code::NotFound));
        adds(&world, &org, mallory, orgs::MEMBER).await;
        assert_eq!(code(enters(&world, mallory, &org, "org:settings:write").await), Some(Code::ScopeMissing));
        fences(&world, &org, &["203.0.113.0/24"]).await;
        enters(&world, alice, &org, "org:settings:read").await.unwrap();

        let own = doorward_core::users::find(&world.call(), alice).await.unwrap().unwrap().org;
        let own = orgs::get(&world.call(), own).await.unwrap();
        let scope = enters(&world, alice, &own, "org:settings:write").await.unwrap();
        let personal = manage::update(&by(&world, alice), &scope, own.version, change(&["127.0.0.1"], false)).await;
        assert_eq!(code(personal), Some(Code::Conflict));
    }
}
