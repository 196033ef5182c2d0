use std::sync::Mutex;

use http::Response;
use serde_json::json;

use super::*;
use crate::{
    exchange::NoAnswer,
    server::{Chain, Scheme},
};

/// An issuer that says what it was told to, and remembers what it was asked.
struct Issuer {
    says: Mutex<Result<(u16, Value), NoAnswer>>,
    asked: Mutex<Vec<(String, String)>>,
}

impl Http for Issuer {
    fn send(&self, request: Request<Vec<u8>>) -> BoxFuture<'_, Result<Response<Vec<u8>>, NoAnswer>> {
        let authorization = request.headers()[header::AUTHORIZATION].to_str().unwrap().to_owned();
        let body = String::from_utf8(request.into_body()).unwrap();
        self.asked.lock().unwrap().push((authorization, body));
        let says = self.says.lock().unwrap().clone();
        Box::pin(std::future::ready(says.map(|(status, body)| {
            Response::builder().status(status).body(body.to_string().into_bytes()).unwrap()
        })))
    }
}

const NOW: Time = Time::from_seconds(1_800_000_000);

struct Scene {
    issuer: Arc<Issuer>,
    now: Arc<Mutex<Time>>,
    chain: Chain,
}

impl Scene {
    fn new(says: Value) -> Self {
        let issuer = Arc::new(Issuer { says: Mutex::new(Ok((200, says))), asked: Mutex::default() });
        let now = Arc::new(Mutex::new(NOW));
        let spec = IntrospectionSpec {
            url: "https://id.example.com/oauth2/introspect".to_owned(),
            client_id: "gate:way".to_owned(),
            client_secret: SecretText::from("s/ecret"),
            ttl: 5,
            jwts: false,
        };
        let clock: Clock = {
            let now = Arc::clone(&now);
            Arc::new(move || *now.lock().unwrap())
        };
        let http: Arc<dyn Http> = Arc::clone(&issuer) as _;
        let provider = Introspection::new(&spec, false, (http, clock)).unwrap();
        Self { issuer, now, chain: Chain::new(vec![Arc::new(provider)]) }
    }

    fn says(&self, status: u16, body: Value) {
        *self.issuer.says.lock().unwrap() = Ok((status, body));
    }

    fn asked(&self) -> usize {
        self.issuer.asked.lock().unwrap().len()
    }

    async fn seen(&self, token: &str) -> Result<Principal, Why> {
        let credential = Credential::Token { scheme: Scheme::Bearer, token: SecretText::from(token) };
        let now = *self.now.lock().unwrap();
        let found = self.chain.recognise(&credential, now).await;
        found.map(|known| known.principal.clone()).map_err(|refusal| refusal.why)
    }
}

fn ada() -> Value {
    json!({ "active": true, "sub": "usr_ada", "scope": "reports:read", "aud": "https://app.example",
        "exp": NOW.as_seconds() + 600, "client_id": "shop" })
}

#[tokio::test]
async fn whoever_the_issuer_knows_is_known() {
    let scene = Scene::new(ada());
    let found = scene.seen("dw_at_a+b").await.unwrap();
    assert_eq!(found.identity.subject, "usr_ada");
    assert_eq!(found.audience, ["https://app.example"]);
    assert_eq!(found.credential, CredentialKind::AccessToken);
    let (authorization, body) = scene.issuer.asked.lock().unwrap().first().cloned().unwrap();
    assert_eq!(authorization, format!("Basic {}", BASE64.encode(b"gate%3Away:s%2Fecret")));
    assert_eq!(body, "token=dw_at_a%2Bb");
    assert_eq!(scene.seen("a.b.c").await.unwrap_err(), Why::InvalidToken, "keys decide about JWTs");
    assert_eq!(scene.asked(), 1);
}

#[tokio::test]
async fn a_token_that_was_taken_back_is_refused_within_the_time_that_was_said() {
    let scene = Scene::new(ada());
    for _ in 0..10 {
        assert!(scene.seen("dw_at_1").await.is_ok());
    }
    assert_eq!(scene.asked(), 1, "warm");
    scene.says(200, json!({ "active": false }));
    *scene.now.lock().unwrap() = NOW + Duration::from_secs(5);
    assert_eq!(scene.seen("dw_at_1").await.unwrap_err(), Why::InvalidToken);
}

