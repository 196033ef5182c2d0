mod published;

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use doorward_proto::{
    jose::{Alg, SigningKey, encode_base64url, sign},
    secret::SecretText,
};
use serde_json::json;

use super::*;
use crate::{
    fetch::{Fetched, NamedBy},
    server::Scheme,
};

const NOW: Time = Time::from_seconds(1_800_000_000);
const ISSUER: &str = "https://id.example.com";
const SECRET: &str = "a secret of more than thirty-two bytes";

/// A web of documents that can be changed.
#[derive(Default)]
struct Web {
    documents: Mutex<Vec<(String, Result<Fetched, String>)>>,
    asked: AtomicUsize,
    named_by: Mutex<Vec<NamedBy>>,
}

impl Web {
    fn put(&self, url: &str, body: &Value) {
        let found = Fetched { status: 200, max_age: None, body: body.to_string().into_bytes() };
        self.set(url, Ok(found));
    }

    fn set(&self, url: &str, answer: Result<Fetched, String>) {
        let mut documents = self.documents.lock().unwrap();
        documents.retain(|(name, _)| name != url);
        documents.push((url.to_owned(), answer));
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Fetch for Web {
    fn get<'a>(
        &'a self,
        url: &'a str,
        named_by: NamedBy,
        _: Duration,
    ) -> BoxFuture<'a, Result<Fetched, String>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.named_by.lock().unwrap().push(named_by);
        let documents = self.documents.lock().unwrap();
        let found = documents.iter().find(|(name, _)| name == url).map(|(_, answer)| answer.clone());
        let missing = Ok(Fetched { status: 404, max_age: None, body: Vec::new() });
        Box::pin(async move { found.unwrap_or(missing) })
    }
}

fn key(alg: Alg) -> SigningKey {
    SigningKey::generate(alg).unwrap()
}

fn jwks(keys: &[&SigningKey]) -> Value {
    json!({ "keys": keys.iter().map(|key| serde_json::to_value(key.jwk()).unwrap()).collect::<Vec<_>>() })
}

fn claims() -> Value {
    json!({ "iss": ISSUER, "sub": "ada", "aud": "api", "iat": NOW.as_seconds(), "exp": NOW.as_seconds() + 600,
        "scope": "workflows:read", "jti": "t1" })
}

fn with(changes: &Value) -> Value {
    let mut claims = claims();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    claims
}

fn signed(key: &SigningKey, claims: &Value) -> String {
    key.sign_jwt(Typ::AccessToken, claims.to_string().as_bytes()).unwrap()
}

/// A token under a header of the attacker's making.
fn under(key: &SigningKey, header: &Value, claims: &Value) -> String {
    sign(key, header, claims.to_string().as_bytes()).unwrap()
}

/// An HS256 token.
fn coded(secret: &[u8], header: &Value, claims: &Value) -> String {
    let part = |value: &Value| encode_base64url(value.to_string().as_bytes());
    let signed = format!("{}.{}", part(header), part(claims));
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret);
    let code = aws_lc_rs::hmac::sign(&key, signed.as_bytes());
    format!("{signed}.{}", encode_base64url(code.as_ref()))
}

fn open(spec: IssuerSpec) -> Jwts {
    open_with(spec, &Arc::new(Web::default()))
}

fn open_with(spec: IssuerSpec, web: &Arc<Web>) -> Jwts {
    let fetch: Arc<dyn Fetch> = Arc::clone(web) as _;
    Jwts::new(&[spec], &fetch).unwrap()
}

fn by_keys(keys: &[&SigningKey]) -> IssuerSpec {
    let jwks_static = Some(jwks(keys).to_string());
    IssuerSpec { issuer: vec![ISSUER.to_owned()], jwks_static, ..IssuerSpec::default() }
}

fn by_secret() -> IssuerSpec {
    let jwt_secret = Some(SecretText::from(SECRET));
    IssuerSpec { issuer: vec![ISSUER.to_owned()], jwt_secret, ..IssuerSpec::default() }
}

async fn seen(jwts: &Jwts, token: &str, now: Time) -> Recognition {
    let credential = Credential::Token { scheme: Scheme::Bearer, token: SecretText::from(token) };
    jwts.recognise(&credential, Seen { now }).await
}

