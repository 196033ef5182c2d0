//! `doorward login` and `logout`: a person signs the command line in, by authorization code with PKCE over
//! a loopback address (RFC 8252), as an application like any other.

use std::{
    io::{IsTerminal as _, Write as _},
    net::Ipv4Addr,
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use axum::{Router, extract::RawQuery, response::Html, routing::get};
use clap::Args;
use doorward_core::{
    clients::COMMAND_LINE,
    env::{Env, no_fetch},
};
use doorward_proto::pkce::{Challenge, METHOD, Verifier};
use serde_json::Value as Json;
use tokio::sync::mpsc;
use url::form_urlencoded;

use super::{
    Common, Exit, Failure,
    manage::{
        connect::{self, Api, Ask},
        logins::{Login as Kept, Logins},
        profile::Connection,
        target,
    },
};
use crate::{config::Environment, data::fault};

/// How long the person may take.
const PATIENCE: Duration = Duration::from_secs(600);
/// What is asked for unless something else is: everything that the person may do.
const SCOPE: &str = "openid profile email offline_access me:read me:write admin:*";
const PAGE: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Doorward</title>\
    <p>You can close this page and go back to the terminal.</p></html>\n";

/// What `login` takes.
#[derive(Debug, Args)]
pub(super) struct Login {
    /// Open no browser; print the address, and take the one that the browser ended at from standard input.
    #[arg(long)]
    no_browser: bool,
    /// Ask for this scope only; may be repeated [default: all that you may do].
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    #[command(flatten)]
    connection: Connection,
}

/// What `logout` takes.
#[derive(Debug, Args)]
pub(super) struct Logout {
    #[command(flatten)]
    connection: Connection,
}

impl Login {
    pub(super) fn run(&self, common: &Common) -> Result<Exit> {
        super::block_on(async {
            let mut logins = Logins::read(&Environment::of_this_process())?;
            let server = target::base(common, &self.connection, &logins)?;
            let endpoints = Endpoints::of(&server).await?;
            let kept = self.sign_in(&endpoints).await?;
            let api = Api::remote(&server, Some(kept.access_token.0.clone()), false)?;
            let who = api.send(Ask::get("/api/whoami")).await?;
            logins.put(&server, kept)?;
            let subject = who.get("subject").and_then(Json::as_str).unwrap_or("somebody");
            writeln!(std::io::stdout().lock(), "Signed in to {server} as {subject}.")?;
            Ok(Exit::Done)
        })
    }

    async fn sign_in(&self, endpoints: &Endpoints) -> Result<Kept> {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let redirect_uri = format!("http://127.0.0.1:{}/callback", listener.local_addr()?.port());
        let (state, verifier) = (random()?, random()?);
        let parsed: Verifier = verifier.parse().context("a code verifier")?;
        let challenge = Challenge::of(&parsed).to_string();
        let scope = if self.scopes.is_empty() { SCOPE.to_owned() } else { self.scopes.join(" ") };
        let url = url::Url::parse_with_params(
            &endpoints.authorize,
            &[
                ("response_type", "code"),
                ("client_id", COMMAND_LINE),
                ("redirect_uri", redirect_uri.as_str()),
                ("scope", scope.as_str()),
                ("state", state.as_str()),
                ("code_challenge", challenge.as_str()),
                ("code_challenge_method", METHOD),
            ],
        )?;
        let (send, receive) = mpsc::channel(4);
        if self.no_browser {
            listen_for_paste(send.clone());
        }
        let server = tokio::spawn(axum::serve(listener, callback(send)).into_future());
        writeln!(std::io::stderr(), "To sign in, open this address in a browser:\n\n  {url}\n")?;
        if !self.no_browser {
            open_browser(url.as_str());
        }
        let code = tokio::time::timeout(PATIENCE, answer(receive, &state, &endpoints.issuer)).await;
        let code = code.context("nobody signed in within ten minutes")??;
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", redirect_uri.as_str()),
            ("client_id", COMMAND_LINE),
            ("code_verifier", verifier.as_str()),
        ];
        let (status, body) = connect::post_form(&endpoints.token, &form).await?;
        server.abort();
        Kept::of(endpoints.token.clone(), endpoints.revocation.clone(), &connect::granted(status, body)?)
    }
}