#[tokio::test]
async fn nobody_is_let_in_because_the_issuer_is_silent() {
    let scene = Scene::new(ada());
    *scene.issuer.says.lock().unwrap() = Err(NoAnswer("gone".to_owned()));
    assert_eq!(scene.seen("dw_at_1").await.unwrap_err(), Why::KeyUnavailable);
    for (status, body) in [(500, ada()), (401, ada()), (302, ada()), (200, json!("active"))] {
        scene.says(status, body);
        assert_eq!(scene.seen("dw_at_1").await.unwrap_err(), Why::KeyUnavailable, "{status}");
    }
    let nothing = [
        json!({}),
        json!({ "active": "true", "sub": "usr_ada" }),
        json!({ "active": 1, "sub": "usr_ada" }),
        json!({ "active": true, "aud": "https://app.example" }),
    ];
    for body in nothing {
        scene.says(200, body.clone());
        assert_eq!(scene.seen("dw_at_1").await.unwrap_err(), Why::InvalidToken, "{body}");
    }
    scene.says(200, json!({ "active": true, "sub": "usr_ada" }));
    assert_eq!(scene.seen("dw_at_1").await.unwrap_err(), Why::InvalidAudience);
    assert_eq!(scene.seen("dw_st_1").await.unwrap().credential, CredentialKind::ServiceToken);
    assert_eq!(scene.seen("dw_rt_1").await.unwrap_err(), Why::InvalidToken, "a refresh token opens nothing");
    scene.says(200, json!({ "active": true, "sub": "usr_ada", "aud": "x", "exp": "never" }));
    assert_eq!(scene.seen("dw_at_1").await.unwrap_err(), Why::KeyUnavailable);
    let over = json!({ "active": true, "sub": "usr_ada", "aud": "x", "exp": NOW.as_seconds() });
    scene.says(200, over);
    assert_eq!(scene.seen("dw_at_1").await.unwrap_err(), Why::TokenExpired);
}

#[tokio::test]
async fn what_is_bound_to_addresses_stays_so() {
    let with = |allowed: Value| {
        let mut said = ada();
        said["allowed_addresses"] = allowed;
        said
    };
    let scene = Scene::new(with(json!(["203.0.113.0/24", "2001:db8::/32"])));
    let ada = scene.seen("dw_st_x").await.unwrap();
    for (address, may) in
        [("203.0.113.7", true), ("::ffff:203.0.113.7", true), ("2001:db8::1", true), ("127.0.0.1", false)]
    {
        assert_eq!(ada.may_come_from(address.parse().unwrap()), may, "{address}");
    }
    for unreadable in [json!("203.0.113.0/24"), json!(["the office"]), json!([7])] {
        let scene = Scene::new(with(unreadable.clone()));
        assert_eq!(scene.seen("dw_st_x").await.unwrap_err(), Why::KeyUnavailable, "{unreadable}");
    }
    let everywhere = Scene::new(with(json!([]))).seen("dw_st_x").await.unwrap();
    assert!(everywhere.may_come_from("127.0.0.1".parse().unwrap()));
}

#[test]
fn tokens_are_not_sent_in_the_clear() {
    let http: Arc<dyn Http> =
        Arc::new(Issuer { says: Mutex::new(Ok((200, ada()))), asked: Mutex::default() });
    let clock: Clock = Arc::new(|| NOW);
    let urls = [
        ("http://id.example.com/introspect", false),
        ("http://localhost:8080/introspect", true),
        ("http://id.localhost/introspect", true),
        ("http://127.0.0.1/introspect", true),
        // It begins like an address of this machine, and is a name of anybody's.
        ("http://127.evil.example/introspect", false),
        ("http://127.1/introspect", false),
        ("https://gate:way@id.example.com/introspect", false),
        ("x", false),
    ];
    for (url, may) in urls {
        let spec = IntrospectionSpec {
            url: url.to_owned(),
            client_id: "c".to_owned(),
            client_secret: SecretText::from("s"),
            ttl: 5,
            jwts: false,
        };
        let read = Introspection::new(&spec, false, (Arc::clone(&http), Arc::clone(&clock)));
        assert_eq!(read.is_ok(), may, "{url}");
    }
}
