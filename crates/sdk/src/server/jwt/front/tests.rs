use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use data_encoding::{BASE64, BASE64URL, BASE64URL_NOPAD};
use doorward_judge::Principal;
use doorward_proto::{
    jose::{Alg, SigningKey, Typ},
    secret::SecretText,
    time::Time,
};
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderValue};
use serde_json::{Value, json};

use super::*;
use crate::{
    fetch::{Fetch, Fetched, NamedBy},
    server::{Chain, Credential, Provider as _, Scheme, Seen, jwt::Jwts},
};

const NOW: Time = Time::from_seconds(1_800_000_000);
const ARN: &str =
    "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/front/50dc6c495c0c9188";
const COGNITO: &str = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_EXAMPLE";
const KEYS: &str = "https://public-keys.auth.elb.eu-central-1.amazonaws.com";
const KID: &str = "2f0c1b7e-7d0b-4d3c-9d0e-5c1b2a3d4e5f";
const HEADER: &str = "x-amzn-oidc-data";

/// Where keys are published, one by one.
#[derive(Default)]
struct Bucket {
    keys: Mutex<Vec<(String, String)>>,
    is_silent: Mutex<bool>,
    asked: Mutex<Vec<String>>,
}

impl Bucket {
    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

impl Fetch for Bucket {
    fn get<'a>(&'a self, url: &'a str, by: NamedBy, _: Duration) -> BoxFuture<'a, Result<Fetched, String>> {
        assert_eq!(by, NamedBy::Operator);
        self.asked.lock().unwrap().push(url.to_owned());
        let found = self.keys.lock().unwrap().iter().find(|(at, _)| at == url).map(|(_, pem)| pem.clone());
        let (status, body) = found.map_or((403, Vec::new()), |pem| (200, pem.into_bytes()));
        let is_silent = *self.is_silent.lock().unwrap();
        Box::pin(async move {
            if is_silent { Err("no answer".to_owned()) } else { Ok(Fetched { status, max_age: None, body }) }
        })
    }
}

/// A load balancer with a key of its own.
struct Balancer(EcdsaKeyPair);

impl Balancer {
    fn new() -> Self {
        Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    fn pem(&self) -> String {
        let der = [&crate::server::jwt::by_kid::P256[..26], self.0.public_key().as_ref()].concat();
        let lines: Vec<String> = BASE64
            .encode(&der)
            .as_bytes()
            .chunks(64)
            .map(|line| String::from_utf8(line.to_vec()).unwrap())
            .collect();
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
    }

    /// As it writes them: every part filled up.
    fn token(&self, header: &Value, claims: &Value) -> String {
        self.signed(header, claims, |bytes| BASE64URL.encode(bytes))
    }

    fn signed(&self, header: &Value, claims: &Value, encode: impl Fn(&[u8]) -> String) -> String {
        let input =
            format!("{}.{}", encode(header.to_string().as_bytes()), encode(claims.to_string().as_bytes()));
        let signature = self.0.sign(&SystemRandom::new(), input.as_bytes()).unwrap();
        format!("{input}.{}", encode(signature.as_ref()))
    }
}

fn header() -> Value {
    json!({ "typ": "JWT", "kid": KID, "alg": "ES256", "iss": COGNITO, "client": "c1", "signer": ARN, "exp": 1 })
}

fn claims() -> Value {
    json!({ "sub": "ada", "email": "ada@example.com", "email_verified": "true", "username": "ada",
        "exp": NOW.as_seconds() + 120, "iss": COGNITO })
}

fn with(mut value: Value, changes: &Value) -> Value {
    for (name, change) in changes.as_object().unwrap() {
        if change.is_null() {
            value.as_object_mut().unwrap().remove(name);
        } else {
            value[name] = change.clone();
        }
    }
    value
}

fn spec() -> IssuerSpec {
    IssuerSpec {
        issuer: vec![COGNITO.to_owned()],
        header: Some("X-Amzn-Oidc-Data".to_owned()),
        keys_url: Some(format!("{KEYS}/{{kid}}")),
        signer: Some(ARN.to_owned()),
        ..IssuerSpec::default()
    }
}

struct World {
    bucket: Arc<Bucket>,
    jwts: Jwts,
    balancer: Balancer,
    /// Another issuer, whose tokens are presented.
    other: SigningKey,
}

impl World {
    fn new() -> Self {
        let (bucket, balancer) = (Arc::new(Bucket::default()), Balancer::new());
        bucket.keys.lock().unwrap().push((format!("{KEYS}/{KID}"), balancer.pem()));
        let other = SigningKey::generate(Alg::ES256).unwrap();
        let presented = IssuerSpec {
            issuer: vec!["https://id.example.com".to_owned()],
            jwks_static: Some(json!({ "keys": [other.jwk()] }).to_string()),
            ..IssuerSpec::default()
        };
        let fetch: Arc<dyn Fetch> = Arc::clone(&bucket) as _;
        let jwts = Jwts::new(&[spec(), presented], &fetch).unwrap();
        Self { bucket, jwts, balancer, other }
    }

