use std::{collections::BTreeSet, fs, path::PathBuf, sync::Mutex};

use doorward_judge::Principal;
use doorward_proto::{
    jose::{Alg, SigningKey, encode_base64url, sign},
    secret::SecretText,
    time::Time,
};
use futures_util::future::{BoxFuture, join, join_all};
use tokio::sync::Semaphore;

use super::*;
use crate::{
    fetch::NamedBy,
    server::{
        Credential, Provider as _, Scheme, Seen,
        jwt::{IssuerKind, IssuerSpec, Jwts},
    },
};

const NOW: Time = Time::from_seconds(1_800_000_000);
const ISSUER: &str = "https://kubernetes.default.svc.cluster.local";
const SERVER: &str = "https://10.0.0.1:6443/";
const REPORTER: &str = "system:serviceaccount:shop:reporter";
const API: &str = "https://api.example";

/// An API server: what it answers, and what it was asked.
struct Cluster {
    /// Answers that may be given.
    gate: Semaphore,
    answer: Mutex<Option<(u16, String)>>,
    asked: Mutex<Vec<(String, Access, Value)>>,
}

impl Default for Cluster {
    fn default() -> Self {
        Self { gate: Semaphore::new(1_000), answer: Mutex::default(), asked: Mutex::default() }
    }
}

impl Cluster {
    /// Answers nobody until the gate is opened.
    fn is_slow(&self) {
        self.gate.forget_permits(1_000);
    }
    fn answers(&self, status: u16, body: &Value) {
        *self.answer.lock().unwrap() = Some((status, body.to_string()));
    }

    fn says(&self, status: &Value) {
        self.answers(201, &json!({ "apiVersion": VERSION, "kind": KIND, "status": status }));
    }

    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

impl Fetch for Cluster {
    fn get<'a>(&'a self, url: &'a str, _: NamedBy, _: Duration) -> BoxFuture<'a, Result<Fetched, String>> {
        Box::pin(async move { Err(format!("{url} is not needed")) })
    }

    fn post_as<'a>(
        &'a self,
        url: &'a str,
        access: &'a Access,
        document: Vec<u8>,
        _: Duration,
    ) -> BoxFuture<'a, Result<Fetched, String>> {
        let document = serde_json::from_slice(&document).unwrap();
        self.asked.lock().unwrap().push((url.to_owned(), access.clone(), document));
        let answer = self.answer.lock().unwrap().clone();
        let fetched = answer.map(|(status, body)| Fetched { status, max_age: None, body: body.into() });
        Box::pin(async move {
            self.gate.acquire().await.unwrap().forget();
            fetched.ok_or_else(|| "it is away".to_owned())
        })
    }
}

struct World {
    cluster: Arc<Cluster>,
    jwts: Jwts,
    key: SigningKey,
    _folder: tempfile::TempDir,
}

fn spec(folder: &tempfile::TempDir) -> IssuerSpec {
    let token_file: PathBuf = folder.path().join("token");
    fs::write(&token_file, "own").unwrap();
    IssuerSpec {
        kind: IssuerKind::Kubernetes,
        token_review_url: Some(SERVER.to_owned()),
        token_file: Some(token_file),
        workloads: vec!["shop/*".to_owned()],
        scopes: vec!["reports:read".to_owned()],
        ..IssuerSpec::default()
    }
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let cluster = Arc::new(Cluster::default());
        let fetch: Arc<dyn Fetch> = Arc::<Cluster>::clone(&cluster);
        let jwts = Jwts::new(&[spec(&folder)], &fetch).unwrap();
        Self { cluster, jwts, key: SigningKey::generate(Alg::RS256).unwrap(), _folder: folder }
    }

    fn token(&self, changes: &Value) -> String {
        let now = NOW.as_seconds();
        let mut claims = json!({ "iss": ISSUER, "sub": REPORTER, "aud": [API, "https://other.example"], "iat": now,
            "exp": now + 600, "scope": "admin:*",
            "kubernetes.io": { "namespace": "shop", "serviceaccount": { "name": "reporter" } } });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        sign(&self.key, &json!({ "alg": "RS256", "kid": "k" }), claims.to_string().as_bytes()).unwrap()
    }

    async fn who(&self, token: &str) -> Result<Principal, Refusal> {
        let token = SecretText::new(token.to_owned());
        let credential = Credential::Token { scheme: Scheme::Bearer, token };
        self.jwts.recognise(&credential, Seen { now: NOW }).await.map(Option::unwrap)
    }

    async fn code(&self, token: &str) -> &'static str {
        match self.who(token).await {
            Ok(_) => "good",
            Err(refusal) => refusal.why.code(),
        }
    }
}

fn known(username: &str, audiences: &[&str]) -> Value {
    let groups = ["system:serviceaccounts", "system:masters"];
    json!({ "authenticated": true, "user": { "username": username, "uid": "u1", "groups": groups }, "audiences": audiences })
}

