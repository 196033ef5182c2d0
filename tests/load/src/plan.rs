//! What a load generator must know of a server: where it is, and which clients and people it holds.
//!
//! Set-up writes it, the generator reads it. The credentials in it are made for one run and die with it.

use serde::{Deserialize, Serialize};

/// A server that is set up and can be driven.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// The loopback address it listens on.
    pub(crate) address: std::net::SocketAddr,
    /// Its public address without a trailing slash.
    pub(crate) origin: String,
    /// The process whose CPU seconds are counted.
    pub(crate) pid: u32,
    /// Where a person signs in without an application.
    pub(crate) sign_in: String,
    /// Where codes are sent.
    pub(crate) redirect_uri: String,
    pub(crate) clients: Clients,
    pub(crate) people: Vec<Person>,
    pub(crate) guarded: Guarded,
}

/// Where a browser goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Site<'s> {
    /// The public address of the server.
    pub(crate) origin: &'s str,
    /// Where an application waits.
    pub(crate) redirect_uri: &'s str,
}

impl Plan {
    pub(crate) fn site(&self) -> Site<'_> {
        Site { origin: &self.origin, redirect_uri: &self.redirect_uri }
    }
}

/// What is asked of a gateway.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Guarded {
    /// A long-lived credential.
    pub(crate) token: String,
    /// The host of the application behind, and a path there that answers in JSON.
    pub(crate) host: String,
    pub(crate) path: String,
}

impl Guarded {
    /// The application that every gateway of the comparison stands before.
    pub(crate) fn by(token: &str) -> Self {
        Self { token: token.to_owned(), host: HOST.to_owned(), path: "/.well-known/jwks.json".to_owned() }
    }
}

/// The host under which the application behind is asked for.
pub(crate) const HOST: &str = "app.load.test";

/// One client for each way of signing.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Clients {
    /// Client credentials, access tokens by ES256.
    pub(crate) machine_es256: Client,
    /// Client credentials, access tokens by RS256.
    pub(crate) machine_rs256: Client,
    /// Code and refresh, ID tokens by RS256.
    pub(crate) web_rs256: Client,
    /// Code and refresh, ID tokens by ES256.
    pub(crate) web_es256: Client,
    /// Code and refresh without an ID token on refresh.
    pub(crate) web_none: Client,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) secret: String,
    /// The scope to ask for.
    pub(crate) scope: String,
    /// The resource to ask for, where the default would be signed otherwise.
    pub(crate) resource: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Person {
    pub(crate) email: String,
    pub(crate) password: String,
}
