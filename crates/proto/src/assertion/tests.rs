use serde_json::{Value, json};

use super::*;
use crate::jose::{Alg, SigningKey, sign};

const ISSUER: &str = "https://id.example";
const TOKEN: &str = "https://id.example/oauth2/token";
const NOW: i64 = 1_800_000_000;

fn claims() -> Value {
    json!({"iss": "app", "sub": "app", "aud": ISSUER, "exp": NOW + 60, "iat": NOW, "jti": "one"})
}

fn changed(change: &Value) -> Value {
    let mut all = claims();
    for (name, value) in change.as_object().unwrap() {
        all[name] = value.clone();
    }
    all.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    all
}

fn run(key: &SigningKey, keys: &KeySet, header: &Value, claims: &Value) -> Result<Assertion, AssertionError> {
    let text = sign(key, header, claims.to_string().as_bytes()).unwrap();
    let expect = Expect { client_id: "app", audiences: &[ISSUER, TOKEN], now: Time::from_seconds(NOW) };
    check(&decode(&text)?, keys, &expect)
}

fn keys(of: &[&SigningKey]) -> KeySet {
    KeySet::new(of.iter().map(|key| key.verifying_key().unwrap()).collect())
}

#[test]
fn what_an_assertion_may_and_may_not_say() {
    let key = SigningKey::generate(Alg::ES256).unwrap();
    let header = json!({"alg": "ES256", "kid": key.kid()});
    let good = [
        json!({}),
        json!({"aud": TOKEN}),
        json!({"aud": [TOKEN]}),
        json!({"aud": ["https://other.example", ISSUER]}),
        json!({"iat": null}),
        json!({"iat": NOW + 60, "nbf": NOW + 60}),
        json!({"exp": NOW + 660}),
        json!({"exp": NOW - 59}),
    ];
    for change in good {
        assert!(run(&key, &keys(&[&key]), &header, &changed(&change)).is_ok(), "{change}");
    }
    let bad = [
        (json!({"iss": "other"}), AssertionError::Client),
        (json!({"sub": "other"}), AssertionError::Client),
        (json!({"iss": "other", "sub": "other"}), AssertionError::Client),
        (json!({"sub": null}), AssertionError::Malformed),
        (json!({"aud": null}), AssertionError::Malformed),
        (json!({"aud": []}), AssertionError::Audience),
        (json!({"aud": "https://other.example"}), AssertionError::Audience),
        (json!({"aud": "https://id.example/"}), AssertionError::Audience),
        (json!({"exp": null}), AssertionError::Malformed),
        (json!({"exp": "soon"}), AssertionError::Malformed),
        (json!({"exp": NOW - 60}), AssertionError::Time),
        (json!({"exp": NOW + 3661}), AssertionError::Time),
        (json!({"exp": i64::MAX}), AssertionError::Time),
        (json!({"iat": NOW + 61}), AssertionError::Time),
        (json!({"nbf": NOW + 61}), AssertionError::Time),
        (json!({"jti": null}), AssertionError::Jti),
        (json!({"jti": ""}), AssertionError::Jti),
        (json!({"jti": "a\u{0}"}), AssertionError::Jti),
        (json!({"jti": "x".repeat(257)}), AssertionError::Jti),
        (json!({"jti": 1}), AssertionError::Malformed),
    ];
    for (change, error) in bad {
        assert_eq!(run(&key, &keys(&[&key]), &header, &changed(&change)), Err(error), "{change}");
    }
}

#[test]
fn whose_signature_counts() {
    let (key, other) = (SigningKey::generate(Alg::EdDSA).unwrap(), SigningKey::generate(Alg::EdDSA).unwrap());
    let named = json!({"alg": "EdDSA", "kid": key.kid()});
    assert_eq!(run(&key, &keys(&[&other]), &named, &claims()), Err(AssertionError::Key));
    assert_eq!(run(&other, &keys(&[&key]), &named, &claims()), Err(AssertionError::Signature));
    assert_eq!(run(&key, &KeySet::default(), &named, &claims()), Err(AssertionError::Key));
    assert!(run(&key, &keys(&[&other, &key]), &json!({"alg": "EdDSA"}), &claims()).is_ok());
    let embedded = json!({"alg": "EdDSA", "jwk": other.jwk(), "jku": "https://evil.example/jwks"});
    assert_eq!(run(&other, &keys(&[&key]), &embedded, &claims()), Err(AssertionError::Signature));
    for alg in ["none", "HS256", "RS1"] {
        assert_eq!(
            run(&key, &keys(&[&key]), &json!({"alg": alg}), &claims()),
            Err(AssertionError::Malformed)
        );
    }
}

#[test]
fn other_kinds_of_token_do_not_pass() {
    let key = SigningKey::generate(Alg::ES256).unwrap();
    for (typ, passes) in [
        ("JWT", true),
        ("jwt", true),
        ("client-authentication+jwt", true),
        ("at+jwt", false),
        ("dpop+jwt", false),
        ("logout+jwt", false),
        ("", false),
    ] {
        let header = json!({"alg": "ES256", "typ": typ});
        let outcome = run(&key, &keys(&[&key]), &header, &claims());
        assert_eq!(outcome.is_ok(), passes, "{typ}");
        assert!(passes || outcome == Err(AssertionError::Type));
    }
}

#[test]
fn the_claimed_client_is_read_without_keys() {
    let key = SigningKey::generate(Alg::ES256).unwrap();
    let claimed = |claims: &Value| {
        let text = sign(&key, &json!({"alg": "ES256"}), claims.to_string().as_bytes()).unwrap();
        claimed_client(&decode(&text)?)
    };
    assert_eq!(claimed(&claims()), Ok("app".into()));
    assert_eq!(claimed(&changed(&json!({"iss": "x"}))), Err(AssertionError::Client));
    assert_eq!(claimed(&json!([])), Err(AssertionError::Malformed));
    assert_eq!(decode("x").unwrap_err(), AssertionError::Malformed);
}
