//! The authorization request (RFC 6749 4.1.1, OpenID Connect Core 3.1.2.1, RFC 7636, 8707, 9101, 9126,
//! 9396, 9449 10) as it arrives, and as it is stored.
//!
//! Reading never stops at the first fault: client, redirect URI and state are found even in a request
//! that is otherwise bad, so that the server can first establish whether it may answer by redirect at
//! all. Whether anything here is *allowed* is not decided here.

mod words;

use serde::{Deserialize, Serialize};

use crate::{
    authorization_details::AuthorizationDetails,
    claims::ClaimsRequest,
    form::Params,
    jose::decode_base64url,
    oauth_error::{ErrorCode, Problem},
    pkce::{self, Challenge},
    resource::Resource,
    scope::ScopeSet,
};

pub use words::{Display, Prompt, Prompts, ResponseMode};

/// The longest request that is read, query or body.
pub const MAX_BYTES: usize = 32 * 1024;
const MAX_RESOURCES: usize = 16;
const MAX_LIST: usize = 20;

/// A request, each member absent or well formed.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AuthorizationRequest {
    /// Which application asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// Where the answer is to go, exactly as sent: it is compared as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirect_uri: Option<String>,
    /// Given back unchanged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Only `code` exists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_type: Option<String>,
    /// How the answer travels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_mode: Option<ResponseMode>,
    /// What is asked for; absent means the client's default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<ScopeSet>,
    /// Bound into the ID token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// Always of method S256.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code_challenge: Option<Challenge>,
    /// Which pages must or must not be shown.
    #[serde(skip_serializing_if = "Prompts::is_empty")]
    pub prompt: Prompts,
    /// The oldest acceptable sign-in, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_age: Option<u32>,
    /// Acceptable authentication contexts, the preferred first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub acr_values: Vec<String>,
    /// Who is about to sign in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login_hint: Option<String>,
    /// An ID token of ours about the person expected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token_hint: Option<String>,
    /// Languages, the preferred first (BCP 47).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ui_locales: Vec<String>,
    /// The kind of window.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display: Option<Display>,
    /// The APIs the tokens are for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resource: Vec<Resource>,
    /// The API by its name, for clients that do not know `resource`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// The organisation to sign in to, by id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// The organisation to sign in to, by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization_name: Option<String>,
    /// An invitation to accept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invitation: Option<String>,
    /// Which page to begin with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub screen_hint: Option<String>,
    /// The upstream provider to use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<String>,
    /// Single claims asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claims: Option<ClaimsRequest>,
    /// What is to be authorized beyond scopes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization_details: Option<AuthorizationDetails>,
    /// The thumbprint of the key the code is bound to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dpop_jkt: Option<String>,
    /// A signed request object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// Where the request is to be found: a pushed one's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_uri: Option<String>,
}

/// A request and everything that is wrong with it, in the order of discovery.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// The members that could be read.
    pub request: AuthorizationRequest,
    /// The faults. Where `client_id` or `redirect_uri` is among the parameters, no answer may be
    /// redirected; where `state` is, the answer goes without one.
    pub problems: Vec<Problem>,
}

impl Parsed {
    /// The first fault of the two parameters on which a redirect rests.
    pub fn redirect_problem(&self) -> Option<Problem> {
        self.problems.iter().find(|p| matches!(&*p.parameter, "client_id" | "redirect_uri")).cloned()
    }

    /// The request, or its first fault.
    pub fn ok(self) -> Result<AuthorizationRequest, Problem> {
        match self.problems.into_iter().next() {
            Some(problem) => Err(problem),
            None => Ok(self.request),
        }
    }
}

