//! The claims of ID tokens (OpenID Connect Core 2, 3.1.3.6, 3.3.2.11).

use aws_lc_rs::digest::{SHA256, SHA384, SHA512, digest};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::jose::{Alg, encode_base64url};

/// What an ID token says.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct IdTokenClaims {
    /// The issuer.
    pub iss: String,
    /// The person.
    pub sub: String,
    /// The application.
    pub aud: String,
    /// End of life, in seconds since 1970.
    pub exp: i64,
    /// Issued, in seconds since 1970.
    pub iat: i64,
    /// When the person signed in, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    /// The request's own, unchanged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// How strongly the person signed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// By which means (RFC 8176).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// The application, where it is not the only audience.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub azp: Option<String>,
    /// The session, for logout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// Binds the access token issued beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_hash: Option<String>,
    /// Binds the code issued beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub c_hash: Option<String>,
    /// The active organisation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<String>,
    /// The role in that organisation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub org_role: Option<String>,
    /// Standard claims by scope, and custom ones.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// `at_hash` or `c_hash`: the left half of the hash of the algorithm that signs the ID token. For
/// `EdDSA` with Ed25519 that hash is SHA-512.
pub fn left_hash(alg: Alg, value: &str) -> String {
    let hash = match alg {
        Alg::RS256 | Alg::ES256 | Alg::PS256 => digest(&SHA256, value.as_bytes()),
        Alg::RS384 | Alg::ES384 | Alg::PS384 => digest(&SHA384, value.as_bytes()),
        Alg::EdDSA | Alg::RS512 | Alg::ES512 | Alg::PS512 => digest(&SHA512, value.as_bytes()),
    };
    let bytes = hash.as_ref();
    encode_base64url(bytes.get(..bytes.len() / 2).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn hashes_of_the_specification() {
        // OpenID Connect Core A.3, A.4, A.6
        assert_eq!(
            left_hash(Alg::RS256, "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"),
            "77QmUPtjPfzWtF2AnpK9RQ"
        );
        assert_eq!(
            left_hash(Alg::ES256, "Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk"),
            "LDktKdoQak3Pk0cnXxCltA"
        );
        assert_eq!(left_hash(Alg::EdDSA, "x").len(), 43);
    }

    #[test]
    fn claims_round_trip_and_absent_ones_are_left_out() {
        let mut claims = IdTokenClaims { sub: "usr_1".into(), ..IdTokenClaims::default() };
        let value = serde_json::to_value(&claims).unwrap();
        assert_eq!(value, json!({"iss": "", "sub": "usr_1", "aud": "", "exp": 0, "iat": 0}));
        claims.nonce = Some("n".into());
        claims.extra.insert("email".into(), json!("ada@example.org"));
        let value = serde_json::to_value(&claims).unwrap();
        assert_eq!((&value["nonce"], &value["email"]), (&json!("n"), &json!("ada@example.org")));
        assert_eq!(serde_json::from_value::<IdTokenClaims>(value).unwrap(), claims);
    }
}
