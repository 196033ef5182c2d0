//! People without an account: begun by an application, registered later with the same subject, or forgotten.

use std::{sync::Arc, time::Duration};

use doorward_core::{
    authorize::{self, Next},
    call::{Actor, Call},
    clients::Client,
    grants::{
        ANONYMOUS,
        anonymous::{AnonymousAsk, begin},
        devices,
        refresh::{RefreshAsk, rotate},
    },
    mail,
    orgs::{Holder, enter, manage, members},
    outcome::{Code, Result},
    page::PageAsk,
    realm::Realm,
    tokens::{self, Tokens},
    users::{self, Change, Email, PlatformRole, Proof, SignUpAsk},
};
use doorward_proto::{
    id::{Id, User},
    jose::decode_base64url,
    secret::{Kind, Opaque},
};
use doorward_world::{World, both_engines};
use serde_json::{Map, Value};

use crate::kit::{PASSWORD, application, redeem, request};

pub(crate) async fn desktop(world: &World) -> Arc<Client> {
    application(world, "desktop", |new| {
        new.registration.is_confidential = false;
        let metadata = &mut new.registration.metadata;
        metadata.token_endpoint_auth_method = doorward_core::clients::AuthMethod::None;
        metadata.grant_types = ["authorization_code", "refresh_token", ANONYMOUS].map(str::to_owned).to_vec();
        metadata.scopes =
            ["openid", "profile", "email", "offline_access", "me:read"].map(str::to_owned).to_vec();
    })
    .await
}

pub(crate) async fn begun(world: &World, client: &Arc<Client>) -> Tokens {
    let ask = AnonymousAsk { device: Some("Ada's laptop".to_owned()), ..AnonymousAsk::default() };
    begin(&world.call(), client, ask).await.unwrap()
}

fn code<T>(outcome: Result<T>) -> Option<Code> {
    outcome.err().and_then(|error| error.code())
}

fn claims(token: &str) -> Map<String, Value> {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&decode_base64url(payload.as_bytes()).unwrap()).unwrap()
}

pub(crate) fn subject(tokens: &Tokens) -> Id<User> {
    claims(&tokens.access_token)["sub"].as_str().unwrap().parse().unwrap()
}

async fn refreshed(world: &World, client: &Arc<Client>, tokens: &Tokens) -> Result<Tokens> {
    let token = tokens.refresh_token.as_ref().unwrap().expose().to_owned();
    let ask = RefreshAsk { token, scope: None, resources: Vec::new(), jkt: None };
    rotate(&world.call(), client, ask).await
}

/// The draft of an authorization with this ID token as its hint.
async fn asked(call: &Call, client: &Client, hint: &str) -> Id<doorward_proto::id::Draft> {
    let params = request(client, &[("id_token_hint", hint), ("screen_hint", "signup")]);
    match authorize::begin(call, &params, None).await.unwrap() {
        Next::Show { draft, .. } => draft,
        other => panic!("{other:?}"),
    }
}

/// Signs up for the draft and opens the link.
async fn signed_up(world: &World, draft: Id<doorward_proto::id::Draft>, email: &str) -> Id<User> {
    let call = world.call();
    let registers = authorize::view(&call, draft).await.unwrap().registers;
    let ask = SignUpAsk {
        email: Email::parse(email).unwrap(),
        password: PASSWORD.into(),
        name: Some("Ada".to_owned()),
        locale: None,
        marketing_consent: None,
        next: None,
        registers,
    };
    let marker = users::sign_up(&call, ask).await.unwrap();
    let page = PageAsk { limit: 10, ..PageAsk::default() };
    let mails = mail::list(&world.local(), None, page).await.unwrap().items;
    let text = mail::show(&world.local(), mails[0].id).await.unwrap().1.text;
    let link =
        text.split_whitespace().find_map(|word| Opaque::parse(Kind::Link, word.rsplit(['=', '/']).next()?));
    let (signed, _) =
        users::verify(&call, &link.expect("a link"), Proof::Marker(marker), None).await.unwrap();
    signed.session.user
}

async fn cleaned(world: &World) {
    world.advance(Duration::from_mins(6));
    Realm::run_due_jobs(&Call::system(&world.realm)).await.unwrap();
}