/// Reads a request. Unknown parameters are ignored, repeated ones are faults (but for `resource`).
pub fn parse(params: &Params) -> Parsed {
    let mut from = Reader { params, problems: Vec::new() };
    // What decides about redirecting comes first, so that its faults do too.
    let client_id = from.text("client_id");
    let redirect_uri = from.text("redirect_uri");
    let state = from.text("state");
    let request = AuthorizationRequest {
        client_id,
        redirect_uri,
        state,
        response_type: from.text("response_type"),
        response_mode: from.read("response_mode", |text| {
            text.parse().map_err(|()| Problem::invalid("response_mode", "is not a known mode"))
        }),
        scope: from.read("scope", |text| {
            text.parse().map_err(|_| Problem::new(ErrorCode::InvalidScope, "scope", "is malformed"))
        }),
        nonce: from.text("nonce"),
        code_challenge: from.code_challenge(),
        prompt: from.read("prompt", Prompts::parse).unwrap_or_default(),
        max_age: from.read("max_age", max_age),
        acr_values: from.list("acr_values"),
        login_hint: from.text("login_hint"),
        id_token_hint: from.text("id_token_hint"),
        ui_locales: from.list("ui_locales"),
        display: from.read("display", |text| Ok(text.parse().ok())).flatten(),
        resource: from.resources(),
        audience: from.text("audience"),
        organization: from.text("organization"),
        organization_name: from.text("organization_name"),
        invitation: from.text("invitation"),
        screen_hint: from.text("screen_hint"),
        connection: from.text("connection"),
        claims: from.read("claims", |text| {
            ClaimsRequest::parse(text).map_err(|_| Problem::invalid("claims", "is malformed"))
        }),
        authorization_details: from.read("authorization_details", AuthorizationDetails::parse),
        dpop_jkt: from.read("dpop_jkt", jkt),
        request: from.text("request"),
        request_uri: from.text("request_uri"),
    };
    // Last, so that where the answer may go is known when only something else is repeated.
    if let Err(problem) = params.once_each(MAY_REPEAT)
        && !from.problems.iter().any(Problem::is_repeated)
    {
        from.problems.push(problem);
    }
    Parsed { request, problems: from.problems }
}

struct Reader<'p> {
    params: &'p Params,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn read<T>(&mut self, name: &'static str, parse: impl FnOnce(&str) -> Result<T, Problem>) -> Option<T> {
        let outcome = self.params.one(name).and_then(|value| value.map(parse).transpose());
        outcome.unwrap_or_else(|problem| {
            self.problems.push(problem);
            None
        })
    }

    fn text(&mut self, name: &'static str) -> Option<String> {
        self.read(name, |text| Ok(text.to_owned()))
    }

    fn list(&mut self, name: &'static str) -> Vec<String> {
        let words = |text: &str| {
            text.split(' ').filter(|w| !w.is_empty()).take(MAX_LIST).map(str::to_owned).collect()
        };
        self.read(name, |text| Ok(words(text))).unwrap_or_default()
    }

    fn code_challenge(&mut self) -> Option<Challenge> {
        let method = self.text("code_challenge_method");
        let challenge = self.read("code_challenge", |text| {
            text.parse().map_err(|_| Problem::invalid("code_challenge", "is not a base64url SHA-256 hash"))
        });
        // Without a method RFC 7636 means `plain`, which protects from nobody who can read the request.
        if self.params.all("code_challenge").next().is_some() && method.as_deref() != Some(pkce::METHOD) {
            self.problems.push(Problem::invalid("code_challenge_method", "must be S256"));
            return None;
        }
        challenge
    }

    fn resources(&mut self) -> Vec<Resource> {
        match resources(self.params) {
            Ok(resources) => resources,
            Err(problem) => {
                self.problems.push(problem);
                Vec::new()
            }
        }
    }
}

/// What a request may name several of (RFC 8707 2).
pub(crate) const MAY_REPEAT: &[&str] = &["resource"];

/// Every `resource` of a request, without repeats.
pub(crate) fn resources(params: &Params) -> Result<Vec<Resource>, Problem> {
    let bad = |why| Problem::new(ErrorCode::InvalidTarget, "resource", why);
    let mut resources: Vec<Resource> = Vec::new();
    for text in params.all("resource") {
        let resource = text.parse().map_err(|_| bad("is not an absolute URI without a fragment"))?;
        if resources.len() == MAX_RESOURCES {
            return Err(bad("is given too often"));
        }
        if !resources.contains(&resource) {
            resources.push(resource);
        }
    }
    Ok(resources)
}

fn max_age(text: &str) -> Result<u32, Problem> {
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Problem::invalid("max_age", "is not a number of seconds"));
    }
    // More than 136 years is no limit at all.
    Ok(text.parse().unwrap_or(u32::MAX))
}

fn jkt(text: &str) -> Result<String, Problem> {
    match decode_base64url(text.as_bytes()) {
        Ok(hash) if hash.len() == 32 => Ok(text.to_owned()),
        _ => Err(Problem::invalid("dpop_jkt", "is not a SHA-256 thumbprint")),
    }
}

#[cfg(test)]
mod tests;
