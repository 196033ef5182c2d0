//! The conformance kit: requests, and what has to become of them, for every adapter in every language.
//!
//! The vectors are `vectors/http/*.json`; `vectors/README.md` describes them. This reads them, makes the
//! configuration that they state into providers and rules of this crate, and compares an answer with what was
//! to be expected, so that a runner is a loop: [`Suite::requests`], send, [`Case::differences`].

use std::{collections::BTreeMap, net::IpAddr, sync::Arc, time::Duration};

use doorward_judge::{Principal, rule::RuleSpec};
use doorward_proto::time::Time;
use futures_util::future::BoxFuture;
use http::{HeaderMap, Request};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    assertion::Assertions,
    clock::Clock,
    dress::Errors,
    fetch::{Fetch, Fetched, NamedBy},
    guard::Guard,
    server::{
        Provider,
        basic::Htpasswd,
        fixed::FixedTokens,
        identity_headers,
        jwt::IssuerSpec,
        settings::{AuthSettings, Outside},
    },
};

pub use crate::server::identity_headers::NAMES as IDENTITY_HEADERS;

/// Something in a file of vectors makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadSuite(String);

fn bad(error: impl std::fmt::Display) -> BadSuite {
    BadSuite(error.to_string())
}

/// Vectors fetch nothing.
struct Nowhere;

impl Fetch for Nowhere {
    fn get<'a>(&'a self, url: &'a str, _: NamedBy, _: Duration) -> BoxFuture<'a, Result<Fetched, String>> {
        Box::pin(async move { Err(format!("vectors do not fetch {url}")) })
    }
}

/// A kind of adapter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Door {
    /// What is mounted in a service.
    Layer,
    /// What answers a reverse proxy.
    Validate,
}

/// One configuration, and requests to whatever is configured so.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suite {
    /// What it is about.
    pub about: String,
    /// What time it is, in seconds since 1970.
    pub now: i64,
    /// What challenges name as the protection space.
    #[serde(default)]
    pub realm: String,
    /// In which words refusals are told.
    #[serde(default)]
    pub errors: Errors,
    /// Whose credentials are believed.
    #[serde(default)]
    pub auth: AuthSettings,
    /// What is in the file of fixed tokens.
    #[serde(default)]
    pub tokens_file: Option<Value>,
    /// What is in the file of names and passwords.
    #[serde(default)]
    pub basic_file: Option<String>,
    /// The rules.
    #[serde(default)]
    pub rules: Vec<RuleSpec>,
    /// The gateway that is believed, in place of all that.
    #[serde(default)]
    pub gateway: Option<Before>,
    /// The credentials that requests name.
    #[serde(default)]
    pub credentials: BTreeMap<String, Credential>,
    /// The requests.
    pub cases: Vec<Case>,
}

/// A gateway before the application.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Before {
    /// Whose it is.
    pub issuer: IssuerSpec,
    /// What the application is called.
    pub audience: String,
    /// Whether requests of nobody are let through.
    #[serde(default)]
    pub optional: bool,
}

/// A credential. What it was made from is there for who reads the file, and for who makes it anew.
#[derive(Debug, Deserialize)]
pub struct Credential {
    /// As it is sent.
    pub compact: String,
}

/// A request, and what has to become of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What it shows.
    pub name: String,
    /// For which kinds of adapters it is. Empty: for all.
    #[serde(default)]
    pub doors: Vec<Door>,
    /// What is sent.
    pub request: Sent,
    /// What has to come back.
    pub expect: Expect,
}

/// A request.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sent {
    /// Its method.
    #[serde(default = "get")]
    pub method: String,
    /// Its target.
    #[serde(default = "root")]
    pub target: String,
    /// Its headers, in order. `{name}` stands for a credential.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// Where it comes from.
    #[serde(default = "somewhere")]
    pub address: IpAddr,
}

impl Sent {
    /// Where a request comes from that does not say.
    pub const SOMEWHERE: [u8; 4] = [192, 0, 2, 1];
}