async fn code(jwts: &Jwts, token: &str) -> &'static str {
    match seen(jwts, token, NOW).await {
        Ok(Some(_)) => "good",
        Ok(None) => "somebody else's",
        Err(refusal) => refusal.why.code(),
    }
}

#[tokio::test]
async fn whoever_an_issuer_vouches_for_is_known() {
    for alg in Alg::ALL {
        let key = key(alg);
        let jwts = open(by_keys(&[&key]));
        let found = seen(&jwts, &signed(&key, &claims()), NOW).await.unwrap().unwrap();
        assert_eq!(found.identity.subject, "ada");
        assert_eq!(found.identity.issuer.as_deref(), Some(ISSUER));
        assert_eq!(found.audience, ["api"]);
        assert_eq!(found.expires_at, Some(NOW + Duration::from_mins(10)));
        assert_eq!(found.credential, CredentialKind::Jwt);
    }
    let jwts = open(by_secret());
    let token = coded(SECRET.as_bytes(), &json!({ "alg": "HS256", "typ": "JWT" }), &claims());
    assert_eq!(code(&jwts, &token).await, "good");
    assert_eq!(code(&jwts, "dw_st_a_token_of_ours").await, "somebody else's");
    assert_eq!(code(&jwts, "a.b").await, "somebody else's");
}

#[tokio::test]
async fn what_the_claims_have_to_say() {
    let key = key(Alg::ES256);
    let jwts = open(by_keys(&[&key]));
    let now = NOW.as_seconds();
    let cases = [
        (json!({ "exp": now }), "auth.token_expired"),
        (json!({ "exp": now + 1 }), "good"),
        (serde_json::from_str(&format!("{{\"exp\":{}.5}}", now + 1)).unwrap(), "good"),
        (json!({ "exp": null }), "auth.invalid_token"),
        (json!({ "exp": "never" }), "auth.invalid_token"),
        (json!({ "nbf": now + 61 }), "auth.invalid_token"),
        (json!({ "nbf": now + 59 }), "good"),
        (json!({ "iat": now + 61 }), "auth.invalid_token"),
        (json!({ "iat": null }), "good"),
        (json!({ "iss": "https://id.example.com/" }), "auth.invalid_issuer"),
        (json!({ "iss": null }), "auth.invalid_issuer"),
        (json!({ "iss": [ISSUER] }), "auth.invalid_issuer"),
        (json!({ "aud": null }), "auth.invalid_audience"),
        (json!({ "aud": [] }), "auth.invalid_audience"),
        (json!({ "aud": [""] }), "auth.invalid_audience"),
        (json!({ "aud": ["api", "other"] }), "good"),
        (json!({ "sub": null }), "auth.invalid_token"),
        (json!({ "sub": 7 }), "auth.invalid_token"),
    ];
    for (changes, expected) in cases {
        assert_eq!(code(&jwts, &signed(&key, &with(&changes))).await, expected, "{changes}");
    }
}

#[tokio::test]
async fn kinds_of_tokens_do_not_stand_in_for_each_other() {
    let key = key(Alg::ES256);
    let jwts = open(by_keys(&[&key]));
    let header = |typ: &str| json!({ "alg": "ES256", "typ": typ });
    for typ in ["JWT", "at+jwt", "application/at+jwt", "AT+JWT"] {
        assert_eq!(code(&jwts, &under(&key, &header(typ), &claims())).await, "good", "{typ}");
    }
    for typ in ["dpop+jwt", "logout+jwt", "doorward-assertion+jwt", "secevent+jwt", "id_token+jwt"] {
        assert_eq!(code(&jwts, &under(&key, &header(typ), &claims())).await, "auth.invalid_token", "{typ}");
    }
    for mark in ["nonce", "at_hash", "c_hash"] {
        let of_somebody = with(&json!({ mark: "x" }));
        assert_eq!(code(&jwts, &under(&key, &header("JWT"), &of_somebody)).await, "auth.invalid_token");
        assert_eq!(code(&jwts, &under(&key, &header("at+jwt"), &of_somebody)).await, "good");
    }
    let lax = open(IssuerSpec { id_tokens: true, ..by_keys(&[&key]) });
    let token = under(&key, &header("JWT"), &with(&json!({ "nonce": "x" })));
    assert_eq!(code(&lax, &token).await, "good");
}

