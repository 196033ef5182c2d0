//! What is pasted next to connect an API: its settings, a program that verifies its tokens, a request with one, and a
//! proxy before something that knows nothing of tokens.

use askama::Template;
use axum::{extract::Path, response::Response};
use doorward_core::apis::{Api, TokenFormat, of_org};
use doorward_proto::resource::Resource;
use serde_json::Value as Json;
use url::{Host, Url};

use super::Place;
use crate::{
    pages::{
        console::{
            Area, Operator, Shell,
            part::{guard, secret::Snippet},
        },
        form::Errors,
        frame::Frame,
    },
    surface::Failure,
};

/// A whole API that verifies its tokens itself.
const FASTAPI: &str = include_str!("../../../../snippets/api.py");
/// A token, and a request with it.
const CALL: &str = include_str!("../../../../snippets/call.sh");
/// A token, and what this server says of it.
const INTROSPECT: &str = include_str!("../../../../snippets/introspect.sh");

/// The page.
#[derive(Template)]
#[template(path = "console/apis/connect.html")]
struct Page<'a> {
    frame: &'a Frame,
    shell: &'a Shell<'a>,
    snippets: Vec<Snippet>,
}

pub(super) async fn look(Path(id): Path<String>, operator: Operator) -> Result<Response, Failure> {
    page(&operator, &Place::server(&operator)?, &id).await
}

pub(super) async fn look_at(
    Path((org, id)): Path<(String, String)>,
    operator: Operator,
) -> Result<Response, Failure> {
    page(&operator, &Place::of(&operator, &org, of_org::READ).await?, &id).await
}

async fn page(operator: &Operator, place: &Place, id: &str) -> Result<Response, Failure> {
    let visit = &operator.visit;
    let api = place.find(operator, id).await?;
    let (frame, errors) = (visit.frame(), Errors::none());
    let title = frame.tv("apis-connect-of", "name", &api.name);
    let mut shell = operator.shell(&frame, Area::Apis, title, &errors);
    shell.trail = place.trail_to(operator);
    shell.trail.push((place.page(&api), api.name.clone()));
    let snippets = of(&frame, visit.call.realm.issuer.as_str(), &api);
    Ok(operator.show(&Page { frame: &frame, shell: &shell, snippets }))
}

/// What fits an API.
fn of(frame: &Frame, issuer: &str, api: &Api) -> Vec<Snippet> {
    let snippet = |id: &'static str, keys: (&str, &str), text: &str| Snippet::new(frame, id, keys, text);
    let environment = format!("OIDC_ISSUER={issuer}\nAPI_AUDIENCE={}", api.identifier);
    let mut snippets =
        vec![snippet("environment", ("apps-environment", "apis-environment-what"), &environment)];
    // RFC 8707 wants addresses; a name is said by the older word.
    let is_address = api.identifier.parse::<Resource>().is_ok();
    let asked =
        |text: &str| if is_address { text.to_owned() } else { text.replace("resource=", "audience=") };
    match api.token_format {
        TokenFormat::Jwt => snippets.extend([
            snippet("fastapi", ("apps-fastapi", "apis-fastapi-what"), program(api).trim_end()),
            snippet("curl", ("apps-curl", "apis-curl-what"), &asked(CALL.trim_end())),
        ]),
        TokenFormat::Opaque => {
            snippets.push(snippet(
                "curl",
                ("apps-curl", "apis-introspect-what"),
                &asked(INTROSPECT.trim_end()),
            ));
        }
    }
    snippets.extend(guard::snippets(frame, (&host(api), "127.0.0.1:9000"), &demands(api)));
    snippets
}

/// The name under which an API that has an address is reached.
fn host(api: &Api) -> String {
    match Url::parse(&api.identifier).ok().as_ref().and_then(Url::host) {
        Some(Host::Domain(host)) => host.to_owned(),
        _ => "reports.example.com".to_owned(),
    }
}

/// Text in quotes, as Python and TOML read it, too.
fn quoted(text: &str) -> String {
    Json::from(text).to_string()
}

/// The scope one part of whose name is the word, in quotes: `reports:read`, and not `spreadsheets:delete`.
fn scope(api: &Api, word: &str) -> Option<String> {
    let says =
        |name: &str| name.split(|letter: char| !letter.is_ascii_alphanumeric()).any(|part| part == word);
    api.scopes.iter().find(|scope| says(&scope.name)).map(|scope| quoted(&scope.name))
}

/// The program with the API's own scopes. Where none says that it reads or writes, the program's own word stays, which
/// nobody holds until the reader has put another there.
fn program(api: &Api) -> String {
    let mut program = FASTAPI.to_owned();
    for word in ["read", "write"] {
        if let Some(scope) = scope(api, word) {
            program = program.replace(&format!("\"reports:{word}\""), &scope);
        }
    }
    program
}

/// What a route before it demands: a token for this API, which may read.
fn demands(api: &Api) -> String {
    let audience = format!("\naudiences = [{}]", quoted(&api.identifier));
    let scope = scope(api, "read").map(|scope| format!("\nscopes = [{scope}]"));
    audience + &scope.unwrap_or_default()
}