fn get() -> String {
    "GET".to_owned()
}

fn root() -> String {
    "/".to_owned()
}

fn somewhere() -> IpAddr {
    IpAddr::from(Sent::SOMEWHERE)
}

/// What has to come back. What is not named is not looked at.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// The status.
    pub status: u16,
    /// The code of a refusal.
    #[serde(default)]
    pub code: Option<String>,
    /// `WWW-Authenticate`; empty for none.
    #[serde(default)]
    pub challenge: Option<String>,
    /// Members of the body of a refusal.
    #[serde(default)]
    pub body: Map<String, Value>,
    /// Whom the application sees: nothing, or members of who it is.
    #[serde(default)]
    pub caller: Value,
    /// The identity headers that the application sees.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body: of a refusal, or what the application has seen.
    pub body: Vec<u8>,
}

impl Suite {
    /// Reads a file.
    ///
    /// # Errors
    /// What makes no sense in it.
    pub fn read(text: &str) -> Result<Self, BadSuite> {
        serde_json::from_str(text).map_err(bad)
    }

    /// The time.
    pub fn clock(&self) -> Clock {
        let now = Time::from_seconds(self.now);
        Arc::new(move || now)
    }

    /// Whoever knows the credentials.
    ///
    /// # Errors
    /// What makes no sense.
    pub fn providers(&self) -> Result<Vec<Arc<dyn Provider>>, BadSuite> {
        let mut providers: Vec<Arc<dyn Provider>> = Vec::new();
        if let Some(tokens) = &self.tokens_file {
            providers.push(Arc::new(FixedTokens::read(&tokens.to_string()).map_err(bad)?));
        }
        if let Some(names) = &self.basic_file {
            providers.push(Arc::new(Htpasswd::read(names).map_err(bad)?));
        }
        let outside = Outside { fetch: Arc::new(Nowhere), http: None, clock: self.clock() };
        providers.extend(self.auth.providers(&outside).map_err(bad)?);
        Ok(providers)
    }

    /// The guard that is configured so.
    ///
    /// # Errors
    /// What makes no sense.
    pub fn guard(&self) -> Result<Guard, BadSuite> {
        let mut builder = Guard::builder()
            .providers(self.providers()?)
            .mode(self.auth.mode)
            .realm(&self.realm)
            .errors(self.errors)
            .clock(self.clock());
        for audience in &self.auth.audience {
            builder = builder.audience(audience);
        }
        for rule in &self.rules {
            builder = builder.rule(rule.clone());
        }
        builder.build().map_err(bad)
    }

    /// What believes the gateway that is configured so, if one is.
    ///
    /// # Errors
    /// What makes no sense.
    pub fn assertions(&self) -> Result<Option<Assertions>, BadSuite> {
        let Some(before) = &self.gateway else { return Ok(None) };
        let fetch: Arc<dyn Fetch> = Arc::new(Nowhere);
        let assertions = Assertions::new(&before.issuer, &before.audience, &fetch).map_err(bad)?;
        let assertions = assertions.clock(self.clock()).errors(self.errors);
        Ok(Some(if before.optional { assertions.optional() } else { assertions }))
    }

    /// The requests for one kind of adapter, ready to be sent.
    ///
    /// # Errors
    /// One that no client could send.
    pub fn requests(&self, door: Door) -> Result<Vec<(&Case, Request<()>)>, BadSuite> {
        let cases = self.cases.iter().filter(|case| case.doors.is_empty() || case.doors.contains(&door));
        cases.map(|case| Ok((case, self.request(&case.request)?))).collect()
    }

    fn request(&self, sent: &Sent) -> Result<Request<()>, BadSuite> {
        let mut request = Request::builder().method(sent.method.as_str()).uri(&sent.target);
        for (name, value) in &sent.headers {
            let mut value = value.clone();
            for (name, credential) in &self.credentials {
                value = value.replace(&format!("{{{name}}}"), &credential.compact);
            }
            if value.contains('{') {
                return Err(bad(format!("no credential for {value}")));
            }
            request = request.header(name, value);
        }
        request.body(()).map_err(bad)
    }
}

