//! The page behind the link of an invitation, for everybody who may open it.

use crate::pages_kit::{Browser, PASSWORD, Page, access_token, authorize};
use doorward_core::settings::SignUpMode;
use doorward_world::{ISSUER, World, both_engines};
use http::StatusCode;
use serde_json::{Value as Json, json};

const ADA: &str = "ada@example.com";
const BOB: &str = "bob@example.com";

/// An organisation that has invited somebody; answers the path of the link.
async fn invited(browser: &Browser, email: &str, is_mailed: bool) -> String {
    let org = browser.make("orgs", json!({"name": "Acme", "slug": "acme"})).await;
    let path = format!("orgs/{}/invitations", org["id"].as_str().unwrap());
    let made = browser.make(&path, json!({"email": email, "role": "admin", "send_mail": is_mailed})).await;
    match made["link"].as_str() {
        Some(link) => link.strip_prefix(ISSUER).unwrap().to_owned(),
        None => browser.mailed(email).await,
    }
}

async fn members(browser: &Browser) -> Vec<(String, String)> {
    let page: Json = browser.read("orgs/acme/members").await;
    let one = |member: &Json| {
        let word = |name: &str| member[name].as_str().unwrap().to_owned();
        (word("email"), word("role"))
    };
    page["items"].as_array().unwrap().iter().map(one).collect()
}

fn facts(page: &Page) {
    assert_eq!((page.status, page.title()), (StatusCode::OK, "You are invited to Acme"), "{}", page.text);
    for fact in ["Administrator", BOB, "in 7 days"] {
        assert!(page.text.contains(fact), "{fact}: {}", page.text);
    }
    assert_eq!(page.path, "/invitation", "the token is not in the address");
}

