//! The page of one's own keys: made with the password, shown once, revoked; by nobody else.

use std::time::Duration;

use crate::pages_kit::{Browser, PASSWORD, Page};
use doorward_core::api_keys;
use doorward_world::{World, both_engines};
use http::StatusCode;

const ADA: &str = "ada@example.com";

async fn at_home(world: World) -> (Browser, Page) {
    let mut browser = Browser::new(world);
    browser.person(ADA, "Ada Lovelace").await;
    let page = browser.open("/account/keys").await;
    let page = browser.sign_in(&page, ADA, PASSWORD).await;
    (browser, page)
}

fn secret(page: &Page) -> String {
    let rest = page.text.split("<code id=\"secret\">").nth(1).unwrap();
    rest.split('<').next().unwrap().to_owned()
}

both_engines! {
    async fn a_key_is_made_shown_once_and_revoked(world: World) {
        let (mut browser, page) = at_home(world.clone()).await;
        assert_eq!((page.title(), page.path.as_str()), ("Keys", "/account/keys"));
        let fields = [("name", "laptop"), ("scopes", "me:read"), ("days", "30"), ("current_password", PASSWORD)];
        let made = browser.submit(&page, "/account/keys", &fields).await;
        assert_eq!((made.status, made.header("cache-control")), (StatusCode::OK, "no-store"), "{}", made.text);
        let key = secret(&made);
        let live = api_keys::verify(&world.call(), &key).await.unwrap();
        assert_eq!((live.key.terms.name.as_str(), live.scopes.as_slice()), ("laptop", ["me:read".to_owned()].as_slice()));

        let again = browser.open("/account/keys").await;
        assert!(!again.text.contains(&key) && again.text.contains(&key[..14]) && again.text.contains("laptop"));
        let revoke = again.action("/account/keys/apk_");
        let done = browser.submit(&again, &revoke, &[]).await;
        assert!(done.text.contains("The key is revoked."), "{}", done.text);
        api_keys::verify(&world.call(), &key).await.unwrap_err();
        let twice = browser.submit(&again, &revoke, &[]).await;
        assert_eq!(twice.status, StatusCode::OK, "a second click says the same");
    }

    /// A double click, and a reload of the page: one key, and the same secret each time.
    async fn a_form_sent_twice_makes_one_key(world: World) {
        let (mut browser, page) = at_home(world.clone()).await;
        let fields = [("name", "laptop"), ("scopes", ""), ("days", "30"), ("current_password", PASSWORD)];
        let first = browser.submit(&page, "/account/keys", &fields).await;
        let second = browser.submit(&page, "/account/keys", &fields).await;
        assert_eq!(secret(&first), secret(&second));
        assert_eq!(second.text.matches("action=\"/account/keys/apk_").count(), 1, "{}", second.text);
        let other = [("name", "desktop"), ("scopes", ""), ("days", "30"), ("current_password", PASSWORD)];
        let refused = browser.submit(&page, "/account/keys", &other).await;
        assert!(refused.text.contains("This form has been sent before"), "{}", refused.text);
        // Another browser of the same person opens the address, which is worth nothing there.
        let mut elsewhere = browser.another();
        let there = elsewhere.open("/account/keys").await;
        elsewhere.sign_in(&there, ADA, PASSWORD).await;
        let nothing = elsewhere.open(&first.path).await;
        assert!(nothing.status == StatusCode::OK && !nothing.text.contains(&secret(&first)), "{}", nothing.text);
        world.advance(Duration::from_mins(11));
        assert!(!browser.open(&first.path).await.text.contains(&secret(&first)));
    }

    async fn what_is_wrong_stands_at_its_field(world: World) {
        let (mut browser, page) = at_home(world).await;
        for (name, scopes, days, password, says) in [
            ("", "me:read", "30", PASSWORD, "Give it a name"),
            ("x", "admin:*", "30", PASSWORD, "You cannot give a key one of these scopes"),
            ("x", "me:read", "366", PASSWORD, "Write a number of days"),
            ("x", "me:read", "soon", PASSWORD, "Write a number of days"),
            ("x", "me:read", "30", "wrong", "password"),
        ] {
            let fields = [("name", name), ("scopes", scopes), ("days", days), ("current_password", password)];
            let wrong = browser.submit(&page, "/account/keys", &fields).await;
            assert!(wrong.status.is_client_error() && wrong.text.contains(says), "{says}: {}", wrong.text);
            assert!(!wrong.text.contains(PASSWORD) && !wrong.text.contains("dw_pk_"));
        }
    }

    async fn nobody_revokes_the_key_of_another(world: World) {
        let (mut browser, page) = at_home(world.clone()).await;
        let fields = [("name", "laptop"), ("scopes", ""), ("days", "30"), ("current_password", PASSWORD)];
        let made = browser.submit(&page, "/account/keys", &fields).await;
        let revoke = made.action("/account/keys/apk_");
        let mut other = browser.another();
        other.person("bob@example.com", "Bob").await;
        let page = other.open("/account/keys").await;
        let page = other.sign_in(&page, "bob@example.com", PASSWORD).await;
        let token = page.field("form_token").unwrap();
        let refused = other.ask("POST", &revoke, Some(format!("form_token={token}"))).await;
        assert_eq!(refused.status, StatusCode::NOT_FOUND, "{}", refused.text);
        api_keys::verify(&world.call(), &secret(&made)).await.unwrap();
    }
}
