//! The signed word of a gateway for who was let through, `X-Doorward-Assertion`, at the application behind.
//!
//! Whoever reaches an application past its gateway can write any header. So none that says who somebody is
//! counts here but this one, and it counts only when the issuer has signed it, for this application, a moment
//! ago. From then on the plain headers are there as well, made anew from what was signed: an application that
//! reads `X-User-ID` needs no change.

use std::{sync::Arc, time::Duration};

use doorward_judge::{CredentialKind, Identity, IdentityType, Principal, Refusal, Why};
use doorward_proto::{
    jose::{Alg, JoseError, Typ, Unverified},
    time::Time,
};
use http::{HeaderMap, HeaderName, request::Parts};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{
    caller::{Caller, Refused, Scene},
    clock::{self, Clock},
    dress::{Errors, REQUEST_ID},
    fetch::Fetch,
    server::{
        Known, identity_headers,
        jwt::{BadIssuer, IssuerSpec, Keys},
    },
};

/// The header of the signed word.
pub const ASSERTION: HeaderName = HeaderName::from_static("x-doorward-assertion");

/// No gateway signs for longer.
const LIFETIME: Duration = Duration::from_secs(60);
/// How far the clocks of gateway and application may be apart.
const SKEW: Duration = Duration::from_secs(30);

/// Somebody for whom a gateway has vouched.
#[derive(Debug, Clone)]
pub struct AssertedCaller(pub(crate) Caller);

impl AssertedCaller {
    /// The caller.
    pub fn into_caller(self) -> Caller {
        self.0
    }
}

impl std::ops::Deref for AssertedCaller {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.0
    }
}

/// Verifies what a gateway says. Cheap to clone.
#[derive(Clone)]
pub struct Assertions(Arc<Inner>);

struct Inner {
    issuer: String,
    audience: String,
    keys: Keys,
    is_needed: bool,
    errors: Errors,
    clock: Clock,
}

impl Assertions {
    /// Believes this issuer, in what it says to `audience`: the route's `upstream` as the gateway has it, or
    /// `route:NAME` where a route has none.
    ///
    /// # Errors
    /// An issuer that makes no sense: without one name, or with a secret that more than one party knows.
    pub fn new(issuer: &IssuerSpec, audience: &str, fetch: &Arc<dyn Fetch>) -> Result<Self, BadIssuer> {
        let wrong = |field, what: &str| BadIssuer {
            issuer: issuer.issuer.first().cloned().unwrap_or_default(),
            field,
            what: what.to_owned(),
        };
        let [name] = issuer.issuer.as_slice() else {
            return Err(wrong("issuer", "name the one issuer whose gateway it is"));
        };
        if issuer.jwt_secret.is_some() {
            return Err(wrong("jwt_secret", "assertions are signed with a key that is published"));
        }
        Ok(Self(Arc::new(Inner {
            issuer: name.clone(),
            audience: audience.to_owned(),
            keys: issuer.keys(fetch)?,
            is_needed: true,
            errors: Errors::Problem,
            clock: clock::system(),
        })))
    }

    /// Lets requests without an assertion through, as nobody's: for routes that let anybody through.
    #[must_use]
    pub fn optional(self) -> Self {
        self.with(|inner| inner.is_needed = false)
    }

    /// In which words refusals are told.
    #[must_use]
    pub fn errors(self, errors: Errors) -> Self {
        self.with(|inner| inner.errors = errors)
    }

    /// Another clock than the machine's.
    #[must_use]
    pub fn clock(self, clock: Clock) -> Self {
        self.with(|inner| inner.clock = clock)
    }

    fn with(self, change: impl FnOnce(&mut Inner)) -> Self {
        let Inner { issuer, audience, keys, is_needed, errors, clock } = &*self.0;
        let mut inner = Inner {
            issuer: issuer.clone(),
            audience: audience.clone(),
            keys: keys.clone(),
            is_needed: *is_needed,
            errors: *errors,
            clock: Arc::clone(clock),
        };
        change(&mut inner);
        Self(Arc::new(inner))
    }

