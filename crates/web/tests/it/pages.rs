//! The pages, as a person without script meets them: through the real router, over a real database.

use crate::pages_kit::{Browser, PASSWORD, Page};
use axum::body::Body;
use doorward_core::{settings::SignUpMode, users::setup};
use doorward_world::{ISSUER, World, both_engines};
use http::{Request, StatusCode, header};
use serde_json::json;

const ADA: &str = "ada@example.com";

/// What every page of ours answers with.
fn assert_headers(page: &Page) {
    let policy = page.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(page.header("cache-control"), "no-store", "{}", page.path);
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    assert_eq!(page.header("x-frame-options"), "DENY");
    assert_eq!(page.header("referrer-policy"), "same-origin");
    assert!(!page.header("permissions-policy").is_empty());
    assert_eq!(page.header("strict-transport-security"), "max-age=63072000", "not for hosts below this one");
}

both_engines! {
    /// From the first page to the account, by the link in the mail.
    async fn a_person_signs_up(world: World) {
        let mut browser = Browser::new(world);
        let page = browser.open("/account/sessions").await;
        assert_eq!((page.title(), page.path.as_str()), ("Sign in", "/sign-in?return_to=%2Faccount%2Fsessions"));
        assert_headers(&page);
        let page = browser.open("/sign-up?return_to=%2Faccount%2Fsessions").await;
        let fields = [("name", "Ada Lovelace"), ("email", ADA), ("new_password", PASSWORD)];
        let page = browser.submit(&page, "/sign-up", &fields).await;
        assert_eq!(page.title(), "Check your mail");
        assert!(page.text.contains(ADA) && !page.path.contains("ada"), "{}", page.path);

        let link = browser.mailed(ADA).await;
        let page = browser.open(&link).await;
        assert_eq!(page.title(), "Confirm your email address");
        assert!(page.field("password").is_none() && !page.text.contains("current-password"));
        let again = browser.open(&link).await;
        assert_eq!(again.status, StatusCode::OK, "looking at the page uses nothing up");
        let done = browser.submit(&page, "/verify", &[]).await;
        assert_eq!(done.title(), "Your address is confirmed");
        assert!(done.text.contains("href=\"/account/sessions\""), "{}", done.text);
        let used = browser.submit(&page, "/verify", &[]).await;
        assert_eq!((used.status, used.title()), (StatusCode::BAD_REQUEST, "This link does not work any more"));
        let page = browser.open("/account").await;
        assert_eq!(page.field("name").as_deref(), Some("Ada Lovelace"));
    }

    /// News are asked for apart, never ticked beforehand, and kept with their time and words.
    async fn a_person_agrees_to_news_and_takes_it_back(world: World) {
        let mut browser = Browser::new(world);
        let box_at = |page: &Page| {
            let tag = page.text.split("<input").find(|tag| tag.contains("name=\"news\"")).unwrap().to_owned();
            tag.split('>').next().unwrap().contains("checked")
        };
        let page = browser.open("/sign-up").await;
        assert!(!box_at(&page), "{}", page.text);
        let wrong = [("name", "Ada"), ("email", "ada@"), ("new_password", PASSWORD), ("news", "yes")];
        let page = browser.submit(&page, "/sign-up", &wrong).await;
        assert!(box_at(&page), "what was ticked stays ticked");
        let fields = [("name", "Ada"), ("email", ADA), ("new_password", PASSWORD), ("news", "yes")];
        browser.submit(&page, "/sign-up", &fields).await;
        let page = browser.open(&browser.mailed(ADA).await).await;
        browser.submit(&page, "/verify", &[]).await;
        let first = browser.stored(ADA).await;
        assert_eq!(first["marketing_consent_text"], "news-1/en");
        assert!(first["marketing_consent_at"].is_string(), "{first}");

        browser.world.advance(std::time::Duration::from_hours(1));
        let page = browser.open("/account").await;
        assert!(box_at(&page) && page.text.contains("You agreed to this"), "{}", page.text);
        let page = browser.submit(&page, "/account/news", &[("news", "yes")]).await;
        assert!(page.text.contains("Your choice is saved."));
        let again = browser.stored(ADA).await;
        assert_eq!(again["marketing_consent_at"], first["marketing_consent_at"], "the first time counts");
        let page = browser.submit(&page, "/account/news", &[]).await;
        assert!(!box_at(&page));
        assert!(browser.stored(ADA).await.get("marketing_consent_at").is_none());
    }

    /// A link opened elsewhere asks for the password that was chosen.
    async fn a_link_opened_elsewhere_needs_the_password(world: World) {
        let mut browser = Browser::new(world);
        let page = browser.open("/sign-up").await;
        let fields = [("name", ""), ("email", ADA), ("new_password", PASSWORD)];
        browser.submit(&page, "/sign-up", &fields).await;
        let mut elsewhere = browser.another();
        let page = elsewhere.open(&browser.mailed(ADA).await).await;
        assert!(page.text.contains("autocomplete=\"current-password\""), "{}", page.text);
        let wrong = elsewhere.submit(&page, "/verify", &[("password", "not this")]).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(wrong.text.contains("aria-describedby=\"password-error\""), "{}", wrong.text);
        let unproven = elsewhere.submit(&page, "/verify", &[]).await;
        assert_eq!(unproven.status, StatusCode::UNPROCESSABLE_ENTITY);
        let done = elsewhere.submit(&page, "/verify", &[("password", PASSWORD)]).await;
        assert_eq!(done.title(), "Your address is confirmed");
    }

    /// Nothing on any page tells whether an address has an account.
    async fn known_and_unknown_addresses_get_the_same_pages(world: World) {
        let browser = Browser::new(world);
        browser.person(ADA, "Ada").await;
        let mut seen = Vec::new();
        for email in [ADA, "bob@example.com"] {
            let mut browser = browser.another();
            let blank = |page: Page| {
                let token = page.field("form_token").unwrap_or_default();
                let words = page.text.replace(email, "EMAIL").replace(&token, "TOKEN");
                (page.status, page.path, words.replace(">B</span>", ">A</span>"))
            };
            let page = browser.open("/sign-in").await;
            let password = browser.submit(&page, "/sign-in", &[("identifier", email)]).await;
            let failed = browser.submit(&password, "/sign-in/password", &[("password", "wrong")]).await;
            assert!(failed.text.contains("The email address or the password is wrong."));
            let page = browser.open("/forgot").await;
            let forgot = browser.submit(&page, "/forgot", &[("email", email)]).await;
            let page = browser.open("/sign-up").await;
            let fields = [("name", "A"), ("email", email), ("new_password", PASSWORD)];
            let signed_up = browser.submit(&page, "/sign-up", &fields).await;
            seen.push([password, failed, forgot, signed_up].map(blank));
        }
        assert_eq!(seen[0], seen[1]);
    }

    /// A wrong password is said where it belongs, and the right one signs in.
    async fn a_person_signs_in_and_out(world: World) {
        let mut browser = Browser::new(world);
        browser.person(ADA, "Ada Lovelace").await;
        let page = browser.open("/sign-in?return_to=%2Faccount%2Fsecurity").await;
        let page = browser.submit(&page, "/sign-in", &[("identifier", ADA)]).await;
        let wrong = browser.submit(&page, "/sign-in/password", &[("password", "wrong")]).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(wrong.text.matches("The email address or the password is wrong.").count(), 1, "{}", wrong.text);
        for mark in ["autofocus", "aria-invalid=\"true\"", "aria-describedby=\"password-error\""] {
            assert!(wrong.text.contains(mark), "{mark} in {}", wrong.text);
        }
        let page = browser.submit(&wrong, "/sign-in/password", &[("password", PASSWORD)]).await;
        assert_eq!((page.title(), page.path.as_str()), ("Security", "/account/security"));
        assert_headers(&page);
        let first = browser.cookies["__Host-doorward"].clone();
        let page = browser.open("/sign-out").await;
        assert!(page.text.contains(ADA));
        let page = browser.submit(&page, "/sign-out", &[]).await;
        assert_eq!(page.title(), "You are signed out");
        assert_ne!(browser.cookies["__Host-doorward"], first, "a new cookie at every change of privilege");
        assert_eq!(browser.open("/account").await.title(), "Sign in");
        browser.cookies.insert("__Host-doorward".to_owned(), first);
        assert_eq!(browser.open("/account").await.title(), "Sign in", "the old cookie is worth nothing");
    }

    /// A forgotten password is replaced by the link, and every other session ends.
    async fn a_password_is_reset(world: World) {
        let mut browser = Browser::new(world);
        browser.person(ADA, "Ada").await;
        let page = browser.open("/sign-in").await;
        browser.sign_in(&page, ADA, PASSWORD).await;
        let mut other = browser.another();
        let page = other.open("/forgot").await;
        let page = other.submit(&page, "/forgot", &[("email", ADA)]).await;
        assert_eq!(page.title(), "Check your mail");
        let page = other.open(&other.mailed(ADA).await).await;
        let weak = other.submit(&page, "/reset", &[("new_password", "password1")]).await;
        assert_eq!(weak.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(weak.text.contains("aria-describedby=\"new_password-hint new_password-error\""), "{}", weak.text);
        let done = other.submit(&weak, "/reset", &[("new_password", "violet harbour 71 teapot engine")]).await;
        assert_eq!(done.title(), "Your new password is saved");
        assert_eq!(other.open("/account").await.title(), "Profile");
        assert_eq!(browser.open("/account").await.title(), "Sign in");
        let used = other.submit(&page, "/reset", &[("new_password", "violet harbour 72 teapot engine")]).await;
        assert_eq!(used.title(), "This link does not work any more");
    }

    /// A root credential that is still configured is not forgotten, and is nobody else's business.
    async fn an_administrator_is_told_of_the_bootstrap_token(world: World) {
        let mut browser = Browser::new(world);
        browser.person(ADA, "Ada").await;
        let page = browser.open("/account").await;
        let page = browser.sign_in(&page, ADA, PASSWORD).await;
        assert!(!page.text.contains("bootstrap token"), "{}", page.text);
        let mut boss = browser.another();
        let body = json!({"email": "root@example.com", "password": PASSWORD, "role": "admin"});
        browser.make("users", body).await;
        let page = boss.open("/account").await;
        let page = boss.sign_in(&page, "root@example.com", PASSWORD).await;
        let used = "It was used last on 2030-01-01 00:00 UTC.";
        for room in ["/account", "/account/sessions", "/account/data"] {
            let page = boss.open(room).await;
            assert!(page.text.contains("A bootstrap token is configured") && page.text.contains(used), "{}", page.text);
        }
        assert_eq!(page.path, "/account");
    }

    /// The set-up link makes one administrator.
    async fn the_first_administrator_is_made_once(world: World) {
        let mut browser = Browser::new(world);
        let link = setup::link(&browser.world.local()).await.unwrap().unwrap();
        let page = browser.open(link.strip_prefix(ISSUER).unwrap()).await;
        assert_eq!(page.title(), "Create the first administrator");
        let fields = [("name", "Root"), ("email", "not a mail address"), ("new_password", PASSWORD)];
        let wrong = browser.submit(&page, "/setup", &fields).await;
        assert!(wrong.text.contains("aria-describedby=\"email-error\""), "{}", wrong.text);
        let fields = [("name", "Root"), ("email", "root@example.com"), ("new_password", PASSWORD)];
        let made = browser.submit(&wrong, "/setup", &fields).await;
        assert_eq!((made.title(), made.path.as_str()), ("Profile", "/account"));
        let again = browser.submit(&page, "/setup", &fields).await;
        assert_eq!(again.title(), "This link does not work any more");
    }

    /// A form from another site, with another browser's token, or without one does nothing.
    async fn a_forged_form_is_refused(world: World) {
        let mut browser = Browser::new(world);
        browser.person(ADA, "Ada").await;
        let page = browser.open("/sign-in").await;
        let page = browser.sign_in(&page, ADA, PASSWORD).await;
        let stranger = browser.another().open("/sign-in").await;
        let cookies: Vec<String> =
            browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let token = page.field("form_token").unwrap();
        for (site, token, status) in [
            ("cross-site", token.as_str(), StatusCode::FORBIDDEN),
            ("same-site", &token, StatusCode::FORBIDDEN),
            ("same-origin", "", StatusCode::FORBIDDEN),
            ("same-origin", &stranger.field("form_token").unwrap(), StatusCode::SEE_OTHER),
        ] {
            let request = Request::post("/account/profile")
                .header(header::COOKIE, cookies.join("; "))
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .header("sec-fetch-site", site)
                .body(Body::from(format!("form_token={token}&name=Mallory")))
                .unwrap();
            let answer = browser.send(request).await;
            assert_eq!(answer.status, status, "{site}");
            assert_headers(&answer);
            match status {
                StatusCode::FORBIDDEN => assert_eq!(answer.title(), "This form came from another site"),
                _ => assert_eq!(answer.header("location"), "/account", "back to the page of the form"),
            }
        }
        assert_eq!(browser.open("/account").await.field("name").as_deref(), Some("Ada"));
    }

    /// The error page has the request's reference, and no words of a stranger.
    async fn an_error_page_has_a_reference(world: World) {
        let browser = Browser::new(world);
        let request = Request::get("/reset?token=%3Cscript%3E")
            .header("x-request-id", "reference-0001")
            .body(Body::empty())
            .unwrap();
        let page = browser.send(request).await;
        assert_eq!(page.title(), "This link does not work any more");
        assert!(page.text.contains("<code>reference-0001</code>") && !page.text.contains("<script>"), "{}", page.text);
        assert_headers(&page);
    }

    /// Stylesheet and module come under hashed names and may be kept for ever; the first paint is small.
    async fn assets_are_kept_for_ever(world: World) {
        let mut browser = Browser::new(world);
        let page = browser.open("/sign-in").await;
        let sheet = page.text.split("href=\"").find(|rest| rest.starts_with("/assets/doorward.")).unwrap();
        let sheet = browser.open(sheet.split('"').next().unwrap()).await;
        assert_eq!(sheet.header("cache-control"), "public, max-age=31536000, immutable");
        assert_eq!(sheet.header("content-type"), "text/css; charset=utf-8");
        assert!(page.text.len() + sheet.text.len() < 60 * 1024);
        assert_eq!(browser.open("/assets/doorward.0000000000000000.css").await.status, StatusCode::NOT_FOUND);
    }

    /// Where sign-up is closed no page offers it.
    async fn closed_sign_up_is_not_offered(place: doorward_world::Fresh) {
        let mut settings = doorward_core::settings::Settings::default();
        settings.sign_up.mode = SignUpMode::Closed;
        let world = World::new(&place, settings, doorward_core::env::no_fetch()).await;
        let mut browser = Browser::new(world);
        assert!(!browser.open("/sign-in").await.text.contains("/sign-up"));
        let page = browser.open("/sign-up").await;
        assert_eq!((page.status, page.title()), (StatusCode::FORBIDDEN, "Accounts cannot be created here"));
        assert_eq!(browser.mails().await, 0);
    }
}
