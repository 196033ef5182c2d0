//! Custom claims on both engines: what mappings say in tokens, that they reach no further than whoever made them,
//! and that none says what is not a mapping's to say.

#![expect(clippy::expect_used, reason = "a test that cannot go on ends there")]

use std::sync::Arc;

use doorward_core::{
    apis::{self, NewApi, Settings, TokenFormat},
    audit, authorize,
    call::Call,
    claims::{
        self, Change, ListAsk, MOST, MOST_BYTES, Mapping, NewMapping, Owner, Reason, SampleAsk, Target, Whose,
    },
    clients::{self, Client, manage as manage_client},
    grants::{
        client::{self, ClientAsk},
        code,
    },
    orgs::{
        Org, OrgScope, fields, manage,
        permissions::MEMBER,
        roles::{self, Terms},
        workspaces,
    },
    outcome::{Code, Result},
    page::PageAsk,
    principals::Status,
    sessions::Signed,
    tokens,
};
use doorward_proto::{
    id::{Id, User},
    jose::Alg,
    scope::ScopeSet,
};
use doorward_world::{World, both_engines};
use serde_json::{Map, Value, json};

use crate::{
    kit::{self, Alice, alice, application, code_ask, code_for, redeem, request},
    orgs::{adds, by, code, enters, person, platform, team},
};

const WRITE: &str = "org:claims:write";
const ALL: [Target; 3] = Target::ALL;

fn inside(jwt: &str) -> Map<String, Value> {
    let body = jwt.split('.').nth(1).expect("a JWT").as_bytes();
    serde_json::from_slice(&data_encoding::BASE64URL_NOPAD.decode(body).expect("base64")).expect("JSON")
}

fn mapping(name: &str, expression: &str, into: &[Target]) -> NewMapping {
    let change = Change { expression: expression.to_owned(), into: into.to_vec() };
    NewMapping { whose: Whose::default(), name: name.to_owned(), change }
}

fn of_client(client: &str, new: NewMapping) -> NewMapping {
    NewMapping { whose: Whose { client: Some(client.to_owned()), api: None }, ..new }
}

fn of_api(api: &str, new: NewMapping) -> NewMapping {
    NewMapping { whose: Whose { client: None, api: Some(api.to_owned()) }, ..new }
}

/// Alice, who owns Acme, an application of it, and what she acts with there.
struct Acme {
    alice: Alice,
    org: Org,
    app: Arc<Client>,
    scope: OrgScope,
}

impl Acme {
    async fn begin(world: &World) -> Self {
        let alice = alice(world).await;
        let org = team(world, alice.user.id, "Acme").await;
        let app = application(world, "planner", |new| new.org = Some(org.id)).await;
        let scope = enters(world, alice.user.id, &org, WRITE).await.expect("is let in");
        Self { alice, org, app, scope }
    }

    async fn adds(&self, world: &World, new: NewMapping) -> Result<Mapping> {
        claims::create(&by(world, self.alice.user.id), &self.scope, new).await
    }

    /// What access token, ID token and userinfo say, for Acme or for her own organisation.
    async fn said(&self, world: &World, app: &Arc<Client>, is_acme: bool) -> [Map<String, Value>; 3] {
        let call = world.call();
        let org = if is_acme { self.org.id } else { self.alice.user.org };
        let asked = [("organization", org.to_string())];
        let asked: Vec<_> = asked.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let issued = code_for(&call, app, &self.alice.signed(&call).await, &asked).await;
        let tokens = redeem(&call, app, &issued).await.expect("is redeemed");
        let live = tokens::verify(&call, &tokens.access_token).await.expect("is good");
        let told = tokens::userinfo(&call, &live).await.expect("is told");
        let introspected = live.introspection().expect("is told");
        let access = inside(&tokens.access_token);
        let introspected: Map<String, Value> = serde_json::from_str(&introspected).expect("JSON");
        for (name, value) in &live.claims.extra {
            assert_eq!((access.get(name), introspected.get(name)), (Some(value), Some(value)), "{name}");
        }
        [access, inside(&tokens.id_token.expect("an ID token")), serde_json::from_str(&told).expect("JSON")]
    }