    async fn who(&self, token: &str, now: Time) -> Result<Principal, &'static str> {
        let header = HeaderName::from_static(HEADER);
        let credential = Credential::Fronted { header, token: SecretText::from(token) };
        self.seen(&credential, now).await
    }

    async fn seen(&self, credential: &Credential, now: Time) -> Result<Principal, &'static str> {
        let found = self.jwts.recognise(credential, Seen { now }).await;
        found.map(|found| found.expect("somebody knows it")).map_err(|refusal| refusal.why.code())
    }

    async fn code(&self, header: &Value, claims: &Value) -> &'static str {
        self.who(&self.balancer.token(header, claims), NOW).await.err().unwrap_or("good")
    }
}

#[tokio::test]
async fn a_load_balancer_says_who_it_is() {
    let world = World::new();
    let token = world.balancer.token(&header(), &claims());
    assert!(token.contains('='), "it is filled up: {token}");
    let principal = world.who(&token, NOW).await.unwrap();
    assert_eq!(principal.identity.subject, "ada");
    assert_eq!(principal.identity.email.as_deref(), Some("ada@example.com"));
    assert_eq!(principal.identity.issuer.as_deref(), Some(COGNITO));
    assert!(principal.audience.is_empty());
    assert_eq!(principal.expires_at, Some(NOW + Duration::from_secs(120)));
    assert_eq!(*world.bucket.asked.lock().unwrap(), [format!("{KEYS}/{KID}")]);
    let bare = world.balancer.signed(&header(), &claims(), |bytes| BASE64URL_NOPAD.encode(bytes));
    assert!(world.who(&bare, NOW).await.is_ok());
    assert_eq!(world.bucket.asked(), 1);
    // While the keys cannot be read, those that were are used on.
    *world.bucket.is_silent.lock().unwrap() = true;
    let later = NOW + Duration::from_hours(1);
    let fresh = with(claims(), &json!({ "exp": later.as_seconds() + 60 }));
    assert!(world.who(&world.balancer.token(&header(), &fresh), later).await.is_ok());
}

#[tokio::test]
async fn nobody_else_says_it() {
    let world = World::new();
    let arn = ARN.replace("123456789012", "210987654321");
    for (changes, more, code) in [
        // Anybody at AWS has load balancers, and their keys are beside ours.
        (json!({ "signer": arn }), json!({}), "auth.invalid_issuer"),
        (json!({ "signer": null }), json!({}), "auth.invalid_issuer"),
        (json!({ "signer": [ARN] }), json!({}), "auth.invalid_issuer"),
        (
            json!({}),
            json!({ "iss": "https://cognito-idp.eu-central-1.amazonaws.com/other" }),
            "auth.invalid_issuer",
        ),
        (json!({}), json!({ "iss": "https://id.example.com" }), "auth.invalid_token"),
        (json!({}), json!({ "iss": null }), "auth.invalid_issuer"),
        (json!({}), json!({ "exp": NOW.as_seconds() }), "auth.token_expired"),
        (json!({}), json!({ "exp": null }), "auth.invalid_token"),
        (json!({ "alg": "HS256" }), json!({}), "auth.unsupported_algorithm"),
        (json!({ "alg": "none" }), json!({}), "auth.unsupported_algorithm"),
        (json!({ "kid": null }), json!({}), "auth.invalid_token"),
        (json!({ "kid": "" }), json!({}), "auth.invalid_token"),
        (json!({ "kid": "../other" }), json!({}), "auth.invalid_token"),
        (json!({ "kid": "a/b" }), json!({}), "auth.invalid_token"),
        (json!({ "kid": "a?b" }), json!({}), "auth.invalid_token"),
        (json!({ "kid": "a%2fb" }), json!({}), "auth.invalid_token"),
        (json!({ "kid": "@evil.example" }), json!({}), "auth.invalid_token"),
        (json!({ "kid": "a".repeat(65) }), json!({}), "auth.invalid_token"),
    ] {
        let expected = if more["iss"] == "https://id.example.com" { "auth.invalid_issuer" } else { code };
        let found = world.code(&with(header(), &changes), &with(claims(), &more)).await;
        assert_eq!((found, world.bucket.asked()), (expected, 0), "{changes} {more}");
    }
    let stranger = Balancer::new().token(&header(), &claims());
    assert_eq!(world.who(&stranger, NOW).await.err(), Some("auth.invalid_token"));
    let good = world.balancer.token(&header(), &claims());
    let (input, _) = good.rsplit_once('.').unwrap();
    let (head, _) = input.split_once('.').unwrap();
    let other = BASE64URL.encode(with(claims(), &json!({ "sub": "eve" })).to_string().as_bytes());
    let (_, signature) = good.rsplit_once('.').unwrap();
    for forged in
        [format!("{head}.{other}.{signature}"), format!("{input}=.{signature}"), format!("{good}==")]
    {
        assert_eq!(world.who(&forged, NOW).await.err(), Some("auth.invalid_token"), "{forged}");
    }
}