    /// Who sent a request. Identity headers are removed from it in every spelling, and set anew from what was
    /// signed.
    ///
    /// # Errors
    /// The refusal to send back.
    pub async fn admit(&self, request: &mut Parts) -> Result<Option<AssertedCaller>, Refused> {
        let scene = self.scene(&request.headers);
        let said = self.verified(&request.headers).await;
        identity_headers::remove(&mut request.headers);
        let principal = match said {
            Ok(principal) => principal,
            Err(refusal) if refusal.why == Why::MissingToken && !self.0.is_needed => return Ok(None),
            Err(refusal) => return Err(Refused::new(refusal, scene)),
        };
        let known = Arc::new(Known::new(principal, 0, (self.0.clock)()));
        request.headers.extend(known.headers().clone());
        Ok(Some(AssertedCaller(Caller::new(known, scene))))
    }

    /// Who is vouched for in these headers; they are not changed.
    ///
    /// # Errors
    /// `auth.missing_token` when nothing is said; why it does not count.
    pub async fn verified(&self, headers: &HeaderMap) -> Result<Principal, Refusal> {
        let mut said = headers.get_all(ASSERTION).iter();
        let text = match (said.next(), said.next()) {
            (Some(one), None) => one.to_str().map_err(|_| Why::InvalidToken)?,
            (None, _) => "",
            (Some(_), Some(_)) => return Err(Why::SeveralCredentials.into()),
        };
        if text.is_empty() {
            return Err(Refusal::new(Why::MissingToken).hint("The request did not come through the gateway"));
        }
        let now = (self.0.clock)();
        let token = Unverified::decode(text).map_err(told)?;
        if !token.header().is(Typ::Assertion) {
            return Err(Refusal::new(Why::InvalidToken).hint("It is of another kind"));
        }
        if token.header().alg != Alg::ES256 {
            return Err(Why::UnsupportedAlgorithm.into());
        }
        let keys = self.0.keys.for_token(&token, now).await?;
        let token = keys.into_verified(token, Typ::Assertion).map_err(told)?;
        self.principal(token.claims().map_err(told)?, now)
    }

    pub(crate) fn scene(&self, headers: &HeaderMap) -> Scene {
        let request_id = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok()).unwrap_or_default();
        Scene { errors: self.0.errors, realm: self.0.audience.as_str().into(), request_id: request_id.into() }
    }

    fn principal(&self, claims: Map<String, Value>, now: Time) -> Result<Principal, Refusal> {
        let wrong = |hint: &str| Refusal::new(Why::InvalidToken).hint(hint);
        let said: Said = serde_json::from_value(Value::Object(claims.clone()))
            .map_err(|_| wrong("It does not say what an assertion says"))?;
        if said.iss != self.0.issuer {
            return Err(Why::InvalidIssuer.into());
        }
        if said.aud != self.0.audience {
            return Err(Why::InvalidAudience.into());
        }
        let (signed_at, ends_at) = (Time::from_seconds(said.iat), Time::from_seconds(said.exp));
        if now >= ends_at + SKEW {
            return Err(Why::TokenExpired.into());
        }
        if signed_at > now + SKEW || ends_at > signed_at + LIFETIME {
            return Err(wrong("It is not for now"));
        }
        let mut identity = Identity::of(&claims);
        if identity.subject.is_empty() {
            return Err(wrong("It names nobody"));
        }
        identity.kind = said.identity_type;
        identity.agent_id = said.agent_id;
        identity.token_id = said.token_id;
        Ok(Principal {
            audience: vec![said.aud],
            expires_at: Some(ends_at),
            ..Principal::new(identity, said.auth_type)
        })
    }
}

/// What every assertion says, beside who it is.
#[derive(Deserialize)]
struct Said {
    iss: String,
    aud: String,
    iat: i64,
    exp: i64,
    auth_type: CredentialKind,
    identity_type: IdentityType,
    #[serde(default)]
    agent_id: Option<String>,
    #[serde(default)]
    token_id: Option<String>,
}

fn told(error: JoseError) -> Refusal {
    match error {
        JoseError::Algorithm => Why::UnsupportedAlgorithm.into(),
        JoseError::UnknownKey => {
            Refusal::new(Why::InvalidToken).hint("It names a key that its issuer has not")
        }
        _ => Why::InvalidToken.into(),
    }
}

#[cfg(test)]
mod tests;
