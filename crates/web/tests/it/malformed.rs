//! Every route × everything that is no request: bodies of the wrong kind and size, text that is none,
//! paths and headers that are bent, methods that nobody offers. Each is refused with a 4xx in the dress of
//! its surface, and nothing changes.
//!
//! The routes are read from the router itself, and the methods of each from its `Allow`, so that a new one
//! is met without being named here.

mod bodies;
mod routes;

use crate::pages_kit;
use crate::pages_kit::{Browser, Page, ROOT};
use axum::body::Body;
use bodies::{Case, cases};
use doorward_web::api::endpoints;
use doorward_world::{ISSUER, World, both_engines};
use http::{Method, Request, StatusCode, header};
use routes::{Route, Surface};
use serde_json::{Value as Json, json};

/// Forms that are whole with their token alone, or that take any text: what has nothing wrong in it but
/// an odd value is done.
const TAKES_ANY_TEXT: &[&str] =
    &["/sign-out", "/account/sessions/end-others", "/account/profile", "/account/organizations"];
/// Requests of which every parameter may be missing (OpenID Connect RP-Initiated Logout 2): what is not
/// known is passed over, and the person is asked.
const TAKES_NOTHING: &[&str] = &["/oauth2/logout", "/api/auth/oauth2/logout", "/api/auth/oauth2/endsession"];

/// Who sends it: somebody whom the route would let in, so that its parser is reached.
struct Seat {
    browser: Browser,
    cookie: String,
    form_token: String,
    client: String,
}

impl Seat {
    async fn take(world: World) -> Self {
        let mut browser = Browser::new(world);
        browser.person("ada@example.org", "Ada").await;
        let page = browser.open("/account").await;
        let page = browser.sign_in(&page, "ada@example.org", pages_kit::PASSWORD).await;
        let form_token = page.field("form_token").expect("a signed-in page has forms");
        let cookie: Vec<String> =
            browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let made = browser
            .client(json!({"type": "confidential", "token_endpoint_auth_method": "client_secret_basic"}))
            .await;
        let pair =
            format!("{}:{}", made["client_id"].as_str().unwrap(), made["client_secret"].as_str().unwrap());
        let client = format!("Basic {}", data_encoding::BASE64.encode(pair.as_bytes()));
        Self { browser, cookie: cookie.join("; "), form_token, client }
    }

    /// A request with everything that lets it in.
    fn request(&self, method: Method, path: &str) -> http::request::Builder {
        let request = Request::builder().method(method).uri(path).header(header::ORIGIN, ISSUER);
        match routes::surface(path) {
            Surface::Api if path.starts_with("/api/v1/me") => request.header(header::COOKIE, &self.cookie),
            Surface::Api => request.header(header::AUTHORIZATION, format!("Bearer {ROOT}")),
            Surface::OAuth => request.header(header::AUTHORIZATION, &self.client),
            Surface::Page => request.header(header::COOKIE, &self.cookie),
            Surface::Plain => request,
        }
        .header("sec-fetch-site", "same-origin")
    }

    async fn send(&self, request: http::request::Builder, body: Body) -> Page {
        self.browser.send(request.body(body).unwrap()).await
    }

    /// All that the API lists, without the audit trail.
    async fn state(&self) -> Vec<(String, String)> {
        let mut state = Vec::new();
        for endpoint in endpoints() {
            // A copy of one's own data says when it was made, and is in the trail.
            let tells_of_asking = endpoint.area() == "audit" || endpoint.path == "/api/v1/me/export";
            if endpoint.method != Method::GET || endpoint.path.contains('{') || tells_of_asking {
                continue;
            }
            let answer = self.send(self.request(Method::GET, endpoint.path), Body::empty()).await;
            assert!(!answer.status.is_server_error(), "{}: {}", endpoint.path, answer.text);
            // How often the bootstrap token was used changes by looking.
            let text = answer.text.split("\"bootstrap\"").next().unwrap_or_default();
            state.push((endpoint.path.to_owned(), text.to_owned()));
        }
        assert!(state.iter().any(|(path, text)| path == "/api/v1/users" && text.contains("ada@example.org")));
        assert!(state.iter().any(|(path, text)| path == "/api/v1/me" && text.contains("ada@example.org")));
        state
    }
}