#[tokio::test]
async fn a_token_counts_in_its_own_header_alone() {
    let world = World::new();
    let of_balancer = world.balancer.token(&header(), &claims());
    let bare = world.balancer.signed(&header(), &claims(), |bytes| BASE64URL_NOPAD.encode(bytes));
    for token in [&of_balancer, &bare] {
        for scheme in [Scheme::Bearer, Scheme::Key, Scheme::Dpop] {
            let credential = Credential::Token { scheme, token: SecretText::from(token.as_str()) };
            let found = world.jwts.recognise(&credential, Seen { now: NOW }).await;
            // One that is filled up is no token to begin with.
            assert!(!matches!(found, Ok(Some(_))), "{scheme:?}");
        }
        let elsewhere = Credential::Fronted {
            header: HeaderName::from_static("x-front"),
            token: SecretText::from(token.as_str()),
        };
        assert_eq!(world.seen(&elsewhere, NOW).await.err(), Some("auth.invalid_issuer"));
    }
    let own =
        json!({ "iss": "https://id.example.com", "sub": "ada", "aud": "api", "exp": NOW.as_seconds() + 60 });
    let presented = world.other.sign_jwt(Typ::AccessToken, own.to_string().as_bytes()).unwrap();
    let bearer = Credential::Token { scheme: Scheme::Bearer, token: SecretText::from(presented.as_str()) };
    assert!(world.seen(&bearer, NOW).await.is_ok());
    assert_eq!(world.who(&presented, NOW).await.err(), Some("auth.invalid_issuer"));
}

#[tokio::test]
async fn names_of_keys_that_nobody_knows_are_looked_for_now_and_then() {
    let world = World::new();
    let of = |kid: &str| world.balancer.token(&with(header(), &json!({ "kid": kid })), &claims());
    for n in 0..8 {
        assert_eq!(world.who(&of(&format!("unknown-{n}")), NOW).await.err(), Some("auth.invalid_token"));
    }
    assert_eq!(world.bucket.asked(), 8);
    // Neither these again, nor others.
    assert_eq!(world.who(&of("unknown-0"), NOW).await.err(), Some("auth.invalid_token"));
    assert_eq!(world.who(&of("unknown-8"), NOW).await.err(), Some("auth.key_unavailable"));
    assert_eq!(world.who(&of(KID), NOW).await.err(), Some("auth.key_unavailable"));
    assert_eq!(world.bucket.asked(), 8);
    let soon = NOW + Duration::from_secs(10);
    assert!(world.who(&of(KID), soon).await.is_ok());
    // A key that is in use stays, however many others are named.
    for n in 0..200_u32 {
        let at = soon + Duration::from_secs(10) * (n / 8 + 1);
        let lasting = with(claims(), &json!({ "exp": NOW.as_seconds() + 3_600 }));
        let token = world.balancer.token(&with(header(), &json!({ "kid": format!("more-{n}") })), &lasting);
        assert_eq!(world.who(&token, at).await.err(), Some("auth.invalid_token"), "{n}");
    }
    let asked = world.bucket.asked();
    assert!(world.who(&of(KID), soon).await.is_ok());
    assert_eq!(world.bucket.asked(), asked);
}

