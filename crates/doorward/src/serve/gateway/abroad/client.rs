//! How the gateway shows at its issuer who it is: by a secret (RFC 6749 2.3.1), or by a key of its own, of which the
//! issuer knows the public half (RFC 7523 2.2). With that key nobody can be signed in: it says who this gateway is,
//! to the issuer alone, for a minute.

use std::sync::Arc;

use aws_lc_rs::hmac;
use data_encoding::BASE64;
use doorward_core::env::{Env, no_fetch};
use doorward_gateway::{Authenticate, Proven};
use doorward_proto::{
    client_auth::JWT_BEARER,
    jose::{Alg, SigningKey, Typ, encode_base64url},
    secret::SecretText,
};
use http::{HeaderMap, HeaderValue, header};
use rustls::pki_types::{PrivatePkcs8KeyDer, pem::PemObject as _};
use serde_json::json;
use url::form_urlencoded;

use crate::config::Config;

/// A cookie secret that is shorter could be guessed.
const SHORTEST: usize = 32;
/// Seconds for which an assertion is good; it is used at once.
const LIFETIME: i64 = 60;

/// What makes no sense: the setting, and the way out.
pub(super) type Wrong = (&'static str, String);

/// What shows that it is this client.
pub(super) enum Proof<'c> {
    Secret(&'c SecretText),
    Key { pem: &'c SecretText, key: Box<SigningKey> },
}

impl<'c> Proof<'c> {
    /// Reads the settings, of which there has to be one.
    pub(super) fn read(config: &'c Config) -> Result<Self, Wrong> {
        let gateway = &config.gateway;
        let wrong = |key, what: &str| Err((key, what.to_owned()));
        match (&gateway.client_secret, &gateway.client_key) {
            (Some(_), Some(_)) => wrong(
                "gateway.client_key",
                "gateway.client_secret is set, too: keep the one that the issuer knows",
            ),
            (Some(_), None) if gateway.client_key_id.is_some() => {
                wrong("gateway.client_key_id", "it is the name of gateway.client_key, which is not set")
            }
            (Some(secret), None) => Ok(Self::Secret(secret)),
            (None, Some(pem)) => match key(pem) {
                Some(key) => {
                    let key = match &gateway.client_key_id {
                        Some(kid) => key.with_kid(kid),
                        None => key,
                    };
                    Ok(Self::Key { pem, key: Box::new(key) })
                }
                None => wrong(
                    "gateway.client_key",
                    "it has to be a private key as PKCS#8 in PEM, for ES256, EdDSA or RS256: `openssl genpkey \
                     -algorithm EC -pkeyopt ec_paramgen_curve:P-256` makes one",
                ),
            },
            (None, None) => wrong(
                "gateway.client_secret",
                "gateway.client_id needs it: register a confidential client at the issuer and set \
                 gateway.client_secret or gateway.client_key, or the same with _file behind it",
            ),
        }
    }

    /// The key under which sessions are sealed.
    pub(super) fn seal(&self, config: &Config) -> Result<[u8; 32], Wrong> {
        let (of, is_own) = match (&config.gateway.cookie_secret, self) {
            (Some(secret), _) => (secret, true),
            (None, Self::Secret(secret)) => (*secret, false),
            (None, Self::Key { pem, .. }) => (*pem, false),
        };
        if of.expose().len() < SHORTEST {
            let what = if is_own {
                "it has to be "
            } else {
                "gateway.client_secret is short enough to be guessed from a cookie: set gateway.cookie_secret to "
            };
            let way = "32 bytes at least that nobody guesses: `openssl rand -base64 32` makes them";
            return Err(("gateway.cookie_secret", format!("{what}{way}")));
        }
        let made = hmac::Key::new(hmac::HMAC_SHA256, of.expose().as_bytes());
        let mut key = [0; 32];
        key.copy_from_slice(hmac::sign(&made, b"sessions at the gateway").as_ref());
        Ok(key)
    }

    /// What requests to the issuer bear.
    pub(super) fn authenticate(self, client_id: &str, issuer: &str) -> Authenticate {
        match self {
            Self::Secret(secret) => by_secret(client_id, secret),
            Self::Key { key, .. } => by_key(client_id, issuer, *key),
        }
    }
}

fn key(pem: &SecretText) -> Option<SigningKey> {
    let der = PrivatePkcs8KeyDer::from_pem_slice(pem.expose().as_bytes()).ok()?;
    Alg::ALL.into_iter().find_map(|alg| SigningKey::from_pkcs8(alg, der.secret_pkcs8_der()).ok())
}

/// RFC 6749 2.3.1: each half is form-encoded first.
fn by_secret(client_id: &str, secret: &SecretText) -> Authenticate {
    let part = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!("{}:{}", part(client_id), part(secret.expose()));
    let value = HeaderValue::try_from(format!("Basic {}", BASE64.encode(pair.as_bytes()))).ok();
    Arc::new(move |_, _| {
        let mut value = value.clone()?;
        value.set_sensitive(true);
        let headers = HeaderMap::from_iter([(header::AUTHORIZATION, value)]);
        Some(Proven { headers, ..Proven::default() })
    })
}

/// For the issuer by its name, whichever of its endpoints is asked: what was made for one can be used at no other
/// server, whatever that says its endpoints are.
fn by_key(client_id: &str, issuer: &str, key: SigningKey) -> Authenticate {
    let (client_id, issuer) = (client_id.to_owned(), issuer.to_owned());
    let env = Env::system(no_fetch());
    Arc::new(move |_, now| {
        let claims = json!({
            "iss": client_id,
            "sub": client_id,
            "aud": issuer,
            "jti": encode_base64url(&env.bytes::<16>().ok()?),
            "iat": now.as_seconds(),
            "exp": now.as_seconds() + LIFETIME,
        });
        let assertion = key.sign_jwt(Typ::Jwt, claims.to_string().as_bytes()).ok()?;
        let form = vec![
            ("client_id", client_id.clone()),
            ("client_assertion_type", JWT_BEARER.to_owned()),
            ("client_assertion", assertion),
        ];
        Some(Proven { form, ..Proven::default() })
    })
}

#[cfg(test)]
mod tests;
