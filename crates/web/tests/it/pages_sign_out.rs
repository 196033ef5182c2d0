//! Where a person ends up after signing out: at the application that asked, as long as it may ask.

use std::time::Duration;

use crate::pages_kit::{Browser, PASSWORD};
use doorward_world::{World, both_engines};
use http::StatusCode;
use serde_json::json;

const ADA: &str = "ada@example.com";
const BACK: &str = "https://orders.example/out";

both_engines! {
    /// The address on the page is sealed, and its application may be gone by the time it is used.
    async fn the_way_back_is_good_for_an_hour(world: World) {
        let mut browser = Browser::new(world);
        browser.person(ADA, "Ada").await;
        let client = browser.client(json!({"post_logout_redirect_uris": [BACK]})).await;
        let id = client["client_id"].as_str().unwrap();
        for (left_open, back) in [(Duration::from_mins(59), BACK), (Duration::from_mins(61), "/signed-out")] {
            let page = browser.open("/sign-in").await;
            assert_eq!(browser.sign_in(&page, ADA, PASSWORD).await.status, StatusCode::OK);
            let asks = format!("/oauth2/logout?client_id={id}&post_logout_redirect_uri={BACK}");
            let page = browser.open(&asks).await;
            assert_eq!(page.title(), "Sign out?");
            browser.world.advance(left_open);
            let page = browser.submit_once(&page, "/sign-out", &[]).await;
            assert_eq!(page.header("location"), back);
        }
    }

    /// Whoever is still signed in is asked, and not told that they are out.
    async fn signed_out_is_said_to_nobody_with_a_session(world: World) {
        let mut browser = Browser::new(world);
        browser.person(ADA, "Ada").await;
        assert_eq!(browser.open("/signed-out").await.title(), "You are signed out");
        let page = browser.open("/sign-in").await;
        browser.sign_in(&page, ADA, PASSWORD).await;
        let page = browser.open("/signed-out").await;
        assert_eq!((page.title(), page.path.as_str()), ("Sign out?", "/sign-out"), "{}", page.text);
        let out = browser.submit(&page, "/sign-out", &[]).await;
        assert_eq!((out.title(), out.path.as_str()), ("You are signed out", "/signed-out"));
    }
}
