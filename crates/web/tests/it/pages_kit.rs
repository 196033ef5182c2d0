//! A person at a browser without script: keeps cookies, follows redirects, fills in the forms of pages.

use std::collections::BTreeMap;

use axum::{Router, body::Body};
use data_encoding::BASE64URL_NOPAD;
use doorward_core::{
    bootstrap::Terms,
    mail,
    page::PageAsk,
    users::{self, Email, NewUser},
};
use doorward_proto::secret::SecretText;
use doorward_web::{App, Bootstrap, WebSettings, router};
use doorward_world::{ISSUER, World};
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use serde_json::{Value as Json, json};
use tower::ServiceExt as _;
use url::form_urlencoded::Serializer;

pub(crate) const PASSWORD: &str = "plum orbit candle 93 gravel";
pub(crate) const ROOT: &str = "root-token-root-token-root-token-root";

/// A browser.
#[derive(Clone)]
pub(crate) struct Browser {
    pub(crate) world: World,
    router: Router,
    pub(crate) cookies: BTreeMap<String, String>,
}

/// A page, or a redirect out of the server.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Page {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The heading.
    pub(crate) fn title(&self) -> &str {
        between(&self.text, "<h1>", "</h1>").unwrap_or_default()
    }

    /// The value of a hidden or filled-in field.
    pub(crate) fn field(&self, name: &str) -> Option<String> {
        let mark = format!("name=\"{name}\"");
        let tags = self.text.split("<input").skip(1).filter_map(|rest| rest.split('>').next());
        let mut typed = tags.filter(|tag| !tag.contains("type=\"checkbox\""));
        let tag = typed.find(|tag| tag.contains(&mark))?;
        between(tag, "value=\"", "\"").map(|value| value.replace("&amp;", "&").replace("&#38;", "&"))
    }

    /// Where the first form whose action begins so goes.
    pub(crate) fn action(&self, beginning: &str) -> String {
        let mark = format!("action=\"{beginning}");
        let rest = between(&self.text, &mark, "\"")
            .unwrap_or_else(|| panic!("no form to {beginning}\n{}", self.text));
        format!("{beginning}{rest}").replace("&#38;", "&").replace("&amp;", "&")
    }
}

fn between<'t>(text: &'t str, before: &str, after: &str) -> Option<&'t str> {
    text.split_once(before)?.1.split(after).next()
}

impl Browser {
    pub(crate) fn new(world: World) -> Self {
        let scopes = vec!["admin:*".to_owned()];
        let bootstrap = Bootstrap { token: SecretText::from(ROOT), scopes, terms: Terms::default() };
        let settings = WebSettings { bootstrap: Some(bootstrap), ..WebSettings::default() };
        let router = router(App::new(world.realm.clone(), settings));
        Self { world, router, cookies: BTreeMap::new() }
    }

    /// The same browser, at a server that is set so.
    pub(crate) fn under(self, settings: WebSettings) -> Self {
        let router = router(App::new(self.world.realm.clone(), settings));
        Self { router, ..self }
    }

    /// Another browser at the same server.
    pub(crate) fn another(&self) -> Self {
        Self { cookies: BTreeMap::new(), ..self.clone() }
    }

    /// One request as it is, without cookies.
    pub(crate) async fn send(&self, request: Request<Body>) -> Page {
        let path = request.uri().to_string();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        // A picture is no text; what stands in it may still be looked for.
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Page { status: parts.status, path, headers: parts.headers, text }
    }

    /// One request with cookies both ways; redirects are not followed.
    pub(crate) async fn ask(&mut self, method: &str, path: &str, body: Option<String>) -> Page {
        let body = body.map(|body| ("application/x-www-form-urlencoded", body.into_bytes()));
        self.ask_with(method, path, body).await
    }

