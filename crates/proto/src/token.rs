//! The token endpoint (RFC 6749 3.2, 5.1; RFC 8707 2.2): requests by grant, and the answer.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    authorization_details::AuthorizationDetails,
    authorize::{MAY_REPEAT, resources},
    form::Params,
    oauth_error::{ErrorCode, Problem},
    pkce::Verifier,
    resource::Resource,
    scope::ScopeSet,
    secret::SecretText,
};

/// The longest request that is read.
pub const MAX_BYTES: usize = 64 * 1024;

/// The ways to get a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Grant {
    /// RFC 6749 4.1.
    #[serde(rename = "authorization_code")]
    AuthorizationCode,
    /// RFC 6749 6.
    #[serde(rename = "refresh_token")]
    RefreshToken,
    /// RFC 6749 4.4.
    #[serde(rename = "client_credentials")]
    ClientCredentials,
    /// RFC 6749 4.5, of our own: tokens for somebody who has no account yet.
    #[serde(rename = "urn:doorward:params:oauth:grant-type:anonymous")]
    Anonymous,
}

/// The longest name of a device.
const DEVICE: usize = 64;

impl Grant {
    /// Every grant, as metadata lists them.
    pub const ALL: &[Self] =
        &[Self::AuthorizationCode, Self::RefreshToken, Self::ClientCredentials, Self::Anonymous];

    /// The `grant_type` on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::RefreshToken => "refresh_token",
            Self::ClientCredentials => "client_credentials",
            Self::Anonymous => "urn:doorward:params:oauth:grant-type:anonymous",
        }
    }

    /// The grant of that name.
    pub fn from_wire(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|grant| grant.as_str() == name)
    }
}

/// A well-formed request; who sends it is [`crate::client_auth`]'s.
#[derive(Debug, Clone)]
pub enum TokenRequest {
    /// Redeem a code.
    AuthorizationCode(CodeAsk),
    /// Rotate a refresh token.
    RefreshToken(RefreshAsk),
    /// A token for the client itself.
    ClientCredentials(ClientAsk),
    /// Tokens for somebody without an account.
    Anonymous(AnonymousAsk),
}

/// What the token is to be for; each may be narrower than what was granted, never wider.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Target {
    /// Absent: everything granted, or the client's default.
    pub scope: Option<ScopeSet>,
    /// The APIs.
    pub resource: Vec<Resource>,
    /// The API by its name, for clients that do not know `resource`.
    pub audience: Option<String>,
    /// Beyond scopes.
    pub authorization_details: Option<AuthorizationDetails>,
}

/// `grant_type=authorization_code`.
#[derive(Debug, Clone)]
pub struct CodeAsk {
    /// The code.
    pub code: SecretText,
    /// The redirect URI of the authorization request, when it is repeated.
    pub redirect_uri: Option<String>,
    /// The secret behind the challenge.
    pub code_verifier: Option<Verifier>,
    /// What the application runs on, for the person to recognise.
    pub device_name: Option<String>,
    /// What the token is for.
    pub target: Target,
}

/// `grant_type=refresh_token`.
#[derive(Debug, Clone)]
pub struct RefreshAsk {
    /// The token to rotate.
    pub refresh_token: SecretText,
    /// What the token is for.
    pub target: Target,
}

/// `grant_type=client_credentials`.
#[derive(Debug, Clone)]
pub struct ClientAsk {
    /// What the token is for.
    pub target: Target,
}

/// `grant_type=urn:doorward:params:oauth:grant-type:anonymous`.
#[derive(Debug, Clone)]
pub struct AnonymousAsk {
    /// What the application runs on, for the person to recognise.
    pub device_name: Option<String>,
    /// What the token is for.
    pub target: Target,
}

/// Why a token request was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenRequestError {
    /// A grant that does not exist here; the name is for the log.
    #[error("the grant type is not supported")]
    UnsupportedGrant(String),
    /// A parameter is wrong.
    #[error(transparent)]
    Problem(#[from] Problem),
}

