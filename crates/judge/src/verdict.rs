//! What is answered to an ask: allowed, or refused for a reason that has a name.

use std::time::Duration;

use crate::principal::Principal;

/// The answer.
#[derive(Debug)]
pub enum Verdict<'p> {
    /// Let through: as somebody, or as nobody where a rule asks for nobody.
    Allowed(Option<&'p Principal>),
    /// Not let through.
    Refused(Refusal),
}

/// Why something was refused. The names are public: users' programs compare them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Why {
    /// No credential was presented.
    MissingToken,
    /// A credential of a kind that is not known here.
    InvalidScheme,
    /// A credential that is none: unknown, malformed, badly signed.
    InvalidToken,
    /// It is bound to a key, and the request has not proven to hold it.
    ProofRequired,
    /// The proof needs a nonce that was given out here (RFC 9449 9).
    NonceRequired,
    /// Signed with an algorithm that is not accepted from its issuer.
    UnsupportedAlgorithm,
    /// The issuer's keys cannot be had now.
    KeyUnavailable,
    /// Its time is over.
    TokenExpired,
    /// It was taken back.
    TokenRevoked,
    /// It was issued for somebody else.
    InvalidAudience,
    /// It was issued by somebody who is not believed here.
    InvalidIssuer,
    /// It lacks a scope.
    MissingScope,
    /// It does not open the workspace.
    WorkspaceForbidden,
    /// It may not be used from this address.
    InvalidAddress,
    /// Whoever it is may not do this.
    Forbidden,
    /// No policy of the route permits it, or one forbids it.
    PolicyDenied,
    /// Several credentials in one request.
    SeveralCredentials,
    /// The request is not described as the named proxy describes it.
    RequestNotDescribed,
    /// Two readers of this path could take it for two different ones.
    PathAmbiguous,
    /// There is no route of that name.
    RouteUnknown,
    /// A method that is not sent on: CONNECT, TRACE, and what is not written as methods are.
    MethodNotAllowed,
    /// The body is framed in a way that two servers could read differently.
    RequestInvalid,
    /// The body is longer than the route takes.
    RequestTooLarge,
    /// Another protocol was asked for than the route has.
    UpgradeRefused,
    /// Too many failed tries from one address.
    AddressFailures,
    /// Too many failed tries in the name of one identity.
    IdentityFailures,
    /// More requests in a short time than a route allows.
    RateLimited,
    /// More requests in a part of the calendar than a route allows.
    QuotaExceeded,
    /// The application behind cannot be reached, or broke off.
    UpstreamUnreachable,
    /// The application behind did not answer in time.
    UpstreamTimeout,
    /// What is needed to decide cannot be reached.
    Unavailable,
}

/// In which way a refusal is told (RFC 6750 3.1, RFC 9110 15).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// 401, with a bare challenge: nothing was presented.
    Missing,
    /// 401, `invalid_token`.
    Unauthenticated,
    /// 403.
    Forbidden,
    /// 400, `invalid_request`.
    Malformed,
    /// 404.
    NotFound,
    /// 405.
    MethodNotAllowed,
    /// 413.
    TooLarge,
    /// 429, with the time after which it may be tried again.
    TooMany,
    /// 502.
    BadGateway,
    /// 504.
    GatewayTimeout,
    /// 503.
    Unavailable,
}

impl Why {
    /// All of them, for tables and documentation.
    pub const ALL: [Self; 31] = [
        Self::MissingToken,
        Self::InvalidScheme,
        Self::InvalidToken,
        Self::ProofRequired,
        Self::NonceRequired,
        Self::UnsupportedAlgorithm,
        Self::KeyUnavailable,
        Self::TokenExpired,
        Self::TokenRevoked,
        Self::InvalidAudience,
        Self::InvalidIssuer,
        Self::MissingScope,
        Self::WorkspaceForbidden,
        Self::InvalidAddress,
        Self::Forbidden,
        Self::PolicyDenied,
        Self::SeveralCredentials,
        Self::RequestNotDescribed,
        Self::PathAmbiguous,
        Self::RouteUnknown,
        Self::MethodNotAllowed,
        Self::RequestInvalid,
        Self::RequestTooLarge,
        Self::UpgradeRefused,
        Self::AddressFailures,
        Self::IdentityFailures,
        Self::RateLimited,
        Self::QuotaExceeded,
        Self::UpstreamUnreachable,
        Self::UpstreamTimeout,
        Self::Unavailable,
    ];

