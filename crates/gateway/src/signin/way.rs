//! What signing in is made of: where the issuer is asked, and how the gateway shows who it is there.

use std::{net::IpAddr, sync::Arc};

use doorward_proto::time::Time;
use doorward_sdk::exchange::Http;
use futures_util::future::BoxFuture;
use http::HeaderMap;

use super::memory::Memory;

/// Lets the issuer send codes to an address; an error is what to tell the log.
pub type Admit = Arc<dyn Fn(String) -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// What a request to this endpoint has to have besides, so that the issuer knows that it is ours (RFC 6749 2.3).
pub type Authenticate = Arc<dyn Fn(&str, Time) -> Option<Proven> + Send + Sync>;

/// Finds out where the issuer is asked; an error is what to tell the log.
pub type Find = Arc<dyn Fn() -> BoxFuture<'static, Result<Arc<Endpoints>, String>> + Send + Sync>;

/// Checks the ID token that was got for this nonce (OpenID Connect Core 3.1.3.7), and answers whose it is: the same
/// for every one of a person to this client (12.2), and nothing else. An error is what to tell the log.
pub type CheckIdToken = Arc<dyn Fn(IdToken) -> BoxFuture<'static, Result<String, String>> + Send + Sync>;

/// How browsers are signed in.
pub struct SignIn {
    /// The issuer's name.
    pub issuer: String,
    /// Our name there.
    pub client_id: String,
    /// What is asked for: `openid` and more.
    pub scope: String,
    /// Where it is asked.
    pub find: Find,
    /// Shows that a request is ours.
    pub authenticate: Authenticate,
    /// Whether an ID token has to come, and be good; without it the issuer is this very server.
    pub id_token: Option<CheckIdToken>,
    /// The ports at which browsers reach guarded hosts, beside those that no address names. Whoever answers at
    /// another port of such a host is somebody else.
    pub ports: Vec<u16>,
    /// Asks the issuer. Requests bear [`OnBehalf`].
    pub http: Arc<dyn Http>,
    /// Makes an address known at the issuer, before it is used.
    pub admit: Admit,
    /// What cookies and states are sealed under: 32 bytes that nobody else knows, and that stay.
    pub key: [u8; 32],
    /// What was used up.
    pub memory: Arc<Memory>,
}

/// The endpoints of an issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// Where people are sent.
    pub authorization: String,
    /// Where codes are redeemed.
    pub token: String,
    /// Where tokens are ended (RFC 7009).
    pub revocation: Option<String>,
    /// Where its own session is ended.
    pub end_session: Option<String>,
    /// Whether its answers bear its name (RFC 9207).
    pub names_itself: bool,
}

/// What shows that a request is ours.
#[derive(Debug, Default)]
pub struct Proven {
    /// Members of its form.
    pub form: Vec<(&'static str, String)>,
    /// Its headers.
    pub headers: HeaderMap,
}

/// An ID token that came.
#[derive(Debug)]
pub struct IdToken {
    /// The token.
    pub token: String,
    /// What it has to repeat; none for one that came with a refreshed token.
    pub nonce: Option<String>,
    /// The time.
    pub now: Time,
}

/// The browser for which the issuer is asked: its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OnBehalf(pub IpAddr);
