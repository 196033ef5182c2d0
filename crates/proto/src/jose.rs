//! Signed tokens: JSON Web Signature, Key, Algorithms and Token (RFC 7515, 7517, 7518, 7519, 8037),
//! with the rules of RFC 8725.
//!
//! Keys are parsed once, when they are loaded: neither signing nor verifying parses anything again.
//! An algorithm belongs to a key; a token's header can only agree with it. This module must never follow a
//! `jku` or `x5u`, or take a key out of a token (the one exception, the `jwk` of a DPoP proof, is
//! [`crate::dpop`]'s), and verifies with a symmetric secret only where one was named ([`SharedSecret`]).

mod jwk;
mod jws;
mod key;
mod keyset;
mod shared;

use std::{fmt, str::FromStr};

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

pub use jwk::{Jwk, Jwks};
pub use jws::{Header, MAX_TOKEN, Unverified, Verified, named_algorithm, sign, sign_encoded};
pub use key::{SigningKey, VerifyingKey};
pub use keyset::KeySet;
pub use shared::{Opened, SharedSecret};

/// Signature algorithms. Doorward signs with those of [`Alg::ALL`], and takes no other from its own clients; what
/// other issuers sign with is verified too ([`Unverified::decode_foreign`], [`Jwks::parse_foreign`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub enum Alg {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    RS256,
    /// ECDSA on P-256 with SHA-256.
    ES256,
    /// Ed25519.
    EdDSA,
    /// RSASSA-PKCS1-v1_5 with SHA-384, of other issuers.
    RS384,
    /// RSASSA-PKCS1-v1_5 with SHA-512, of other issuers.
    RS512,
    /// RSASSA-PSS with SHA-256, of other issuers.
    PS256,
    /// RSASSA-PSS with SHA-384, of other issuers.
    PS384,
    /// RSASSA-PSS with SHA-512, of other issuers.
    PS512,
    /// ECDSA on P-384 with SHA-384, of other issuers.
    ES384,
    /// ECDSA on P-521 with SHA-512, of other issuers.
    ES512,
}

impl Alg {
    /// Every algorithm that is signed with here, the default of access tokens first.
    pub const ALL: [Self; 3] = [Self::ES256, Self::RS256, Self::EdDSA];

    /// Every algorithm that is verified when another issuer has signed.
    pub const FOREIGN: [Self; 10] = [
        Self::ES256,
        Self::RS256,
        Self::EdDSA,
        Self::ES384,
        Self::ES512,
        Self::PS256,
        Self::PS384,
        Self::PS512,
        Self::RS384,
        Self::RS512,
    ];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RS256 => "RS256",
            Self::ES256 => "ES256",
            Self::EdDSA => "EdDSA",
            Self::RS384 => "RS384",
            Self::RS512 => "RS512",
            Self::PS256 => "PS256",
            Self::PS384 => "PS384",
            Self::PS512 => "PS512",
            Self::ES384 => "ES384",
            Self::ES512 => "ES512",
        }
    }
}

impl fmt::Display for Alg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Knows those that are signed with here, and no other.
impl FromStr for Alg {
    type Err = JoseError;

    fn from_str(name: &str) -> Result<Self, JoseError> {
        Self::ALL.into_iter().find(|alg| alg.as_str() == name).ok_or(JoseError::Algorithm)
    }
}

impl<'de> Deserialize<'de> for Alg {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

/// What a token is, said by its `typ` header; kinds of token must not stand in for each other
/// (RFC 8725 3.11).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Typ {
    /// An ID token, or a token of a kind that predates `typ`.
    Jwt,
    /// An access token (RFC 9068).
    AccessToken,
    /// A proof of possession (RFC 9449).
    Dpop,
    /// A back-channel logout token.
    Logout,
    /// An authorization request (RFC 9101).
    AuthorizationRequest,
    /// A client's assertion about itself (RFC 7523 and its revision).
    ClientAuthentication,
    /// An introspection answer (RFC 9701).
    Introspection,
    /// The gateway's word for who was let through.
    Assertion,
}

impl Typ {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::Jwt,
        Self::AccessToken,
        Self::Dpop,
        Self::Logout,
        Self::AuthorizationRequest,
        Self::ClientAuthentication,
        Self::Introspection,
        Self::Assertion,
    ];

    /// The value on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Jwt => "JWT",
            Self::AccessToken => "at+jwt",
            Self::Dpop => "dpop+jwt",
            Self::Logout => "logout+jwt",
            Self::AuthorizationRequest => "oauth-authz-req+jwt",
            Self::ClientAuthentication => "client-authentication+jwt",
            Self::Introspection => "token-introspection+jwt",
            Self::Assertion => "doorward-assertion+jwt",
        }
    }

    /// Whether a `typ` header says this kind: compared as a media type, without regard to case, with
    /// or without `application/` (RFC 7515 4.1.9).
    pub fn matches(self, typ: &str) -> bool {
        let bare = match typ.split_at_checked("application/".len()) {
            Some((prefix, rest)) if prefix.eq_ignore_ascii_case("application/") => rest,
            _ => typ,
        };
        bare.eq_ignore_ascii_case(self.as_str())
    }
}

/// Why a key or a token was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JoseError {
    /// Longer than the limit.
    #[error("the token is too large")]
    TooLarge,
    /// Not a compact JWS with a JSON object as its header.
    #[error("the token is malformed")]
    Malformed,
    /// An algorithm that does not exist here, `none` included.
    #[error("the algorithm is not supported")]
    Algorithm,
    /// The header asks for extensions.
    #[error("the token names critical extensions")]
    Critical,
    /// A token of another kind.
    #[error("the token is of another type")]
    Type,
    /// No key with this `kid` and algorithm.
    #[error("no key fits the token")]
    UnknownKey,
    /// The signature is not this key's.
    #[error("the signature is wrong")]
    Signature,
    /// Not a key of a kind that exists here, or too weak.
    #[error("the key is not usable: {0}")]
    Key(&'static str),
    /// A private or symmetric key where a public one belongs.
    #[error("the key is not a public key")]
    PrivateKey,
    /// Signing or making a key failed in the library.
    #[error("the cryptographic library failed")]
    Library,
}

/// Strict base64url without padding: no whitespace, no loose bits at the end.
pub fn decode_base64url(text: &[u8]) -> Result<Vec<u8>, JoseError> {
    BASE64URL_NOPAD.decode(text).map_err(|_| JoseError::Malformed)
}

/// The unpadded base64url text of some bytes.
pub fn encode_base64url(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}

/// The unpadded base64url text of a SHA-256 digest.
pub fn sha256_base64url(bytes: &[u8]) -> String {
    encode_base64url(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref())
}

#[cfg(test)]
mod tests;
