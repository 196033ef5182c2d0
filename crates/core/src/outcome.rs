//! How every use case ends: granted, refused, or fault.
//!
//! A *refusal* is a normal answer with a [`Code`] and a hint that is safe to show; it rolls the
//! operation back. A *fault* is ours (database, disk, upstream): it shows nothing and logs everything.
//! `?` on any other error type makes a fault, so an outage can never pose as a refusal; a refusal is
//! only ever written out, with [`refuse`].

use std::{borrow::Cow, fmt};

/// The result of every use case.
pub type Result<T> = std::result::Result<T, Error>;

/// Why an operation did not grant what was asked.
#[derive(Debug)]
pub enum Error {
    /// A normal answer: no.
    Refused(Refusal),
    /// Something of ours is broken.
    Fault(Fault),
}

/// A refusal: what a person or a program may be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Which rule refused; decides how the refusal looks on the wire.
    pub code: Code,
    /// One safe sentence on what is wrong here; may be empty.
    pub hint: Cow<'static, str>,
    /// The input that is at fault, by its name on the wire.
    pub field: Option<Cow<'static, str>>,
    /// Seconds after which another try makes sense.
    pub retry_after: Option<u32>,
    /// What else the code promises, by its name on the wire: `scope`, `budget_id`.
    pub facts: Vec<(&'static str, serde_json::Value)>,
}

impl Refusal {
    /// A refusal that says nothing beyond its code.
    pub const fn new(code: Code) -> Self {
        Self { code, hint: Cow::Borrowed(""), field: None, retry_after: None, facts: Vec::new() }
    }
    /// Adds a sentence that is safe to show.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<Cow<'static, str>>) -> Self {
        self.hint = hint.into();
        self
    }
    /// Names the input at fault.
    #[must_use]
    pub fn field(mut self, field: impl Into<Cow<'static, str>>) -> Self {
        self.field = Some(field.into());
        self
    }
    /// Adds what the code promises, by its name on the wire.
    #[must_use]
    pub fn fact(mut self, name: &'static str, value: impl Into<serde_json::Value>) -> Self {
        self.facts.push((name, value.into()));
        self
    }
    /// Says when to try again, in seconds.
    #[must_use]
    pub const fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }
}