impl Logout {
    pub(super) fn run(&self, common: &Common) -> Result<Exit> {
        super::block_on(async {
            let mut logins = Logins::read(&Environment::of_this_process())?;
            let server = target::base(common, &self.connection, &logins)?;
            let Some(kept) = logins.take(&server)? else {
                let line = format!("nobody is signed in to {server} here");
                return Err(Failure { exit: Exit::NotSignedIn, line }.into());
            };
            if let Some(endpoint) = &kept.revocation_endpoint {
                let token = kept.refresh_token.as_ref().unwrap_or(&kept.access_token);
                let form = [("token", token.0.expose()), ("client_id", COMMAND_LINE)];
                let (status, answer) = connect::post_form(endpoint, &form).await.context(
                    "the sign-in was forgotten here, but the server still knows it: end it on the account page",
                )?;
                connect::granted(status, answer)?;
            }
            writeln!(std::io::stdout().lock(), "Signed out of {server}.")?;
            Ok(Exit::Done)
        })
    }
}

/// Where a server does what (RFC 8414).
struct Endpoints {
    issuer: String,
    authorize: String,
    token: String,
    revocation: Option<String>,
}

impl Endpoints {
    /// Asks the server; an answer for another issuer than the one asked is nobody's (RFC 8414 3.3).
    async fn of(server: &str) -> Result<Self> {
        let api = Api::remote(server, None, false)?;
        let metadata = api.send(Ask::get("/.well-known/oauth-authorization-server")).await?;
        let text = |member: &str| metadata.get(member).and_then(Json::as_str).map(str::to_owned);
        let needed = |member: &str| text(member).with_context(|| format!("the metadata lack {member}"));
        let issuer = needed("issuer")?;
        if issuer != server {
            bail!("the server at {server} is {issuer}; sign in with --url {issuer}");
        }
        Ok(Self {
            authorize: needed("authorization_endpoint")?,
            token: needed("token_endpoint")?,
            revocation: text("revocation_endpoint"),
            issuer,
        })
    }
}

/// 256 random bits as text, long enough for a code verifier.
fn random() -> Result<String> {
    let bytes = Env::system(no_fetch()).bytes::<32>().map_err(fault)?;
    Ok(data_encoding::BASE64URL_NOPAD.encode(&bytes))
}

/// The page that the browser is sent to in the end.
fn callback(send: mpsc::Sender<String>) -> Router {
    let arrived = move |RawQuery(query): RawQuery| {
        let send = send.clone();
        async move {
            let _ = send.send(query.unwrap_or_default()).await;
            Html(PAGE)
        }
    };
    Router::new().route("/callback", get(arrived))
}

/// Takes the address from the terminal, where the browser is on another machine than this one.
fn listen_for_paste(send: mpsc::Sender<String>) {
    if !std::io::stdin().is_terminal() {
        return;
    }
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if let Some((_, query)) = line.trim().split_once('?')
                && send.blocking_send(query.to_owned()).is_err()
            {
                return;
            }
        }
    });
}

/// Whether a browser opens is not known; the address was printed.
fn open_browser(url: &str) {
    let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let mut command = Command::new(program);
    command.arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    std::thread::spawn(move || command.status());
}

/// The code of the answer that is ours; what carries another state is somebody else's.
async fn answer(mut receive: mpsc::Receiver<String>, state: &str, issuer: &str) -> Result<String> {
    while let Some(query) = receive.recv().await {
        let member = |name: &str| {
            form_urlencoded::parse(query.as_bytes())
                .find_map(|(key, value)| (key == name).then(|| value.into_owned()))
        };
        if member("state").as_deref() != Some(state) {
            continue;
        }
        if member("iss").as_deref() != Some(issuer) {
            bail!("the answer comes from another server");
        }
        if let Some(error) = member("error") {
            let line = format!("{error}: {}", member("error_description").unwrap_or_default());
            return Err(Failure { exit: Exit::Failed, line }.into());
        }
        return member("code").context("the answer has no code");
    }
    bail!("nobody answers any more")
}