#[tokio::test]
async fn a_cluster_vouches_for_a_token_and_the_audiences_that_it_confirms() {
    let world = World::new();
    world.cluster.says(&known(REPORTER, &[API, "https://never.asked.example"]));
    let token = world.token(&json!({}));
    let principal = world.who(&token).await.unwrap();
    assert_eq!(principal.identity.subject, REPORTER);
    assert_eq!(principal.audience, [API]);
    assert_eq!(principal.identity.scopes.into_iter().collect::<Vec<_>>(), ["reports:read"]);
    let roles: Vec<_> = principal.identity.roles.into_iter().collect();
    assert_eq!(roles, ["system:serviceaccounts", "system:serviceaccounts:shop"]);
    assert_eq!(principal.expires_at, Some(NOW + Duration::from_secs(600)));

    let asked = world.cluster.asked.lock().unwrap().remove(0);
    assert_eq!(asked.0, "https://10.0.0.1:6443/apis/authentication.k8s.io/v1/tokenreviews");
    assert_eq!(asked.1.authorization().unwrap().unwrap(), "Bearer own");
    let audiences = [API, "https://other.example"];
    let wanted =
        json!({ "apiVersion": VERSION, "kind": KIND, "spec": { "token": token, "audiences": audiences } });
    assert_eq!(asked.2, wanted);
}

#[tokio::test]
async fn what_a_cluster_does_not_know_opens_nothing() {
    let world = World::new();
    let token = world.token(&json!({}));
    let cases = [
        (json!({ "authenticated": false, "error": "the account is gone" }), "auth.invalid_token"),
        (json!({ "error": "[invalid bearer token]" }), "auth.invalid_token"),
        (json!({ "user": { "username": REPORTER }, "audiences": [API] }), "auth.invalid_token"),
        (known("system:serviceaccount:shop:other", &[API]), "auth.invalid_token"),
        (known("", &[API]), "auth.invalid_token"),
        // One that knows nothing of audiences vouches for itself alone.
        (known(REPORTER, &[]), "auth.invalid_audience"),
        (known(REPORTER, &["https://kubernetes.default.svc"]), "auth.invalid_audience"),
        (known(REPORTER, &[API]), "good"),
    ];
    for (status, code) in cases {
        world.cluster.says(&status);
        assert_eq!(world.code(&token).await, code, "{status}");
    }
    let nightly = "system:serviceaccount:batch:nightly";
    let bound = json!({ "namespace": "batch", "serviceaccount": { "name": "nightly" } });
    world.cluster.says(&known(nightly, &[API]));
    let others = world.token(&json!({ "sub": nightly, "kubernetes.io": bound }));
    assert_eq!(world.code(&others).await, "auth.invalid_issuer");
}

#[tokio::test]
async fn a_cluster_that_does_not_answer_is_no_refusal_of_the_token() {
    let world = World::new();
    let token = world.token(&json!({}));
    assert_eq!(world.code(&token).await, "auth.key_unavailable");
    let good = json!({ "apiVersion": VERSION, "kind": KIND, "status": known(REPORTER, &[API]) });
    for (status, body) in [
        (401, good.clone()),
        (403, json!({ "kind": "Status", "code": 403 })),
        (500, good.clone()),
        (302, good.clone()),
        (201, json!("yes")),
        (201, json!({ "apiVersion": VERSION, "kind": KIND })),
        (
            201,
            json!({ "apiVersion": VERSION, "kind": "SubjectAccessReview", "status": known(REPORTER, &[API]) }),
        ),
        (201, json!({ "apiVersion": "v1", "kind": KIND, "status": known(REPORTER, &[API]) })),
        (201, json!({ "apiVersion": VERSION, "kind": KIND, "status": { "authenticated": "true" } })),
    ] {
        world.cluster.answers(status, &body);
        assert_eq!(world.code(&token).await, "auth.key_unavailable", "{status} {body}");
    }
    world.cluster.answers(200, &good);
    assert_eq!(world.code(&token).await, "good");
}

#[tokio::test]
async fn nobody_is_asked_about_what_cannot_be_good() {
    let world = World::new();
    world.cluster.says(&known(REPORTER, &[API]));
    let good = world.token(&json!({}));
    let (_, rest) = good.split_once('.').unwrap();
    let under =
        |alg: &str| format!("{}.{rest}", encode_base64url(json!({ "alg": alg }).to_string().as_bytes()));
    for (token, code) in [
        (world.token(&json!({ "exp": NOW.as_seconds() })), "auth.token_expired"),
        (world.token(&json!({ "aud": [] })), "auth.invalid_audience"),
        (world.token(&json!({ "aud": null })), "auth.invalid_audience"),
        (world.token(&json!({ "iss": "https://evil.example" })), "auth.invalid_issuer"),
        (under("none"), "auth.unsupported_algorithm"),
        (under("HS256"), "auth.unsupported_algorithm"),
    ] {
        assert_eq!(world.code(&token).await, code, "{token}");
    }
    assert_eq!(world.cluster.asked(), 0);
}