both_engines! {
    /// Somebody new: a name and a password, and they belong to it and are signed in.
    async fn somebody_new_joins_by_the_mail(world: World) {
        let mut browser = Browser::new(world);
        let link = invited(&browser, BOB, true).await;
        let page = browser.open(&link).await;
        facts(&page);
        assert!(!page.text.contains("Invited by"), "nobody did, but a token: {}", page.text);
        assert!(!page.text.contains("action=\"/invitation\""), "nobody is signed in who could join at once");
        let weak = browser.submit(&page, "/invitation/account", &[("name", "Bob"), ("new_password", "short")]).await;
        assert_eq!((weak.status, weak.field("name").as_deref()), (StatusCode::UNPROCESSABLE_ENTITY, Some("Bob")));
        assert!(members(&browser).await.is_empty());
        let fields = [("name", "Bob"), ("new_password", PASSWORD)];
        let done = browser.submit(&page, "/invitation/account", &fields).await;
        assert!(done.path.starts_with("/account") && done.text.contains("You have joined."), "{}", done.text);
        assert_eq!(members(&browser).await, [(BOB.to_owned(), "admin".to_owned())]);
        assert!(browser.cookies.keys().all(|name| !name.contains("invitation")), "{:?}", browser.cookies);
        let again = browser.open(&link).await;
        assert_eq!((again.status, again.title()), (StatusCode::BAD_REQUEST, "This link does not work any more"));
        assert!(again.text.contains("ask whoever invited you for a new one"), "{}", again.text);
    }

    /// Signed in with the account of the address: one button; a second click says what became of the link.
    async fn one_button_joins_who_is_signed_in(world: World) {
        let mut browser = Browser::new(world);
        browser.person(BOB, "Bob").await;
        let link = invited(&browser, "Bob@Example.com", false).await;
        let page = browser.open("/account").await;
        browser.sign_in(&page, BOB, PASSWORD).await;
        let page = browser.open(&link).await;
        assert_eq!(page.title(), "You are invited to Acme");
        let done = browser.submit(&page, "/invitation", &[]).await;
        assert!(done.text.contains("You have joined."), "{}", done.text);
        assert_eq!(members(&browser).await, [(BOB.to_owned(), "admin".to_owned())]);
        let twice = browser.submit(&page, "/invitation", &[]).await;
        assert_eq!((twice.status, twice.title()), (StatusCode::BAD_REQUEST, "This link does not work any more"));
    }

    /// An account that is not signed in: sign in and come back; the token is in no address on the way.
    async fn who_has_an_account_signs_in_and_comes_back(world: World) {
        let mut browser = Browser::new(world);
        browser.person(BOB, "Bob").await;
        let page = browser.open(&invited(&browser, BOB, true).await).await;
        facts(&page);
        assert!(page.field("new_password").is_none(), "{}", page.text);
        let way = format!("/sign-in{}", between(&page.text, "href=\"/sign-in", "\"")).replace("&#38;", "&");
        let page = browser.open(&way).await;
        assert_eq!(page.field("identifier").as_deref(), Some(BOB));
        assert!(!page.path.contains("dw_ml_"), "{}", page.path);
        let page = browser.sign_in(&page, BOB, PASSWORD).await;
        facts(&page);
        let done = browser.submit(&page, "/invitation", &[]).await;
        assert!(done.text.contains("You have joined."), "{}", done.text);
    }

    /// Somebody else's account: told so, with ways on, and cannot join by force.
    async fn another_account_is_told_and_does_not_join(world: World) {
        let mut browser = Browser::new(world);
        browser.person(ADA, "Ada").await;
        browser.person(BOB, "Bob").await;
        let link = invited(&browser, BOB, true).await;
        let page = browser.open("/account").await;
        browser.sign_in(&page, ADA, PASSWORD).await;
        let page = browser.open(&link).await;
        facts(&page);
        assert!(page.text.contains("You are signed in as ada@example.com, and this invitation is for bob@example.com."));
        assert!(!page.text.contains("action=\"/invitation\"") && !page.text.contains("/choose-account"), "{}", page.text);
        let token = browser.cookies.iter().find(|(name, _)| name.contains("invitation")).unwrap().1.clone();
        let form = format!("form_token={}&token={token}", browser.open("/account").await.field("form_token").unwrap());
        let forced = browser.ask("POST", "/invitation", Some(form)).await;
        assert_eq!(forced.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", forced.text);
        assert!(members(&browser).await.is_empty());

        let way = format!("/sign-in{}", between(&page.text, "href=\"/sign-in", "\"")).replace("&#38;", "&");
        let page = browser.open(&way).await;
        let page = browser.sign_in(&page, BOB, PASSWORD).await;
        facts(&page);
        let page = browser.submit(&page, "/invitation", &[]).await;
        assert!(page.text.contains("You have joined."), "{}", page.text);
    }

    /// A link that was told proves nothing: an account is made by the mail of a sign-up only.
    async fn a_link_that_was_told_makes_no_account(world: World) {
        let mut browser = Browser::new(world);
        let page = browser.open(&invited(&browser, BOB, false).await).await;
        facts(&page);
        assert!(page.field("new_password").is_none() && page.text.contains("/sign-up?return_to=%2Finvitation"));
        let token = page.text.clone();
        assert!(!token.contains("dw_ml_"), "no form, no token");
        let way = "/sign-up?return_to=%2Finvitation";
        let page = browser.open(way).await;
        let fields = [("name", "Bob"), ("email", BOB), ("new_password", PASSWORD)];
        browser.submit(&page, "/sign-up", &fields).await;
        let page = browser.open(&browser.mailed(BOB).await).await;
        let page = browser.submit(&page, "/verify", &[]).await;
        assert!(page.text.contains("href=\"/invitation\""), "{}", page.text);
        let page = browser.open("/invitation").await;
        facts(&page);
        let done = browser.submit(&page, "/invitation", &[]).await;
        assert!(done.text.contains("You have joined."), "{}", done.text);
    }

    /// An application that passes an invitation on: the invitation first, then a code for that organisation.
    async fn an_application_passes_an_invitation_on(world: World) {
        let mut browser = Browser::new(world);
        let client = browser.client(json!({"first_party": true})).await;
        let token = token_of(&invited(&browser, BOB, true).await);
        let page = browser.open(&authorize(&client, &[("invitation", &token), ("organization", "acme")])).await;
        assert_eq!(page.title(), "You are invited to Acme", "{}", page.text);
        assert!(page.path.starts_with("/invitation?draft=drf_") && !page.path.contains(&token), "{}", page.path);
        assert!(page.text.contains("Orders"), "the page names who asks: {}", page.text);
        let action = page.action("/invitation/account");
        let out = browser.submit(&page, &action, &[("name", "Bob"), ("new_password", PASSWORD)]).await;
        let acme = browser.read("orgs/acme").await;
        assert_eq!(access_token(&browser, &client, &out).await["tenant_id"], acme["id"]);

        // The same link again: its invitation is used, and the person is told on a page.
        let over = browser.open(&authorize(&client, &[("invitation", &token)])).await;
        assert_eq!((over.status, over.title()), (StatusCode::BAD_REQUEST, "This link does not work any more"));
        let silent = browser.open(&authorize(&client, &[("invitation", &token), ("prompt", "none")])).await;
        assert!(silent.header("location").contains("error=invalid_request"), "{}", silent.header("location"));
    }

    /// Who has an account signs in, joins, and goes on; what is asked again is not the invitation.
    async fn an_invitation_of_an_application_leads_through_signing_in(world: World) {
        let mut browser = Browser::new(world);
        browser.person(ADA, "Ada").await;
        browser.person(BOB, "Bob").await;
        let client = browser.client(json!({"first_party": true})).await;
        let token = token_of(&invited(&browser, BOB, false).await);
        let ask = |more: &[(&str, &str)]| authorize(&client, &[&[("invitation", token.as_str())], more].concat());
        let silent = browser.open(&ask(&[("prompt", "none")])).await;
        assert!(silent.header("location").contains("error=login_required"), "{}", silent.header("location"));
        let page = browser.open("/account").await;
        browser.sign_in(&page, ADA, PASSWORD).await;
        let silent = browser.open(&ask(&[("prompt", "none")])).await;
        assert!(silent.header("location").contains("error=interaction_required"), "{}", silent.header("location"));
        let other = browser.open(&ask(&[("organization", "elsewhere")])).await;
        assert!(other.header("location").contains("error=invalid_request"), "{}", other.header("location"));

        let page = browser.open(&ask(&[("prompt", "login")])).await;
        assert!(page.text.contains("You are signed in as ada@example.com"), "{}", page.text);
        let way = format!("/sign-in{}", between(&page.text, "href=\"/sign-in", "\"")).replace("&#38;", "&");
        let page = browser.open(&way).await;
        let page = browser.sign_in(&page, BOB, PASSWORD).await;
        assert_eq!(page.title(), "You are invited to Acme", "{}", page.text);
        let action = page.action("/invitation?draft=");
        let out = browser.submit(&page, &action, &[]).await;
        let acme = browser.read("orgs/acme").await;
        assert_eq!(access_token(&browser, &client, &out).await["tenant_id"], acme["id"]);
    }

    /// Where nobody makes accounts, an invitation offers to sign in only.
    async fn no_account_is_offered_where_none_can_be_made(place: doorward_world::Fresh) {
        let mut settings = doorward_core::settings::Settings::default();
        settings.sign_up.mode = SignUpMode::Closed;
        let world = World::new(&place, settings, doorward_core::env::no_fetch()).await;
        let mut browser = Browser::new(world);
        let page = browser.open(&invited(&browser, BOB, true).await).await;
        facts(&page);
        assert!(page.field("new_password").is_none() && page.text.contains("Sign in to join"), "{}", page.text);
    }

    /// What is no link, and a link that nobody has, say what to do.
    async fn what_is_no_invitation_says_what_to_do(world: World) {
        let mut browser = Browser::new(world);
        let unknown = "/invitation?token=dw_ml_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        for path in ["/invitation", "/invitation?token=x", unknown] {
            let page = browser.open(path).await;
            let said = (page.status, page.title());
            assert_eq!(said, (StatusCode::BAD_REQUEST, "This link does not work any more"), "{path}");
            assert!(page.text.contains("ask whoever invited you"), "{}", page.text);
        }
    }
}

fn between<'t>(text: &'t str, before: &str, after: &str) -> &'t str {
    text.split_once(before).unwrap().1.split(after).next().unwrap()
}

fn token_of(link: &str) -> String {
    link.split_once("token=").unwrap().1.to_owned()
}
