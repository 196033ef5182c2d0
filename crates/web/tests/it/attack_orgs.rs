//! An owner of an organisation keeps its applications, APIs and service tokens, and tries to reach beyond it: every
//! attempt is refused, and what is refused is not there.

use std::sync::{Arc, Mutex};

use crate::api_kit::{Answer, Server};
use doorward_core::{env::Resolve, orgs::Kind, users};
use doorward_world::{World, both_engines};
use http::{Method, StatusCode};
use serde_json::{Value as Json, json};

/// What the DNS says: a name, and the text of its record.
type Zone = Arc<Mutex<Vec<(String, String)>>>;

fn zone(world: &World) -> Zone {
    let zone = Zone::default();
    let told = Arc::clone(&zone);
    let resolve: Resolve = Arc::new(move |name| {
        let said = told.lock().unwrap().clone();
        Box::pin(
            async move { Ok(said.into_iter().filter(|(of, _)| *of == name).map(|(_, text)| text).collect()) },
        )
    });
    drop(world.realm.env.clone().resolving_by(resolve));
    zone
}

/// An organisation, and a token that runs it.
struct Acme<'s> {
    server: &'s Server,
    id: String,
    bearer: String,
}

const PERMISSIONS: [&str; 7] = [
    "org:clients:read",
    "org:clients:write",
    "org:apis:read",
    "org:apis:write",
    "org:tokens:read",
    "org:tokens:write",
    "org:roles:write",
];

impl<'s> Acme<'s> {
    async fn new(server: &'s Server, name: &str) -> Self {
        let made = server.make("/api/v1/orgs", json!({"name": name})).await;
        let id = made["id"].as_str().unwrap().to_owned();
        Self { server, bearer: credential(server, &id, &PERMISSIONS).await, id }
    }

    /// Proves a domain, as its DNS would.
    async fn proves(&self, zone: &Zone, domain: &str) {
        let path = format!("/api/v1/orgs/{}/domains", self.id);
        let added = self.server.root(Method::POST, &path, Some(json!({"domain": domain}))).await;
        assert_eq!(added.status, StatusCode::CREATED, "{}", added.text);
        let text = |member: &str| added.body[member].as_str().unwrap().to_owned();
        zone.lock().unwrap().push((text("record"), text("value")));
        let shown = self.server.root(Method::POST, &format!("{path}/{domain}/verify"), None).await;
        assert_eq!((shown.status, &shown.body["verified"]), (StatusCode::OK, &json!(true)), "{}", shown.text);
    }

    async fn ask(&self, method: Method, below: &str, body: Option<Json>) -> Answer {
        let path = format!("/api/v1/orgs/{}/{below}", self.id);
        self.server.asks(method, &path, body, &[("authorization", &self.bearer)]).await
    }

    async fn make(&self, below: &str, body: Json) -> Json {
        let made = self.ask(Method::POST, below, Some(body)).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
        made.body
    }

    async fn refused(&self, below: &str, body: Json, (status, code, field): (u16, &str, &str)) {
        let refused = self.ask(Method::POST, below, Some(body.clone())).await;
        let told = (refused.status.as_u16(), refused.code(), refused.field());
        assert_eq!(told, (status, code, field), "{body}: {}", refused.text);
    }

    async fn how_many(&self, below: &str) -> usize {
        self.ask(Method::GET, below, None).await.body["items"].as_array().unwrap().len()
    }
}