#[test]
fn it_counts_from_trusted_peers_and_alone() {
    let fetch: Arc<dyn Fetch> = Arc::new(Bucket::default());
    let chain = Chain::new(vec![Arc::new(Jwts::new(&[spec()], &fetch).unwrap())]);
    assert_eq!(chain.fronts(), [HEADER]);
    let presented = |sent: &[(&'static str, &'static str)], is_trusted: bool| {
        let mut headers = HeaderMap::new();
        for (name, value) in sent {
            headers.append(*name, HeaderValue::from_static(value));
        }
        match chain.presented(&headers, None, (true, is_trusted)) {
            Ok(Some(Credential::Fronted { header, .. })) => header.to_string(),
            Ok(Some(Credential::Token { .. })) => "token".to_owned(),
            Ok(_) => "nothing".to_owned(),
            Err(refusal) => refusal.why.code().to_owned(),
        }
    };
    let said = (HEADER, "a.b.c");
    assert_eq!(presented(&[said], true), HEADER);
    assert_eq!(presented(&[said], false), "nothing");
    assert_eq!(presented(&[(HEADER, "")], true), "nothing");
    assert_eq!(presented(&[said, said], true), "auth.several_credentials");
    assert_eq!(presented(&[said, ("authorization", "Bearer x")], true), "auth.several_credentials");
    assert_eq!(presented(&[said, ("authorization", "Bearer x")], false), "token");
    assert_eq!(presented(&[(HEADER, "a b")], true), "auth.invalid_token");
    assert_eq!(presented(&[("x_amzn_oidc_data", "a.b.c")], true), "nothing");
}

#[test]
fn what_makes_no_sense_of_a_front_is_named() {
    let fetch: Arc<dyn Fetch> = Arc::new(Bucket::default());
    let text = |text: &str| Some(text.to_owned());
    for (spec, field) in [
        (IssuerSpec { header: None, ..spec() }, "keys_url"),
        (
            IssuerSpec { header: None, keys_url: None, jwks_url: text("https://a.example/keys"), ..spec() },
            "signer",
        ),
        (IssuerSpec { signer: None, ..spec() }, "signer"),
        (IssuerSpec { signer: text("an ARN"), ..spec() }, "signer"),
        (IssuerSpec { header: text("Authorization"), ..spec() }, "header"),
        (IssuerSpec { header: text("X_User_ID"), ..spec() }, "header"),
        (IssuerSpec { header: text("no header"), ..spec() }, "header"),
        (IssuerSpec { jwks_url: text("https://a.example/keys"), ..spec() }, "keys_url"),
        (IssuerSpec { keys_url: text("https://a.example/keys"), ..spec() }, "keys_url"),
        (IssuerSpec { keys_url: text("https://{kid}.example/keys"), ..spec() }, "keys_url"),
        (IssuerSpec { keys_url: text("https://{kid}/keys"), ..spec() }, "keys_url"),
        (IssuerSpec { keys_url: text("https://a.example/?key={kid}"), ..spec() }, "keys_url"),
        (IssuerSpec { keys_url: text("https://a.example/a{kid}"), ..spec() }, "keys_url"),
        (IssuerSpec { keys_url: text("https://a.example/{kid}/{kid}"), ..spec() }, "keys_url"),
        (IssuerSpec { keys_url: text("ftp://a.example/{kid}"), ..spec() }, "keys_url"),
        (IssuerSpec { allowed_algorithms: vec!["RS256".to_owned()], ..spec() }, "allowed_algorithms"),
        (
            IssuerSpec {
                kind: IssuerKind::Gcp,
                workloads: vec!["*@p.iam.gserviceaccount.com".to_owned()],
                ..spec()
            },
            "header",
        ),
    ] {
        let shown = format!("{spec:?}");
        assert_eq!(Jwts::new(&[spec], &fetch).err().map(|wrong| wrong.field), Some(field), "{shown}");
    }
    let by_set =
        IssuerSpec { keys_url: None, signer: None, jwks_url: text("https://a.example/keys"), ..spec() };
    assert!(Jwts::new(&[by_set], &fetch).is_ok());
}

#[test]
fn what_is_no_key_is_not_read_as_one() {
    let pem = Balancer::new().pem();
    let read = |text: &str| crate::server::jwt::by_kid::pem(text.as_bytes(), KID);
    assert_eq!(read(&pem).unwrap().keys.len(), 1);
    for wrong in [
        "",
        "{}",
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
        "-----BEGIN PUBLIC KEY-----\n!\n-----END PUBLIC KEY-----",
        &pem.replace("PUBLIC", "PRIVATE"),
        &pem.replace("-----END", ""),
    ] {
        assert!(read(wrong).is_err(), "{wrong}");
    }
}
