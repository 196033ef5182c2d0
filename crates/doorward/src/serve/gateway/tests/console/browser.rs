//! Somebody signed in at a browser, before a server with a gateway.

use std::collections::BTreeMap;

use doorward_core::users::{self, Email, NewUser, PlatformRole};
use doorward_proto::secret::SecretText;
use doorward_web::{App, WebSettings, in_force::InForce, router};
use doorward_world::{ISSUER, World};
use http::{Request, StatusCode, header};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;
use url::form_urlencoded::Serializer;

use super::super::*;
use crate::{
    config::{Environment, Loaded, Sources},
    serve::described::described,
};

pub(super) const ROOT: &str = "root@example.com";
const PASSWORD: &str = "plum orbit candle 93 gravel";

pub(super) struct Page {
    pub(super) status: StatusCode,
    pub(super) text: String,
    to: Option<String>,
}

fn between<'t>(text: &'t str, before: &str, after: &str) -> Option<&'t str> {
    text.split_once(before)?.1.split(after).next()
}

impl Page {
    pub(super) fn title(&self) -> &str {
        between(&self.text, "<h1>", "</h1>").unwrap_or_default()
    }

    /// What its hidden fields hold.
    fn hidden(&self) -> BTreeMap<&str, String> {
        let tags = self.text.split("<input").skip(1).filter_map(|rest| rest.split('>').next());
        let tags = tags.filter(|tag| tag.contains("hidden"));
        let field = |tag| {
            Some((between(tag, "name=\"", "\"")?, between(tag, "value=\"", "\"")?.replace("&#38;", "&")))
        };
        tags.filter_map(field).collect()
    }
}

pub(super) struct Browser {
    router: axum::Router,
    pub(super) book: Arc<Book>,
    cookies: BTreeMap<String, String>,
}

/// Makes somebody.
pub(super) async fn person(world: &World, email: &str, is_administrator: bool) {
    let call = world.local();
    let mut new = NewUser::new(Email::parse(email).unwrap());
    new.email_verified = true;
    new.password = Some(call.realm.passwords.make(&SecretText::from(PASSWORD)).await.unwrap());
    if is_administrator {
        new.platform_role = PlatformRole::Administrator;
    }
    users::create(&call, new).await.unwrap();
}

impl Browser {
    /// An administrator of a server with these routes.
    pub(super) async fn administrator(world: &World, routes: &str) -> Self {
        let set = [
            ("gateway.routes", routes.replace('\n', " ")),
            ("auth.issuer", "https://other.example".to_owned()),
            ("auth.jwt_secret", "hunter2-hunter2-hunter2-hunter2-hunter2".to_owned()),
        ];
        let flags = set.map(|(name, value)| (name.to_owned(), value)).to_vec();
        let loaded = Loaded::read(&Sources { file: None, flags }, &Environment::default()).unwrap();
        let book = Book::open(&world.realm, &loaded.config, CancellationToken::new()).await.unwrap();
        let in_force = InForce::new(described(&loaded));
        let settings =
            WebSettings { routing: Some(Arc::<Book>::clone(&book)), in_force, ..WebSettings::default() };
        let router = router(App::new(Arc::clone(&world.realm), settings));
        person(world, ROOT, true).await;
        Self { router, book, cookies: BTreeMap::new() }.sign_in(ROOT).await
    }

    /// Another browser at the same server, without cookies.
    pub(super) fn another(&self) -> Self {
        Self { router: self.router.clone(), book: Arc::clone(&self.book), cookies: BTreeMap::new() }
    }

    pub(super) async fn sign_in(mut self, email: &str) -> Self {
        let page = self.open("/account").await;
        let page = self.submit(&page, "/sign-in", &[("identifier", email)]).await;
        let page = self.submit(&page, "/sign-in/password", &[("password", PASSWORD)]).await;
        assert_eq!(page.title(), "Profile", "{}", page.text);
        self
    }

    /// Opens a page, and follows redirects.
    pub(super) async fn open(&mut self, path: &str) -> Page {
        let page = self.ask("GET", path, String::new()).await;
        self.follow(page).await
    }

    /// Sends the form of a page that goes to `action` (its beginning), and follows redirects.
    pub(super) async fn submit(&mut self, page: &Page, action: &str, fields: &[(&str, &str)]) -> Page {
        let mut body = Serializer::new(String::new());
        body.extend_pairs(page.hidden()).extend_pairs(fields);
        let rest = between(&page.text, &format!("action=\"{action}"), "\"").unwrap();
        let action = format!("{action}{rest}").replace("&#38;", "&");
        let page = self.ask("POST", &action, body.finish()).await;
        self.follow(page).await
    }

    async fn follow(&mut self, mut page: Page) -> Page {
        while let Some(to) = page.to.take() {
            let to = to.strip_prefix(ISSUER).unwrap_or(&to).to_owned();
            page = self.ask("GET", &to, String::new()).await;
        }
        page
    }

    async fn ask(&mut self, method: &str, path: &str, body: String) -> Page {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request =
            Request::builder().method(method).uri(path).header(header::COOKIE, cookies.join("; "));
        if method == "POST" {
            request = request
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .header("sec-fetch-site", "same-origin")
                .header(header::ORIGIN, ISSUER);
        }
        let response = self.router.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        for cookie in parts.headers.get_all(header::SET_COOKIE) {
            let (name, rest) = cookie.to_str().unwrap().split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), rest.split(';').next().unwrap().to_owned());
        }
        let to = parts.headers.get(header::LOCATION).map(|to| to.to_str().unwrap().to_owned());
        let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        Page { status: parts.status, text, to }
    }
}