    async fn sample(&self, world: &World, scopes: &str, expression: &str) -> Result<claims::Sample> {
        let ask = SampleAsk {
            user: self.alice.user.id,
            client: "planner".to_owned(),
            api: None,
            scopes: scopes.parse::<ScopeSet>().expect("scopes"),
            expression: Some(expression.to_owned()),
        };
        claims::sample(&by(world, self.alice.user.id), &self.scope, ask).await
    }
}

/// The code that a person's yes is answered with.
async fn consented(call: &Call, app: &Client, signed: &Signed, changes: &[(&str, &str)]) -> String {
    let shown = authorize::begin(call, &request(app, changes), Some(signed)).await.expect("is answered");
    let authorize::Next::Show { draft, step: authorize::Step::Consent } = shown else { panic!("{shown:?}") };
    let account = signed.active().expect("an account");
    let yes = authorize::Consented { draft, session: account.session.id, only_once: true };
    authorize::approve(call, &yes, account).await.expect("is allowed");
    match authorize::resume(call, draft, Some(signed)).await.expect("is answered") {
        authorize::Next::Grant { code, .. } => code.expose().to_owned(),
        other => panic!("no code but {other:?}"),
    }
}

/// How often something was recorded, with the reason that it says.
async fn recorded(world: &World, wanted: &str) -> usize {
    let all = audit::list(&world.realm, audit::Filter::default(), None, 500).await.expect("the trail");
    all.iter().filter(|entry| entry.code == wanted).count()
}

async fn makes_api(world: &World, identifier: &str, org: Option<&Org>) {
    let settings = Settings {
        name: "An API".to_owned(),
        signing_alg: Alg::ES256,
        token_format: TokenFormat::Jwt,
        access_ttl: None,
        scopes: Vec::new(),
    };
    let new = NewApi { identifier: identifier.to_owned(), org: org.map(|org| org.id), settings };
    apis::create(&world.local(), new).await.expect("is made");
}

