//! The error codes of OAuth and OpenID Connect, the JSON they travel in (RFC 6749 5.2), and what a
//! parser of requests reports.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// An error code, as the specifications spell it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum ErrorCode { $($(#[$doc])* #[serde(rename = $text)] $name,)* }

        impl ErrorCode {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The text on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

codes! {
    /// RFC 6749 4.1.2.1, 5.2.
    InvalidRequest = "invalid_request",
    /// RFC 6749 5.2.
    InvalidClient = "invalid_client",
    /// RFC 6749 5.2.
    InvalidGrant = "invalid_grant",
    /// RFC 6749 4.1.2.1, 5.2.
    UnauthorizedClient = "unauthorized_client",
    /// RFC 6749 5.2.
    UnsupportedGrantType = "unsupported_grant_type",
    /// RFC 6749 4.1.2.1, 5.2.
    InvalidScope = "invalid_scope",
    /// RFC 6749 4.1.2.1.
    AccessDenied = "access_denied",
    /// RFC 6749 4.1.2.1.
    UnsupportedResponseType = "unsupported_response_type",
    /// RFC 6749 4.1.2.1.
    ServerError = "server_error",
    /// RFC 6749 4.1.2.1.
    TemporarilyUnavailable = "temporarily_unavailable",
    /// OpenID Connect Core 3.1.2.6.
    InteractionRequired = "interaction_required",
    /// OpenID Connect Core 3.1.2.6.
    LoginRequired = "login_required",
    /// OpenID Connect Core 3.1.2.6.
    AccountSelectionRequired = "account_selection_required",
    /// OpenID Connect Core 3.1.2.6.
    ConsentRequired = "consent_required",
    /// OpenID Connect Core 3.1.2.6.
    InvalidRequestUri = "invalid_request_uri",
    /// OpenID Connect Core 3.1.2.6.
    InvalidRequestObject = "invalid_request_object",
    /// OpenID Connect Core 3.1.2.6.
    RequestNotSupported = "request_not_supported",
    /// OpenID Connect Core 3.1.2.6.
    RequestUriNotSupported = "request_uri_not_supported",
    /// OpenID Connect Core Unmet Authentication Requirements.
    UnmetAuthenticationRequirements = "unmet_authentication_requirements",
    /// RFC 6750 3.1.
    InvalidToken = "invalid_token",
    /// RFC 6750 3.1.
    InsufficientScope = "insufficient_scope",
    /// RFC 7009 2.2.1.
    UnsupportedTokenType = "unsupported_token_type",
    /// RFC 8707 2.
    InvalidTarget = "invalid_target",
    /// RFC 9396 5.
    InvalidAuthorizationDetails = "invalid_authorization_details",
    /// RFC 9449 5.
    InvalidDpopProof = "invalid_dpop_proof",
    /// RFC 9449 8.
    UseDpopNonce = "use_dpop_nonce",
    /// RFC 9470 3.
    InsufficientUserAuthentication = "insufficient_user_authentication",
}

/// An error answer of a token, revocation, introspection or PAR endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// The code.
    pub error: String,
    /// A sentence for the developer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_description: Option<String>,
    /// A page that says more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_uri: Option<String>,
}

const REPEATED: &str = "is repeated";
/// No parameter that anybody uses has a longer name.
const LONGEST_SHOWN: usize = 64;

/// What is wrong with one parameter of a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{parameter} {why}")]
pub struct Problem {
    /// The code the specification has for it.
    pub error: ErrorCode,
    /// The parameter's name.
    pub parameter: Cow<'static, str>,
    /// The rest of the sentence; never quotes what was sent.
    pub why: &'static str,
}

impl Problem {
    /// A problem for which the specification has a code of its own.
    pub const fn new(error: ErrorCode, parameter: &'static str, why: &'static str) -> Self {
        Self { error, parameter: Cow::Borrowed(parameter), why }
    }
    /// `invalid_request`.
    pub const fn invalid(parameter: &'static str, why: &'static str) -> Self {
        Self::new(ErrorCode::InvalidRequest, parameter, why)
    }
    /// A parameter that may be sent once was sent again: any, by its name where that is fit to be shown.
    pub fn repeated(name: &str) -> Self {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
        let is_shown = (1..=LONGEST_SHOWN).contains(&name.len()) && name.bytes().all(is_plain);
        let parameter = if is_shown { Cow::Owned(name.to_owned()) } else { Cow::Borrowed("a parameter") };
        Self { error: ErrorCode::InvalidRequest, parameter, why: REPEATED }
    }
    /// Whether this is about a parameter that was sent again.
    pub fn is_repeated(&self) -> bool {
        self.why == REPEATED
    }
    /// A required parameter is missing.
    pub const fn missing(parameter: &'static str) -> Self {
        Self::invalid(parameter, "is missing")
    }
}

/// The characters an `error_description` may hold (RFC 6749 5.2), others replaced by spaces.
pub fn describable(text: &str) -> String {
    text.chars().map(|c| if matches!(c, ' '..='~') && c != '"' && c != '\\' { c } else { ' ' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_travel_as_their_names() {
        for code in ErrorCode::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
            assert!(code.as_str().bytes().all(|b| b.is_ascii_lowercase() || b == b'_'));
        }
        assert_eq!(Problem::missing("code").to_string(), "code is missing");
    }

    #[test]
    fn descriptions_hold_only_what_they_may() {
        assert_eq!(describable("a\"b\\c\u{e9}d\ne~!"), "a b c d e~!");
    }

    #[test]
    fn absent_members_are_left_out() {
        let body = ErrorBody { error: "invalid_grant".into(), error_description: None, error_uri: None };
        assert_eq!(serde_json::to_string(&body).unwrap(), r#"{"error":"invalid_grant"}"#);
    }
}
