//! What is pasted next: each as it works, with the application's own values in it.

use doorward_core::clients::Client;

use super::kind::Kind;
use crate::pages::{console::part::secret::Snippet, frame::Frame};

/// A whole program of Node that signs people in, and takes everything from its environment.
const NODE: &str = include_str!("../../../../snippets/sign-in.mjs");
/// The same of Python, with sessions and signing out.
const FASTAPI: &str = include_str!("../../../../snippets/sign_in.py");
/// A module for a page.
const MODULE: &str = include_str!("../../../../snippets/sign-in.js");
/// The secret comes from the environment, and no list of processes shows it.
const CURL: &str = "printf 'user = \"%s:%s\"\\n' \"$OIDC_CLIENT_ID\" \"$OIDC_CLIENT_SECRET\" |\n    \
    curl --fail --silent --config - --data grant_type=client_credentials \"$OIDC_ISSUER/oauth2/token\"";

/// What fits an application; its secret stands where it belongs, or a word for it.
pub(super) fn of(frame: &Frame, issuer: &str, client: &Client, secret: Option<&str>) -> Vec<Snippet> {
    let snippet = |id: &'static str, keys: (&str, &str), text: &str| Snippet::new(frame, id, keys, text);
    let kind = Kind::of(client);
    let back = client.metadata.redirect_uris.first().map(String::as_str).unwrap_or_default();
    // A program on somebody's device listens where there is room.
    let here =
        (kind == Kind::Native).then(|| back.replacen("http://127.0.0.1/", "http://127.0.0.1:8765/", 1));
    let back = here.as_deref().unwrap_or(back);
    let environment = snippet(
        "environment",
        ("apps-environment", "apps-environment-what"),
        &environment(frame, issuer, (client, kind, back), secret),
    );
    match kind {
        Kind::Server | Kind::Native => {
            let fastapi = FASTAPI.replace("--port 3000", &format!("--port {}", port(back)));
            vec![
                environment,
                snippet("node", ("apps-node", "apps-node-what"), NODE.trim_end()),
                snippet("fastapi", ("apps-fastapi", "apps-fastapi-what"), fastapi.trim_end()),
            ]
        }
        Kind::Service => vec![environment, snippet("curl", ("apps-curl", "apps-curl-what"), CURL)],
        Kind::Browser => {
            let module = MODULE
                .replace("https://id.example.com", issuer)
                .replace("CLIENT_ID", &client.client_id)
                .replace("https://app.example.com/callback", back);
            let origin = url::Url::parse(back).map(|back| back.origin().ascii_serialization());
            let cors = format!("[cors]\nallowed_origins = [\"{}\"]", origin.unwrap_or_default());
            vec![
                snippet("module", ("apps-module", "apps-module-what"), module.trim_end()),
                snippet("cors", ("apps-cors", "apps-cors-what"), &cors),
            ]
        }
    }
}

/// Where a program listens that people come back to.
fn port(back: &str) -> u16 {
    url::Url::parse(back).ok().and_then(|back| back.port()).unwrap_or(3000)
}

fn environment(
    frame: &Frame,
    issuer: &str,
    (client, kind, back): (&Client, Kind, &str),
    secret: Option<&str>,
) -> String {
    let mut lines = vec![format!("OIDC_ISSUER={issuer}"), format!("OIDC_CLIENT_ID={}", client.client_id)];
    if client.metadata.has_secret() {
        let secret = secret.map_or_else(|| frame.t("apps-your-secret"), str::to_owned);
        lines.push(format!("OIDC_CLIENT_SECRET={secret}"));
    }
    if kind.signs_in() {
        lines.push(format!("OIDC_REDIRECT_URI={back}"));
        let signed_out = client.metadata.post_logout_redirect_uris.first();
        lines.extend(signed_out.map(|uri| format!("OIDC_SIGNED_OUT_URI={uri}")));
    }
    lines.join("\n")
}
