//! Back-channel logout tokens (OpenID Connect Back-Channel Logout 1.0 2.4), signed with type
//! [`crate::jose::Typ::Logout`].

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The member of `events` that makes a token a logout token.
pub const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// What a logout token says. It never has a `nonce`, so that it cannot pass for an ID token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogoutTokenClaims {
    /// The issuer.
    pub iss: String,
    /// The application.
    pub aud: String,
    /// Issued, in seconds since 1970.
    pub iat: i64,
    /// End of life, in seconds since 1970; two minutes are enough.
    pub exp: i64,
    /// The token's own name.
    pub jti: String,
    /// The person; this or the session is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
    /// The session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// What happened.
    pub events: Map<String, Value>,
}

/// The `events` of a logout token.
pub fn events() -> Map<String, Value> {
    let mut events = Map::new();
    events.insert(EVENT.to_owned(), Value::Object(Map::new()));
    events
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_form_of_the_specification() {
        let claims = LogoutTokenClaims {
            iss: "https://id.example".into(),
            aud: "app".into(),
            iat: 1,
            exp: 121,
            jti: "j".into(),
            sub: None,
            sid: Some("ses_1".into()),
            events: events(),
        };
        let value = serde_json::to_value(&claims).unwrap();
        assert_eq!(
            value,
            json!({"iss": "https://id.example", "aud": "app", "iat": 1, "exp": 121, "jti": "j", "sid": "ses_1",
                "events": {"http://schemas.openid.net/event/backchannel-logout": {}}})
        );
        assert_eq!(serde_json::from_value::<LogoutTokenClaims>(value).unwrap(), claims);
    }
}
