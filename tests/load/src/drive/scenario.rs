//! The scenarios: what one connection does again and again.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use anyhow::{Context as _, Result, bail};
use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use hyper::header::{AUTHORIZATION, COOKIE};
use serde::Deserialize;

use super::{
    browser::{Jar, Until, journey},
    gateway::{self, Questions},
    http::{Answer, Connection, Template},
};
use crate::plan::{Client, Person, Plan};

/// Tokens that one connection introspects in turn.
const TOKENS: usize = 8;
/// A verifier is a secret of the application, and this one has nothing to hide.
const VERIFIER: &str = "load-load-load-load-load-load-load-load-load";

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum Scenario {
    Floor,
    Jwks,
    ClientCredentialsEs256,
    ClientCredentialsRs256,
    Introspect,
    Userinfo,
    RefreshRs256,
    RefreshEs256,
    RefreshNone,
    CodeSessionRs256,
    CodeSessionEs256,
    CodePassword,
    SignIn,
    ValidateToken,
    ValidateJwt,
    ValidateMany,
    ValidateFirst,
    Proxy,
    Layer,
}

impl Scenario {
    /// What the table calls it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Floor => "floor (GET /healthz)",
            Self::Jwks => "JWKS",
            Self::ClientCredentialsEs256 => "client credentials, ES256",
            Self::ClientCredentialsRs256 => "client credentials, RS256",
            Self::Introspect => "introspection",
            Self::Userinfo => "userinfo",
            Self::RefreshRs256 => "refresh, RS256 ID token",
            Self::RefreshEs256 => "refresh, ES256 ID token",
            Self::RefreshNone => "refresh, no ID token",
            Self::CodeSessionRs256 => "code with a session, RS256",
            Self::CodeSessionEs256 => "code with a session, ES256",
            Self::CodePassword => "code with password, RS256",
            Self::SignIn => "password sign-in",
            Self::ValidateToken => "/validate, a service token",
            Self::ValidateJwt => "/validate, a JWT",
            Self::ValidateMany => "/validate, 10,000 JWTs",
            Self::ValidateFirst => "/validate, a JWT at first sight",
            Self::Proxy => "proxy",
            Self::Layer => "the library's layer",
        }
    }

    /// The word on the command line.
    pub(crate) fn word(self) -> String {
        use clap::ValueEnum as _;
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// Whether an operation hashes a password.
    pub(crate) const fn hashes(self) -> bool {
        matches!(self, Self::CodePassword | Self::SignIn)
    }

    /// Whether an operation must leave something durable behind.
    pub(crate) const fn stores(self) -> bool {
        !matches!(self, Self::Floor | Self::Jwks | Self::Introspect | Self::Userinfo) && !self.guards()
    }

    /// Whether an operation is the gateway's.
    pub(crate) const fn guards(self) -> bool {
        match self {
            Self::ValidateToken | Self::ValidateJwt | Self::ValidateMany | Self::ValidateFirst => true,
            _ => matches!(self, Self::Proxy | Self::Layer),
        }
    }

    /// How long a window is, as a share of the usual one. A hash takes 25 ms, so that the usual window would hold
    /// too few; and whoever shows a new token each time has to have them all before.
    pub(crate) const fn stretch(self) -> f64 {
        match self {
            Self::CodePassword | Self::SignIn => 2.0,
            Self::ValidateFirst => 0.4,
            _ => 1.0,
        }
    }
}

/// What all connections of one load share.
pub(super) struct Ground {
    pub(super) plan: Plan,
    /// Browsers that are signed in, by mail address: signing in is dear, and no part of most scenarios.
    browsers: RefCell<BTreeMap<String, Jar>>,
    /// What is asked of a gateway, by all connections in turn.
    pub(super) questions: Questions,
}

impl Ground {
    pub(super) fn new(plan: Plan) -> Self {
        Self { plan, browsers: RefCell::default(), questions: Questions::default() }
    }

    /// The same with other questions.
    #[cfg(test)]
    pub(super) fn asking(self, questions: Questions) -> Self {
        Self { questions, ..self }
    }

    async fn signed_in(&self, connection: &mut Connection, person: &Person) -> Result<Jar> {
        if let Some(jar) = self.browsers.borrow().get(&person.email) {
            return Ok(jar.clone());
        }
        let mut jar = Jar::default();
        let start = (self.plan.sign_in.as_str(), Until::SignedIn);
        journey(connection, self.plan.site(), &mut jar, person, start).await?;
        self.browsers.borrow_mut().insert(person.email.clone(), jar.clone());
        Ok(jar)
    }
}

/// One connection with what it needs for its scenario.
pub(super) struct Worker {
    scenario: Scenario,
    ground: Rc<Ground>,
    index: usize,
    connection: Connection,
    state: State,
}