/// What does not hold, so that one run tells all of it.
#[derive(Default)]
struct Wrong(Vec<String>);

impl Wrong {
    fn unless(&mut self, holds: bool, what: &str, answer: &Page) {
        if !holds {
            let text: String = answer.text.chars().take(300).collect();
            self.0.push(format!("{what}: {} {text}", answer.status));
        }
    }

    /// What every answer must be, and what every refusal must look like on its surface.
    fn check(&mut self, what: &str, path: &str, answer: &Page) {
        self.unless(!answer.status.is_server_error(), what, answer);
        self.unless(!answer.text.contains("panicked") && !answer.text.contains("/src/"), what, answer);
        let surface = routes::surface(path);
        if !answer.status.is_client_error() || surface == Surface::Plain {
            return;
        }
        let kind = answer.header("content-type");
        let json: Json = serde_json::from_str(&answer.text).unwrap_or_default();
        let has = |member: &str| json[member].as_str().is_some_and(|it| !it.is_empty());
        let is_dressed = match surface {
            Surface::Api if path.starts_with("/api/admin/service-tokens") => {
                let detail = json["detail"].as_object().map(serde_json::Map::len);
                kind == "application/json" && detail == Some(2) && ["code", "request_id"].into_iter().all(has)
            }
            Surface::Api => {
                kind == "application/problem+json"
                    && json["status"] == answer.status.as_u16()
                    && ["type", "title", "code", "request_id"].into_iter().all(has)
            }
            Surface::OAuth => {
                kind == "application/json" && ["error", "error_description"].into_iter().all(has)
            }
            Surface::Page => kind.starts_with("text/html") && answer.text.contains("<h1"),
            Surface::Plain => true,
        };
        self.unless(is_dressed, &format!("{what}, as {kind}"), answer);
        let is_stored = !answer.header("cache-control").contains("no-store");
        self.unless(!is_stored, &format!("{what}, kept in a cache"), answer);
    }

    fn unchanged(&mut self, before: &[(String, String)], after: &[(String, String)]) {
        for ((path, was), (_, is)) in before.iter().zip(after) {
            if was != is {
                self.0.push(format!("{path} was {was} and is {is}"));
            }
        }
    }

    fn nothing(self) {
        let many = self.0.len();
        let some: Vec<String> = self.0.into_iter().take(60).collect();
        assert!(some.is_empty(), "{many} answers are wrong:\n{}", some.join("\n"));
    }
}

