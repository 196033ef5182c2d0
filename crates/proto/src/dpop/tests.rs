use serde_json::{Value, json};

use super::*;
use crate::jose::{Alg, SigningKey, sign};

const URL: &str = "https://id.example/oauth2/token";
const NOW: i64 = 1_800_000_000;

struct Case {
    key: SigningKey,
    header: Value,
    claims: Value,
}

fn case(alg: Alg) -> Case {
    let key = SigningKey::generate(alg).unwrap();
    let header = json!({"typ": "dpop+jwt", "alg": alg, "jwk": key.jwk()});
    let claims = json!({"jti": "one", "htm": "POST", "htu": URL, "iat": NOW});
    Case { key, header, claims }
}

fn merge(into: &mut Value, change: &Value) {
    for (name, value) in change.as_object().unwrap() {
        if value.is_null() {
            into.as_object_mut().unwrap().remove(name);
        } else {
            into[name] = value.clone();
        }
    }
}

impl Case {
    fn proof(&self) -> String {
        sign(&self.key, &self.header, self.claims.to_string().as_bytes()).unwrap()
    }
    fn check(&self, change: impl FnOnce(&mut Expect<'_>)) -> Result<Proof, DpopError> {
        let targets =
            [Target::parse(URL).unwrap(), Target::parse("https://id.example/api/auth/oauth2/token").unwrap()];
        let mut expect = Expect {
            method: "POST",
            targets: &targets,
            now: Time::from_seconds(NOW),
            max_age: MAX_AGE,
            access_token: None,
            nonces: None,
        };
        change(&mut expect);
        check(&self.proof(), &expect)
    }
}

#[test]
fn the_example_of_the_specification() {
    // RFC 9449 4.1, figure 2
    let proof = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpD\
        a0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2\
        In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiw\
        iaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg";
    let targets = [Target::parse("https://server.example.com/token").unwrap()];
    let expect = Expect {
        method: "POST",
        targets: &targets,
        now: Time::from_seconds(1_562_262_620),
        max_age: MAX_AGE,
        access_token: None,
        nonces: None,
    };
    let proof = check(proof, &expect).unwrap();
    assert_eq!((proof.jti.as_str(), proof.iat), ("-BwC3ESc6acc2lTc", Time::from_seconds(1_562_262_616)));
    assert_eq!(proof.jkt, "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
}

#[test]
fn good_proofs() {
    for alg in Alg::ALL {
        let proof = case(alg);
        let expect =
            Proof { jkt: proof.key.jwk().thumbprint(), jti: "one".into(), iat: Time::from_seconds(NOW) };
        assert_eq!(proof.check(|_| ()), Ok(expect));
    }
    let mut bound = case(Alg::ES256);
    bound.claims["ath"] = json!("ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0");
    assert!(bound.check(|expect| expect.access_token = Some("abc")).is_ok());
    bound.claims["nonce"] = json!("n2");
    assert!(bound.check(|expect| expect.nonces = Some(&["n1", "n2"])).is_ok());
}

#[test]
fn what_a_header_may_not_say() {
    let other = SigningKey::generate(Alg::ES256).unwrap();
    let mut private = serde_json::to_value(other.jwk()).unwrap();
    private["d"] = json!("AA");
    let cases = [
        (json!({"typ": "jwt"}), DpopError::Type),
        (json!({"typ": null}), DpopError::Type),
        (json!({"alg": "none"}), DpopError::Algorithm),
        (json!({"alg": "HS256"}), DpopError::Algorithm),
        (json!({"alg": "RS256"}), DpopError::Algorithm),
        (json!({"alg": "EdDSA"}), DpopError::Algorithm),
        (json!({"alg": null}), DpopError::Algorithm),
        (json!({"jwk": null}), DpopError::Key),
        (json!({"jwk": "x"}), DpopError::Key),
        (json!({"jwk": {"kty": "oct", "k": "AA"}}), DpopError::Key),
        (json!({"jwk": private}), DpopError::Key),
        (json!({"jwk": other.jwk()}), DpopError::Signature),
        (json!({"jwk": null, "kid": other.kid(), "jku": "https://evil.example"}), DpopError::Key),
        (json!({"crit": ["x"]}), DpopError::Malformed),
    ];
    for (change, error) in cases {
        let mut proof = case(Alg::ES256);
        merge(&mut proof.header, &change);
        assert_eq!(proof.check(|_| ()), Err(error), "{change}");
    }
    let mut typ = case(Alg::ES256);
    typ.header["typ"] = json!("application/DPoP+jwt");
    assert!(typ.check(|_| ()).is_ok());
}

#[test]
fn what_the_claims_may_not_say() {
    let cases = [
        (json!({"jti": null}), DpopError::Malformed),
        (json!({"jti": ""}), DpopError::Malformed),
        (json!({"jti": "a\u{0}"}), DpopError::Malformed),
        (json!({"jti": "x".repeat(257)}), DpopError::Malformed),
        (json!({"htm": "GET"}), DpopError::Method),
        (json!({"htm": "post"}), DpopError::Method),
        (json!({"htm": null}), DpopError::Malformed),
        (json!({"htu": "https://id.example/oauth2/token/"}), DpopError::Target),
        (json!({"htu": "http://id.example/oauth2/token"}), DpopError::Target),
        (json!({"htu": "https://evil.example/oauth2/token"}), DpopError::Target),
        (json!({"htu": "https://x@id.example/oauth2/token"}), DpopError::Target),
        (json!({"htu": "/oauth2/token"}), DpopError::Target),
        (json!({"iat": NOW + 61}), DpopError::Time),
        (json!({"iat": NOW - 301}), DpopError::Time),
        (json!({"iat": i64::MAX}), DpopError::Time),
        (json!({"iat": i64::MIN}), DpopError::Time),
        (json!({"iat": "now"}), DpopError::Malformed),
        (json!({"iat": null}), DpopError::Malformed),
    ];
    for (change, error) in cases {
        let mut proof = case(Alg::EdDSA);
        merge(&mut proof.claims, &change);
        assert_eq!(proof.check(|_| ()), Err(error), "{change}");
    }
    for change in [
        json!({"iat": NOW + 60}),
        json!({"iat": NOW - 300}),
        json!({"htu": "HTTPS://ID.example:443/oauth2/token?a=1#f"}),
        json!({"htu": "https://id.example/x/../oauth2/%74oken"}),
        json!({"htu": "https://id.example/api/auth/oauth2/token"}),
        json!({"nonce": "unasked", "ath": "unasked"}),
    ] {
        let mut proof = case(Alg::EdDSA);
        merge(&mut proof.claims, &change);
        assert!(proof.check(|_| ()).is_ok(), "{change}");
    }
}

#[test]
fn a_proof_for_another_token_or_without_our_nonce() {
    let mut proof = case(Alg::ES256);
    assert_eq!(proof.check(|expect| expect.access_token = Some("abc")), Err(DpopError::AccessToken));
    assert_eq!(proof.check(|expect| expect.nonces = Some(&["n"])), Err(DpopError::UseNonce));
    assert_eq!(proof.check(|expect| expect.nonces = Some(&[])), Err(DpopError::UseNonce));
    proof.claims["ath"] = json!(sha256_base64url(b"abd"));
    proof.claims["nonce"] = json!("old");
    assert_eq!(proof.check(|expect| expect.access_token = Some("abc")), Err(DpopError::AccessToken));
    assert_eq!(proof.check(|expect| expect.nonces = Some(&["n"])), Err(DpopError::UseNonce));
}

#[test]
fn a_forged_proof_is_not_told_about_nonces() {
    let mut proof = case(Alg::ES256);
    proof.header["jwk"] = json!(SigningKey::generate(Alg::ES256).unwrap().jwk());
    assert_eq!(proof.check(|expect| expect.nonces = Some(&["n"])), Err(DpopError::Signature));
}

#[test]
fn sizes_and_shapes() {
    let targets = [Target::parse(URL).unwrap()];
    let expect = Expect {
        method: "POST",
        targets: &targets,
        now: Time::from_seconds(NOW),
        max_age: MAX_AGE,
        access_token: None,
        nonces: None,
    };
    for text in ["", "a.b.c", &"a".repeat(MAX_BYTES + 1)] {
        assert_eq!(check(text, &expect), Err(DpopError::Malformed));
    }
    for (path, normal) in [("/%7e%2f%zz%", "/~%2F%zz%"), ("/%+1", "/%+1"), ("/é", "/%C3%A9")] {
        let target = Target::parse(&format!("https://a{path}")).unwrap();
        assert_eq!(target.0, format!("https://a{normal}"));
    }
}