async fn credential(server: &Server, org: &str, scopes: &[&str]) -> String {
    let body = json!({"name": "running", "scopes": scopes, "org_id": org});
    let made = server.locally(Method::POST, "/api/v1/service-tokens", Some(body)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    format!("Bearer {}", made.body["secret"].as_str().unwrap())
}

fn app(more: Json) -> Json {
    let mut app =
        json!({"name": "App", "redirect_uris": ["https://app.acme.example/cb"], "scopes": ["openid"]});
    app.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    app
}

both_engines! {
    async fn an_owner_keeps_applications_apis_and_tokens(world: World) {
        let (zone, server) = (zone(&world), Server::new(world.clone()));
        let acme = Acme::new(&server, "Acme").await;
        acme.proves(&zone, "acme.example").await;
        let api = acme.make("apis", json!({"identifier": "reports", "name": "Reports", "scopes": ["read", {"name": "write", "description": "Change reports"}]})).await;
        let own = format!("{}.", acme.id);
        assert_eq!(api["identifier"], format!("{own}reports"), "{api}");
        let names: Vec<_> = api["scopes"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap().to_owned()).collect();
        assert_eq!(names, [format!("{own}read"), format!("{own}write")]);
        let shown = acme.ask(Method::GET, "apis/reports", None).await;
        assert_eq!(shown.body["id"], api["id"], "by its own part: {}", shown.text);
        let changed = acme.ask(Method::PATCH, "apis/reports", Some(json!({"scopes": ["read", format!("{own}write"), "send"]}))).await;
        assert_eq!(changed.body["scopes"].as_array().unwrap().len(), 3, "{}", changed.text);

        let made = acme.make("clients", app(json!({"scopes": ["openid", "offline_access", format!("{own}read")], "apis": [api["identifier"]]}))).await;
        assert!(made["client_id"].as_str().unwrap().starts_with("cli_") && made["client_secret"].is_string(), "{made}");
        assert_eq!((&made["org_id"], &made["first_party"]), (&json!(acme.id), &json!(false)), "{made}");
        let its = format!("clients/{}", made["id"].as_str().unwrap());
        let next = acme.ask(Method::POST, &format!("{its}/rotate"), Some(json!({}))).await;
        assert!(next.body["client_secret"].is_string(), "{}", next.text);
        for (method, below, body) in [
            (Method::POST, format!("{its}/retire"), None),
            (Method::POST, format!("{its}/suspend"), None),
            (Method::POST, format!("{its}/resume"), None),
            (Method::PATCH, its.clone(), Some(json!({"name": "Renamed", "redirect_uris": ["http://127.0.0.1:9/cb", "https://acme.example/cb"]}))),
        ] {
            let done = acme.ask(method, &below, body).await;
            assert_eq!(done.status, StatusCode::OK, "{below}: {}", done.text);
        }
        let token = acme.make("service-tokens", json!({"name": "nightly", "scopes": [format!("{own}read"), "org:apis:read"]})).await;
        assert_eq!((&token["org_id"], &token["workspace_ids"]), (&json!(acme.id), &json!([])), "{token}");
        let next = acme.ask(Method::POST, "service-tokens/nightly/rotate", Some(json!({"scopes": [format!("{own}write")]}))).await;
        assert_eq!(next.body["version"], 2, "{}", next.text);
        let over = acme.ask(Method::POST, "service-tokens/nightly/revoke", Some(json!({"reason": "not needed"}))).await;
        assert_eq!(over.body["status"], "revoked", "{}", over.text);
        for (below, status) in [(its.as_str(), StatusCode::NO_CONTENT), ("apis/reports", StatusCode::NO_CONTENT)] {
            assert_eq!(acme.ask(Method::DELETE, below, None).await.status, status, "{below}");
            assert_eq!(acme.ask(Method::GET, below, None).await.status, StatusCode::NOT_FOUND, "{below}");
        }
    }

    /// No name of the whole server, no answer to where somebody else listens, and nobody is spared the question.
    async fn an_application_of_an_organisation_reaches_nobody_else(world: World) {
        let (zone, server) = (zone(&world), Server::new(world.clone()));
        let acme = Acme::new(&server, "Acme").await;
        let other = Acme::new(&server, "Other").await;
        acme.proves(&zone, "acme.example").await;
        other.proves(&zone, "other.example").await;
        other.make("clients", app(json!({"redirect_uris": ["https://shop.other.example/cb"]}))).await;
        let foreign = other.make("apis", json!({"identifier": "ledger", "name": "Ledger", "scopes": ["pay"]})).await;
        let (theirs, pay) = (foreign["identifier"].clone(), foreign["scopes"][0]["name"].clone());
        let servers = server.make("/api/v1/apis", json!({"identifier": "orcheo-api", "name": "Orcheo", "scope_set": "orcheo"})).await;
        let metadata = |field| (400, "client.metadata_invalid", field);
        let address = |field| (400, "client.redirect_uri_invalid", field);
        for (more, outcome) in [
            (json!({"client_id": "doorward-console"}), (400, "request.invalid", "client_id")),
            (json!({"org_id": other.id}), (400, "request.invalid", "org_id")),
            (json!({"first_party": true}), metadata("first_party")),
            (json!({"scopes": ["admin:users:read"]}), metadata("scopes")),
            (json!({"scopes": ["org:members:read"]}), metadata("scopes")),
            (json!({"scopes": ["me:write"]}), metadata("scopes")),
            (json!({"scopes": ["workflows:read"]}), metadata("scopes")),
            (json!({"scopes": [pay]}), metadata("scopes")),
            (json!({"apis": [theirs]}), metadata("apis")),
            (json!({"default_api": servers["identifier"]}), metadata("default_api")),
            (json!({"providers": [format!("{}.sso", other.id)]}), metadata("providers")),
            (json!({"grant_types": ["authorization_code", "refresh_token", "urn:doorward:params:oauth:grant-type:anonymous"]}), metadata("grant_types")),
            (json!({"redirect_uris": ["https://shop.other.example/cb"]}), address("redirect_uris")),
            (json!({"redirect_uris": ["https://evil.example/cb"]}), address("redirect_uris")),
            (json!({"redirect_uris": ["https://acme.example.evil.example/cb"]}), address("redirect_uris")),
            (json!({"redirect_uris": [format!("{}/cb", doorward_world::ISSUER)]}), address("redirect_uris")),
            (json!({"redirect_uris": ["com.other.app:/cb"]}), address("redirect_uris")),
            (json!({"post_logout_redirect_uris": ["https://evil.example/"]}), address("post_logout_redirect_uris")),
            (json!({"backchannel_logout_uri": "http://127.0.0.1:6379/"}), metadata("backchannel_logout_uri")),
            (json!({"backchannel_logout_uri": "https://shop.other.example/out"}), metadata("backchannel_logout_uri")),
            (json!({"jwks_uri": "https://192.0.2.1/keys"}), metadata("jwks_uri")),
            (json!({"logo_uri": "https://evil.example/logo.png"}), metadata("logo_uri")),
        ] {
            acme.refused("clients", app(more), outcome).await;
        }
        assert_eq!(acme.how_many("clients").await, 0);
        let made = acme.make("clients", app(json!({}))).await;
        let its = format!("clients/{}", made["id"].as_str().unwrap());
        for more in [json!({"first_party": true}), json!({"scopes": ["admin:users:read"]}), json!({"redirect_uris": ["https://evil.example/cb"]})] {
            let refused = acme.ask(Method::PATCH, &its, Some(more.clone())).await;
            assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{more}: {}", refused.text);
        }

        // What the server's administrators have given more than an organisation can is not the owner's to act as.
        let beyond = server.make("/api/v1/clients", json!({"name": "Sync", "org_id": acme.id, "scopes": ["workflows:read"], "grant_types": ["client_credentials"]})).await;
        let first = server.make("/api/v1/clients", json!({"name": "First", "org_id": acme.id, "first_party": true, "redirect_uris": ["https://first.example/cb"]})).await;
        let wide = server.make("/api/v1/clients", app(json!({"org_id": acme.id, "apis": [servers["identifier"]]}))).await;
        let default = server.make("/api/v1/clients", app(json!({"org_id": acme.id, "default_api": servers["identifier"]}))).await;
        let anonymous = ["authorization_code", "refresh_token", "urn:doorward:params:oauth:grant-type:anonymous"];
        let nobody = server.make("/api/v1/clients", app(json!({"org_id": acme.id, "grant_types": anonymous}))).await;
        for client in [&beyond, &first, &wide, &default, &nobody] {
            let its = format!("clients/{}", client["id"].as_str().unwrap());
            assert_eq!(acme.ask(Method::GET, &its, None).await.status, StatusCode::OK, "it is seen");
            for (method, below) in [(Method::POST, "/rotate"), (Method::POST, "/retire"), (Method::POST, "/suspend"), (Method::PATCH, ""), (Method::DELETE, "")] {
                let body = (method == Method::PATCH || below == "/rotate").then(|| json!({}));
                let refused = acme.ask(method, &format!("{its}{below}"), body).await;
                assert_eq!((refused.status, refused.code()), (StatusCode::FORBIDDEN, "auth.forbidden"), "{below}: {}", refused.text);
            }
        }
        for (method, below) in [(Method::GET, ""), (Method::PATCH, ""), (Method::DELETE, ""), (Method::POST, "/rotate"), (Method::POST, "/retire"), (Method::POST, "/suspend")] {
            let body = (method == Method::PATCH || below == "/rotate").then(|| json!({}));
            let refused = other.ask(method, &format!("{its}{below}"), body).await;
            assert_eq!((refused.status, refused.code()), (StatusCode::NOT_FOUND, "not_found"), "{below}: {}", refused.text);
        }
    }

    /// An audience and a scope count on the whole server: an organisation gets none of somebody else's, neither in
    /// its APIs nor, by way of them, in its roles.
    async fn an_api_of_an_organisation_is_nobody_elses(world: World) {
        let server = Server::new(world.clone());
        let (acme, other) = (Acme::new(&server, "Acme").await, Acme::new(&server, "Other").await);
        server.make("/api/v1/apis", json!({"identifier": "orcheo-api", "name": "Orcheo", "scope_set": "orcheo"})).await;
        let foreign = other.make("apis", json!({"identifier": "ledger", "name": "Ledger", "scopes": ["pay"]})).await;
        for (identifier, is_one) in [("orcheo-api", true), ("https://api.example/", false), ("a b", false), ("", false), ("UPPER", false)] {
            let body = json!({"identifier": identifier, "name": "Mine", "scopes": ["workflows:read", "admin:users:read", "org:*"]});
            if is_one {
                let made = acme.make("apis", body).await;
                assert_eq!(made["identifier"], format!("{}.{identifier}", acme.id), "{made}");
                for scope in made["scopes"].as_array().unwrap() {
                    assert!(scope["name"].as_str().unwrap().starts_with(&format!("{}.", acme.id)), "{made}");
                }
            } else {
                acme.refused("apis", body, (400, "request.invalid", "identifier")).await;
            }
        }
        let shown = acme.ask(Method::GET, "apis/orcheo-api", None).await;
        assert_eq!(shown.body["identifier"], format!("{}.orcheo-api", acme.id), "its own, not the server's: {}", shown.text);
        let theirs = format!("{}.mine", other.id);
        let made = acme.make("apis", json!({"identifier": theirs, "name": "Theirs", "scopes": [format!("{}.pay", other.id)]})).await;
        assert!(made["identifier"].as_str().unwrap().starts_with(&format!("{}.", acme.id)), "{made}");
        assert!(made["scopes"][0]["name"].as_str().unwrap().starts_with(&format!("{}.", acme.id)), "{made}");
        for given in ["workflows:read", "admin:users:read", foreign["scopes"][0]["name"].as_str().unwrap()] {
            let refused = acme.ask(Method::POST, "roles", Some(json!({"name": "much", "permissions": [given]}))).await;
            assert_eq!((refused.status, refused.field()), (StatusCode::BAD_REQUEST, "permissions"), "{given}: {}", refused.text);
        }
        acme.make("roles", json!({"name": "own", "permissions": [format!("{}.workflows:read", acme.id)]})).await;
        let its = format!("apis/{}", foreign["id"].as_str().unwrap());
        let by_identifier = format!("apis/{}", foreign["identifier"].as_str().unwrap());
        for below in [its.as_str(), by_identifier.as_str(), "apis/ledger"] {
            for (method, body) in [(Method::GET, None), (Method::PATCH, Some(json!({"name": "Mine"}))), (Method::DELETE, None)] {
                let refused = acme.ask(method.clone(), below, body).await;
                assert_eq!(refused.status, StatusCode::NOT_FOUND, "{method} {below}: {}", refused.text);
            }
        }
        for moved in [json!({"org_id": acme.id}), json!({"identifier": "orcheo-api"})] {
            let refused = other.ask(Method::PATCH, "apis/ledger", Some(moved.clone())).await;
            assert_eq!((refused.status, refused.field()), (StatusCode::BAD_REQUEST, "identifier"), "{moved}: {}", refused.text);
        }
    }

    async fn a_token_of_an_organisation_may_no_more_than_it_gives(world: World) {
        let server = Server::new(world.clone());
        let (acme, other) = (Acme::new(&server, "Acme").await, Acme::new(&server, "Other").await);
        let foreign = other.make("apis", json!({"identifier": "ledger", "name": "Ledger", "scopes": ["pay"]})).await;
        let missing = (403, "auth.missing_scope", "");
        for (body, outcome) in [
            (json!({"scopes": ["admin:*"]}), missing),
            (json!({"scopes": ["admin:users:read"]}), missing),
            (json!({"scopes": ["me:write"]}), missing),
            (json!({"scopes": ["org:*"]}), missing),
            (json!({"scopes": ["org:settings:end"]}), missing),
            (json!({"scopes": ["org:members:write"]}), missing),
            (json!({"scopes": ["workflows:read"]}), (400, "request.invalid", "scopes")),
            (json!({"scopes": [foreign["scopes"][0]["name"]]}), (400, "request.invalid", "scopes")),
            (json!({"rate_limit_override": "100000/second"}), (400, "request.invalid", "rate_limit_override")),
            (json!({"workspace_ids": ["*"]}), (400, "request.invalid", "workspace_ids")),
            (json!({"workspace_ids": ["ws-other"]}), (400, "request.invalid", "workspace_ids")),
            (json!({"org_id": other.id}), (400, "request.invalid", "org_id")),
        ] {
            acme.refused("service-tokens", body, outcome).await;
        }
        assert_eq!(acme.how_many("service-tokens").await, 1, "the one that asks");
        acme.make("service-tokens", json!({"name": "plain", "scopes": []})).await;
        for more in ["admin:*", "workflows:read", "org:*"] {
            let refused = acme.ask(Method::POST, "service-tokens/plain/rotate", Some(json!({"scopes": [more]}))).await;
            assert!(refused.status.is_client_error(), "{more}: {}", refused.text);
        }
        let refused = acme.ask(Method::PATCH, "service-tokens/plain", Some(json!({"rate_limit_override": "9/second"}))).await;
        assert_eq!((refused.status, refused.field()), (StatusCode::BAD_REQUEST, "rate_limit_override"), "{}", refused.text);
        // One that the server's administrators have made for the organisation.
        for (name, more) in [("servers-own", json!({"scopes": ["admin:*"]})), ("flows", json!({"scopes": ["workflows:read"]}))] {
            let mut body = json!({"name": name, "org_id": acme.id});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let made = server.locally(Method::POST, "/api/v1/service-tokens", Some(body)).await;
            assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
            let refused = acme.ask(Method::POST, &format!("service-tokens/{name}/rotate"), Some(json!({}))).await;
            assert!(refused.status.is_client_error() && refused.body["secret"].is_null(), "{name}: {}", refused.text);
        }
        let refused = acme.ask(Method::POST, "service-tokens/servers-own/revoke", Some(json!({"reason": "mine"}))).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "nobody ends what may more: {}", refused.text);
        let theirs = other.make("service-tokens", json!({"name": "theirs"})).await;
        for name in ["theirs", theirs["id"].as_str().unwrap()] {
            for (method, below, body) in [(Method::GET, "", None), (Method::PATCH, "", Some(json!({}))), (Method::POST, "/rotate", Some(json!({}))),
                (Method::POST, "/revoke", Some(json!({"reason": "x"})))] {
                let refused = acme.ask(method, &format!("service-tokens/{name}{below}"), body).await;
                assert_eq!(refused.status, StatusCode::NOT_FOUND, "{name}{below}: {}", refused.text);
            }
        }
    }

    /// What belongs to the server belongs to its own organisation; a person's own has none of these.
    async fn neither_the_servers_organisation_nor_a_personal_one(world: World) {
        let server = Server::new(world.clone());
        let instance = world.realm.instance_org.to_string();
        let bearer = credential(&server, &instance, &["org:*"]).await;
        let acme = Acme { server: &server, id: instance, bearer };
        for below in ["clients", "apis", "service-tokens", "audit"] {
            let refused = acme.ask(Method::GET, below, None).await;
            assert_eq!((refused.status, refused.code()), (StatusCode::FORBIDDEN, "auth.missing_scope"), "{below}: {}", refused.text);
        }
        for (below, body) in [("clients", app(json!({}))), ("apis", json!({"identifier": "x", "name": "X"})), ("service-tokens", json!({}))] {
            acme.refused(below, body, (403, "auth.missing_scope", "")).await;
        }
        // Nor does what says more in the server's tokens, who joins by its applications, or from where it is used.
        server.make("/api/v1/clients", app(json!({"client_id": "servers-own"}))).await;
        let claim = json!({"name": "level", "expression": "1", "into": ["access_token"]});
        let sample = json!({"user_id": world.realm.instance_org.to_string().replace("org_", "usr_"), "client_id": "servers-own", "scopes": []});
        for (below, body) in [("claims", claim), ("join-clients", json!({"client_id": "servers-own"})), ("claims/test", sample)] {
            acme.refused(below, body, (403, "auth.missing_scope", "")).await;
        }
        assert_eq!(acme.ask(Method::GET, "claims", None).await.status, StatusCode::FORBIDDEN);
        let gone = acme.ask(Method::DELETE, "join-clients/servers-own", None).await;
        assert_eq!((gone.status, gone.code()), (StatusCode::FORBIDDEN, "auth.missing_scope"), "{}", gone.text);
        let path = format!("/api/v1/orgs/{}", acme.id);
        let seen = server.asks(Method::GET, &path, None, &[("authorization", &acme.bearer)]).await;
        let headers = [("authorization", acme.bearer.as_str()), ("if-match", seen.header("etag"))];
        let body = json!({"allowed_addresses": ["192.0.2.0/24"], "force": true});
        let refused = server.asks(Method::PATCH, &path, Some(body), &headers).await;
        assert_eq!((refused.status, refused.code()), (StatusCode::FORBIDDEN, "auth.missing_scope"), "{}", refused.text);
        let eva = server.make("/api/v1/users", json!({"email": "eva@example.com"})).await;
        let facts = users::facts(&world.call(), eva["id"].as_str().unwrap().parse().unwrap()).await.unwrap().unwrap();
        let own = facts.orgs.iter().find(|it| it.kind == Kind::Personal).unwrap().org.to_string();
        let personal = Acme { server: &server, bearer: credential(&server, &own, &["org:*"]).await, id: own };
        for (below, body) in [("clients", app(json!({}))), ("apis", json!({"identifier": "x", "name": "X"})), ("service-tokens", json!({}))] {
            personal.refused(below, body, (409, "conflict", "")).await;
        }
    }

    /// A right over every organisation's settings is none over what is theirs to use.
    async fn each_right_of_the_server_is_for_its_own_area(world: World) {
        let server = Server::new(world.clone());
        let acme = Acme::new(&server, "Acme").await;
        let body = json!({"name": "orgs", "scopes": ["admin:orgs:read", "admin:orgs:write"]});
        let made = server.locally(Method::POST, "/api/v1/service-tokens", Some(body)).await;
        let bearer = format!("Bearer {}", made.body["secret"].as_str().unwrap());
        for below in ["clients", "apis", "service-tokens", "audit"] {
            let path = format!("/api/v1/orgs/{}/{below}", acme.id);
            let refused = server.asks(Method::GET, &path, None, &[("authorization", &bearer)]).await;
            assert_ne!(refused.status, StatusCode::OK, "{below}: {}", refused.text);
        }
    }
}