both_engines! {
    async fn a_body_that_is_none_is_refused_everywhere(world: World) {
        let (seat, mut wrong) = (Seat::take(world).await, Wrong::default());
        let before = seat.state().await;
        for Route { path, methods } in routes::all(&seat.browser).await {
            let concrete = routes::concrete(&path);
            for method in methods.iter().filter(|it| ![Method::GET, Method::HEAD].contains(it)) {
                for Case { name, kind, body, is_refused } in cases(&seat.form_token) {
                    if !is_refused && TAKES_ANY_TEXT.contains(&path.as_str()) {
                        continue;
                    }
                    let mut request = seat.request(method.clone(), &concrete);
                    if let Some(kind) = kind {
                        request = request.header(header::CONTENT_TYPE, kind);
                    }
                    let mut answer = seat.send(request, Body::from(body)).await;
                    if path.ends_with("/authorize") && answer.status == StatusCode::SEE_OTHER {
                        // Asked for again by GET, where it is judged.
                        let to = answer.header("location").to_owned();
                        answer = seat.send(seat.request(Method::GET, &to), Body::empty()).await;
                    }
                    let what = format!("{method} {path}, {name}");
                    wrong.check(&what, &concrete, &answer);
                    let asks = TAKES_NOTHING.contains(&path.as_str())
                        && answer.header("location").starts_with("/sign-out");
                    if is_refused && *method != Method::DELETE && !asks {
                        wrong.unless(answer.status.is_client_error(), &what, &answer);
                    }
                }
            }
        }
        wrong.unchanged(&before, &seat.state().await);
        wrong.nothing();
    }

    /// What breaks off is malformed, and not too large; what is too large is, however it is sent.
    async fn a_body_that_breaks_off_is_not_called_too_large(world: World) {
        let (seat, mut wrong) = (Seat::take(world).await, Wrong::default());
        for Route { path, methods } in routes::all(&seat.browser).await {
            let concrete = routes::concrete(&path);
            for method in methods.iter().filter(|it| ![Method::GET, Method::HEAD, Method::DELETE].contains(it)) {
                for kind in [bodies::FORM, bodies::JSON] {
                    let request = seat.request(method.clone(), &concrete).header(header::CONTENT_TYPE, kind);
                    let answer = seat.send(request, bodies::broken()).await;
                    let what = format!("{method} {path}, {kind} that breaks off");
                    wrong.check(&what, &concrete, &answer);
                    wrong.unless(answer.status != StatusCode::PAYLOAD_TOO_LARGE, &what, &answer);
                }
            }
        }
        for (path, kind, key) in [
            ("/oauth2/token", bodies::FORM, None),
            ("/oauth2/userinfo", bodies::FORM, None),
            ("/api/v1/users", bodies::JSON, None),
            ("/api/v1/users", bodies::JSON, Some("once-and-no-more")),
            ("/sign-in", bodies::FORM, None),
        ] {
            for (body, status) in [(bodies::broken(), StatusCode::BAD_REQUEST), (bodies::endless(), StatusCode::PAYLOAD_TOO_LARGE)] {
                let mut request = seat.request(Method::POST, path).header(header::CONTENT_TYPE, kind);
                if let Some(key) = key {
                    request = request.header("idempotency-key", key);
                }
                let answer = seat.send(request, body).await;
                wrong.unless(answer.status == status, &format!("{path}, to be {status}"), &answer);
            }
        }
        wrong.nothing();
    }

    async fn a_path_or_header_that_is_bent_breaks_nothing(world: World) {
        let (seat, mut wrong) = (Seat::take(world).await, Wrong::default());
        let before = seat.state().await;
        for Route { path, methods } in routes::all(&seat.browser).await {
            for bent in routes::bent(&path) {
                for method in methods.iter().filter(|it| **it != Method::DELETE || path.contains('{')) {
                    let answer = seat.send(seat.request(method.clone(), &bent), Body::empty()).await;
                    let what = format!("{method} {}", bent.chars().take(120).collect::<String>());
                    if *method != Method::HEAD {
                        wrong.check(&what, &bent, &answer);
                    }
                }
            }
            let concrete = routes::concrete(&path);
            for (name, value) in bodies::headers() {
                for method in methods.iter().filter(|it| [Method::GET, Method::POST].contains(it)) {
                    let mut request = Request::builder().method(method.clone()).uri(&concrete).body(Body::empty()).unwrap();
                    request.headers_mut().append(name.clone(), value.clone());
                    let answer = seat.browser.send(request).await;
                    wrong.check(&format!("{method} {concrete} with {name} of {} bytes", value.len()), &concrete, &answer);
                }
            }
        }
        wrong.unchanged(&before, &seat.state().await);
        wrong.nothing();
    }

    async fn a_method_that_nobody_offers_is_refused(world: World) {
        let (seat, mut wrong) = (Seat::take(world).await, Wrong::default());
        for Route { path, methods } in routes::all(&seat.browser).await {
            let concrete = routes::concrete(&path);
            for method in ["PUT", "PATCH", "DELETE", "POST", "TRACE", "CONNECT", "PROPFIND", "get", "X"] {
                let method: Method = method.parse().unwrap();
                if methods.contains(&method) {
                    continue;
                }
                let answer = seat.send(seat.request(method.clone(), &concrete), Body::empty()).await;
                let what = format!("{method} {path}");
                let is_told = answer.status == StatusCode::METHOD_NOT_ALLOWED && !answer.header("allow").is_empty();
                wrong.unless(is_told, &what, &answer);
                wrong.check(&what, &concrete, &answer);
            }
        }
        wrong.nothing();
    }
}
