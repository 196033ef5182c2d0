use doorward_proto::jose::{SigningKey, sign};
use futures_util::future::BoxFuture;
use http::Request;
use serde_json::json;
use tower::ServiceExt as _;

use super::*;
use crate::fetch::{Fetched, NamedBy};

const ISSUER: &str = "https://id.example";
const OWN: &str = "http://127.0.0.1:9000";
const NOW: i64 = 1_000_000;

struct Nowhere;

impl Fetch for Nowhere {
    fn get<'a>(&'a self, _: &'a str, _: NamedBy, _: Duration) -> BoxFuture<'a, Result<Fetched, String>> {
        Box::pin(async { Err("nowhere".to_owned()) })
    }
}

fn spec(key: &SigningKey) -> IssuerSpec {
    let jwks_static = Some(json!({ "keys": [key.jwk()] }).to_string());
    IssuerSpec { issuer: vec![ISSUER.to_owned()], jwks_static, ..IssuerSpec::default() }
}

fn assertions(key: &SigningKey) -> Assertions {
    let fetch: Arc<dyn Fetch> = Arc::new(Nowhere);
    Assertions::new(&spec(key), OWN, &fetch).unwrap().clock(Arc::new(|| Time::from_seconds(NOW)))
}

fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": OWN, "sub": "usr_ada", "iat": NOW - 10, "exp": NOW + 50, "auth_type": "access_token",
        "identity_type": "agent", "scope": "reports:read", "workspace_ids": ["ws-a"], "role": "user",
        "tenant_id": "org_1", "email": "ada@example.com", "client_id": "shop", "agent_id": "agt_1", "token_id": "tok_1",
    })
}

fn with(changes: &Value) -> Value {
    let mut claims = claims();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => claims.as_object_mut().unwrap().remove(name),
            value => claims.as_object_mut().unwrap().insert(name.clone(), value.clone()),
        };
    }
    claims
}

fn signed(key: &SigningKey, claims: &Value) -> String {
    key.sign_jwt(Typ::Assertion, claims.to_string().as_bytes()).unwrap()
}

fn request(assertions: &[&str]) -> Parts {
    let mut request = Request::builder().header("x-user-id", "admin").header("x_user_role", "admin");
    for assertion in assertions {
        request = request.header(ASSERTION, *assertion);
    }
    request.body(()).unwrap().into_parts().0
}

async fn code(assertions: &Assertions, said: &[&str]) -> &'static str {
    match assertions.admit(&mut request(said)).await {
        Ok(Some(_)) => "good",
        Ok(None) => "nobody",
        Err(refused) => refused.refusal.why.code(),
    }
}

#[tokio::test]
async fn only_what_was_signed_is_in_the_headers() {
    let key = SigningKey::generate(Alg::ES256).unwrap();
    let mut request = request(&[&signed(&key, &claims())]);
    let caller = assertions(&key).admit(&mut request).await.unwrap().unwrap();
    assert_eq!(caller.subject(), "usr_ada");
    assert!(caller.has_scope("reports:read") && caller.may_enter("ws-a"));
    let identity = caller.identity();
    assert_eq!(identity.kind, IdentityType::Agent);
    assert_eq!((identity.agent_id.as_deref(), identity.token_id.as_deref()), (Some("agt_1"), Some("tok_1")));
    assert_eq!(caller.principal().credential, CredentialKind::AccessToken);
    let header = |name: &str| request.headers.get(name).map(|value| value.to_str().unwrap());
    for (name, expect) in [
        ("x-user-id", Some("usr_ada")),
        ("x-user-role", Some("user")),
        ("x-organization-id", Some("org_1")),
        ("x-user-permissions", Some("reports:read")),
        ("x-agent-id", Some("agt_1")),
        ("x-auth-type", Some("access_token")),
        ("x_user_role", None),
        ("x-doorward-assertion", None),
    ] {
        assert_eq!(header(name), expect, "{name}");
    }
}