    async fn ask_with(&mut self, method: &str, path: &str, body: Option<(&str, Vec<u8>)>) -> Page {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = Request::builder().method(method).uri(path);
        if !cookies.is_empty() {
            request = request.header(header::COOKIE, cookies.join("; "));
        }
        if let Some((kind, _)) = &body {
            request = request
                .header(header::CONTENT_TYPE, *kind)
                .header("sec-fetch-site", "same-origin")
                .header(header::ORIGIN, ISSUER);
        }
        let page = self
            .send(request.body(body.map_or_else(Body::empty, |(_, body)| Body::from(body))).unwrap())
            .await;
        for cookie in page.headers.get_all(header::SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            assert!(cookie.contains("HttpOnly; SameSite=Lax; Secure"), "{cookie}");
            let (name, rest) = cookie.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            if cookie.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        page
    }

    /// Hands a file in by a form that has nothing else, and follows redirects.
    pub(crate) async fn hand_in(&mut self, page: &Page, action: &str, file: (&str, &[u8])) -> Page {
        let token = page.field("form_token").unwrap();
        let head = format!(
            "--x1\r\nContent-Disposition: form-data; name=\"form_token\"\r\n\r\n{token}\r\n--x1\r\n\
             Content-Disposition: form-data; name=\"{}\"; filename=\"me.svg\"\r\n\
             Content-Type: image/svg+xml\r\n\r\n",
            file.0
        );
        let body = [head.as_bytes(), file.1, b"\r\n--x1--\r\n"].concat();
        let page = self.ask_with("POST", action, Some(("multipart/form-data; boundary=x1", body))).await;
        self.follow(page).await
    }

    async fn follow(&mut self, mut page: Page) -> Page {
        for _ in 0..10 {
            let to = page.header("location").to_owned();
            if to.is_empty() {
                return page;
            }
            assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.path);
            let to = to.strip_prefix(ISSUER).unwrap_or(&to).to_owned();
            if !to.starts_with('/') {
                return page;
            }
            page = self.ask("GET", &to, None).await;
        }
        panic!("too many redirects at {}", page.path);
    }

    /// Opens a page and follows redirects.
    pub(crate) async fn open(&mut self, path: &str) -> Page {
        let page = self.ask("GET", path, None).await;
        self.follow(page).await
    }

    /// Sends the form of a page that goes to `action` (its beginning), and follows redirects.
    pub(crate) async fn submit(&mut self, page: &Page, action: &str, fields: &[(&str, &str)]) -> Page {
        let page = self.submit_once(page, action, fields).await;
        self.follow(page).await
    }

    /// The same without following.
    pub(crate) async fn submit_once(&mut self, page: &Page, action: &str, fields: &[(&str, &str)]) -> Page {
        let mut body = Serializer::new(String::new());
        for hidden in ["form_token", "once", "token", "identifier", "session", "after"] {
            if let (Some(value), false) = (page.field(hidden), fields.iter().any(|(name, _)| *name == hidden))
            {
                body.append_pair(hidden, &value);
            }
        }
        body.extend_pairs(fields);
        self.ask("POST", &page.action(action), Some(body.finish())).await
    }

    /// Sends a form with a file, as it stands on a page but for these fields, and follows redirects.
    pub(crate) async fn upload(&mut self, page: &Page, fields: &[(&str, &str)], file: (&str, &[u8])) -> Page {
        let mut all: BTreeMap<&str, String> =
            fields.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let inputs = page.text.split("<input").skip(1).filter_map(|rest| rest.split('>').next());
        for name in inputs.filter_map(|tag| between(tag, "name=\"", "\"")) {
            if let Some(value) = page.field(name) {
                all.entry(name).or_insert(value);
            }
        }
        let mut body = Vec::new();
        for (name, value) in all {
            body.extend(
                format!("--x1\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").bytes(),
            );
        }
        let head = format!("--x1\r\nContent-Disposition: form-data; name=\"{}\"; filename=\"a.png\"", file.0);
        body.extend(
            [head.as_bytes(), b"\r\nContent-Type: image/png\r\n\r\n", file.1, b"\r\n--x1--\r\n"].concat(),
        );
        let path = page.path.split('?').next().unwrap_or_default().to_owned();
        let page = self.ask_with("POST", &path, Some(("multipart/form-data; boundary=x1", body))).await;
        self.follow(page).await
    }

    /// Signs in from wherever the page asks for an identifier; answers the page after it.
    pub(crate) async fn sign_in(&mut self, page: &Page, email: &str, password: &str) -> Page {
        let page = self.submit(page, "/sign-in", &[("identifier", email)]).await;
        assert_eq!(page.title(), "Enter your password", "{}", page.text);
        self.submit(&page, "/sign-in/password", &[("password", password)]).await
    }

    /// Makes a person.
    pub(crate) async fn person(&self, email: &str, name: &str) {
        let call = self.world.local();
        let mut new = NewUser::new(Email::parse(email).unwrap());
        new.email_verified = true;
        new.name = Some(name.to_owned());
        new.password = Some(call.realm.passwords.make(&SecretText::from(PASSWORD)).await.unwrap());
        users::create(&call, new).await.unwrap();
    }