#[tokio::test]
async fn nobody_is_asked_about_tokens_for_others() {
    let world = World::new();
    world.cluster.says(&known(REPORTER, &[API, "https://other.example", "https://third.example"]));
    let of = |names: &[&str]| world.token(&json!({ "aud": names }));
    let expect = |names: &[&str]| {
        world.jwts.expect(&names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>());
    };
    expect(&[API]);
    for (token, code) in [
        (of(&["https://third.example"]), "auth.invalid_audience"),
        // A workload that nobody here means.
        (
            world.token(&json!({ "sub": "system:serviceaccount:batch:nightly", "kubernetes.io": {
                "namespace": "batch", "serviceaccount": { "name": "nightly" } } })),
            "auth.invalid_issuer",
        ),
        (world.token(&json!({ "nbf": NOW.as_seconds() + 600 })), "auth.invalid_token"),
        (world.token(&json!({ "nonce": "n" })), "auth.invalid_token"),
    ] {
        assert_eq!((world.code(&token).await, world.cluster.asked()), (code, 0));
    }
    assert_eq!(world.code(&of(&[API, "https://third.example"])).await, "good");
    // Another place shares the issuer.
    expect(&["https://third.example"]);
    assert_eq!(world.code(&of(&["https://third.example"])).await, "good");
    assert_eq!(world.code(&of(&["https://fourth.example"])).await, "auth.invalid_audience");
    // And one where tokens count whoever they are for: the cluster decides.
    expect(&[]);
    expect(&[API]);
    assert_eq!(world.cluster.asked(), 2);
    assert_eq!(world.code(&of(&["https://fourth.example"])).await, "auth.invalid_audience");
    assert_eq!(world.cluster.asked(), 3);
}

#[tokio::test]
async fn a_token_is_asked_about_once_at_a_time() {
    let world = World::new();
    world.cluster.says(&known(REPORTER, &[API]));
    world.cluster.is_slow();
    let token = world.token(&json!({}));
    // Whoever asked first has gone.
    assert!(world.who(&token).now_or_never().is_none());
    let (found, ()) = join(join_all((0..50).map(|_| world.who(&token))), async {
        tokio::task::yield_now().await;
        world.cluster.gate.add_permits(1);
    })
    .await;
    assert!(found.iter().all(|found| found.as_ref().is_ok_and(|it| it.identity.subject == REPORTER)));
    assert_eq!(world.cluster.asked(), 1);
    // What was answered is not kept here.
    world.cluster.says(&json!({ "authenticated": false }));
    world.cluster.gate.add_permits(1);
    assert_eq!((world.code(&token).await, world.cluster.asked()), ("auth.invalid_token", 2));
}

#[tokio::test]
async fn no_more_tokens_are_asked_about_than_a_cluster_can_bear() {
    let world = World::new();
    world.cluster.says(&known(REPORTER, &[API]));
    world.cluster.is_slow();
    let tokens: Vec<String> = (0..=MOST).map(|n| world.token(&json!({ "jti": n.to_string() }))).collect();
    let (first, more) = (&tokens[..MOST], &tokens[MOST]);
    let (found, ()) = join(join_all(first.iter().map(|token| world.code(token))), async {
        let refused = world.who(more).await.unwrap_err();
        assert_eq!((refused.why.code(), refused.why.class().status()), ("unavailable", 503));
        assert_eq!(refused.retry_after, Some(Duration::from_secs(1)));
        // Waiting for what is asked anyway takes up nothing.
        assert!(world.code(&first[0]).now_or_never().is_none());
        world.cluster.gate.add_permits(1_000);
    })
    .await;
    assert!(found.iter().all(|code| *code == "good"), "{found:?}");
    assert_eq!(world.code(more).await, "good");
    assert_eq!(world.cluster.asked(), MOST + 1);
}

#[test]
fn what_makes_no_sense_of_a_review_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let own = || spec(&folder);
    let keys = Some("https://10.0.0.1/keys".to_owned());
    let fetch: Arc<dyn Fetch> = Arc::new(Cluster::default());
    for (spec, field) in [
        (IssuerSpec { token_file: None, ..own() }, "token_file"),
        (IssuerSpec { jwks_url: keys, ..own() }, "token_review_url"),
        (IssuerSpec { token_review_url: Some("10.0.0.1".to_owned()), ..own() }, "token_review_url"),
        (
            IssuerSpec {
                kind: IssuerKind::Gcp,
                workloads: vec!["*@p.iam.gserviceaccount.com".to_owned()],
                ..own()
            },
            "token_review_url",
        ),
        (IssuerSpec { any_audience: true, ..own() }, "any_audience"),
        (IssuerSpec { jwks_timeout: 0.0, ..own() }, "jwks_timeout"),
        // In a cluster files are where every pod has them; here there are none.
        (
            IssuerSpec {
                token_review_url: Some("https://kubernetes.default.svc".to_owned()),
                token_file: None,
                ..own()
            },
            "ca_file",
        ),
    ] {
        let shown = format!("{spec:?}");
        assert_eq!(Jwts::new(&[spec], &fetch).err().map(|wrong| wrong.field), Some(field), "{shown}");
    }
    assert!(Jwts::new(&[own()], &fetch).is_ok());
}