enum State {
    /// The same requests in turn, each answered with 200 and this text somewhere.
    Same { requests: Vec<Template>, next: usize, expect: &'static str },
    /// The questions that all connections ask of a gateway.
    Question,
    /// A family of refresh tokens.
    Refresh { client: Client, token: String },
    /// A browser with a session.
    Session { client: Client, jar: Jar },
    /// A person who signs in each time, for an application or for nobody.
    Password { person: Person, client: Option<Client> },
}

#[derive(Deserialize)]
pub(super) struct Tokens {
    #[serde(rename = "access_token")]
    pub(super) access: String,
    #[serde(rename = "refresh_token", default)]
    refresh: Option<String>,
    #[serde(rename = "id_token", default)]
    id: Option<String>,
}

impl Worker {
    pub(super) async fn prepare(scenario: Scenario, ground: Rc<Ground>, index: usize) -> Result<Self> {
        let mut connection = Connection::open(&ground.plan).await?;
        let state = State::prepare(scenario, &ground, &mut connection, index).await?;
        Ok(Self { scenario, ground, index, connection, state })
    }

    /// Begins again after an error.
    pub(super) async fn recover(&mut self) -> Result<()> {
        let fresh = Self::prepare(self.scenario, self.ground.clone(), self.index).await?;
        *self = fresh;
        Ok(())
    }