/// Ends a use case with a refusal that says nothing beyond its code.
pub const fn refuse<T>(code: Code) -> Result<T> {
    Err(Error::Refused(Refusal::new(code)))
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// Something of ours is broken. Never shown; logged with its cause.
pub struct Fault {
    what: Cow<'static, str>,
    cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Fault {
    /// A fault without an underlying error: a broken invariant.
    pub fn new(what: impl Into<Cow<'static, str>>) -> Self {
        Self { what: what.into(), cause: None }
    }
    /// Says what was being done when the fault happened.
    #[must_use]
    pub fn during(mut self, what: impl Into<Cow<'static, str>>) -> Self {
        let what = what.into();
        self.what = if self.what.is_empty() { what } else { format!("{what}: {}", self.what).into() };
        self
    }
    /// Whether something that we depend on is out of reach, rather than broken.
    pub fn is_unavailable(&self) -> bool {
        self.cause.as_deref().is_some_and(crate::db::is_out_of_reach)
    }
    /// The error underneath, if there is one.
    pub fn cause(&self) -> Option<&(dyn std::error::Error + Send + Sync + 'static)> {
        self.cause.as_deref()
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut told = self.what.to_string();
        let mut cause = self.cause.as_deref().map(|cause| cause as &dyn std::error::Error);
        while let Some(error) = cause {
            let more = error.to_string();
            // Some tell their cause in their own words already.
            if !told.ends_with(&more) {
                told = if told.is_empty() { more } else { format!("{told}: {more}") };
            }
            cause = error.source();
        }
        f.write_str(&told)
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl<E: std::error::Error + Send + Sync + 'static> From<E> for Error {
    fn from(error: E) -> Self {
        Self::Fault(Fault { what: Cow::Borrowed(""), cause: Some(Box::new(error)) })
    }
}

impl Error {
    /// A fault without an underlying error: a broken invariant.
    pub fn fault(what: impl Into<Cow<'static, str>>) -> Self {
        Self::Fault(Fault::new(what))
    }
    /// Says what was being done, when this is a fault.
    #[must_use]
    pub fn during(self, what: impl Into<Cow<'static, str>>) -> Self {
        match self {
            Self::Fault(fault) => Self::Fault(fault.during(what)),
            refused @ Self::Refused(_) => refused,
        }
    }
    /// The code, when this is a refusal.
    pub const fn code(&self) -> Option<Code> {
        match self {
            Self::Refused(refusal) => Some(refusal.code),
            Self::Fault(_) => None,
        }
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// Every way in which Doorward says no, in the words of the domain. Additive only: the names
        /// are public. How each looks on the wire is one line in `doorward_web::surface`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code { $($(#[$doc])* $name,)* }

        impl Code {
            /// Every code, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The public name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

codes! {
    // Any request
    /// Malformed or missing input.
    RequestInvalid = "request.invalid",
    /// The body is larger than this endpoint takes.
    RequestTooLarge = "request.too_large",
    /// Address and headers are larger than anything here takes.
    RequestHeadTooLarge = "request.head_too_large",
    /// The body did not arrive in time.
    RequestSlow = "request.slow",
    /// The body's media type is not one this endpoint reads.
    MediaTypeUnsupported = "request.media_type",
    /// The path exists, the method does not.
    MethodNotAllowed = "request.method",
    /// Nothing here, or nothing of yours.
    NotFound = "not_found",
    /// It exists already, or its state forbids this.
    Conflict = "conflict",
    /// Known, but not allowed.
    Forbidden = "auth.forbidden",
    /// `If-Match` names another version.
    VersionMismatch = "version_mismatch",
    /// The `Idempotency-Key` was used with another body.
    IdempotencyConflict = "idempotency_conflict",
    /// A form was posted from another site, or with an old form token.
    FormForged = "form.forged",
    /// A form came without any cookie of ours.
    CookieMissing = "form.cookie_missing",
    /// Too many tries; comes with `retry_after`.
    RateLimited = "auth.rate_limited.identity",
    /// Too many tries from this address; comes with `retry_after`.
    RateLimitedAddress = "auth.rate_limited.ip",
    /// The server has more to do than it can queue.
    Overloaded = "overloaded",
    /// Something that this answer needs cannot be reached.
    Unavailable = "unavailable",

    // A caller's credential
    /// No credential.
    CredentialMissing = "auth.missing_token",
    /// The `Authorization` scheme is not one we take here.
    CredentialScheme = "auth.invalid_scheme",
    /// Malformed, unknown or forged.
    CredentialInvalid = "auth.invalid_token",
    /// Its time is over.
    CredentialExpired = "auth.token_expired",
    /// It was ended before its time.
    CredentialRevoked = "auth.token_revoked",
    /// It was made for another audience.
    CredentialAudience = "auth.invalid_audience",
    /// It was made by another issuer.
    CredentialIssuer = "auth.invalid_issuer",
    /// It lacks a scope.
    ScopeMissing = "auth.missing_scope",
    /// It may not be used from this address.
    CredentialAddress = "auth.invalid_address",
    /// It is not for this workspace.
    WorkspaceForbidden = "auth.workspace_forbidden",
    /// No policy of the route permits it, or one forbids it.
    PolicyDenied = "auth.policy_denied",
    /// The keys that verify it are out of reach.
    KeyUnavailable = "auth.key_unavailable",
    /// It is bound to a key that the request does not prove to hold.
    ProofRequired = "auth.proof_required",
    /// A proof of possession needs a nonce of ours.
    NonceRequired = "auth.nonce_required",
    /// It is signed with an algorithm that is not accepted from its issuer.
    AlgorithmUnsupported = "auth.unsupported_algorithm",
    /// One request presents several.
    CredentialsSeveral = "auth.several_credentials",

    // The gateway
    /// A request is not described as the named proxy describes it.
    RequestNotDescribed = "gateway.request_not_described",
    /// A path can be read in more than one way.
    PathAmbiguous = "gateway.path_ambiguous",
    /// There is no such route.
    RouteUnknown = "gateway.route_unknown",
    /// Another protocol was asked for than a route has.
    UpgradeRefused = "gateway.upgrade_refused",
    /// More requests in a short time than a route allows; comes with `retry_after`.
    GatewayRateLimited = "gateway.rate_limited",
    /// More requests in a part of the calendar than a route allows; comes with `retry_after`.
    QuotaExceeded = "gateway.quota_exceeded",
    /// The application behind cannot be reached, or broke off.
    UpstreamUnreachable = "gateway.upstream_unreachable",
    /// The application behind did not answer in time.
    UpstreamTimeout = "gateway.upstream_timeout",

    // People
    /// Name or password is wrong, or the account cannot sign in; never says which.
    SignInFailed = "sign_in.failed",
    /// Somebody must sign in first.
    SignInRequired = "sign_in.required",
    /// The sign-in is too old for this; sign in again.
    SignInStale = "sign_in.stale",
    /// Self-registration is not open.
    SignUpClosed = "sign_up.closed",
    /// The mail address's domain may not register.
    SignUpDomain = "sign_up.domain",
    /// The first administrator exists already.
    SetUpDone = "set_up.done",
    /// Not a mail address.
    EmailInvalid = "email.invalid",
    /// The mail address belongs to another account (told to administrators only).
    EmailTaken = "email.taken",
    /// Too short.
    PasswordShort = "password.short",
    /// Too long.
    PasswordLong = "password.long",
    /// Easy to guess.
    PasswordWeak = "password.weak",
    /// Known from published break-ins.
    PasswordBreached = "password.breached",
    /// The present password is wrong.
    PasswordWrong = "password.wrong",
    /// A stored hash in a form that is not supported.
    PasswordHashUnsupported = "password.hash_unsupported",
    /// The link is unknown, used or too old.
    LinkInvalid = "link.invalid",
    /// The last administrator cannot be removed.
    LastAdministrator = "user.last_administrator",
    /// The last owner of an organisation cannot leave or lose that role.
    LastOwner = "org.last_owner",
    /// The DNS of a domain does not say that it is the organisation's.
    DomainUnproven = "org.domain_unproven",
    /// The organisation may not be used from this address.
    OrgAddress = "org.address",
    /// An invitation is for another mail address, or for one that the account has not proven.
    InvitationAddress = "org.invitation_address",

    // Signing in elsewhere
    /// A sign-in elsewhere that is unknown, over, too old, or another browser's.
    ConnectState = "connect.state",
    /// The provider said no, or the person did there.
    ConnectRefused = "connect.refused",
    /// What the provider answered cannot be believed.
    ConnectInvalid = "connect.invalid",
    /// The provider does not answer.
    ConnectUnreachable = "connect.unreachable",
    /// The provider does not vouch for a mail address.
    ConnectUnverified = "connect.email_unverified",
    /// An organisation's provider signs in its own people alone.
    ConnectOutside = "connect.outside",
    /// It is the last way to sign in.
    LastSignIn = "connect.last",

    // Clients
    /// No such client, or it may not be used now.
    ClientUnknown = "client.unknown",
    /// The client did not prove who it is.
    ClientAuthentication = "client.authentication",
    /// The client may not prove who it is from this address.
    ClientAddress = "client.address",
    /// A redirect URI that is not registered.
    RedirectUriUnregistered = "client.redirect_uri_unregistered",
    /// A redirect URI that may not be registered.
    RedirectUriInvalid = "client.redirect_uri_invalid",
    /// Client metadata that cannot be accepted.
    ClientMetadataInvalid = "client.metadata_invalid",
    /// The client may not use this grant.
    GrantNotAllowed = "client.grant_not_allowed",

    // Authorization requests
    /// Only `code` is supported.
    ResponseTypeUnsupported = "authorize.response_type",
    /// A `response_mode` we do not have.
    ResponseModeUnsupported = "authorize.response_mode",
    /// A scope that is unknown or not the client's.
    ScopeInvalid = "scope.invalid",
    /// A resource that is unknown or not allowed.
    TargetInvalid = "target.invalid",
    /// No code challenge, or one of a method we refuse.
    PkceRequired = "authorize.pkce_required",
    /// `prompt` contradicts itself or is unknown.
    PromptInvalid = "authorize.prompt",
    /// `claims` cannot be read.
    ClaimsInvalid = "authorize.claims",
    /// `authorization_details` are not supported or malformed.
    AuthorizationDetailsInvalid = "authorize.authorization_details",
    /// Request objects are not supported.
    RequestObjectUnsupported = "authorize.request_object",
    /// A `request_uri` that is not a live pushed request of this client.
    RequestUriInvalid = "authorize.request_uri",
    /// A `request_uri` somewhere else; we fetch none.
    RequestUriUnsupported = "authorize.request_uri_unsupported",
    /// The client must push its requests.
    PushedRequestRequired = "authorize.par_required",
    /// `prompt=none`, and nobody is signed in.
    LoginRequired = "authorize.login_required",
    /// `prompt=none`, and consent is missing.
    ConsentRequired = "authorize.consent_required",
    /// `prompt=none`, and the account is ambiguous.
    AccountSelectionRequired = "authorize.account_selection_required",
    /// `prompt=none`, and some other step is needed.
    InteractionRequired = "authorize.interaction_required",
    /// The requested `acr` cannot be reached.
    AuthenticationUnmet = "authorize.unmet_authentication",
    /// The person said no.
    AccessDenied = "authorize.access_denied",
    /// The authorization in progress is unknown, finished or too old.
    DraftUnknown = "authorize.draft_unknown",
    /// The `organization` is unknown or not the person's.
    OrganizationUnknown = "authorize.organization",

    // Token requests
    /// A grant type we do not have.
    GrantUnsupported = "token.grant_unsupported",
    /// No such code, or not this client's.
    CodeUnknown = "code.unknown",
    /// The code was redeemed before; everything made from it has been ended.
    CodeReused = "code.reused",
    /// The code is too old.
    CodeExpired = "code.expired",
    /// Another `redirect_uri` than at authorize.
    CodeRedirectUri = "code.redirect_uri",
    /// The verifier does not match the challenge, is missing, or is not expected.
    PkceMismatch = "code.pkce_mismatch",
    /// No such refresh token, or not this client's.
    RefreshUnknown = "refresh.unknown",
    /// The refresh token was used before; its family has been ended.
    RefreshReused = "refresh.reused",
    /// The refresh token is too old.
    RefreshExpired = "refresh.expired",
    /// The grant behind the token was ended.
    GrantEnded = "grant.ended",
    /// The principal is suspended or gone, or was changed meanwhile.
    PrincipalEnded = "principal.ended",
    /// A token type the endpoint does not know.
    TokenTypeUnsupported = "token.type_unsupported",

    // Service tokens
    /// No such service token.
    TokenNotFound = "token.not_found",
    /// The organisation has a token of this name.
    TokenNameTaken = "token.name_taken",
    /// It was revoked, rotated or has expired.
    TokenEnded = "token.ended",
    /// A life that is too short or too long.
    TokenLifetime = "token.lifetime",

    // Proofs
    /// The DPoP proof is missing or wrong.
    DpopInvalid = "dpop.invalid",
    /// A DPoP proof with our nonce is needed.
    DpopNonceRequired = "dpop.nonce_required",

    // Keys
    /// That state change makes no sense for this key.
    KeyState = "key.state",
}

#[cfg(test)]
mod tests;