#[tokio::test]
async fn without_a_good_word_nobody_is_anybody() {
    let [key, thief] = [(); 2].map(|()| SigningKey::generate(Alg::ES256).unwrap());
    let assertions = assertions(&key);
    let good = signed(&key, &claims());
    assert_eq!(code(&assertions, &[&good]).await, "good");
    assert_eq!(code(&assertions, &[]).await, "auth.missing_token");
    assert_eq!(code(&assertions, &[""]).await, "auth.missing_token");
    assert_eq!(code(&assertions, &[&good, &good]).await, "auth.several_credentials");
    for (claims, expect) in [
        (json!({ "iss": "https://evil.example" }), "auth.invalid_issuer"),
        (json!({ "aud": "http://127.0.0.1:9001" }), "auth.invalid_audience"),
        (json!({ "aud": [OWN] }), "auth.invalid_token"),
        (json!({ "aud": null }), "auth.invalid_token"),
        (json!({ "exp": null }), "auth.invalid_token"),
        (json!({ "iat": NOW - 90, "exp": NOW - 30 }), "auth.token_expired"),
        (json!({ "iat": NOW - 89, "exp": NOW - 29 }), "good"),
        (json!({ "iat": NOW + 31, "exp": NOW + 91 }), "auth.invalid_token"),
        (json!({ "iat": NOW, "exp": NOW + 61 }), "auth.invalid_token"),
        (json!({ "sub": null }), "auth.invalid_token"),
        (json!({ "sub": "" }), "auth.invalid_token"),
        (json!({ "auth_type": "guess" }), "auth.invalid_token"),
    ] {
        assert_eq!(code(&assertions, &[&signed(&key, &with(&claims))]).await, expect, "{claims}");
    }
    let payload = claims().to_string();
    let header = |more: Value| {
        let mut header = json!({ "alg": "ES256", "typ": "doorward-assertion+jwt" });
        header.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        header
    };
    for (token, expect) in [
        (key.sign_jwt(Typ::AccessToken, payload.as_bytes()).unwrap(), "auth.invalid_token"),
        (key.sign_jwt(Typ::Jwt, payload.as_bytes()).unwrap(), "auth.invalid_token"),
        (signed(&thief, &claims()), "auth.invalid_token"),
        (
            sign(&thief, &header(json!({ "kid": key.kid() })), payload.as_bytes()).unwrap(),
            "auth.invalid_token",
        ),
        (
            sign(&thief, &header(json!({ "jwk": thief.jwk() })), payload.as_bytes()).unwrap(),
            "auth.invalid_token",
        ),
        (sign(&key, &header(json!({ "crit": ["exp"] })), payload.as_bytes()).unwrap(), "auth.invalid_token"),
        (
            sign(&key, &header(json!({ "alg": "none" })), payload.as_bytes()).unwrap(),
            "auth.unsupported_algorithm",
        ),
        (format!("{good}x"), "auth.invalid_token"),
        ("admin".to_owned(), "auth.invalid_token"),
    ] {
        assert_eq!(code(&assertions, &[&token]).await, expect, "{token}");
    }
    let rsa = SigningKey::generate(Alg::RS256).unwrap();
    let believes_rsa = self::assertions(&rsa);
    assert_eq!(code(&believes_rsa, &[&signed(&rsa, &claims())]).await, "auth.unsupported_algorithm");
}

#[tokio::test]
async fn where_anybody_may_come_nobody_can_pose() {
    let key = SigningKey::generate(Alg::ES256).unwrap();
    let assertions = assertions(&key).optional();
    let mut request = request(&[]);
    assert!(assertions.admit(&mut request).await.unwrap().is_none());
    assert!(request.headers.is_empty());
    assert_eq!(code(&assertions, &["admin"]).await, "auth.invalid_token");
}

#[test]
fn an_issuer_has_one_name_and_a_key() {
    let key = SigningKey::generate(Alg::ES256).unwrap();
    let fetch: Arc<dyn Fetch> = Arc::new(Nowhere);
    let field = |spec: IssuerSpec| Assertions::new(&spec, OWN, &fetch).err().map(|wrong| wrong.field);
    assert_eq!(field(IssuerSpec { issuer: Vec::new(), ..spec(&key) }), Some("issuer"));
    let jwt_secret = Some("0123456789abcdef0123456789abcdef".into());
    assert_eq!(field(IssuerSpec { jwt_secret, ..spec(&key) }), Some("jwt_secret"));
    assert_eq!(field(IssuerSpec { jwks_static: Some("{}".to_owned()), ..spec(&key) }), Some("jwks_static"));
}

#[tokio::test]
async fn handlers_meet_only_those_for_whom_the_gateway_has_vouched() {
    let key = SigningKey::generate(Alg::ES256).unwrap();
    let name = async |caller: AssertedCaller, headers: HeaderMap| {
        format!("{} {:?}", caller.subject(), headers.get("x-user-id").unwrap())
    };
    let layer = crate::tower::GuardLayer::behind_a_gateway(assertions(&key));
    let router = axum::Router::new().route("/", axum::routing::get(name)).layer(layer);
    let ask = async |said: &[&str]| {
        let request = Request::from_parts(request(said), axum::body::Body::empty());
        let answer = router.clone().oneshot(request).await.unwrap();
        let status = answer.status().as_u16();
        (status, axum::body::to_bytes(answer.into_body(), 10_000).await.unwrap())
    };
    assert_eq!(ask(&[&signed(&key, &claims())]).await, (200, "usr_ada \"usr_ada\"".into()));
    assert_eq!(ask(&[]).await.0, 401);
    assert_eq!(ask(&["admin"]).await.0, 401);
}
