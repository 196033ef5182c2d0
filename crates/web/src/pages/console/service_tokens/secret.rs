//! A new secret, shown to the browser that asked for it, with what is pasted next.

use axum::response::Response;
use doorward_core::{outcome::Result as Outcome, service_tokens::WithSecret};
use doorward_proto::secret::SecretText;

use super::{page, trail, version};
use crate::{
    pages::{
        console::{
            Administrator, Area,
            part::{
                once::Told,
                secret::{SecretPage, Snippet, told, wait},
            },
        },
        form::Errors,
        frame::Frame,
    },
    surface::Failure,
};

/// Where it is shown.
pub(super) const SHOWN: &str = "/console/service-tokens/secret";

/// What is kept of a form's work.
pub(super) fn kept(made: Outcome<WithSecret>, is_new: bool) -> Outcome<Told> {
    let made = made?;
    let secret = Some(SecretText::from(made.secret.expose()));
    Ok(Told { id: made.token.id.to_string(), secret, is_new })
}

/// The command that tries the secret takes it from the environment: what stands on a command line is seen by
/// everybody on that machine.
fn snippets(frame: &Frame, secret: &str, issuer: &str) -> Vec<Snippet> {
    let snippet = |id: &'static str, keys: (&str, &str), text: &str| Snippet::new(frame, id, keys, text);
    let environment = format!("DOORWARD_SERVICE_TOKEN={secret}");
    let curl = format!("curl -H \"Authorization: Bearer $DOORWARD_SERVICE_TOKEN\" {issuer}/api/whoami");
    let nginx = format!("proxy_set_header Authorization \"Bearer {secret}\";");
    vec![
        snippet("environment", ("tokens-environment", "tokens-environment-what"), &environment),
        snippet("curl", ("tokens-curl", "tokens-curl-what"), &curl),
        snippet("nginx", ("tokens-nginx", "tokens-nginx-what"), &nginx),
    ]
}

/// Shows what came of a form, to the browser that sent it and for a while.
pub(super) async fn look(administrator: Administrator) -> Result<Response, Failure> {
    let visit = &administrator.visit;
    let (frame, errors) = (visit.frame(), Errors::none());
    let mut shell = administrator.shell(&frame, Area::ServiceTokens, frame.t("tokens-secret"), &errors);
    shell.trail = vec![trail(&administrator)];
    let Some(told) = told(visit).await? else { return Ok(wait(&administrator, &mut shell, SHOWN)) };
    let token = version(visit, &told.id).await?;
    let what = if told.is_new { "tokens-made" } else { "tokens-rotated-what" };
    let what = visit.text.with(what, "name", &token.name);
    shell.trail.push((page(&token), token.name.clone()));
    let secret = told.secret.as_ref().map(SecretText::expose).unwrap_or_default();
    let snippets = snippets(&frame, secret, visit.call.realm.issuer.as_str());
    Ok(administrator.show(&SecretPage::new(&shell, what, told, snippets, page(&token))))
}