/// The attacks of RFC 8725 2, each against an issuer with a key and one with a secret as well.
#[tokio::test]
async fn no_token_chooses_how_it_is_checked() {
    let (key, thief) = (key(Alg::RS256), key(Alg::RS256));
    let public = serde_json::to_string(key.jwk()).unwrap();
    let kid = key.kid();
    for spec in [by_keys(&[&key]), IssuerSpec { jwt_secret: by_secret().jwt_secret, ..by_keys(&[&key]) }] {
        let jwts = open(spec);
        let good = signed(&key, &claims());
        let (signing_input, signature) = good.rsplit_once('.').unwrap();
        let (header, _) = signing_input.split_once('.').unwrap();
        let forged = encode_base64url(with(&json!({ "sub": "eve" })).to_string().as_bytes());
        let bare = |alg: &str| {
            let header = encode_base64url(json!({ "alg": alg }).to_string().as_bytes());
            format!("{header}.{forged}.")
        };
        let corpus = [
            bare("none"),
            bare("None"),
            bare("NONE"),
            format!("{header}.{forged}.{signature}"),
            format!("{signing_input}."),
            format!("{signing_input}.{signature}."),
            format!("{signing_input}.{signature}="),
            format!("{signing_input} .{signature}"),
            // The public key's text as a secret.
            coded(public.as_bytes(), &json!({ "alg": "HS256", "kid": kid }), &claims()),
            coded(&[], &json!({ "alg": "HS256" }), &claims()),
            // Somebody else's key under a known name, or brought along.
            under(&thief, &json!({ "alg": "RS256", "kid": kid }), &claims()),
            under(&thief, &json!({ "alg": "RS256", "jwk": thief.jwk() }), &claims()),
            under(&thief, &json!({ "alg": "RS256", "jku": "https://evil.example/keys" }), &claims()),
            under(&thief, &json!({ "alg": "RS256", "x5u": "https://evil.example/cert" }), &claims()),
            under(&key, &json!({ "alg": "RS256", "kid": kid, "crit": ["exp"] }), &claims()),
            under(&key, &json!({ "alg": "RS256", "kid": kid, "b64": false }), &claims()),
            under(&key, &json!({ "alg": "RS256", "kid": "../../etc/passwd" }), &claims()),
            under(&key, &json!({ "alg": "RS256", "kid": "x' OR '1'='1" }), &claims()),
            under(&key, &json!({ "alg": "PS256", "kid": kid }), &claims()),
            under(&key, &json!({ "alg": ["RS256"], "kid": kid }), &claims()),
        ];
        assert_eq!(code(&jwts, &good).await, "good");
        for token in corpus {
            assert_ne!(code(&jwts, &token).await, "good", "{token}");
        }
    }
}