    /// The public code.
    pub const fn code(self) -> &'static str {
        self.line().0
    }

    /// How it is told.
    pub const fn class(self) -> Class {
        self.line().1
    }

    /// One sentence for whoever sent the request.
    pub const fn message(self) -> &'static str {
        self.line().2
    }

    const fn line(self) -> (&'static str, Class, &'static str) {
        use Class as C;
        match self {
            Self::MissingToken => ("auth.missing_token", C::Missing, "Missing bearer token"),
            Self::InvalidScheme => {
                ("auth.invalid_scheme", C::Missing, "The authorization scheme is not supported here")
            }
            Self::InvalidToken => ("auth.invalid_token", C::Unauthenticated, "Invalid bearer token"),
            Self::ProofRequired => (
                "auth.proof_required",
                C::Unauthenticated,
                "The token is bound to a key that the request does not prove to hold",
            ),
            Self::NonceRequired => {
                ("auth.nonce_required", C::Unauthenticated, "The proof needs the nonce that is given here")
            }
            Self::UnsupportedAlgorithm => (
                "auth.unsupported_algorithm",
                C::Unauthenticated,
                "The token is signed with an algorithm that is not accepted",
            ),
            Self::KeyUnavailable => {
                ("auth.key_unavailable", C::Unavailable, "The issuer's keys cannot be reached")
            }
            Self::TokenExpired => ("auth.token_expired", C::Unauthenticated, "Bearer token has expired"),
            Self::TokenRevoked => ("auth.token_revoked", C::Unauthenticated, "Bearer token has been revoked"),
            Self::InvalidAudience => {
                ("auth.invalid_audience", C::Unauthenticated, "The token was issued for another audience")
            }
            Self::InvalidIssuer => {
                ("auth.invalid_issuer", C::Unauthenticated, "The token's issuer is not accepted here")
            }
            Self::MissingScope => ("auth.missing_scope", C::Forbidden, "Missing required scopes"),
            Self::WorkspaceForbidden => ("auth.workspace_forbidden", C::Forbidden, "Workspace access denied"),
            Self::InvalidAddress => {
                ("auth.invalid_address", C::Unauthenticated, "The token may not be used from this address")
            }
            Self::Forbidden => ("auth.forbidden", C::Forbidden, "Not allowed"),
            Self::PolicyDenied => {
                ("auth.policy_denied", C::Forbidden, "The policy of the route does not permit this")
            }
            Self::SeveralCredentials => {
                ("auth.several_credentials", C::Malformed, "The request presents more than one credential")
            }
            Self::RequestNotDescribed => (
                "gateway.request_not_described",
                C::Forbidden,
                "The request to be judged is not described as the named proxy describes it",
            ),
            Self::PathAmbiguous => {
                ("gateway.path_ambiguous", C::Malformed, "The path can be read in more than one way")
            }
            Self::RouteUnknown => ("gateway.route_unknown", C::NotFound, "There is no such route"),
            Self::MethodNotAllowed => {
                ("request.method", C::MethodNotAllowed, "The method is not allowed here")
            }
            Self::RequestInvalid => ("request.invalid", C::Malformed, "The request is malformed"),
            Self::RequestTooLarge => ("request.too_large", C::TooLarge, "The request is too large"),
            Self::UpgradeRefused => {
                ("gateway.upgrade_refused", C::Malformed, "The route does not take this protocol")
            }
            Self::AddressFailures => ("auth.rate_limited.ip", C::TooMany, "Too many authentication attempts"),
            Self::IdentityFailures => (
                "auth.rate_limited.identity",
                C::TooMany,
                "Too many authentication attempts for this identity",
            ),
            Self::RateLimited => ("gateway.rate_limited", C::TooMany, "Too many requests"),
            Self::QuotaExceeded => ("gateway.quota_exceeded", C::TooMany, "The quota is used up"),
            Self::UpstreamUnreachable => {
                ("gateway.upstream_unreachable", C::BadGateway, "The application cannot be reached")
            }
            Self::UpstreamTimeout => {
                ("gateway.upstream_timeout", C::GatewayTimeout, "The application did not answer in time")
            }
            Self::Unavailable => {
                ("unavailable", C::Unavailable, "What is needed to decide cannot be reached")
            }
        }
    }
}

impl Class {
    /// The HTTP status.
    pub const fn status(self) -> u16 {
        match self {
            Self::Missing | Self::Unauthenticated => 401,
            Self::Forbidden => 403,
            Self::Malformed => 400,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::TooLarge => 413,
            Self::TooMany => 429,
            Self::BadGateway => 502,
            Self::GatewayTimeout => 504,
            Self::Unavailable => 503,
        }
    }
}

/// A refusal, with what its code promises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub why: Why,
    /// What is missing: scopes, workspaces; the address that has failed too often.
    pub missing: Vec<String>,
    /// What would help, where the message does not say it.
    pub hint: String,
    /// After this time it may be tried again, where waiting helps.
    pub retry_after: Option<Duration>,
    /// The nonce for the next proof of possession (RFC 9449 8), where one would help.
    pub nonce: Option<String>,
    /// What is for the log alone.
    pub cause: Option<Box<str>>,
}

impl Refusal {
    /// A refusal without more to say.
    pub const fn new(why: Why) -> Self {
        Self { why, missing: Vec::new(), hint: String::new(), retry_after: None, nonce: None, cause: None }
    }

    /// With what is missing.
    #[must_use]
    pub fn missing(mut self, names: Vec<String>) -> Self {
        self.missing = names;
        self
    }

    /// With what would help.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// With the time after which it may be tried again.
    #[must_use]
    pub const fn after(mut self, time: Duration) -> Self {
        self.retry_after = Some(time);
        self
    }

    /// That time in whole seconds, rounded up: who comes then comes late enough.
    pub fn retry_after_seconds(&self) -> Option<u64> {
        let time = self.retry_after?;
        Some((time.as_secs() + u64::from(time.subsec_nanos() > 0)).max(1))
    }

    /// With what the operator should know, and nobody else.
    #[must_use]
    pub fn cause(mut self, cause: impl Into<Box<str>>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// With the nonce for the next proof.
    #[must_use]
    pub fn nonce(mut self, nonce: String) -> Self {
        self.nonce = Some(nonce);
        self
    }

    /// The sentence for whoever sent the request, with what is missing.
    pub fn message(&self) -> String {
        let message = self.why.message();
        let message = match (self.missing.is_empty(), self.why) {
            (true, _) => message.to_owned(),
            (false, Why::WorkspaceForbidden) => format!("{message} for: {}", self.missing.join(", ")),
            (false, Why::AddressFailures) => format!("{message} from IP {}", self.missing.join(", ")),
            (false, _) => format!("{message}: {}", self.missing.join(", ")),
        };
        if self.hint.is_empty() { message } else { format!("{message}. {}", self.hint) }
    }
}

impl From<Why> for Refusal {
    fn from(why: Why) -> Self {
        Self::new(why)
    }
}
