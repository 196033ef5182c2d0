use doorward_judge::{CredentialKind, Identity};
use doorward_proto::{
    jose::{Alg, SigningKey, sha256_base64url, sign},
    secret::SecretText,
};
use http::HeaderValue;
use serde_json::{Value, json};

use super::*;

const NOW: Time = Time::from_seconds(1_800_000_000);
const TOKEN: &str = "the-access-token";
const ASKED: Asked<'static> = Asked { method: "GET", host: "app.example:8443", path: "/reports/1" };

struct Scene {
    proofs: Proofs,
    key: SigningKey,
    principal: Principal,
}

impl Scene {
    fn new() -> Self {
        let key = SigningKey::generate(Alg::ES256).unwrap();
        let confirmation = Some(Confirmation::Dpop(key.jwk().thumbprint()));
        let principal =
            Principal { confirmation, ..Principal::new(Identity::default(), CredentialKind::AccessToken) };
        Self { proofs: Proofs::new().unwrap(), key, principal }
    }

    fn claims(&self, now: Time) -> Value {
        json!({ "jti": "1", "htm": "GET", "htu": "https://app.example:8443/reports/1", "iat": now.as_seconds(),
            "ath": sha256_base64url(TOKEN.as_bytes()), "nonce": self.proofs.nonce(now, 0) })
    }

    fn made(key: &SigningKey, claims: &Value) -> HeaderMap {
        let header = json!({ "alg": "ES256", "typ": "dpop+jwt", "jwk": key.jwk() });
        let proof = sign(key, &header, claims.to_string().as_bytes()).unwrap();
        let mut headers = HeaderMap::new();
        headers.append(DPOP, HeaderValue::try_from(proof).unwrap());
        headers
    }

    fn says(&self, headers: &HeaderMap, scheme: Scheme, now: Time) -> Result<Proof, Refusal> {
        let credential = Credential::Token { scheme, token: SecretText::from(TOKEN) };
        self.proofs.of((headers, Some(ASKED)), (&credential, &self.principal), now)
    }
}

#[test]
fn a_proof_is_good_once() {
    let scene = Scene::new();
    let headers = Scene::made(&scene.key, &scene.claims(NOW));
    let proof = scene.says(&headers, Scheme::Dpop, NOW).unwrap();
    assert!(scene.principal.confirmation.as_ref().unwrap().is_met(&proof));
    for later in [0, 100, 299] {
        let refusal = scene.says(&headers, Scheme::Dpop, NOW + Duration::from_secs(later)).unwrap_err();
        assert!(matches!(refusal.why, Why::ProofRequired | Why::NonceRequired), "{later}");
    }
    let another = Proofs::new().unwrap();
    let credential = Credential::Token { scheme: Scheme::Dpop, token: SecretText::from(TOKEN) };
    let elsewhere = another.of((&headers, Some(ASKED)), (&credential, &scene.principal), NOW).unwrap_err();
    assert_eq!(elsewhere.why, Why::NonceRequired, "another process has not given out its nonce");
}

#[test]
fn a_proof_is_for_one_request_one_token_and_now() {
    let scene = Scene::new();
    let now = NOW.as_seconds();
    let cases = [
        (json!({ "htm": "POST" }), Why::ProofRequired),
        (json!({ "htu": "https://app.example:8443/reports/2" }), Why::ProofRequired),
        (json!({ "htu": "https://other.example:8443/reports/1" }), Why::ProofRequired),
        (json!({ "htu": "https://app.example/reports/1" }), Why::ProofRequired),
        (json!({ "ath": sha256_base64url(b"another") }), Why::ProofRequired),
        (json!({ "ath": null }), Why::ProofRequired),
        (json!({ "iat": now - 301 }), Why::ProofRequired),
        (json!({ "iat": now + 61 }), Why::ProofRequired),
        (json!({ "jti": "" }), Why::ProofRequired),
        (json!({ "nonce": null }), Why::NonceRequired),
        (json!({ "nonce": "made-up" }), Why::NonceRequired),
        (json!({ "nonce": scene.proofs.nonce(NOW, 2) }), Why::NonceRequired),
    ];
    for (changes, why) in cases {
        let mut claims = scene.claims(NOW);
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let refusal = scene.says(&Scene::made(&scene.key, &claims), Scheme::Dpop, NOW).unwrap_err();
        assert_eq!(refusal.why, why, "{changes}");
        assert_eq!(refusal.nonce.as_deref(), Some(scene.proofs.nonce(NOW, 0).as_str()));
    }
    let mut plain = scene.claims(NOW);
    plain["htu"] = json!("http://app.example:8443/reports/1?x=1");
    plain["nonce"] = json!(scene.proofs.nonce(NOW, 1));
    assert!(scene.says(&Scene::made(&scene.key, &plain), Scheme::Dpop, NOW).is_ok());
}

#[test]
fn nobody_without_the_key_gets_through() {
    let scene = Scene::new();
    let good = Scene::made(&scene.key, &scene.claims(NOW));
    let thief = SigningKey::generate(Alg::ES256).unwrap();
    let why = |headers: &HeaderMap, scheme| scene.says(headers, scheme, NOW).unwrap_err().why;
    assert_eq!(why(&Scene::made(&thief, &scene.claims(NOW)), Scheme::Dpop), Why::ProofRequired);
    assert_eq!(why(&good, Scheme::Bearer), Why::ProofRequired);
    assert_eq!(why(&good, Scheme::Key), Why::ProofRequired);
    assert_eq!(why(&HeaderMap::new(), Scheme::Dpop), Why::ProofRequired);
    let mut twice = good.clone();
    twice.append(DPOP, good[DPOP].clone());
    assert_eq!(why(&twice, Scheme::Dpop), Why::ProofRequired);
    let credential = Credential::Token { scheme: Scheme::Dpop, token: SecretText::from(TOKEN) };
    let unknown = scene.proofs.of((&good, None), (&credential, &scene.principal), NOW).unwrap_err();
    assert_eq!(unknown.why, Why::ProofRequired, "nobody knows what it is for");
    assert!(scene.says(&good, Scheme::Dpop, NOW).is_ok(), "what was refused used up nothing");
}

#[test]
fn tokens_that_are_bound_to_nothing_need_no_proof() {
    let mut scene = Scene::new();
    scene.principal.confirmation = None;
    assert_eq!(scene.says(&HeaderMap::new(), Scheme::Bearer, NOW).unwrap(), Proof::default());
}

#[test]
fn one_key_does_not_take_up_the_room_of_others() {
    let proofs = Proofs::new().unwrap();
    for number in 0..MOST_OF_ONE {
        assert!(proofs.is_first("busy", &number.to_string(), NOW).unwrap());
    }
    let refusal = proofs.is_first("busy", "one more", NOW).unwrap_err();
    assert_eq!((refusal.why, refusal.retry_after), (Why::RateLimited, Some(MEMORY)));
    assert!(proofs.is_first("quiet", "1", NOW).unwrap());
    assert!(proofs.is_first("busy", "one more", NOW + MEMORY).unwrap());
    assert!(!proofs.is_first("busy", "1", NOW + MEMORY).unwrap(), "what was seen stays seen");
}
