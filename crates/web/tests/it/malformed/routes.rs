//! The routes that there are, as the router itself tells.

use std::collections::BTreeSet;

use axum::body::Body;
use doorward_web::{App, WebSettings, api::endpoints, every_route};
use http::{Method, Request, StatusCode};

use super::pages_kit::Browser;

pub(crate) struct Route {
    pub(crate) path: String,
    pub(crate) methods: Vec<Method>,
}

/// In which dress a path refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Surface {
    OAuth,
    Api,
    Page,
    /// Health, for machines that read the status only.
    Plain,
}

pub(crate) fn surface(path: &str) -> Surface {
    let path = path.split('?').next().unwrap();
    let last = path.rsplit('/').next().unwrap();
    if ["/healthz", "/readyz", "/api/health"].contains(&path) {
        Surface::Plain
    } else if path.starts_with("/oauth2/") || path.starts_with("/api/auth/oauth2/") {
        let is_page = ["authorize", "resume", "logout", "endsession"].contains(&last);
        if is_page { Surface::Page } else { Surface::OAuth }
    } else if path == "/.well-known/security.txt" {
        Surface::Api
    } else if path == "/.well-known/change-password" {
        Surface::Page
    } else if path.contains("/.well-known/") || path.starts_with("/api/auth/") {
        Surface::OAuth
    } else if path.starts_with("/api/") || path.starts_with("/access/") {
        Surface::Api
    } else {
        Surface::Page
    }
}

/// Every route of the server with its methods.
pub(crate) async fn all(browser: &Browser) -> Vec<Route> {
    let mut routes = Vec::new();
    for path in paths(browser) {
        let request = Request::builder().method("PROPFIND").uri(concrete(&path)).body(Body::empty()).unwrap();
        let answer = browser.send(request).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
        let allowed = answer.header("allow");
        let methods: Vec<Method> = allowed.split(',').map(|name| name.trim().parse().unwrap()).collect();
        routes.push(Route { path, methods });
    }
    routes
}

/// The router shows its paths to whoever debugs it: `RouteId(7): "/oauth2/token"`. There is no other list
/// that could not lack one.
fn paths(browser: &Browser) -> BTreeSet<String> {
    let app = App::new(browser.world.realm.clone(), WebSettings::default());
    let shown = format!("{:?}", every_route(&app));
    let mut paths = BTreeSet::new();
    for rest in shown.split("RouteId(").skip(1) {
        let Some((_, rest)) = rest.split_once("): \"") else { continue };
        if let Some((path, _)) = rest.split_once('"')
            && path.starts_with('/')
            && !path.contains("{*")
        {
            paths.insert(path.to_owned());
        }
    }
    for endpoint in endpoints() {
        assert!(paths.contains(endpoint.path), "{} is not among {paths:?}", endpoint.path);
    }
    for path in ["/oauth2/token", "/sign-in", "/healthz", "/.well-known/jwks.json", "/assets/{file}"] {
        assert!(paths.contains(path), "{path} is not among {paths:?}");
    }
    paths
}

/// The path with names of nothing.
pub(crate) fn concrete(path: &str) -> String {
    filled(path, "usr_01jd8zzzzzzzzzzzzzzzzzzzzz")
}

fn filled(path: &str, with: &str) -> String {
    let parts: Vec<&str> =
        path.split('/').map(|part| if part.starts_with('{') { with } else { part }).collect();
    parts.join("/")
}

/// The path with what an attacker puts into it, and into a query behind it.
pub(crate) fn bent(path: &str) -> Vec<String> {
    let long = "a".repeat(9000);
    let mut bent: Vec<String> = Vec::new();
    if path.contains('{') {
        let names = [
            "%00",
            "%ff%fe",
            "%zz",
            "%",
            "..%2f..%2fetc%2fpasswd",
            "%2e%2e",
            "'%20OR%20'1'='1",
            "%F0%9F%A6%80",
            "usr_%00",
            "$1",
            "null",
            "-1",
            "%0d%0aset-cookie:x=1",
            &long,
        ];
        bent.extend(names.iter().map(|name| filled(path, name)));
    }
    let queries = [
        "%00=%00",
        "a=%ff%fe",
        "%",
        "%zz=%zz",
        "&&&&=&==",
        "limit=-1",
        "limit=99999999999999999999",
        "limit=%00",
        "cursor=%ff",
        "cursor=x",
        "query=%00",
        "status=%00",
        "token=%00&token=%ff",
        "draft=%00",
        "draft=x&draft=y",
        "client_id=%00&redirect_uri=%ff",
        "request_uri=%00",
        "session=%00",
        "after=%00",
        "after=%ff",
        "return_to=//evil.example",
        "ui_locales=%00",
        "login_hint=%00",
        "state=%00",
        "id_token_hint=%00",
        "id_token_hint=..",
        &long,
    ];
    bent.extend(queries.iter().map(|query| format!("{}?{query}", concrete(path))));
    let many = "a=1&".repeat(1000);
    bent.push(format!("{}?{many}", concrete(path)));
    bent
}