both_engines! {
    async fn what_a_mapping_says_is_in_the_tokens(world: World) {
        let acme = Acme::begin(&world).await;
        let room = workspaces::NewWorkspace { name: "Room".to_owned(), everybody: Some(workspaces::Role::Editor), ..Default::default() };
        let call = by(&world, acme.alice.user.id);
        let scope = enters(&world, acme.alice.user.id, &acme.org, "org:workspaces:write").await.expect("is let in");
        let room = workspaces::create(&call, &scope, room).await.expect("is made").id;
        for (name, expression, into, value) in [
            ("https://acme.example/domain", "user.email.split('@')[1]", &ALL[..], json!("example.org")),
            ("tier", "org.role == 'owner' ? 'gold' : 'plain'", &[Target::AccessToken], json!("gold")),
            ("place", "{'org': org.slug, 'app': client.id}", &[Target::IdToken], json!({"org": "acme", "app": "planner"})),
            ("rooms", "org.workspaces.filter(w, w.role == 'editor').map(w, w.id)", &[Target::Userinfo], json!([room])),
            ("answer", "6 * 7", &ALL[..], json!(42)),
            ("reads_mail", "'email' in scopes", &ALL[..], json!(true)),
        ] {
            acme.adds(&world, mapping(name, expression, into)).await.expect(name);
            let said = acme.said(&world, &acme.app, true).await;
            for (target, said) in ALL.into_iter().zip(said) {
                assert_eq!(said.get(name), into.contains(&target).then_some(&value), "{name} in {target:?}");
            }
        }
        let nothing = mapping("nothing", "user.given_name", &ALL);
        acme.adds(&world, nothing).await.expect("is made");
        assert!(acme.said(&world, &acme.app, true).await.iter().all(|said| !said.contains_key("nothing")));
        assert_eq!(recorded(&world, "claim.left_out").await, 0, "that there is nothing to say is no failure");

        let page = PageAsk { limit: 50, ..PageAsk::default() };
        let ask = ListAsk { page, whose: Whose::default() };
        let all = claims::list(&call, &acme.scope, ask).await.expect("a list").items;
        let tier = all.into_iter().find(|one| one.name == "tier").expect("is there");
        let change = Change { expression: "'silver'".to_owned(), into: ALL.to_vec() };
        let after = claims::update(&call, &acme.scope, (tier.id, 1), change.clone()).await.expect("is changed");
        assert_eq!((after.version, after.into.len()), (2, 3));
        assert_eq!(code(claims::update(&call, &acme.scope, (tier.id, 1), change).await), Some(Code::VersionMismatch));
        assert!(acme.said(&world, &acme.app, true).await.iter().all(|said| said["tier"] == "silver"));
        claims::remove(&call, &acme.scope, tier.id).await.expect("is removed");
        assert_eq!(code(claims::remove(&call, &acme.scope, tier.id).await), Some(Code::NotFound));
        assert!(acme.said(&world, &acme.app, true).await.iter().all(|said| !said.contains_key("tier")));
    }

    async fn a_mapping_reaches_no_further_than_its_owner(world: World) {
        let acme = Acme::begin(&world).await;
        let own = application(&world, "instance-app", |_| {}).await;
        acme.adds(&world, mapping("of_org", "'acme'", &ALL)).await.expect("is made");
        acme.adds(&world, of_client("planner", mapping("of_app", "org.id", &ALL))).await.expect("is made");
        for name in ["of_org", "of_app"] {
            assert!(acme.said(&world, &acme.app, true).await.iter().all(|said| said.contains_key(name)), "{name}");
            assert!(acme.said(&world, &own, true).await.iter().all(|said| !said.contains_key(name)), "{name} for another's");
        }
        let elsewhere = acme.said(&world, &acme.app, false).await;
        assert!(elsewhere.iter().all(|said| !said.contains_key("of_org")), "in tokens of another organisation");
        assert!(elsewhere.iter().all(|said| said["of_app"] == json!(acme.alice.user.org)), "the application's own stays");

        assert_eq!(code(acme.adds(&world, of_client("instance-app", mapping("stranger", "1", &ALL))).await), Some(Code::NotFound));
        makes_api(&world, "https://theirs.example", None).await;
        assert_eq!(code(acme.adds(&world, of_api("https://theirs.example", mapping("stranger", "1", &ALL))).await), Some(Code::NotFound));
        let bob = person(&world, "bob@example.org").await;
        adds(&world, &acme.org, bob, MEMBER).await;
        assert_eq!(code(enters(&world, bob, &acme.org, "org:claims:read").await), Some(Code::ScopeMissing));
    }

    /// An access token says what its API's owner wants in it, and nothing that an application of another adds.
    async fn an_access_token_says_what_its_audience_is_to_hear(world: World) {
        let acme = Acme::begin(&world).await;
        makes_api(&world, "https://acme-api.example", Some(&acme.org)).await;
        makes_api(&world, "https://theirs.example", None).await;
        for (whose, name, value) in [
            (of_api("https://acme-api.example", mapping("who", "'api'", &[Target::AccessToken])), "who", "api"),
            (of_client("planner", mapping("who", "'app'", &[Target::AccessToken])), "who", "app"),
            (mapping("who", "'org'", &[Target::AccessToken]), "who", "org"),
            (mapping("which", "'org'", &[Target::AccessToken]), "which", "org"),
        ] {
            acme.adds(&world, whose).await.unwrap_or_else(|_| panic!("{name} {value}"));
        }
        let app = application(&world, "wide", |new| {
            new.org = Some(acme.org.id);
            new.registration.metadata.apis = vec!["https://acme-api.example".to_owned(), "https://theirs.example".to_owned()];
        })
        .await;
        acme.adds(&world, of_client("wide", mapping("from_app", "'app'", &[Target::AccessToken]))).await.expect("is made");
        let call = world.call();
        for (api, who, from_app) in [("https://acme-api.example", Some("api"), Some("app")), ("https://theirs.example", None, None)] {
            let org = acme.org.id.to_string();
            let changes = [("organization", org.as_str()), ("resource", api)];
            let issued = code_for(&call, &app, &acme.alice.signed(&call).await, &changes).await;
            let ask = code::CodeAsk { resources: vec![api.to_owned()], ..code_ask(&issued) };
            let token = inside(&code::redeem(&call, &app, ask).await.expect("is redeemed").access_token);
            assert_eq!(token.get("who").and_then(Value::as_str), who, "{api}");
            assert_eq!(token.get("from_app").and_then(Value::as_str), from_app, "{api}");
            assert_eq!(token.contains_key("which"), who.is_some(), "{api}");
        }
        assert_eq!(acme.said(&world, &acme.app, true).await[0]["who"], "app", "the most particular counts");
        let ask = ClientAsk { resources: vec!["https://acme-api.example".to_owned()], ..ClientAsk::default() };
        let own = inside(&client::issue(&call, &app, ask).await.expect("is issued").access_token);
        assert_eq!((&own["who"], &own["from_app"]), (&json!("api"), &json!("app")), "also of an application itself");
    }

    /// What a person tells an application is not told to an API of somebody else's, by a mapping of which whoever
    /// keeps that API may decide.
    async fn an_api_of_others_sees_what_its_token_says(world: World) {
        let acme = Acme::begin(&world).await;
        makes_api(&world, "https://acme-api.example", Some(&acme.org)).await;
        for (name, expression) in [("mail", "user.email"), ("reads_mail", "'email' in scopes"), ("whose", "user.sub")] {
            acme.adds(&world, of_api("https://acme-api.example", mapping(name, expression, &[Target::AccessToken]))).await.expect("is made");
        }
        let call = world.call();
        for (name, is_first_party) in [("shop", true), ("third", false)] {
            let app = application(&world, name, |new| {
                new.registration.is_first_party = is_first_party;
                new.registration.metadata.apis = vec!["https://acme-api.example".to_owned()];
            })
            .await;
            let changes = [("resource", "https://acme-api.example")];
            let signed = acme.alice.signed(&call).await;
            let issued = if is_first_party {
                code_for(&call, &app, &signed, &changes).await
            } else {
                consented(&call, &app, &signed, &changes).await
            };
            let ask = code::CodeAsk { resources: vec!["https://acme-api.example".to_owned()], ..code_ask(&issued) };
            let token = inside(&code::redeem(&call, &app, ask).await.expect("is redeemed").access_token);
            assert_eq!(token["whose"], json!(acme.alice.user.id), "{name}: {token:?}");
            assert_eq!((token.get("mail"), token.get("reads_mail")), (None, Some(&json!(false))), "{name}: {token:?}");
        }
    }

    /// What is stored of an opaque token says the same as a signed one.
    async fn an_opaque_token_says_its_claims(world: World) {
        let acme = Acme::begin(&world).await;
        let settings = Settings {
            name: "An API".to_owned(),
            signing_alg: Alg::ES256,
            token_format: TokenFormat::Opaque,
            access_ttl: None,
            scopes: Vec::new(),
        };
        let new = NewApi { identifier: "https://acme-api.example".to_owned(), org: Some(acme.org.id), settings };
        apis::create(&world.local(), new).await.expect("is made");
        acme.adds(&world, of_api("https://acme-api.example", mapping("plant", "org.name", &[Target::AccessToken]))).await.expect("is made");
        let call = world.call();
        let org = acme.org.id.to_string();
        let changes = [("organization", org.as_str()), ("resource", "https://acme-api.example")];
        let issued = code_for(&call, &acme.app, &acme.alice.signed(&call).await, &changes).await;
        let ask = code::CodeAsk { resources: vec!["https://acme-api.example".to_owned()], ..code_ask(&issued) };
        let tokens = code::redeem(&call, &acme.app, ask).await.expect("is redeemed");
        let live = tokens::verify(&call, &tokens.access_token).await.expect("is good");
        assert_eq!(live.claims.extra.get("plant"), Some(&json!("Acme")));
    }

    /// A token that is refused in the end is none of which anything was left out: the next one is.
    async fn what_is_left_out_of_a_token_is_recorded_with_one_that_is_issued(world: World) {
        let acme = Acme::begin(&world).await;
        acme.adds(&world, mapping("divided", "1 / (size(user.roles))", &[Target::AccessToken])).await.expect("is made");
        let call = world.call();
        let org = acme.org.id.to_string();
        let issued = code_for(&call, &acme.app, &acme.alice.signed(&call).await, &[("organization", &org)]).await;
        for status in [Status::Suspended, Status::Active] {
            manage_client::set_status(&world.local(), acme.app.id, status).await.expect("is set");
        }
        assert!(redeem(&call, &acme.app, &issued).await.is_err(), "an application that was suspended meanwhile");
        assert_eq!(recorded(&world, "claim.left_out").await, 0);
        let app = clients::get_active(&call, "planner").await.expect("is active");
        let issued = code_for(&call, &app, &acme.alice.signed(&call).await, &[("organization", &org)]).await;
        redeem(&call, &app, &issued).await.expect("is redeemed");
        assert_eq!(recorded(&world, "claim.left_out").await, 1);
    }

    async fn no_mapping_says_what_is_not_its_to_say(world: World) {
        let acme = Acme::begin(&world).await;
        let all = platform(&world, &acme.org).await;
        for name in ["sub", "iss", "scope", "Scope", "scopes", "scp", "roles", "ROLES", "permissions", "role", "tenant_id", "org_id",
            "org_role", "workspace_ids", "workspaces", "workspace", "workspace_id", "act", "may_act", "cnf", "email", "name",
            "type", "typ", "token_use", "client_id", "azp", "aud", "exp", "amr", "acr", "sid", "active", "username", "allowed_addresses", "doorward",
            "orcheo", "Orcheo", "", "two words", "new\nline", "\"", "_claim_sources", "agent_limits"]
        {
            assert_eq!(code(acme.adds(&world, mapping(name, "'x'", &ALL)).await), Some(Code::RequestInvalid), "{name:?}");
            let is_operators = ["doorward", "orcheo"].iter().any(|one| one.eq_ignore_ascii_case(name));
            let outcome = claims::create(&world.local(), &all, mapping(name, "'x'", &ALL)).await;
            assert_eq!(outcome.is_ok(), is_operators, "{name:?} by the operator");
        }
        let said = acme.said(&world, &acme.app, true).await;
        assert!(said.iter().all(|said| said["orcheo"] == "x"), "the operator's platforms read this");
    }

    /// Whatever names and expressions are tried: tokens with mappings and tokens without differ in names that
    /// nobody else uses.
    async fn tokens_stay_what_they_are(world: World) {
        let acme = Acme::begin(&world).await;
        let before = acme.said(&world, &acme.app, true).await;
        let known: Vec<String> = before.iter().flat_map(|said| said.keys().cloned()).collect();
        let words = ["permissions", "roles", "department", "x", "scope", "sub", "given_name", "a.b", "exp"];
        let mut made = Vec::new();
        for first in words {
            for name in [first.to_owned(), first.to_uppercase(), format!("{first}_x"), format!("x:{first}")] {
                for expression in ["'x'", "org.permissions + ['admin']", "user", "null"] {
                    if acme.adds(&world, mapping(&name, expression, &ALL)).await.is_ok() {
                        made.push(name.clone());
                    }
                }
            }
        }
        assert!(made.len() > 10, "{made:?}");
        let after = acme.said(&world, &acme.app, true).await;
        for (before, after) in before.iter().zip(&after) {
            for (name, value) in after {
                match before.get(name) {
                    Some(_) if ["exp", "iat", "nbf", "jti", "grant_id", "at_hash", "c_hash", "updated_at"].contains(&name.as_str()) => {}
                    Some(same) => assert_eq!(value, same, "{name}"),
                    None => assert!(made.contains(name) && !known.contains(name), "{name}"),
                }
            }
            assert!(before.keys().all(|name| after.contains_key(name)));
        }
    }

    async fn a_hundred_claims_fit_and_the_next_is_refused(world: World) {
        let acme = Acme::begin(&world).await;
        for number in 0..MOST {
            acme.adds(&world, mapping(&format!("claim_{number}"), &format!("'{number} of ' + org.name"), &ALL)).await.expect("is made");
        }
        assert_eq!(code(acme.adds(&world, mapping("one_more", "1", &ALL)).await), Some(Code::Conflict));
        for said in acme.said(&world, &acme.app, true).await {
            assert_eq!(said["claim_99"], "99 of Acme");
            assert_eq!(said.keys().filter(|name| name.starts_with("claim_")).count(), MOST);
        }
        // Beyond what tokens carry, claims are left out; which ones is told, and recorded once.
        let long = format!("'{}'", "x".repeat(900));
        for number in 0..9 {
            acme.adds(&world, of_client("planner", mapping(&format!("long_{number}"), &long, &ALL))).await.expect("is made");
        }
        for said in [acme.said(&world, &acme.app, true).await, acme.said(&world, &acme.app, true).await].concat() {
            let (long, few): (Vec<_>, Vec<_>) = said.keys().filter(|name| name.contains('_')).partition(|name| name.starts_with("long_"));
            assert_eq!(long.len(), 8, "the most particular first");
            assert!(few.iter().filter(|name| name.starts_with("claim_")).count() < MOST);
        }
        let sample = acme.sample(&world, "openid", "1").await.expect("a sample");
        assert!(sample.bytes <= MOST_BYTES && sample.bytes > MOST_BYTES / 2, "{}", sample.bytes);
        assert!(sample.left_out.iter().all(|(_, _, reason)| *reason == Reason::TooLarge));
        let left_out: std::collections::BTreeSet<_> = sample.left_out.iter().map(|(_, name, _)| name.clone()).collect();
        assert_eq!(recorded(&world, "claim.left_out").await, left_out.len());
    }

    async fn an_expression_that_fails_leaves_its_claim_out(world: World) {
        let acme = Acme::begin(&world).await;
        for (name, expression) in [("divided", "1 / (size(user.roles))"), ("mixed", "user.email + 1"), ("beyond", "user.roles[7]")] {
            acme.adds(&world, mapping(name, expression, &ALL)).await.expect(name);
        }
        acme.adds(&world, mapping("good", "'still there'", &ALL)).await.expect("is made");
        for _ in 0..2 {
            for said in acme.said(&world, &acme.app, true).await {
                assert_eq!(said.get("good"), Some(&json!("still there")));
                assert!(["divided", "mixed", "beyond"].iter().all(|name| !said.contains_key(*name)));
            }
        }
        assert_eq!(recorded(&world, "claim.left_out").await, 3, "each once, not with every token");
        for (expression, where_it_is) in [("1 +", "Line 1"), ("user.emial", "Letter 5"), ("nobody", "Letter 1"),
            ("user.name.matches('a')", "function matches"), ("user.roles.map(a, user.roles.map(b, user.roles.map(c, c)))", "too much")] {
            let error = acme.adds(&world, mapping("bad", expression, &ALL)).await.expect_err(expression);
            assert_eq!(error.code(), Some(Code::RequestInvalid), "{expression}");
            assert!(format!("{error:?}").contains(where_it_is), "{expression}: {error:?}");
        }
        assert_eq!(code(acme.adds(&world, mapping("nowhere", "1", &[])).await), Some(Code::RequestInvalid));
    }

    /// An application that people allowed less does not get more by a mapping.
    async fn expressions_see_what_the_scopes_tell(world: World) {
        let acme = Acme::begin(&world).await;
        let third_party = application(&world, "planner-two", |new| {
            new.org = Some(acme.org.id);
            new.registration.is_first_party = false;
        })
        .await;
        let ask = |user: Id<User>, scopes: &str| SampleAsk {
            user,
            client: third_party.client_id.clone(),
            api: None,
            scopes: scopes.parse::<ScopeSet>().expect("scopes"),
            expression: Some("[user.email, user.name, user.sub]".to_owned()),
        };
        let call = by(&world, acme.alice.user.id);
        let sub = acme.alice.user.id.to_string();
        for (scopes, value) in [("openid", json!([null, null, sub])), ("openid email", json!(["alice@example.org", null, sub]))] {
            let sample = claims::sample(&call, &acme.scope, ask(acme.alice.user.id, scopes)).await.expect("a sample");
            assert_eq!(sample.value, Some(Ok(value)), "{scopes}");
        }
        let stranger = person(&world, "eva@example.org").await;
        let refused = claims::sample(&call, &acme.scope, ask(stranger, "openid")).await;
        assert_eq!(code(refused.map(drop)), Some(Code::RequestInvalid), "only of one's own people");
        application(&world, "instance-app", |_| {}).await;
        let elsewhere = SampleAsk { client: "instance-app".to_owned(), ..ask(acme.alice.user.id, "openid") };
        assert_eq!(code(claims::sample(&call, &acme.scope, elsewhere).await.map(drop)), Some(Code::NotFound));
        assert_eq!(acme.sample(&world, "openid", "1 / 0").await.expect("a sample").value, Some(Err(Reason::Evaluation)));
    }

    /// What comes of it shows a person's address: to whoever may not see members, only their own.
    async fn trying_shows_nobody_else_to_who_sees_no_members(world: World) {
        let acme = Acme::begin(&world).await;
        let admin = platform(&world, &acme.org).await;
        let permissions = vec![WRITE.to_owned()];
        roles::create(&world.local(), &admin, "mapper", Terms { permissions, ..Terms::default() }).await.expect("is made");
        let bob = person(&world, "bob@example.org").await;
        adds(&world, &acme.org, bob, "mapper").await;
        let scope = enters(&world, bob, &acme.org, WRITE).await.expect("is let in");
        let ask = |user| SampleAsk {
            user,
            client: "planner".to_owned(),
            api: None,
            scopes: "openid email".parse::<ScopeSet>().expect("scopes"),
            expression: Some("user.email".to_owned()),
        };
        let own = claims::sample(&by(&world, bob), &scope, ask(bob)).await.expect("a sample");
        assert_eq!(own.value, Some(Ok(json!("bob@example.org"))));
        let others = claims::sample(&by(&world, bob), &scope, ask(acme.alice.user.id)).await;
        assert_eq!(code(others.map(drop)), Some(Code::ScopeMissing));
        let seen = claims::sample(&by(&world, acme.alice.user.id), &acme.scope, ask(bob)).await.expect("a sample");
        assert_eq!(seen.value, Some(Ok(json!("bob@example.org"))));
    }

    /// What an API is not told in `permissions` it is not told by a mapping either.
    async fn permissions_are_those_that_the_token_says(world: World) {
        const API: &str = "https://acme-api.example";
        let acme = Acme::begin(&world).await;
        kit::api_of(&world, Some(acme.org.id), API, &["acme:read"]).await;
        kit::api_of(&world, Some(acme.org.id), "https://other.example", &["other:read"]).await;
        let admin = platform(&world, &acme.org).await;
        let permissions = ["acme:read", "other:read", "plain:read"].map(str::to_owned).to_vec();
        roles::create(&world.local(), &admin, "helper", Terms { permissions, ..Terms::default() }).await.expect("is made");
        let bob = kit::person(&world, "bob@example.org", None).await;
        adds(&world, &acme.org, bob.user.id, "helper").await;
        let app = application(&world, "wide", |new| {
            new.org = Some(acme.org.id);
            new.registration.metadata.apis = vec![API.to_owned()];
        })
        .await;
        acme.adds(&world, of_client("wide", mapping("may", "org.permissions", &ALL))).await.expect("is made");
        let (call, org) = (world.call(), acme.org.id.to_string());
        for (resource, may) in [("", json!(["acme:read", "other:read", "plain:read"])), (API, json!(["acme:read", "plain:read"]))] {
            let changes = [("organization", org.as_str()), ("resource", resource)];
            let issued = code_for(&call, &app, &bob.signed(&call).await, &changes).await;
            let resources = Some(resource.to_owned()).filter(|resource| !resource.is_empty()).into_iter().collect();
            let ask = code::CodeAsk { resources, ..code_ask(&issued) };
            let token = inside(&code::redeem(&call, &app, ask).await.expect("is redeemed").access_token);
            assert_eq!((&token["permissions"], &token["may"]), (&may, &may), "{resource}");
        }
        let ask = SampleAsk {
            user: bob.user.id,
            client: "wide".to_owned(),
            api: Some(API.to_owned()),
            scopes: ScopeSet::default(),
            expression: Some("org.permissions".to_owned()),
        };
        let sample = claims::sample(&by(&world, acme.alice.user.id), &acme.scope, ask).await.expect("a sample");
        assert_eq!(sample.value, Some(Ok(json!(["acme:read", "plain:read"]))), "tried as it would be told");
    }

    /// What people answer their organisation is for expressions as it is for applications: where the scopes tell
    /// it, of the organisation of the token, and only what is meant for tokens.
    async fn expressions_see_the_profile_of_the_organisation(world: World) {
        let acme = Acme::begin(&world).await;
        let (call, alice) = (by(&world, acme.alice.user.id), acme.alice.user.id);
        let scope = enters(&world, alice, &acme.org, "org:settings:write").await.expect("is let in");
        for (key, in_claims) in [("team", true), ("desk", true), ("private", false)] {
            let change = fields::Change { label: key.to_owned(), in_claims, ..fields::Change::default() };
            let new = fields::NewField { key: key.to_owned(), kind: fields::Kind::Text, change };
            fields::create(&call, &scope, new).await.expect("is made");
        }
        let said = ["team", "private"].map(|key| (key.to_owned(), Some(json!("Blue")))).into_iter().collect();
        fields::answer(&call, acme.org.id, alice, said).await.expect("is kept");
        let seen = async |scopes: &str, expression: &str| acme.sample(&world, scopes, expression).await.expect("a sample").value;
        assert_eq!(seen("openid", "tenant_profile").await, Some(Ok(json!({"team": "Blue", "desk": null}))));
        assert_eq!(seen("openid", "tenant_profile.team == 'Blue' ? 'b' : 'o'").await, Some(Ok(json!("b"))));
        assert_eq!(seen("openid", "tenant_profile.private").await, Some(Err(Reason::Evaluation)));
        application(&world, "third", |new| {
            new.org = Some(acme.org.id);
            new.registration.is_first_party = false;
        })
        .await;
        for (scopes, value) in [("openid", json!(null)), ("openid profile", json!("Blue"))] {
            let ask = SampleAsk {
                user: alice,
                client: "third".to_owned(),
                api: None,
                scopes: scopes.parse().expect("scopes"),
                expression: Some("tenant_profile.team".to_owned()),
            };
            let sample = claims::sample(&call, &acme.scope, ask).await.expect("a sample");
            assert_eq!(sample.value, Some(Ok(value)), "{scopes}");
        }
        acme.adds(&world, of_client("planner", mapping("team", "tenant_profile.team", &ALL))).await.expect("is made");
        for token in acme.said(&world, &acme.app, true).await {
            assert_eq!(token["team"], "Blue", "{token:?}");
        }
        let at_home = acme.said(&world, &acme.app, false).await;
        assert!(at_home.iter().all(|token| !token.contains_key("team")), "{at_home:?}");
    }

    async fn mappings_end_with_what_they_are_of(world: World) {
        let acme = Acme::begin(&world).await;
        makes_api(&world, "https://acme-api.example", Some(&acme.org)).await;
        acme.adds(&world, of_api("https://acme-api.example", mapping("of_api", "1", &ALL))).await.expect("is made");
        acme.adds(&world, of_client("planner", mapping("of_app", "1", &ALL))).await.expect("is made");
        acme.adds(&world, mapping("of_org", "1", &ALL)).await.expect("is made");
        let (call, page) = (by(&world, acme.alice.user.id), PageAsk { limit: 50, ..PageAsk::default() });
        let owners = async || {
            let ask = ListAsk { page: page.clone(), whose: Whose::default() };
            let all = claims::list(&call, &acme.scope, ask).await.expect("a list").items;
            let mut names: Vec<_> = all.iter().map(|one| one.name.clone()).collect();
            names.sort();
            names
        };
        assert_eq!(owners().await, ["of_api", "of_app", "of_org"]);
        let ask = ListAsk { page: page.clone(), whose: Whose { client: Some("planner".to_owned()), api: None } };
        let of_app = claims::list(&call, &acme.scope, ask).await.expect("a list").items;
        assert_eq!((of_app.len(), of_app[0].owner), (1, Owner::Client(acme.app.id)));
        let api = apis::get(&world.call(), "https://acme-api.example").await.expect("is there");
        apis::end(&world.local(), api.id).await.expect("is ended");
        let (app, ended) = (acme.app.id, doorward_core::principals::Status::Ended);
        doorward_core::clients::manage::set_status(&world.local(), app, ended).await.expect("is ended");
        assert_eq!(owners().await, ["of_org"]);
        let end = enters(&world, acme.alice.user.id, &acme.org, "org:settings:end").await.expect("is let in");
        manage::end(&call, &end).await.expect("is ended");
        assert!(owners().await.is_empty());
    }
}