both_engines! {
    async fn who_registers_keeps_the_subject_and_every_grant(world: World) {
        let client = desktop(&world).await;
        let first = begun(&world, &client).await;
        let person = subject(&first);
        let id_token = first.id_token.clone().unwrap();
        let said = claims(&id_token);
        assert_eq!((said["is_anonymous"].as_bool(), said["email"].as_str()), (Some(true), Some("_anonymous@anonymous.invalid")));
        assert_eq!(said["email_verified"].as_bool(), Some(false));
        let access = claims(&first.access_token);
        assert_eq!(access["is_anonymous"].as_bool(), Some(true));
        let org = access["tenant_id"].clone();
        assert!(org.is_string() && !first.scope.contains("me:read"), "{access:?}");

        let draft = asked(&world.call(), &client, &id_token).await;
        let registered = signed_up(&world, draft, "ada@example.org").await;
        assert_eq!(registered, person, "the subject stays");
        let facts = users::facts(&world.call(), person).await.unwrap().unwrap();
        assert_eq!((facts.user.is_anonymous, facts.user.email.as_deref()), (false, Some("ada@example.org")));
        assert!(facts.orgs.iter().any(|membership| org == membership.org.to_string()), "the organisation, too");
        let after = refreshed(&world, &client, &first).await.unwrap();
        assert_eq!(subject(&after), person);
        let said = claims(&after.id_token.unwrap());
        assert!(!said.contains_key("is_anonymous") && said["email"] == "ada@example.org", "{said:?}");
        assert!(!claims(&after.access_token).contains_key("is_anonymous"));
        crate::kit::sign_in_as(&world.call(), "ada@example.org").await;

        let found = devices::list(&world.call(), person).await.unwrap();
        let [device] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((device.client_name.as_str(), device.device.as_deref()), ("desktop", Some("Ada's laptop")));
        let stranger = crate::kit::alice(&world).await.user.id;
        assert_eq!(code(devices::end(&world.call(), stranger, device.grant).await), Some(Code::NotFound));
        devices::end(&world.call(), person, device.grant).await.unwrap();
        let token = after.refresh_token.unwrap().expose().to_owned();
        let ask = RefreshAsk { token, scope: None, resources: Vec::new(), jkt: None };
        assert_eq!(code(rotate(&world.call(), &client, ask).await), Some(Code::GrantEnded));
    }

    async fn an_old_id_token_registers_nobody(world: World) {
        let client = desktop(&world).await;
        let first = begun(&world, &client).await;
        let id_token = first.id_token.clone().unwrap();
        world.advance(Duration::from_mins(30));
        let draft = asked(&world.call(), &client, &id_token).await;
        assert_eq!(authorize::view(&world.call(), draft).await.unwrap().registers, None);
        let other = signed_up(&world, draft, "ada@example.org").await;
        assert_ne!(other, subject(&first));
        assert!(users::get(&world.call(), subject(&first)).await.unwrap().is_anonymous);
    }

    async fn two_links_register_one_person_once(world: World) {
        let client = desktop(&world).await;
        let first = begun(&world, &client).await;
        let id_token = first.id_token.clone().unwrap();
        let (one, two) = (asked(&world.call(), &client, &id_token).await, asked(&world.call(), &client, &id_token).await);
        assert_eq!(signed_up(&world, one, "ada@example.org").await, subject(&first));
        world.advance(Duration::from_secs(1));
        assert_ne!(signed_up(&world, two, "bea@example.org").await, subject(&first), "somebody else by now");
    }

    async fn only_an_application_that_may_begins_and_not_without_end(world: World) {
        let other = application(&world, "other", |_| {}).await;
        assert_eq!(code(begin(&world.call(), &other, AnonymousAsk::default()).await), Some(Code::GrantNotAllowed));
        let client = desktop(&world).await;
        let scope = Some("openid me:read".parse().unwrap());
        let ask = AnonymousAsk { scope, ..AnonymousAsk::default() };
        assert_eq!(code(begin(&world.call(), &client, ask).await), Some(Code::ScopeInvalid));
        let mut made = 0;
        let refused = loop {
            match begin(&world.call(), &client, AnonymousAsk::default()).await {
                Ok(_) => made += 1,
                Err(error) => break error.code(),
            }
            assert!(made < 100, "somebody stops it");
        };
        assert_eq!((refused, made >= 30), (Some(Code::RateLimitedAddress), true));
        let mut elsewhere = world.call();
        elsewhere.origin.address = [203, 0, 113, 99].into();
        begin(&elsewhere, &client, AnonymousAsk::default()).await.expect("others are not kept waiting");
    }

    async fn nobody_without_an_account_belongs_anywhere_or_administers(world: World) {
        let client = desktop(&world).await;
        let person = subject(&begun(&world, &client).await);
        let local = world.local();
        let org = manage::create(&local, manage::NewOrg { name: "Team".to_owned(), slug: None, owner: None }).await.unwrap();
        let holder = Holder { scopes: vec!["admin:*".to_owned()], ..Holder::default() };
        let scope = enter(&local, holder, &org.id.to_string(), "org:members:write").await.unwrap();
        assert_eq!(code(members::add(&local, &scope, person, "member").await), Some(Code::Forbidden));
        let new = manage::NewOrg { name: "Mine".to_owned(), slug: None, owner: None };
        let session = local.id().unwrap();
        let by = world.call().by(Actor::User { id: person, session });
        assert_eq!(code(manage::create_own(&by, person, new).await), Some(Code::Forbidden));
        for change in [
            Change { platform_role: Some(PlatformRole::Administrator), ..Change::default() },
            Change { marketing_consent: Some(Some("v1".to_owned())), ..Change::default() },
        ] {
            assert_eq!(code(users::update(&local, person, None, change).await), Some(Code::Forbidden));
        }
        let memberships = users::facts(&local, person).await.unwrap().unwrap().orgs;
        assert_eq!(memberships.len(), 1, "the personal one: {memberships:?}");
    }

    async fn who_is_not_seen_for_long_is_forgotten_and_who_is_stays(world: World) {
        let client = desktop(&world).await;
        let (gone, stays) = (begun(&world, &client).await, begun(&world, &client).await);
        for _ in 0..4 {
            world.advance(Duration::from_hours(24 * 20));
        }
        let stays = refreshed(&world, &client, &stays).await;
        // Refresh tokens last for thirty days unused, so the second one comes back in time.
        assert_eq!(code(stays), Some(Code::RefreshExpired), "tokens end before people do");
        let fresh = begun(&world, &client).await;
        world.advance(Duration::from_hours(24 * 20));
        let fresh = refreshed(&world, &client, &fresh).await.unwrap();
        cleaned(&world).await;
        assert_eq!(code(users::get(&world.call(), subject(&gone)).await), Some(Code::NotFound));
        assert!(users::get(&world.call(), subject(&fresh)).await.unwrap().is_anonymous);
        let live = tokens::verify(&world.call(), &fresh.access_token).await;
        assert!(live.is_ok(), "{:?}", live.err());
    }

    async fn who_skips_is_sent_back_and_only_where_that_is_allowed(world: World) {
        let client = desktop(&world).await;
        let call = world.call();
        let first = begun(&world, &client).await;
        let draft = asked(&call, &client, first.id_token.as_deref().unwrap()).await;
        assert!(authorize::view(&call, draft).await.unwrap().may_skip);
        let Next::Refuse { refusal, .. } = authorize::skip(&call, draft).await.unwrap() else { panic!("is told") };
        assert_eq!(refusal.code, Code::AccessDenied);
        assert_eq!(code(authorize::skip(&call, draft).await), Some(Code::DraftUnknown), "once");
        let strict = application(&world, "strict", |_| {}).await;
        let Next::Show { draft, .. } = authorize::begin(&call, &request(&strict, &[]), None).await.unwrap() else { panic!("shows") };
        assert!(!authorize::view(&call, draft).await.unwrap().may_skip);
        assert_eq!(code(authorize::skip(&call, draft).await), Some(Code::Forbidden));
        assert!(redeem(&call, &strict, "dw_ac_none").await.is_err());
    }
}
