use std::collections::BTreeSet;

use doorward_proto::{jose::Unverified, time::Time};
use serde_json::Value;

use super::*;

/// From OpenSSL: `genpkey` for P-256, Ed25519, and P-384, which is no key of ours.
const P256: &str = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgVPSckNmUuMz1Kx+t\nTWXPEAvFP3yny0CYHJH5BIOH8kihRANCAASzNdw3pk6e5f6URQ+yf7dA7bKyhlXP\ndfEmsvETnY4aGXJYyskWjlTGcuZbWToxo49b79iBi58JpRjv8/iCqrHX\n-----END PRIVATE KEY-----\n";
const ED25519: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIHkL9ipKuntELchpZ9jT2Sgn74Gk9RP+eKf0UtWFSx+i\n-----END PRIVATE KEY-----\n";
const P384: &str = "-----BEGIN PRIVATE KEY-----\nMIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDBeRJKYODGh2epgmbNQ\nZV+BLdbGy/mdmGDuCv9sg46osrDv7vqpYN9VhNKVEejvT7KhZANiAASMvOqb0StM\ndFoPhwIclCDWntlqtP21CC+w9ZzdmWiNLUxTKBCzhR/8wSMPGnslLTKsniOYlcg7\nOa1xCZWgtepfhzbX6ZePb2CHVQTpGXSh8ZO+QPvEhXb7N+oErnefANo=\n-----END PRIVATE KEY-----\n";

#[test]
fn a_key_is_read_for_the_algorithm_that_it_is_for() {
    let alg = |pem: &str| key(&SecretText::new(pem.to_owned())).map(|key| key.alg());
    assert_eq!(alg(P256), Some(Alg::ES256));
    assert_eq!(alg(ED25519), Some(Alg::EdDSA));
    for wrong in [P384, "", "secret", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"] {
        assert_eq!(alg(wrong), None);
    }
}

#[test]
fn an_assertion_is_for_the_issuer_and_once() {
    let signer = key(&SecretText::new(P256.to_owned())).unwrap().with_kid("gate-1");
    let public = signer.verifying_key().unwrap();
    let authenticate = by_key("door", "https://id.example", signer);
    let mut names = BTreeSet::new();
    for endpoint in ["https://id.example/token", "https://elsewhere.example/token"] {
        let proven = authenticate(endpoint, Time::from_seconds(1_000)).unwrap();
        assert!(proven.headers.is_empty());
        assert_eq!(proven.form[0], ("client_id", "door".to_owned()));
        assert_eq!(proven.form[1], ("client_assertion_type", JWT_BEARER.to_owned()));
        let token = Unverified::decode(&proven.form[2].1).unwrap();
        assert_eq!(token.header().kid.as_deref(), Some("gate-1"));
        let claims: Value = token.into_verified(&public, Typ::Jwt).unwrap().claims().unwrap();
        assert_eq!((&claims["iss"], &claims["sub"]), (&json!("door"), &json!("door")));
        assert_eq!((&claims["aud"], &claims["exp"]), (&json!("https://id.example"), &json!(1_060)));
        names.insert(claims["jti"].as_str().unwrap().to_owned());
    }
    assert_eq!(names.len(), 2);
}
