//! A new secret, shown to the browser that asked for it, with what is pasted next.

use axum::{extract::Path, response::Response};
use doorward_core::{outcome::Result as Outcome, service_tokens::WithSecret};
use doorward_proto::secret::SecretText;

use super::{AREA, At, READ, Site, keep, page};
use crate::{
    pages::{
        console::{
            Operator,
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
pub(super) fn shown(site: &Site) -> String {
    format!("{}/secret", site.list())
}

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
pub(super) async fn look(Path(at): Path<At>, operator: Operator) -> Result<Response, Failure> {
    let visit = &operator.visit;
    let site = Site::enter(&operator, AREA, (at.org.as_deref(), READ)).await?;
    let (frame, errors) = (visit.frame(), Errors::none());
    let mut shell = site.below(&operator, &frame, (frame.t("tokens-secret"), &errors));
    let Some(told) = told(visit).await? else { return Ok(wait(&operator, &mut shell, &shown(&site))) };
    let token = keep::find(&visit.call, &site, &told.id).await?;
    let what = if told.is_new { "tokens-made" } else { "tokens-rotated-what" };
    let what = visit.text.with(what, "name", &token.name);
    let page = page(&site, &token);
    shell.trail.push((page.clone(), token.name.clone()));
    let secret = told.secret.as_ref().map(SecretText::expose).unwrap_or_default();
    let snippets = snippets(&frame, secret, visit.call.realm.issuer.as_str());
    Ok(operator.show(&SecretPage::new(&shell, what, told, snippets, page)))
}