#[tokio::test]
async fn a_member_that_is_said_twice_is_refused() {
    let key = key(Alg::ES256);
    let jwts = open(by_keys(&[&key]));
    let twice = claims().to_string().replacen('{', r#"{"sub":"eve","#, 1);
    let token = key.sign_jwt(Typ::AccessToken, twice.as_bytes()).unwrap();
    assert_eq!(code(&jwts, &token).await, "auth.invalid_token");
}

#[tokio::test]
async fn algorithms_follow_what_is_configured() {
    let key = key(Alg::ES256);
    let hs = coded(SECRET.as_bytes(), &json!({ "alg": "HS256" }), &claims());
    assert_eq!(code(&open(by_keys(&[&key])), &hs).await, "auth.unsupported_algorithm");
    assert_eq!(code(&open(by_secret()), &signed(&key, &claims())).await, "auth.unsupported_algorithm");

    let both = IssuerSpec {
        jwt_secret: by_secret().jwt_secret,
        allowed_algorithms: vec!["RS256".to_owned(), "ES256".to_owned()],
        ..by_keys(&[&key])
    };
    let jwts = open(both);
    assert_eq!(code(&jwts, &signed(&key, &claims())).await, "good");
    assert_eq!(code(&jwts, &hs).await, "auth.unsupported_algorithm");

    let narrow = IssuerSpec { allowed_algorithms: vec!["ES384".to_owned()], ..by_keys(&[&key]) };
    assert_eq!(code(&open(narrow), &signed(&key, &claims())).await, "auth.unsupported_algorithm");
    let unknown = IssuerSpec { allowed_algorithms: vec!["ES256K".to_owned()], ..by_keys(&[&key]) };
    let fetch: Arc<dyn Fetch> = Arc::new(Web::default());
    assert_eq!(Jwts::new(&[unknown], &fetch).err().map(|wrong| wrong.field), Some("allowed_algorithms"));
}

#[tokio::test]
async fn a_key_that_tokens_are_bound_to_is_kept() {
    let key = key(Alg::ES256);
    let jwts = open(by_keys(&[&key]));
    let cases = [
        (json!({ "jkt": "k" }), Confirmation::Dpop("k".to_owned())),
        (json!({ "x5t#S256": "c" }), Confirmation::Certificate("c".to_owned())),
        (json!({ "kid": "k" }), Confirmation::Unknown),
        (json!("k"), Confirmation::Unknown),
    ];
    for (cnf, expected) in cases {
        let token = signed(&key, &with(&json!({ "cnf": cnf })));
        assert_eq!(seen(&jwts, &token, NOW).await.unwrap().unwrap().confirmation, Some(expected));
    }
}

#[test]
fn issuers_that_make_no_sense_say_why() {
    let fetch: Arc<dyn Fetch> = Arc::new(Web::default());
    let key = key(Alg::ES256);
    let secret = |text: &str| Some(SecretText::from(text));
    let plain = |rest: &str| Some(format!("http://{rest}"));
    let cases = [
        (IssuerSpec::default(), "jwks_url"),
        (IssuerSpec { jwt_secret: secret("short"), ..IssuerSpec::default() }, "jwt_secret"),
        (IssuerSpec { jwks_static: Some("{}".to_owned()), ..IssuerSpec::default() }, "jwks_static"),
        (
            IssuerSpec { jwks_url: Some("ftp://id.example.com".to_owned()), ..IssuerSpec::default() },
            "jwks_url",
        ),
        (IssuerSpec { jwks_url: Some("https://a.example".to_owned()), ..by_keys(&[&key]) }, "jwks_static"),
        (
            IssuerSpec { allowed_algorithms: vec!["none".to_owned()], ..by_keys(&[&key]) },
            "allowed_algorithms",
        ),
        (IssuerSpec { allowed_algorithms: vec!["RS256".to_owned()], ..by_secret() }, "allowed_algorithms"),
        (IssuerSpec { issuer: vec!["accounts".to_owned()], ..IssuerSpec::default() }, "issuer"),
        // On plain http whoever is on the way writes the keys.
        (IssuerSpec { issuer: vec!["http://id.example.com".to_owned()], ..IssuerSpec::default() }, "issuer"),
        (IssuerSpec { jwks_url: plain("id.example.com/keys"), ..IssuerSpec::default() }, "jwks_url"),
        (IssuerSpec { jwks_url: plain("10.1.2.3/keys"), ..IssuerSpec::default() }, "jwks_url"),
        (IssuerSpec { jwks_url: plain("localhost.example.com/keys"), ..IssuerSpec::default() }, "jwks_url"),
        (IssuerSpec { jwks_url: plain("name@127.0.0.1/keys"), ..IssuerSpec::default() }, "jwks_url"),
    ];
    for (spec, field) in cases {
        assert_eq!(
            Jwts::new(std::slice::from_ref(&spec), &fetch).err().map(|wrong| wrong.field),
            Some(field),
            "{spec:?}"
        );
    }
    // Nobody is on the way to oneself, and nothing is read of an issuer whose keys are here.
    let good = [
        IssuerSpec { issuer: vec!["http://127.0.0.1:8080".to_owned()], ..IssuerSpec::default() },
        IssuerSpec { jwks_url: plain("localhost/keys"), ..IssuerSpec::default() },
        IssuerSpec { jwks_url: plain("[::1]/keys"), ..IssuerSpec::default() },
        IssuerSpec { issuer: vec!["http://id.example.com".to_owned()], ..by_keys(&[&key]) },
    ];
    for spec in good {
        assert_eq!(Jwts::new(std::slice::from_ref(&spec), &fetch).err(), None, "{spec:?}");
    }
}
