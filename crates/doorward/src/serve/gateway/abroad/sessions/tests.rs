use doorward_gateway::Proven;
use doorward_proto::jose::{Alg, SigningKey, Typ};
use doorward_sdk::{fetch::Fetch, server::jwt::IssuerSpec};
use serde_json::json;

use super::*;
use crate::fetch::{Documents, Reach};

const NOW: Time = Time::from_seconds(1_000);
const ISSUER: &str = "https://id.example";

#[test]
fn a_mail_address_of_an_introspection_counts_when_it_was_verified() {
    for (verified, email) in
        [(json!(true), Some("ada@example.com")), (json!(false), None), (json!(null), None)]
    {
        let said =
            json!({ "active": true, "sub": "ada", "email": "ada@example.com", "email_verified": verified });
        let found = principal(said.as_object().unwrap(), NOW).unwrap();
        assert_eq!(found.identity.email.as_deref(), email, "{said}");
    }
}

#[tokio::test]
async fn so_does_one_of_an_id_token() {
    let key = SigningKey::generate(Alg::ES256).unwrap();
    let thief = SigningKey::generate(Alg::ES256).unwrap().with_kid(key.kid());
    let documents: Arc<dyn Fetch> = Documents::new(Reach::Public);
    let spec = IssuerSpec {
        issuer: vec![ISSUER.to_owned()],
        jwks_static: Some(json!({ "keys": [key.jwk()] }).to_string()),
        any_audience: true,
        id_tokens: true,
        ..IssuerSpec::default()
    };
    let jwts = Jwts::new(&[spec], &documents).unwrap();
    let sessions = Sessions {
        jwts: Arc::new(jwts),
        place: Place::new(ISSUER, documents, Arc::new(|| NOW)),
        posts: Arc::new(Posts::new(ISSUER, Reach::Public)),
        profiles: Profiles::default(),
        authenticate: Arc::new(|_, _| Some(Proven::default())),
        memory: Arc::default(),
        ttl: Duration::from_secs(5),
        clock: Arc::new(|| NOW),
    };
    for (verified, email) in
        [(json!(true), Some("ada@example.com")), (json!("true"), None), (json!(false), None)]
    {
        let claims = json!({ "iss": ISSUER, "sub": "ada", "aud": "door", "exp": 2_000, "nonce": "n",
            "email": "ada@example.com", "email_verified": verified });
        let token = key.sign_jwt(Typ::Jwt, claims.to_string().as_bytes()).unwrap();
        let credential = Credential::Token { scheme: Scheme::IdToken, token: SecretText::new(token.clone()) };
        let found = sessions.by_keys(&credential, &token, Seen { now: NOW }).await.unwrap().unwrap();
        assert_eq!(found.identity.email.as_deref(), email, "{claims}");
        let forged = thief.sign_jwt(Typ::Jwt, claims.to_string().as_bytes()).unwrap();
        let credential = Credential::Token { scheme: Scheme::IdToken, token: SecretText::new(forged) };
        assert!(sessions.by_keys(&credential, &token, Seen { now: NOW }).await.is_err());
    }
}
