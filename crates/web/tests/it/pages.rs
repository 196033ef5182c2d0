//! The pages, as a person without script meets them: through the real router, over a real database.

use crate::pages_kit::{Browser, PASSWORD, Page};
use axum::body::Body;
use doorward_core::{settings::SignUpMode, users::setup};
use doorward_proto::zone::Zone;
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

    /// What a person says of themselves is what applications are told, and no more than that.
    async fn a_person_says_who_they_are(world: World) {
        let mut browser = Browser::new(world);
        browser.person(ADA, "Ada").await;
        let page = browser.open("/sign-in").await;
        let page = browser.sign_in(&page, ADA, PASSWORD).await;
        let said = [
            ("name", "Ada Lovelace"),
            ("given_name", "Ada"),
            ("family_name", "Lovelace"),
            ("picture", "https://pictures.example/ada.png"),
            ("phone_number", "+44 20 7946 0000"),
            ("locale", "en-GB"),
            ("zone", "Europe/London"),
        ];
        let saved = browser.submit(&page, "/account/profile", &said).await;
        assert!(saved.text.contains("Your profile is saved."), "{}", saved.text);
        for (name, value) in said {
            assert!(saved.text.contains(&format!("value=\"{value}\"")), "{name}: {}", saved.text);
        }
        let stored = browser.stored(ADA).await;
        assert_eq!((stored["locale"].as_str(), stored["zoneinfo"].as_str()), (Some("en-GB"), Some("Europe/London")));
        assert_eq!(stored["profile"]["phone_number"], "+44 20 7946 0000");
        let wrong = [
            ("picture", "javascript:alert(1)"),
            ("phone_number", "call me"),
            ("locale", "klingon speech"),
            ("zone", "the moon"),
        ];
        for (name, value) in wrong {
            let page = browser.open("/account").await;
            let refused = browser.submit(&page, "/account/profile", &[(name, value)]).await;
            assert!(refused.text.contains(&format!("{name}-error\"")), "{name}: {}", refused.text);
            assert!(refused.text.contains(&format!("value=\"{value}\"")), "{name} stays to be mended");
        }
        let page = browser.open("/account").await;
        browser.submit(&page, "/account/profile", &[("phone_number", " "), ("zone", "")]).await;
        let stored = browser.stored(ADA).await;
        assert!(stored["profile"].get("phone_number").is_none() && stored.get("zoneinfo").is_none(), "{stored}");
        assert_eq!(stored["profile"]["given_name"], "Ada", "what was not sent stays");
    }

    /// A picture is what its bytes say, is served as nothing else, and goes when it is not wanted any more.
    async fn a_person_hands_in_a_picture(world: World) {
        const PNG: &[u8] = include_bytes!("../../../../tests/data/pictures/logo.png");
        const JPEG: &[u8] = include_bytes!("../../../../tests/data/pictures/photo.jpg");
        let mut browser = Browser::new(world);
        browser.person(ADA, "Ada").await;
        let page = browser.open("/sign-in").await;
        let page = browser.sign_in(&page, ADA, PASSWORD).await;
        let path_of = |page: &Page| {
            let path = page.text.split("<img src=\"/pictures/").nth(1).map(|rest| rest.split('"').next().unwrap());
            path.map(|path| format!("/pictures/{path}"))
        };
        assert_eq!(path_of(&page), None);
        let saved = browser.hand_in(&page, "/account/picture", ("upload", PNG)).await;
        let first = path_of(&saved).unwrap_or_else(|| panic!("{}", saved.text));
        let stored = browser.stored(ADA).await;
        assert_eq!(stored["profile"]["picture"], format!("{ISSUER}{first}"));
        let picture = browser.another().open(&first).await;
        assert_eq!((picture.status, picture.header("content-type")), (StatusCode::OK, "image/png"), "whatever the form said");
        assert_eq!(picture.header("x-content-type-options"), "nosniff");
        assert!(picture.header("content-security-policy").contains("sandbox"));
        for wrong in [format!("{}.jpg", first.trim_end_matches(".png")), "/pictures/0.png".to_owned(), "/pictures/x".to_owned()] {
            assert_eq!(browser.open(&wrong).await.status, StatusCode::NOT_FOUND, "{wrong}");
        }
        let svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>";
        for bad in [&svg[..], b"", &vec![0xff; 200 * 1024]] {
            let refused = browser.hand_in(&saved, "/account/picture", ("upload", bad)).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text);
            assert!(refused.text.contains("id=\"upload-error\"") && path_of(&refused).is_some(), "{}", refused.text);
        }
        let mut forger = browser.another();
        forger.open("/sign-in").await;
        let forged = forger.hand_in(&saved, "/account/picture", ("upload", PNG)).await;
        assert_eq!(forged.title(), "Sign in", "{}", forged.text);
        assert_eq!(browser.open(&first).await.status, StatusCode::OK, "it stays as it is");

        let saved = browser.hand_in(&saved, "/account/picture", ("upload", JPEG)).await;
        let second = path_of(&saved).unwrap();
        assert_eq!(browser.open(&first).await.status, StatusCode::NOT_FOUND, "replaced");
        let data = browser.open("/account/data").await;
        let file = browser.submit(&data, "/account/data/download", &[]).await;
        assert!(file.text.contains("\"format\":\"jpg\""), "{}", file.text);
        let saved = browser.submit(&saved, "/account/profile", &[("picture", "https://pictures.example/ada.png")]).await;
        assert_eq!((path_of(&saved), browser.open(&second).await.status), (None, StatusCode::NOT_FOUND));
        let saved = browser.hand_in(&saved, "/account/picture", ("upload", PNG)).await;
        let third = path_of(&saved).unwrap();
        let removed = browser.submit(&saved, "/account/picture/remove", &[]).await;
        assert_eq!((path_of(&removed), browser.open(&third).await.status), (None, StatusCode::NOT_FOUND));
        assert!(browser.stored(ADA).await["profile"].get("picture").is_none());
    }

    /// What is long ago is told as a date, in the person's zone; without one in UTC, which is said.
    async fn a_person_is_told_times_in_their_zone(world: World) {
        let mut browser = Browser::new(world);
        browser.person(ADA, "Ada").await;
        let page = browser.open("/sign-in").await;
        let page = browser.sign_in(&page, ADA, PASSWORD).await;
        browser.submit(&page, "/account/news", &[("news", "yes")]).await;
        let agreed = browser.world.realm.env.now();
        browser.world.advance(std::time::Duration::from_hours(40 * 24));
        let page = browser.open("/sign-in").await;
        let page = browser.sign_in(&page, ADA, PASSWORD).await;
        let exact = format!("title=\"{}\">", agreed.to_human());
        let utc = format!("{exact}{}</time>", agreed.to_human_in(Zone::UTC));
        assert!(utc.ends_with(" UTC</time>") && page.text.contains(&utc), "{utc}: {}", page.text);
        let page = browser.submit(&page, "/account/profile", &[("zone", "Asia/Tokyo")]).await;
        let tokyo = format!("{exact}{}</time>", agreed.to_human_in(Zone::find("Asia/Tokyo").unwrap()));
        assert!(tokyo.ends_with(" JST</time>"), "{tokyo}");
        let page = browser.open(&page.path).await;
        assert!(page.text.contains(&tokyo), "{tokyo}: {}", page.text);
        let refused = browser.submit(&page, "/account/profile", &[("zone", "Mars/Olympus")]).await;
        assert!(refused.text.contains("zone-error\""), "{}", refused.text);
    }

    /// Everything in one file, for who has just proven who they are.
    async fn a_person_downloads_everything(world: World) {
        let mut browser = Browser::new(world);
        browser.person(ADA, "Ada").await;
        let page = browser.open("/sign-in").await;
        browser.sign_in(&page, ADA, PASSWORD).await;
        let page = browser.open("/account/data").await;
        let file = browser.submit(&page, "/account/data/download", &[]).await;
        assert_eq!((file.status, file.header("content-type")), (StatusCode::OK, "application/json"));
        assert_eq!(file.header("content-disposition"), "attachment; filename=\"my-data.json\"");
        assert_eq!((file.header("cache-control"), file.header("x-content-type-options")), ("no-store", "nosniff"));
        let json: serde_json::Value = serde_json::from_str(&file.text).unwrap();
        assert_eq!((&json["profile"][0]["name"], &json["addresses"][0]["address"]), (&json!("Ada"), &json!(ADA)));

        browser.world.advance(std::time::Duration::from_mins(11));
        let page = browser.open("/account/data").await;
        let again = browser.submit(&page, "/account/data/download", &[]).await;
        assert!(again.path.starts_with("/sign-in/password"), "{}", again.path);
        let back = browser.submit(&again, "/sign-in/password", &[("password", PASSWORD)]).await;
        assert_eq!(back.path, "/account/data");
        let file = browser.submit(&back, "/account/data/download", &[]).await;
        assert!(serde_json::from_str::<serde_json::Value>(&file.text).is_ok(), "{}", file.text);
    }

    /// The account's forms.
    async fn a_person_looks_after_the_account(world: World) {
        let mut browser = Browser::new(world);
        browser.person(ADA, "Ada").await;
        let mut other = browser.another();
        let page = other.open("/sign-in").await;
        other.sign_in(&page, ADA, PASSWORD).await;
        let page = browser.open("/sign-in").await;
        let page = browser.sign_in(&page, ADA, PASSWORD).await;
        let page = browser.submit(&page, "/account/profile", &[("name", "Ada <Lovelace>")]).await;
        assert!(page.text.contains("Your profile is saved."), "{}", page.text);
        assert!(page.text.contains("Ada &#60;Lovelace&#62;") || page.text.contains("Ada &lt;Lovelace&gt;"));
        assert!(!browser.open("/account").await.text.contains("Your profile is saved."), "said once");

        let page = browser.open("/account/sessions").await;
        assert_eq!(page.text.matches("This device").count(), 1);
        let page = browser.submit(&page, "/account/sessions/ses_", &[]).await;
        assert!(page.text.contains("That device is signed out."));
        assert_eq!(other.open("/account").await.title(), "Sign in");

        let page = browser.open("/account").await;
        let wrong = [("email", "new@example.com"), ("current_password", "wrong")];
        let refused = browser.submit(&page, "/account/email", &wrong).await;
        assert!(refused.text.contains("aria-describedby=\"current_password-error\""), "{}", refused.text);
        let fields = [("email", "new@example.com"), ("current_password", PASSWORD)];
        let page = browser.submit(&refused, "/account/email", &fields).await;
        assert!(page.text.contains("We have sent a link to the new address."));
        let page = browser.open(&browser.mailed("new@example.com").await).await;
        let page = browser.submit(&page, "/verify-email", &[]).await;
        assert!(page.text.contains("new@example.com") && page.text.contains("Your new address is confirmed."));

        let page = browser.open("/.well-known/change-password").await;
        let fresh = "violet harbour 71 teapot engine";
        let fields = [("current_password", PASSWORD), ("new_password", fresh)];
        let page = browser.submit(&page, "/account/security/password", &fields).await;
        assert!(page.text.contains("Your password is changed"));

        let page = browser.open("/account/data").await;
        let fields = [("confirm", "else@example.com"), ("current_password", fresh)];
        let page = browser.submit(&page, "/account/delete", &fields).await;
        assert!(page.text.contains("aria-describedby=\"confirm-error\""));
        let fields = [("confirm", "New@Example.com"), ("current_password", fresh)];
        let page = browser.submit(&page, "/account/delete", &fields).await;
        assert_eq!(page.title(), "Your account is deleted");
        let page = browser.open("/sign-in").await;
        let page = browser.sign_in(&page, "new@example.com", fresh).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
}

both_engines! {
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
