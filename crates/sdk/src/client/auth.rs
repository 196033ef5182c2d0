//! How a client shows at a token endpoint who it is (RFC 6749 2.3, RFC 7523 2.2).

use std::{fmt, sync::Arc, time::Duration};

use data_encoding::{BASE64, BASE64_MIME_PERMISSIVE, HEXLOWER};
use doorward_proto::{
    client_auth::JWT_BEARER,
    jose::{Alg, JoseError, SigningKey, Typ},
    secret::SecretText,
    time::Time,
};
use http::{HeaderMap, header};
use serde_json::json;

use super::{Outgoing, SourceError};

/// An assertion is used at once.
const LIFETIME: Duration = Duration::from_secs(60);

/// Who a client is, and how it proves it.
#[derive(Clone)]
pub struct ClientAuth {
    client_id: String,
    proof: Proof,
}

#[derive(Clone)]
enum Proof {
    None,
    Secret(SecretText),
    Key(Arc<SigningKey>),
}

impl fmt::Debug for ClientAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientAuth").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

impl ClientAuth {
    /// A client that cannot keep a secret only names itself.
    pub fn public(client_id: impl Into<String>) -> Self {
        Self { client_id: client_id.into(), proof: Proof::None }
    }

    /// By its secret: `client_secret_basic`.
    pub fn secret(client_id: impl Into<String>, secret: impl Into<SecretText>) -> Self {
        Self { client_id: client_id.into(), proof: Proof::Secret(secret.into()) }
    }

    /// By its key: `private_key_jwt`.
    pub fn key(client_id: impl Into<String>, key: SigningKey) -> Self {
        Self { client_id: client_id.into(), proof: Proof::Key(Arc::new(key)) }
    }

    /// By its key as PKCS#8 in a PEM text, under the name that the server knows it by.
    ///
    /// # Errors
    /// A text that is no such key.
    pub fn key_pem(
        client_id: impl Into<String>,
        alg: Alg,
        (pem, kid): (&SecretText, Option<&str>),
    ) -> Result<Self, JoseError> {
        let refused = JoseError::Key("not a PEM text of a PKCS#8 key");
        let body = pem.expose().split("-----BEGIN PRIVATE KEY-----").nth(1).ok_or(refused)?;
        let body = body.split("-----END PRIVATE KEY-----").next().ok_or(refused)?;
        let der = BASE64_MIME_PERMISSIVE.decode(body.trim().as_bytes()).map_err(|_| refused)?;
        let key = SigningKey::from_pkcs8(alg, &der)?;
        Ok(Self::key(
            client_id,
            match kid {
                Some(kid) => key.with_kid(kid),
                None => key,
            },
        ))
    }

    /// Adds what proves it to a request to this endpoint.
    pub(super) fn prove(
        &self,
        endpoint: &str,
        now: Time,
        (form, headers): (&mut Vec<(&'static str, String)>, &mut HeaderMap),
    ) -> Result<(), SourceError> {
        match &self.proof {
            Proof::None => form.push(("client_id", self.client_id.clone())),
            Proof::Secret(secret) => {
                // RFC 6749 2.3.1: both halves are encoded first.
                let both = format!("{}:{}", encoded(&self.client_id), encoded(secret.expose()));
                let outgoing = Outgoing::authorization("Basic", &BASE64.encode(both.as_bytes()))?;
                headers.insert(header::AUTHORIZATION, outgoing.value);
            }
            Proof::Key(key) => {
                form.push(("client_id", self.client_id.clone()));
                form.push(("client_assertion_type", JWT_BEARER.to_owned()));
                form.push(("client_assertion", self.assertion(key, endpoint, now)?));
            }
        }
        Ok(())
    }

    fn assertion(&self, key: &SigningKey, endpoint: &str, now: Time) -> Result<String, SourceError> {
        let failed = |error: &dyn fmt::Display| SourceError::Unusable(format!("no assertion: {error}"));
        let mut random = [0; 16];
        #[expect(
            clippy::disallowed_methods,
            reason = "a name that is used once has no other door in the SDK"
        )]
        aws_lc_rs::rand::fill(&mut random).map_err(|error| failed(&error))?;
        let claims = json!({
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": endpoint,
            "jti": HEXLOWER.encode(&random),
            "iat": now.as_seconds(),
            "exp": (now + LIFETIME).as_seconds(),
        });
        key.sign_jwt(Typ::Jwt, claims.to_string().as_bytes()).map_err(|error| failed(&error))
    }
}

/// A body of `application/x-www-form-urlencoded`.
pub(super) fn form(pairs: &[(&'static str, String)]) -> Vec<u8> {
    let pairs = pairs.iter().map(|(name, value)| format!("{name}={}", encoded(value)));
    pairs.collect::<Vec<_>>().join("&").into_bytes()
}

/// One value of a form or a query.
pub(super) fn encoded(value: &str) -> String {
    let mut encoded = String::with_capacity(value.len());
    for byte in value.bytes() {
        match byte {
            b'-' | b'.' | b'_' | b'~' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => {
                encoded.push(char::from(byte));
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}
