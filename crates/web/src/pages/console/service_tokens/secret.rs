//! A new secret, shown to the browser that asked for it, with what is pasted next.

use askama::Template;
use axum::response::Response;
use doorward_core::{
    idempotency::{self, Recalled},
    outcome::{Code, Error},
};
use doorward_proto::{form::Params, secret::SecretText};
use http::{HeaderValue, header::REFRESH};
use serde::Deserialize;

use super::{once, page, trail, version};
use crate::{
    edge::BODY_LIMIT,
    pages::{
        console::{Administrator, Area, Shell},
        form::Errors,
        frame::Frame,
    },
    surface::Failure,
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

/// The page while the first of two clicks is under way.
#[derive(Template)]
#[template(path = "console/service_tokens/wait.html")]
pub struct Wait<'a> {
    frame: &'a Frame,
    shell: &'a Shell<'a>,
    again: String,
}

/// What is kept of a form's work.
#[derive(Deserialize)]
struct Told {
    id: String,
    secret: SecretText,
    is_new: bool,
}

/// Shows what came of a form, to the browser that sent it and for a while.
pub(super) async fn look(administrator: Administrator) -> Result<Response, Failure> {
    let visit = &administrator.visit;
    let params = Params::parse(visit.query().as_bytes(), BODY_LIMIT).map_err(|_| Code::RequestInvalid)?;
    let word = params.one(once::FIELD).ok().flatten().unwrap_or_default();
    let (frame, errors) = (visit.frame(), Errors::none());
    let mut shell = administrator.shell(&frame, Area::ServiceTokens, frame.t("tokens-secret"), &errors);
    shell.trail = vec![trail(&administrator)];
    let told = match idempotency::recall(&visit.call, &once::claim(visit, word)?).await? {
        Recalled::Nothing => return Err(Code::NotFound.into()),
        Recalled::UnderWay => {
            let again = format!("{}/secret?{}", super::PATH, visit.query());
            shell.title = frame.t("tokens-wait");
            let mut response = administrator.show(&Wait { frame: &frame, shell: &shell, again });
            response.headers_mut().insert(REFRESH, HeaderValue::from_static("1"));
            return Ok(response);
        }
        Recalled::Answered(kept) => serde_json::from_slice::<Told>(&kept).map_err(Error::from)?,
    };
    let token = version(visit, &told.id).await?;
    let what = if told.is_new { "tokens-made" } else { "tokens-rotated-what" };
    let what = visit.text.with(what, "name", &token.name);
    shell.trail.push((page(&token), token.name.clone()));
    let issuer = visit.call.realm.issuer.as_str();
    Ok(administrator.show(&Page::new(&shell, told.secret, issuer, page(&token), what)))
}
