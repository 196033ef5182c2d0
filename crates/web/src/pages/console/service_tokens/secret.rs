//! A new secret, shown this once, with what is pasted next.

use askama::Template;
use axum::response::Response;
use doorward_core::service_tokens::WithSecret;
use doorward_proto::secret::SecretText;

use super::{page, trail};
use crate::pages::{
    console::{Administrator, Area, Shell},
    form::Errors,
    frame::Frame,
};

/// What is pasted somewhere.
#[derive(Clone)]
pub struct Snippet {
    /// Its id on the page.
    pub id: &'static str,
    /// Where it is pasted.
    pub title: String,
    /// What it does there.
    pub what: String,
    /// The text.
    pub text: SecretText,
}

impl Snippet {
    fn text(&self) -> &str {
        self.text.expose()
    }
}

/// The page.
#[derive(Template)]
#[template(path = "console/service_tokens/secret.html")]
pub struct Page<'a> {
    frame: &'a Frame,
    shell: &'a Shell<'a>,
    what: String,
    secret: SecretText,
    snippets: Vec<Snippet>,
    onward: String,
}

impl<'a> Page<'a> {
    /// The page of a token whose page is `onward`; `issuer` is this server.
    pub fn new(shell: &'a Shell<'a>, secret: SecretText, issuer: &str, onward: String, what: String) -> Self {
        let snippets = snippets(shell.frame, &secret, issuer);
        Self { frame: shell.frame, shell, what, secret, snippets, onward }
    }

    fn secret(&self) -> &str {
        self.secret.expose()
    }
}

/// The command that tries the secret takes it from the environment: what stands on a command line is seen by
/// everybody on that machine.
fn snippets(frame: &Frame, secret: &SecretText, issuer: &str) -> Vec<Snippet> {
    let snippet = |id, title: &str, what: &str, text: String| Snippet {
        id,
        title: frame.t(title),
        what: frame.t(what),
        text: SecretText::from(text.as_str()),
    };
    let secret = secret.expose();
    let environment = format!("DOORWARD_SERVICE_TOKEN={secret}");
    let curl = format!("curl -H \"Authorization: Bearer $DOORWARD_SERVICE_TOKEN\" {issuer}/api/whoami");
    let nginx = format!("proxy_set_header Authorization \"Bearer {secret}\";");
    vec![
        snippet("environment", "tokens-environment", "tokens-environment-what", environment),
        snippet("curl", "tokens-curl", "tokens-curl-what", curl),
        snippet("nginx", "tokens-nginx", "tokens-nginx-what", nginx),
    ]
}

/// Answers with a secret that has just been made; `what` says of what.
pub(super) fn tell(administrator: &Administrator, made: &WithSecret, what: String) -> Response {
    let visit = &administrator.visit;
    let (frame, errors) = (visit.frame(), Errors::none());
    let mut shell = administrator.shell(&frame, Area::ServiceTokens, frame.t("tokens-secret"), &errors);
    shell.trail = vec![trail(administrator), (page(&made.token), made.token.name.clone())];
    let secret = SecretText::from(made.secret.expose());
    let issuer = visit.call.realm.issuer.as_str();
    administrator.show(&Page::new(&shell, secret, issuer, page(&made.token), what))
}
