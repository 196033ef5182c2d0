//! What a person meets when something is in the way: every page says what happened and what to do now, and
//! nothing that was typed is lost but passwords.

use crate::pages_kit::{Browser, PASSWORD, Page};
use axum::body::Body;
use doorward_world::{World, both_engines};
use http::{Request, StatusCode, header};
use serde_json::json;

const ADA: &str = "ada@example.com";
const LINK: &str = "dw_ml_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// The page has a reference, and its first way on leads there; nowhere where `to` is empty.
fn assert_says(page: &Page, status: StatusCode, title: &str, to: &str) {
    assert_eq!((page.status, page.title()), (status, title), "{}\n{}", page.path, page.text);
    let reference = page.header("x-request-id");
    assert!(
        !reference.is_empty() && page.text.contains(&format!("<code>{reference}</code>")),
        "{}",
        page.text
    );
    let way = page.text.split("class=\"button\" href=\"").nth(1).and_then(|rest| rest.split('"').next());
    assert_eq!(way.unwrap_or_default(), to, "{title}");
    let what = page.text.split("<h1>").nth(1).unwrap().split("<p>").nth(1).unwrap();
    assert!(what.split("</p>").next().unwrap().split_whitespace().count() > 8, "more than a code: {what}");
}

both_engines! {
    /// Every address that can go wrong says so in plain words.
    async fn every_error_says_what_to_do_now(world: World) {
        let mut browser = Browser::new(world);
        browser.person(ADA, "Ada").await;
        let client = browser.client(json!({})).await;
        let authorize = format!(
            "/oauth2/authorize?response_type=code&client_id={}&redirect_uri=https%3A%2F%2Felsewhere.example",
            client["client_id"].as_str().unwrap()
        );
        let over = "This link does not work any more";
        for (path, status, title, to) in [
            (format!("/verify?token={LINK}"), StatusCode::BAD_REQUEST, over, "/sign-in"),
            (format!("/verify-email?token={LINK}"), StatusCode::BAD_REQUEST, over, "/account"),
            (format!("/reset?token={LINK}"), StatusCode::BAD_REQUEST, over, "/forgot"),
            (format!("/setup?token={LINK}"), StatusCode::BAD_REQUEST, over, "/sign-in"),
            ("/reset".to_owned(), StatusCode::BAD_REQUEST, over, "/forgot"),
            (
                "/oauth2/authorize?client_id=unknown&response_type=code".to_owned(),
                StatusCode::BAD_REQUEST,
                "This application is not known here",
                "",
            ),
            (authorize, StatusCode::BAD_REQUEST, "The application\u{2019}s return address is not registered", ""),
            (
                "/consent?draft=drf_01jd8zzzzzzzzzzzzzzzzzzzzz".to_owned(),
                StatusCode::BAD_REQUEST,
                "This sign-in has ended",
                "",
            ),
            ("/nowhere".to_owned(), StatusCode::NOT_FOUND, "There is nothing here", "/account"),
        ] {
            let request = Request::get(&path).header(header::ACCEPT, "text/html").body(Body::empty()).unwrap();
            let page = browser.send(request).await;
            let title = title.replace('\u{2019}', "&#39;");
            assert_says(&page, status, &title, to);
        }
        // Links that worked: used, and too old.
        let page = browser.open("/forgot").await;
        browser.submit(&page, "/forgot", &[("email", ADA)]).await;
        let link = browser.mailed(ADA).await;
        browser.world.advance(std::time::Duration::from_hours(2));
        assert_says(&browser.open(&link).await, StatusCode::BAD_REQUEST, over, "/forgot");
    }

    /// A browser without cookies is told so, and not that it was too slow.
    async fn a_browser_without_cookies_is_told_so(world: World) {
        let browser = Browser::new(world);
        let mut without = browser.another();
        let page = without.open("/sign-in").await;
        without.cookies.clear();
        let page = without.submit(&page, "/sign-in", &[("identifier", ADA)]).await;
        assert_says(&page, StatusCode::FORBIDDEN, "Your browser keeps no cookies", "/sign-in");
    }

    /// Too many tries are said at the form, with the time to wait.
    async fn too_many_tries_are_said_at_the_form(world: World) {
        let mut browser = Browser::new(world);
        browser.person(ADA, "Ada").await;
        let page = browser.open("/sign-in").await;
        let mut page = browser.submit(&page, "/sign-in", &[("identifier", ADA)]).await;
        for _ in 0..8 {
            page = browser.submit(&page, "/sign-in/password", &[("password", "wrong")]).await;
        }
        assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS);
        assert!(page.text.contains("Too many tries.") && page.text.contains("role=\"alert\""), "{}", page.text);
        assert!(!page.header("retry-after").is_empty());
        assert_eq!(page.field("identifier").as_deref(), Some(ADA));
    }

    /// A session that ends while a form is filled in: after signing in again it is filled in as it was.
    async fn a_form_outlives_its_session(world: World) {
        let mut browser = Browser::new(world);
        browser.person(ADA, "Ada").await;
        let page = browser.open("/sign-in").await;
        let page = browser.sign_in(&page, ADA, PASSWORD).await;
        let mut tab = browser.clone();
        let out = tab.open("/sign-out").await;
        tab.submit(&out, "/sign-out", &[]).await;

        // The same browser: the other tab has changed its cookies.
        browser.cookies = tab.cookies.clone();
        let shown = browser.submit(&page, "/account/profile", &[("name", "Ada L\u{f6}velace")]).await;
        assert_eq!(shown.title(), "Sign in", "{}", shown.text);
        assert!(shown.text.contains("You were signed out meanwhile."), "{}", shown.text);
        let shown = browser.sign_in(&shown, ADA, PASSWORD).await;
        assert_eq!(shown.title(), "Profile");
        assert_eq!(shown.field("name").as_deref(), Some("Ada L\u{f6}velace"), "{}", shown.text);
        assert!(shown.text.contains("nothing was saved"), "{}", shown.text);
        let again = browser.open("/account").await;
        assert_eq!(again.field("name").as_deref(), Some("Ada"), "said once, and nothing was saved");
        let saved = browser.submit(&shown, "/account/profile", &[("name", "Ada L\u{f6}velace")]).await;
        assert!(saved.text.contains("Your profile is saved."));
        assert_eq!(browser.cookies.keys().filter(|name| name.contains("kept")).count(), 0);
    }

    /// A form of a page that another tab has made too old comes back filled in; the password does not.
    async fn an_old_page_comes_back_filled_in(world: World) {
        let mut browser = Browser::new(world);
        let page = browser.open("/sign-up").await;
        let (own, other) = (page.field("form_token").unwrap(), browser.another().open("/sign-up").await);
        let stale = Page { text: page.text.replace(&own, &other.field("form_token").unwrap()), ..page };
        let fields = [("name", "Ada"), ("email", ADA), ("new_password", PASSWORD), ("news", "yes")];
        let page = browser.submit(&stale, "/sign-up", &fields).await;
        assert_eq!((page.title(), page.status), ("Create your account", StatusCode::OK));
        assert_eq!((page.field("name").as_deref(), page.field("email").as_deref()), (Some("Ada"), Some(ADA)));
        assert!(!page.text.contains(PASSWORD) && page.text.contains("nothing was saved"), "{}", page.text);
        assert_eq!(browser.mails().await, 0);
        let sent = browser.submit(&page, "/sign-up", &fields).await;
        assert_eq!(sent.title(), "Check your mail");
    }

    /// The addresses of forms, reloaded or taken from the history, lead to their pages.
    async fn the_address_of_a_form_leads_to_its_page(world: World) {
        let mut browser = Browser::new(world);
        browser.person(ADA, "Ada").await;
        let page = browser.open("/sign-in").await;
        browser.sign_in(&page, ADA, PASSWORD).await;
        for (path, title) in [
            ("/account/profile", "Profile"),
            ("/account/email", "Profile"),
            ("/account/news", "Profile"),
            ("/account/security/password", "Security"),
            ("/account/sessions/end-others", "Sessions"),
            ("/account/sessions/ses_01jd8zzzzzzzzzzzzzzzzzzzzz/end", "Sessions"),
            ("/account/applications/cli_01jd8zzzzzzzzzzzzzzzzzzzzz/revoke", "Applications"),
            ("/account/delete", "Your data"),
        ] {
            let page = browser.open(path).await;
            assert_eq!((page.status, page.title()), (StatusCode::OK, title), "{path}");
        }
    }

    /// Every form sent twice, as by a double click or the back button: never a fault.
    async fn a_form_sent_twice_is_no_fault(world: World) {
        let mut browser = Browser::new(world);
        let page = browser.open("/sign-up").await;
        let fields = [("name", "Ada"), ("email", ADA), ("new_password", PASSWORD)];
        let twice = async |browser: &mut Browser, page: &Page, to: &str, fields: &[(&str, &str)]| {
            let first = browser.submit(page, to, fields).await;
            // Of two mails, the later one has the link that works.
            browser.world.advance(std::time::Duration::from_millis(200));
            let second = browser.submit(page, to, fields).await;
            for page in [&first, &second] {
                assert!(page.status.as_u16() < 500, "{to}: {} {}", page.status, page.text);
            }
            (first, second)
        };
        twice(&mut browser, &page, "/sign-up", &fields).await;
        let page = browser.open(&browser.mailed(ADA).await).await;
        let (first, second) = twice(&mut browser, &page, "/verify", &[]).await;
        assert_eq!(first.title(), "Your address is confirmed");
        assert!(second.text.contains("href=\"/sign-in\""), "{}", second.text);
        let page = browser.open("/account").await;
        twice(&mut browser, &page, "/account/profile", &[("name", "Ada L")]).await;
        let email = [("email", "new@example.com"), ("current_password", PASSWORD)];
        let page = browser.open("/account").await;
        twice(&mut browser, &page, "/account/email", &email).await;
        let page = browser.open(&browser.mailed("new@example.com").await).await;
        twice(&mut browser, &page, "/verify-email", &[]).await;
        let page = browser.open("/account/security").await;
        let change = [("current_password", PASSWORD), ("new_password", "violet harbour 71 teapot engine")];
        let (_, second) = twice(&mut browser, &page, "/account/security/password", &change).await;
        assert!(second.text.contains("This is not your current password."), "{}", second.text);
        let page = browser.open("/account/sessions").await;
        assert_eq!(page.status, StatusCode::OK);
        let page = browser.open("/sign-out").await;
        let (_, second) = twice(&mut browser, &page, "/sign-out", &[]).await;
        assert_eq!(second.status, StatusCode::OK, "{}", second.text);
    }
}