/// What the application of the kit says of a request that it sees: who sends it, and the identity headers.
pub fn seen(caller: Option<&Principal>, headers: &HeaderMap) -> Value {
    let said: BTreeMap<String, String> = headers
        .iter()
        .filter(|(name, _)| identity_headers::NAMES.contains(&name.as_str().replace('_', "-").as_str()))
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    json!({ "caller": caller.map(shown), "headers": said })
}

fn shown(principal: &Principal) -> Value {
    let identity = &principal.identity;
    json!({
        "subject": identity.subject,
        "identity_type": identity.kind.name(),
        "credential": principal.credential.name(),
        "scopes": identity.scopes,
        "permissions": identity.permissions,
        "roles": identity.roles,
        "workspace_ids": identity.workspaces.iter().collect::<Vec<_>>(),
        "role": identity.role,
        "organization": identity.organization,
        "email": identity.email,
        "client_id": identity.client_id,
        "agent_id": identity.agent_id,
        "token_id": identity.token_id,
        "issuer": identity.issuer,
    })
}

impl Case {
    /// In what an answer is another one than it has to be.
    pub fn differences(&self, answer: &Answer, errors: Errors) -> Vec<String> {
        // What answers a HEAD over the network has no body.
        let body =
            if self.request.method == "HEAD" && answer.body.is_empty() { Body::None } else { Body::Sent };
        self.expect.differences(answer, errors, body)
    }
}

/// Whether an answer can have a body.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Body {
    Sent,
    None,
}

impl Expect {
    fn differences(&self, answer: &Answer, errors: Errors, body: Body) -> Vec<String> {
        let is_told = body == Body::Sent;
        let mut wrong = Vec::new();
        let mut check = |what: &str, found: &Value, expect: &Value| {
            if !holds(expect, found) {
                wrong.push(format!("{what} is {found}, not {expect}"));
            }
        };
        check("the status", &json!(answer.status), &json!(self.status));
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        if let Some(challenge) = &self.challenge {
            check("the challenge", &json!(header(answer, "www-authenticate")), &json!(challenge));
        }
        if let Some(code) = self.code.as_ref().filter(|_| is_told) {
            check("the code", body.get("code").unwrap_or(&Value::Null), &json!(code));
        }
        if is_told {
            check("the body", &body, &Value::Object(self.body.clone()));
        }
        if self.status == 200 {
            let caller = body.get("caller").unwrap_or(&Value::Null);
            check("the caller", caller, &self.caller);
            if self.caller.is_null() && !caller.is_null() {
                check("the caller", caller, &json!("nobody"));
            }
            let headers = body.get("headers").cloned().unwrap_or_default();
            // Beside what is expected nothing may be there: it would have come from the client.
            if headers != json!(self.headers) {
                check("what the application is told", &headers, &json!(format!("{:?}", self.headers)));
            }
        } else {
            check("the cache control", &json!(header(answer, "cache-control")), &json!("no-store"));
            let kind = match errors {
                Errors::Problem => "application/problem+json",
                Errors::Orcheo | Errors::Chroma => "application/json",
                Errors::Plain => "text/plain; charset=utf-8",
            };
            check("the type", &json!(header(answer, "content-type")), &json!(kind));
            if errors == Errors::Problem && is_told {
                check(
                    "the status of the body",
                    body.get("status").unwrap_or(&Value::Null),
                    &json!(self.status),
                );
            }
        }
        wrong
    }
}

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Whether everything that is expected is there: of an object the members that are named.
fn holds(expect: &Value, found: &Value) -> bool {
    match (expect, found) {
        (Value::Null, _) => true,
        (Value::Object(expect), Value::Object(found)) => {
            expect.iter().all(|(name, value)| found.get(name).is_some_and(|found| value == found))
        }
        (Value::Object(expect), _) if expect.is_empty() => true,
        (expect, found) => expect == found,
    }
}

#[cfg(test)]
mod tests;
