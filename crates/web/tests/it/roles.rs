//! What a person may do to the platform: a word in tokens, and the doors of administrators.

use crate::pages_kit::{Browser, PASSWORD, access_token, authorize};
use doorward_world::{World, both_engines};
use http::StatusCode;
use serde_json::{Value as Json, json};

both_engines! {
    /// Tokens say `user` or `admin`, and an administrator's routes refuse whoever is none.
    async fn a_user_is_not_let_in_where_an_administrator_is(world: World) {
        let first = Browser::new(world);
        let client = first.client(json!({"first_party": true})).await;
        for (role, status, code) in [
            ("user", StatusCode::FORBIDDEN, Some("auth.missing_scope")),
            ("admin", StatusCode::OK, None),
        ] {
            let mut browser = first.another();
            let email = format!("{role}@example.com");
            let new = json!({"email": email, "password": PASSWORD, "email_verified": true, "role": role});
            browser.make("users", new).await;
            let page = browser.open("/account").await;
            browser.sign_in(&page, &email, PASSWORD).await;
            let out = browser.open(&authorize(&client, &[])).await;
            assert_eq!(access_token(&browser, &client, &out).await["role"], role);
            let who = browser.ask("GET", "/api/whoami", None).await;
            assert_eq!(serde_json::from_str::<Json>(&who.text).unwrap()["role"], role, "{}", who.text);
            for route in ["/api/v1/users", "/api/v1/orgs", "/api/v1/clients", "/api/v1/audit/events"] {
                let answer = browser.ask("GET", route, None).await;
                let body: Json = serde_json::from_str(&answer.text).unwrap();
                assert_eq!((answer.status, body["code"].as_str()), (status, code), "{role} at {route}");
            }
        }
    }
}