impl TokenRequest {
    /// Reads a request. Unknown parameters are ignored, repeated ones are refused (but for `resource`).
    pub fn parse(params: &Params) -> Result<Self, TokenRequestError> {
        params.once_each(MAY_REPEAT)?;
        let name = params.required("grant_type")?;
        let Some(grant) = Grant::from_wire(name) else {
            return Err(TokenRequestError::UnsupportedGrant(name.chars().take(100).collect()));
        };
        let target = Target::parse(params)?;
        Ok(match grant {
            Grant::AuthorizationCode => Self::AuthorizationCode(CodeAsk {
                code: params.required("code")?.into(),
                redirect_uri: params.one("redirect_uri")?.map(str::to_owned),
                code_verifier: verifier(params)?,
                device_name: device_name(params)?,
                target,
            }),
            Grant::RefreshToken => Self::RefreshToken(RefreshAsk {
                refresh_token: params.required("refresh_token")?.into(),
                target,
            }),
            Grant::ClientCredentials => Self::ClientCredentials(ClientAsk { target }),
            Grant::Anonymous => Self::Anonymous(AnonymousAsk { device_name: device_name(params)?, target }),
        })
    }

    /// Which grant this is.
    pub const fn grant(&self) -> Grant {
        match self {
            Self::AuthorizationCode(_) => Grant::AuthorizationCode,
            Self::RefreshToken(_) => Grant::RefreshToken,
            Self::ClientCredentials(_) => Grant::ClientCredentials,
            Self::Anonymous(_) => Grant::Anonymous,
        }
    }
}

impl Target {
    fn parse(params: &Params) -> Result<Self, Problem> {
        let scope = |text: &str| {
            text.parse().map_err(|_| Problem::new(ErrorCode::InvalidScope, "scope", "is malformed"))
        };
        Ok(Self {
            scope: params.one("scope")?.map(scope).transpose()?,
            resource: resources(params)?,
            audience: params.one("audience")?.map(str::to_owned),
            authorization_details: params
                .one("authorization_details")?
                .map(AuthorizationDetails::parse)
                .transpose()?,
        })
    }
}

fn device_name(params: &Params) -> Result<Option<String>, Problem> {
    let Some(name) = params.one("device_name")?.map(str::trim).filter(|name| !name.is_empty()) else {
        return Ok(None);
    };
    if name.chars().count() > DEVICE || name.chars().any(char::is_control) {
        return Err(Problem::invalid(
            "device_name",
            "is longer than 64 characters, or holds control characters",
        ));
    }
    Ok(Some(name.to_owned()))
}

fn verifier(params: &Params) -> Result<Option<Verifier>, Problem> {
    let parse = |text: &str| {
        text.parse().map_err(|_| Problem::invalid("code_verifier", "is not 43 to 128 unreserved characters"))
    };
    params.one("code_verifier")?.map(parse).transpose()
}

/// How the access token is presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TokenType {
    /// RFC 6750.
    Bearer,
    /// RFC 9449: only when a proof was presented, since some clients know nothing else than Bearer.
    DPoP,
}

/// A successful answer; what is absent is left out, never `null`.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct TokenResponse {
    /// The access token.
    pub access_token: String,
    /// How it is presented.
    pub token_type: TokenType,
    /// Its life in seconds.
    pub expires_in: u64,
    /// The refresh token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// The ID token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_token: Option<String>,
    /// What was granted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<ScopeSet>,
    /// What was granted beyond scopes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_details: Option<AuthorizationDetails>,
}

impl fmt::Debug for TokenResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenResponse")
            .field("token_type", &self.token_type)
            .field("expires_in", &self.expires_in)
            .field("refresh_token", &self.refresh_token.is_some())
            .field("id_token", &self.id_token.is_some())
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
