//! Introspection (RFC 7662): request and answer.

use serde::{Deserialize, Serialize};

use crate::{
    access_token::{AccessTokenClaims, TokenUse},
    form::Params,
    oauth_error::Problem,
    scope::ScopeSet,
    secret::SecretText,
    token::TokenType,
};

/// The longest request that is read.
pub const MAX_BYTES: usize = 64 * 1024;

/// What a caller believes a token to be. Only ever an order of search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenTypeHint {
    /// `access_token`.
    AccessToken,
    /// `refresh_token`.
    RefreshToken,
}

impl TokenTypeHint {
    /// The hint of that name.
    pub fn from_wire(name: &str) -> Option<Self> {
        match name {
            "access_token" => Some(Self::AccessToken),
            "refresh_token" => Some(Self::RefreshToken),
            _ => None,
        }
    }
}

/// A token to be looked at.
#[derive(Debug, Clone)]
pub struct IntrospectionRequest {
    /// The token.
    pub token: SecretText,
    /// What the caller believes it to be; an unknown hint is none.
    pub token_type_hint: Option<TokenTypeHint>,
}

impl IntrospectionRequest {
    /// Reads a request.
    pub fn parse(params: &Params) -> Result<Self, Problem> {
        let token = params.required("token")?.into();
        let hint = params.one("token_type_hint")?;
        Ok(Self { token, token_type_hint: hint.and_then(TokenTypeHint::from_wire) })
    }
}

/// The answer: everything about a live token, nothing at all about any other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IntrospectionResponse {
    /// Whether the token is live and the caller may know about it.
    pub active: bool,
    /// How the token is presented.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_type: Option<TokenType>,
    /// The person's name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// From where it may be used; whoever asks has to heed it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_addresses: Vec<String>,
    /// What the token says.
    #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
    pub claims: Option<Box<AccessTokenClaims>>,
}

/// The answer about a live refresh token, which has no name of its own (`jti`) and is presented to nobody
/// but us.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RefreshResponse {
    /// Always true.
    pub active: bool,
    /// The issuer.
    pub iss: String,
    /// The person.
    pub sub: String,
    /// Where it is presented: the issuer again.
    pub aud: String,
    /// End of life, in seconds since 1970.
    pub exp: i64,
    /// Issued, in seconds since 1970.
    pub iat: i64,
    /// The application it was issued to.
    pub client_id: String,
    /// What may be asked for with it.
    #[serde(skip_serializing_if = "ScopeSet::is_empty")]
    pub scope: ScopeSet,
    /// Whose token it is.
    pub token_use: TokenUse,
    /// The organisation.
    pub tenant_id: String,
    /// The grant it belongs to.
    pub grant_id: String,
}

/// The answer about a live service token or key.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ServiceResponse {
    /// Always true.
    pub active: bool,
    /// How the token is presented.
    pub token_type: TokenType,
    /// The issuer.
    pub iss: String,
    /// Who acts, whichever version is used.
    pub sub: String,
    /// The version.
    pub jti: String,
    /// Its name.
    pub username: String,
    /// End of life, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exp: Option<i64>,
    /// Issued, in seconds since 1970.
    pub iat: i64,
    /// What it may do.
    #[serde(skip_serializing_if = "ScopeSet::is_empty")]
    pub scope: ScopeSet,
    /// What it may do beside its scopes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub permissions: Vec<String>,
    /// Whose token it is.
    pub token_use: TokenUse,
    /// The platform's word.
    pub role: &'static str,
    /// The organisation.
    pub tenant_id: String,
    /// Where it may act.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub workspace_ids: Vec<String>,
    /// From where it may be used; whoever asks has to heed it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed_addresses: Vec<String>,
}

impl IntrospectionResponse {
    /// `{"active":false}`.
    pub const INACTIVE: Self =
        Self { active: false, token_type: None, username: None, allowed_addresses: Vec::new(), claims: None };

    /// A live token.
    pub fn active(claims: AccessTokenClaims, token_type: TokenType) -> Self {
        let claims = Some(Box::new(claims));
        Self { active: true, token_type: Some(token_type), claims, ..Self::INACTIVE }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests() {
        let read =
            |body: &str| IntrospectionRequest::parse(&Params::parse(body.as_bytes(), MAX_BYTES).unwrap());
        let ask = read("token=x&token_type_hint=refresh_token").unwrap();
        assert_eq!((ask.token.expose(), ask.token_type_hint), ("x", Some(TokenTypeHint::RefreshToken)));
        assert_eq!(read("token=x&token_type_hint=saml").unwrap().token_type_hint, None);
        assert_eq!(read("token_type_hint=access_token").unwrap_err(), Problem::missing("token"));
        assert!(read("token=x&token=x").is_err());
        assert!(!format!("{:?}", read("token=hush").unwrap()).contains("hush"));
    }

    #[test]
    fn a_dead_token_says_nothing() {
        let text = serde_json::to_string(&IntrospectionResponse::INACTIVE).unwrap();
        assert_eq!(text, r#"{"active":false}"#);
        assert_eq!(
            serde_json::from_str::<IntrospectionResponse>(&text).unwrap(),
            IntrospectionResponse::INACTIVE
        );
    }

    #[test]
    fn a_live_refresh_token_has_no_name_and_no_type() {
        let answer = RefreshResponse {
            active: true,
            iss: "https://id.example".into(),
            sub: "usr_1".into(),
            aud: "https://id.example".into(),
            exp: 2,
            iat: 1,
            client_id: "app".into(),
            scope: ScopeSet::default(),
            token_use: TokenUse::User,
            tenant_id: "org_1".into(),
            grant_id: "grn_1".into(),
        };
        let expected = serde_json::json!({
            "active": true, "iss": "https://id.example", "sub": "usr_1", "aud": "https://id.example", "exp": 2, "iat": 1,
            "client_id": "app", "token_use": "user", "tenant_id": "org_1", "grant_id": "grn_1",
        });
        assert_eq!(serde_json::to_value(&answer).unwrap(), expected);
        let read: IntrospectionResponse = serde_json::from_value(expected).unwrap();
        assert_eq!(read.claims, None, "an access token always has its name");
    }

    #[test]
    fn a_live_token_says_what_it_holds() {
        let claims =
            AccessTokenClaims { sub: "usr_1".into(), jti: "j".into(), ..AccessTokenClaims::default() };
        let answer = IntrospectionResponse::active(claims, TokenType::Bearer);
        let value = serde_json::to_value(&answer).unwrap();
        assert_eq!(
            (&value["active"], &value["sub"], &value["token_type"]),
            (&true.into(), &"usr_1".into(), &"Bearer".into())
        );
        assert_eq!(serde_json::from_value::<IntrospectionResponse>(value).unwrap(), answer);
    }
}