    /// One operation, of one request or several.
    pub(super) async fn operation(&mut self) -> Result<()> {
        match &mut self.state {
            State::Same { requests, next, expect } => {
                let request = requests.get(*next % requests.len()).context("nothing to send")?;
                *next += 1;
                let answer = self.connection.send(request).await?;
                answer.expect_ok()?;
                if !contains(&answer.body, expect.as_bytes()) {
                    bail!("no {expect}: {}", answer.describe());
                }
                Ok(())
            }
            State::Question => {
                let question = self.ground.questions.next()?;
                self.connection.send(&question).await?.expect_ok()
            }
            State::Refresh { client, token } => {
                let fields = [("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
                let answer = self.connection.send(&token_request(client, &fields)?).await?;
                let tokens = granted(&answer)?;
                let expects_id_token = self.scenario != Scenario::RefreshNone;
                if tokens.id.is_some() != expects_id_token {
                    bail!("ID token expected: {expects_id_token}: {}", answer.describe());
                }
                *token = tokens.refresh.context("no refresh token")?;
                Ok(())
            }
            State::Session { client, jar } => {
                let tokens = code_with_session(&mut self.connection, &self.ground.plan, client, jar).await?;
                tokens.id.map(drop).context("no ID token")
            }
            State::Password { person, client: Some(client) } => {
                let start = (authorize_path(&self.ground.plan, client)?, Until::Application);
                let connection = &mut self.connection;
                let to = journey(
                    connection,
                    self.ground.plan.site(),
                    &mut Jar::default(),
                    person,
                    (&start.0, start.1),
                )
                .await?;
                let tokens = redeem(connection, &self.ground.plan, client, &to).await?;
                tokens.id.map(drop).context("no ID token")
            }
            State::Password { person, client: None } => {
                let start = (self.ground.plan.sign_in.as_str(), Until::SignedIn);
                let jar = &mut Jar::default();
                journey(&mut self.connection, self.ground.plan.site(), jar, person, start).await.map(drop)
            }
        }
    }
}

impl State {
    async fn prepare(
        scenario: Scenario,
        ground: &Ground,
        connection: &mut Connection,
        index: usize,
    ) -> Result<Self> {
        let plan = &ground.plan;
        let clients = &plan.clients;
        let person = plan.people.get(index % plan.people.len()).context("nobody to sign in")?.clone();
        let same = |request, expect| Self::Same { requests: vec![request], next: 0, expect };
        let credentials = |client| -> Result<Self> {
            Ok(same(token_request(client, &[("grant_type", "client_credentials")])?, "access_token"))
        };
        Ok(match scenario {
            Scenario::Floor => same(Template::get("/healthz"), ""),
            Scenario::Jwks => same(Template::get("/.well-known/jwks.json"), "\"keys\""),
            Scenario::ClientCredentialsEs256 => credentials(&clients.machine_es256)?,
            Scenario::ClientCredentialsRs256 => credentials(&clients.machine_rs256)?,
            Scenario::Introspect => {
                let client = &clients.machine_es256;
                let ask = token_request(client, &[("grant_type", "client_credentials")])?;
                let mut requests = Vec::with_capacity(TOKENS);
                for _ in 0..TOKENS {
                    let tokens = granted(&connection.send(&ask).await?)?;
                    let request = Template::form("/oauth2/introspect", &[("token", &tokens.access)])?;
                    requests.push(request.with(AUTHORIZATION, &basic(client))?);
                }
                Self::Same { requests, next: 0, expect: "\"active\":true" }
            }
            Scenario::Userinfo => {
                let jar = ground.signed_in(connection, &person).await?;
                let tokens = code_with_session(connection, plan, &clients.web_es256, &jar).await?;
                let bearer = format!("Bearer {}", tokens.access);
                same(Template::get("/oauth2/userinfo").with(AUTHORIZATION, &bearer)?, "\"sub\"")
            }
            Scenario::RefreshRs256 => family(ground, connection, &clients.web_rs256, &person).await?,
            Scenario::RefreshEs256 => family(ground, connection, &clients.web_es256, &person).await?,
            Scenario::RefreshNone => family(ground, connection, &clients.web_none, &person).await?,
            Scenario::CodeSessionRs256 | Scenario::CodeSessionEs256 => {
                let rs256 = scenario == Scenario::CodeSessionRs256;
                let client = if rs256 { &clients.web_rs256 } else { &clients.web_es256 }.clone();
                Self::Session { client, jar: ground.signed_in(connection, &person).await? }
            }
            Scenario::CodePassword => Self::Password { person, client: Some(clients.web_rs256.clone()) },
            Scenario::SignIn => Self::Password { person, client: None },
            Scenario::Proxy | Scenario::Layer => same(gateway::request(plan)?, "\"keys\""),
            Scenario::ValidateToken
            | Scenario::ValidateJwt
            | Scenario::ValidateMany
            | Scenario::ValidateFirst => {
                ground.questions.prepare(scenario, plan).await?;
                Self::Question
            }
        })
    }
}

async fn family(
    ground: &Ground,
    connection: &mut Connection,
    client: &Client,
    person: &Person,
) -> Result<State> {
    let jar = ground.signed_in(connection, person).await?;
    let tokens = code_with_session(connection, &ground.plan, client, &jar).await?;
    let token = tokens.refresh.context("no refresh token")?;
    Ok(State::Refresh { client: client.clone(), token })
}

/// Asks for a code with a live session and redeems it: two requests.
async fn code_with_session(
    connection: &mut Connection,
    plan: &Plan,
    client: &Client,
    jar: &Jar,
) -> Result<Tokens> {
    let ask = Template::get(&authorize_path(plan, client)?).with(COOKIE, &jar.header())?;
    let answer = connection.send(&ask).await?;
    let to = answer.location().filter(|to| to.starts_with(&plan.redirect_uri));
    let to = to.with_context(|| format!("no code: {}", answer.describe()))?.to_owned();
    redeem(connection, plan, client, &to).await
}

async fn redeem(connection: &mut Connection, plan: &Plan, client: &Client, to: &str) -> Result<Tokens> {
    let query = to.split_once('?').map_or("", |(_, query)| query);
    let code = query.split('&').find_map(|pair| pair.strip_prefix("code="));
    let code = code.with_context(|| format!("no code in {to}"))?;
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", plan.redirect_uri.as_str()),
        ("code_verifier", VERIFIER),
    ];
    let mut request = Template::form("/oauth2/token", &fields)?;
    request = request.with(AUTHORIZATION, &basic(client))?;
    granted(&connection.send(&request).await?)
}

fn authorize_path(plan: &Plan, client: &Client) -> Result<String> {
    let challenge = BASE64URL_NOPAD.encode(digest(&SHA256, VERIFIER.as_bytes()).as_ref());
    let query = serde_urlencoded::to_string([
        ("response_type", "code"),
        ("client_id", &client.id),
        ("redirect_uri", &plan.redirect_uri),
        ("scope", &client.scope),
        ("state", "load"),
        ("nonce", "load"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ])?;
    Ok(format!("/oauth2/authorize?{query}"))
}

pub(super) fn token_request(client: &Client, fields: &[(&str, &str)]) -> Result<Template> {
    let mut fields = fields.to_vec();
    if fields.iter().any(|(_, value)| *value == "client_credentials") {
        fields.push(("scope", &client.scope));
        fields.extend(client.resource.as_deref().map(|resource| ("resource", resource)));
    }
    Template::form("/oauth2/token", &fields)?.with(AUTHORIZATION, &basic(client))
}

fn basic(client: &Client) -> String {
    format!("Basic {}", BASE64.encode(format!("{}:{}", client.id, client.secret).as_bytes()))
}

pub(super) fn granted(answer: &Answer) -> Result<Tokens> {
    answer.expect_ok()?;
    answer.json()
}

fn contains(body: &[u8], wanted: &[u8]) -> bool {
    wanted.is_empty() || body.windows(wanted.len()).any(|window| window == wanted)
}
