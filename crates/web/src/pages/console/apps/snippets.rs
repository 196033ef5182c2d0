//! What is pasted next: each as it works, with the application's own values in it.

use doorward_core::clients::Client;

use super::kind::Kind;
use crate::pages::{console::part::secret::Snippet, frame::Frame};

/// A whole program of Node that signs people in, and takes everything from its environment.
const NODE: &str = include_str!("../../../../snippets/sign-in.mjs");
/// A module for a page.
const MODULE: &str = include_str!("../../../../snippets/sign-in.js");
/// The block of the chapter on the gateway.
const NGINX: &str = include_str!("../../../../snippets/nginx.conf");
/// The secret comes from the environment, and no list of processes shows it.
const CURL: &str = "printf 'user = \"%s:%s\"\\n' \"$OIDC_CLIENT_ID\" \"$OIDC_CLIENT_SECRET\" |\n    \
    curl --fail --silent --config - --data grant_type=client_credentials \"$OIDC_ISSUER/oauth2/token\"";

/// What fits an application; its secret stands where it belongs, or a word for it.
pub(super) fn of(frame: &Frame, issuer: &str, client: &Client, secret: Option<&str>) -> Vec<Snippet> {
    let snippet = |id: &'static str, keys: (&str, &str), text: &str| Snippet::new(frame, id, keys, text);
    let kind = Kind::of(client);
    let back = client.metadata.redirect_uris.first().map(String::as_str).unwrap_or_default();
    let environment = snippet(
        "environment",
        ("apps-environment", "apps-environment-what"),
        &environment(frame, issuer, (client, kind, back), secret),
    );
    match kind {
        Kind::Server | Kind::Native => {
            vec![environment, snippet("node", ("apps-node", "apps-node-what"), NODE.trim_end())]
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
        // A program on somebody's device listens where there is room.
        let back = match kind {
            Kind::Native => back.replacen("http://127.0.0.1/", "http://127.0.0.1:8765/", 1),
            _ => back.to_owned(),
        };
        lines.push(format!("OIDC_REDIRECT_URI={back}"));
    }
    lines.join("\n")
}

/// What puts an application at `upstream` behind a proxy, for browsers that reach it as `host`.
pub(super) fn proxy(frame: &Frame, host: &str, upstream: &str) -> Vec<Snippet> {
    let snippet = |id: &'static str, keys: (&str, &str), text: &str| Snippet::new(frame, id, keys, text);
    let name = host.split('.').next().unwrap_or(host);
    let route = format!(
        "trusted_proxies = [\"127.0.0.1/32\"]\n\n[[gateway.routes]]\nname = \"{name}\"\nhosts = [\"{host}\"]"
    );
    let nginx = NGINX.replace("reports.example.com", host).replace("127.0.0.1:9000", upstream);
    vec![
        snippet("route", ("apps-route", "apps-route-what"), &route),
        snippet("nginx", ("apps-nginx", "apps-nginx-what"), nginx.trim_end()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A chapter's blocks are what the tests of its programs run.
    #[test]
    fn what_is_pasted_is_what_the_chapters_say() {
        for (chapter, language, text) in [
            ("gateway", "nginx", NGINX),
            ("fastapi", "python", include_str!("../../../../snippets/api.py")),
            ("fastapi", "python", include_str!("../../../../snippets/sign_in.py")),
        ] {
            let path = format!("{}/../../docs/{chapter}.md", env!("CARGO_MANIFEST_DIR"));
            let page = std::fs::read_to_string(path).unwrap();
            let first = text.lines().next().unwrap();
            assert!(
                page.contains(&format!("```{language}\n{text}```")),
                "{chapter}.md has another one: {first}"
            );
        }
    }
}