    /// Makes an application, by the management API.
    pub(crate) async fn client(&self, more: Json) -> Json {
        let mut client = json!({
            "name": "Orders", "type": "public", "redirect_uris": ["https://orders.example/cb"],
            "grant_types": ["authorization_code", "refresh_token"],
            "scopes": ["openid", "profile", "email"], "token_endpoint_auth_method": "none",
        });
        client.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.make("clients", client).await
    }

    /// Makes something by the management API.
    pub(crate) async fn make(&self, what: &str, body: Json) -> Json {
        let page = self.post(what, body).await;
        assert_eq!(page.status, StatusCode::CREATED, "{}", page.text);
        serde_json::from_str(&page.text).unwrap()
    }

    /// What the management API refuses to make.
    pub(crate) async fn refused(&self, what: &str, body: Json) -> Page {
        let page = self.post(what, body).await;
        assert!(page.status.is_client_error(), "{}", page.text);
        page
    }

    async fn post(&self, what: &str, body: Json) -> Page {
        self.manage("POST", what, body).await
    }

    /// A change by the management API.
    pub(crate) async fn manage(&self, method: &str, what: &str, body: Json) -> Page {
        let request = Request::builder()
            .method(method)
            .uri(format!("/api/v1/{what}"))
            .header(header::AUTHORIZATION, format!("Bearer {ROOT}"))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string()))
            .unwrap();
        self.send(request).await
    }

    /// A person as the management API shows them.
    pub(crate) async fn stored(&self, email: &str) -> Json {
        let request = Request::get(format!("/api/v1/users/{email}"))
            .header(header::AUTHORIZATION, format!("Bearer {ROOT}"))
            .body(Body::empty())
            .unwrap();
        serde_json::from_str(&self.send(request).await.text).unwrap()
    }

    /// What the management API has at a path.
    pub(crate) async fn read(&self, path: &str) -> Json {
        let request = Request::get(format!("/api/v1/{path}"))
            .header(header::AUTHORIZATION, format!("Bearer {ROOT}"))
            .body(Body::empty())
            .unwrap();
        let page = self.send(request).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.text);
        serde_json::from_str(&page.text).unwrap()
    }

    /// The link of the newest mail to this address, as a path.
    pub(crate) async fn mailed(&self, email: &str) -> String {
        let call = self.world.local();
        let mails = mail::list(&call, None, PageAsk { limit: 50, ..PageAsk::default() }).await.unwrap();
        let mail = mails.items.iter().find(|mail| mail.recipient == email).expect("a mail to the address");
        let (_, words) = mail::show(&call, mail.id).await.unwrap();
        let link = words.text.split_whitespace().find(|word| word.starts_with(ISSUER)).expect("a link");
        link.strip_prefix(ISSUER).unwrap().to_owned()
    }

    /// How many mails there are.
    pub(crate) async fn mails(&self) -> usize {
        let ask = PageAsk { limit: 500, ..PageAsk::default() };
        mail::list(&self.world.local(), None, ask).await.unwrap().items.len()
    }
}

/// An authorization request of an application of [`Browser::client`].
pub(crate) fn authorize(client: &Json, more: &[(&str, &str)]) -> String {
    let mut query = Serializer::new(String::new());
    query
        .append_pair("client_id", client["client_id"].as_str().unwrap())
        .append_pair("redirect_uri", "https://orders.example/cb")
        .append_pair("response_type", "code")
        .append_pair("scope", "openid email")
        .append_pair("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")
        .append_pair("code_challenge_method", "S256")
        .extend_pairs(more);
    format!("/oauth2/authorize?{}", query.finish())
}

/// The access token that the code of this answer is redeemed for.
pub(crate) async fn redeemed(browser: &Browser, client: &Json, out: &Page) -> String {
    let location = out.header("location");
    assert!(location.contains("code="), "{location}\n{}", out.text);
    let code = between(location, "code=", "&").unwrap();
    let form = Serializer::new(String::new())
        .append_pair("grant_type", "authorization_code")
        .append_pair("client_id", client["client_id"].as_str().unwrap())
        .append_pair("redirect_uri", "https://orders.example/cb")
        .append_pair("code", code)
        .append_pair("code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
        .finish();
    let request = Request::post("/oauth2/token")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(form))
        .unwrap();
    let answer: Json = serde_json::from_str(&browser.send(request).await.text).unwrap();
    answer["access_token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

/// What the access token says that the code of this answer is redeemed for.
pub(crate) async fn access_token(browser: &Browser, client: &Json, out: &Page) -> Json {
    let token = redeemed(browser, client, out).await;
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&BASE64URL_NOPAD.decode(payload.as_bytes()).unwrap()).unwrap()
}
