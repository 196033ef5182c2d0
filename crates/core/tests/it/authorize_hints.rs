//! What a request says about where to begin: for which organisation, on which page, in which language.

use doorward_core::{
    authorize::{self, Next, Step},
    call::Call,
    clients::Client,
    orgs::manage::set_active,
    outcome::Code,
    sessions::Signed,
    tokens,
};
use doorward_world::{World, both_engines};

use crate::{
    kit::{self, application, code_for, redeem, request},
    orgs::{adds, person, platform, team},
};

async fn begin(call: &Call, client: &Client, hints: &[(&str, &str)], signed: Option<&Signed>) -> Next {
    authorize::begin(call, &request(client, hints), signed).await.unwrap()
}

async fn refused(call: &Call, client: &Client, hints: &[(&str, &str)], signed: &Signed) -> Code {
    match begin(call, client, hints, Some(signed)).await {
        Next::Refuse { refusal, .. } => refusal.code,
        other => panic!("{hints:?} is not refused but {other:?}"),
    }
}

both_engines! {
    async fn an_organisation_is_named_by_id_or_short_name_to_who_belongs_to_it(world: World) {
        let owner = person(&world, "owner@example.org").await;
        let (acme, globex) = (team(&world, owner, "Acme").await, team(&world, owner, "Globex").await);
        let app = application(&world, "app", |_| {}).await;
        let alice = kit::alice(&world).await;
        adds(&world, &acme, alice.user.id, "member").await;
        let call = world.call();
        let signed = alice.signed(&call).await;
        let id = acme.id.to_string();
        for hints in [
            &[("organization", id.as_str())][..],
            &[("organization", "acme")],
            &[("organization_name", "acme")],
            &[("organization", &id), ("organization_name", "acme")],
        ] {
            let code = code_for(&call, &app, &signed, hints).await;
            let token = redeem(&call, &app, &code).await.unwrap().access_token;
            let live = tokens::verify(&call, &token).await.unwrap();
            assert_eq!(live.claims.tenant_id.as_deref(), Some(id.as_str()), "{hints:?}");
        }
        // What people read is no name: `Acme` may be anybody's.
        for name in ["globex", "Acme", "nothing", &globex.id.to_string()] {
            for parameter in ["organization", "organization_name"] {
                let code = refused(&call, &app, &[(parameter, name)], &signed).await;
                assert_eq!(code, Code::OrganizationUnknown, "{parameter} {name}");
            }
        }
        let two = refused(&call, &app, &[("organization", &id), ("organization_name", "globex")], &signed).await;
        assert_eq!(two, Code::RequestInvalid);
        set_active(&world.local(), &platform(&world, &acme).await, false).await.unwrap();
        let suspended = refused(&call, &app, &[("organization_name", "acme")], &signed).await;
        assert_eq!(suspended, Code::OrganizationUnknown);
    }

    async fn a_screen_hint_opens_registration_for_who_is_not_here(world: World) {
        let app = application(&world, "app", |_| {}).await;
        let call = world.call();
        for (hint, expected) in [("signup", Step::SignUp), ("login", Step::SignIn), ("nonsense", Step::SignIn)] {
            let next = begin(&call, &app, &[("screen_hint", hint)], None).await;
            let Next::Show { step, .. } = next else { panic!("{hint}: {next:?}") };
            assert_eq!(step, expected, "{hint}");
        }
        let silent = begin(&call, &app, &[("screen_hint", "signup"), ("prompt", "none")], None).await;
        let Next::Refuse { refusal, .. } = silent else { panic!("{silent:?}") };
        assert_eq!(refusal.code, Code::LoginRequired);
        let alice = kit::alice(&world).await;
        code_for(&call, &app, &alice.signed(&call).await, &[("screen_hint", "signup")]).await;
    }

    /// Languages are a wish: there is a page whatever is asked for, and what is not one is ignored.
    async fn a_language_is_never_refused(world: World) {
        let app = application(&world, "app", |_| {}).await;
        let alice = kit::alice(&world).await;
        let call = world.call();
        let signed = alice.signed(&call).await;
        for wish in ["de", "de-AT en", "xx", "<b>", "../../en", &"a ".repeat(500)] {
            code_for(&call, &app, &signed, &[("ui_locales", wish)]).await;
        }
    }
}
