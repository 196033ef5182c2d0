//! The console's pages of APIs: every one for administrators, an organisation's own for whoever runs it.

use std::time::Duration;

use crate::{pages_console::administrator, pages_kit::PASSWORD};
use doorward_world::{World, both_engines};
use http::StatusCode;
use serde_json::json;

const PATH: &str = "/console/apis";
const USUAL: [(&str, &str); 2] = [("token_format", "jwt"), ("signing_alg", "ES256")];

fn typed<'t>(more: &[(&'t str, &'t str)]) -> Vec<(&'t str, &'t str)> {
    USUAL.into_iter().chain(more.iter().copied()).collect()
}

both_engines! {
    async fn an_administrator_makes_changes_and_deletes_apis(world: World) {
        let (mut browser, _) = administrator(world.clone()).await;
        let to = format!("{PATH}/new");
        let form = browser.open(&to).await;
        for (fields, error) in [
            ([("name", ""), ("identifier", "https://api.example"), ("scopes", "")], "name-error"),
            ([("name", "Reports"), ("identifier", "a b"), ("scopes", "")], "identifier-error"),
            ([("name", "Reports"), ("identifier", "https://api.example"), ("scopes", "read\nread")], "scopes-error"),
        ] {
            let wrong = browser.submit(&form, &to, &typed(&fields)).await;
            assert!(wrong.status.is_client_error() && wrong.text.contains(error), "{fields:?}: {}", wrong.text);
        }
        let fields = [("name", "Reports"), ("identifier", "https://api.example"), ("scope_set", "mcp"), ("scopes", "reports:read See reports"), ("access_ttl", "600")];
        let made = browser.submit(&form, &to, &typed(&fields)).await;
        assert!(made.text.contains("The API is made") && made.title() == "Reports", "{}", made.text);
        for told in ["https://api.example", "600 seconds", "reports:read", "See reports", "mcp:write", "/.well-known/jwks.json"] {
            assert!(made.text.contains(told), "{told}: {}", made.text);
        }
        let connect = browser.open(&format!("{}/connect", made.path)).await;
        assert_eq!((connect.status, connect.title()), (StatusCode::OK, "Connect Reports"), "{}", connect.text);
        for told in ["API_AUDIENCE=https://api.example", "&#34;files:read&#34;, &#34;files:write&#34;", "resource=$API_AUDIENCE",
            "hosts = [&#34;api.example&#34;]", "audiences = [&#34;https://api.example&#34;]", "X-Original-Host api.example;"] {
            assert!(connect.text.contains(told), "{told}: {}", connect.text);
        }
        let taken = browser.submit(&form, &to, &typed(&fields)).await;
        assert!(taken.status.is_client_error() && taken.text.contains("identifier-error"), "{}", taken.text);
        for (query, count) in [("rep", 1), ("https://api", 1), ("nothing", 0)] {
            let list = browser.open(&format!("{PATH}?query={query}")).await;
            assert_eq!(list.text.matches("scope=\"row\"").count(), count, "{query}: {}", list.text);
        }
        let sheet = browser.open(&format!("{PATH}.csv")).await;
        assert!(sheet.text.contains(",https://api.example,Reports,"), "{}", sheet.text);
        let edit = format!("{}/edit", made.path);
        let form = browser.open(&edit).await;
        assert!(form.text.contains("reports:read See reports") && form.field("identifier").is_none(), "{}", form.text);
        let version = form.field("version").unwrap();
        let fields = [("version", version.as_str()), ("name", "Reporting"), ("scopes", "reports:read See them")];
        let saved = browser.submit(&form, &edit, &typed(&fields)).await;
        assert!(saved.text.contains("The API is saved") && saved.text.contains("See them") && !saved.text.contains("mcp:write"), "{}", saved.text);
        let late = browser.submit(&form, &edit, &typed(&fields)).await;
        assert!(late.status.is_client_error() && late.text.contains("changed this meanwhile"), "{}", late.text);
        let delete = format!("{}/delete", made.path);
        let form = browser.open(&delete).await;
        let wrong = browser.submit(&form, &delete, &[("confirm", "reporting")]).await;
        assert!(wrong.status.is_client_error() && wrong.text.contains("confirm-error"), "{}", wrong.text);
        world.advance(Duration::from_mins(11));
        let asked = browser.submit(&form, &delete, &[("confirm", "Reporting")]).await;
        assert_eq!(asked.title(), "Enter your password", "{}", asked.text);
        let form = browser.submit(&asked, "/sign-in/password", &[("password", PASSWORD)]).await;
        let gone = browser.submit(&form, &delete, &[("confirm", "Reporting")]).await;
        assert!(gone.text.contains("The API is deleted"), "{}", gone.text);
        assert_eq!(browser.open(&made.path).await.status, StatusCode::NOT_FOUND);
    }

    async fn an_owner_keeps_those_of_the_own_organisation(world: World) {
        let (browser, _) = administrator(world).await;
        browser.person("eva@example.com", "Eva").await;
        let eva = browser.stored("eva@example.com").await["id"].as_str().unwrap().to_owned();
        let acme = browser.make("orgs", json!({"name": "Acme", "owner": eva})).await["id"].as_str().unwrap().to_owned();
        let foreign = browser.make("apis", json!({"identifier": "ledger", "name": "Ledger"})).await["id"].as_str().unwrap().to_owned();
        let mut own = browser.another();
        let page = own.open("/account").await;
        let token = own.sign_in(&page, "eva@example.com", PASSWORD).await.field("form_token").unwrap();
        let list = own.open(PATH).await;
        let path = format!("/console/organizations/{acme}/apis");
        assert_eq!((list.path.as_str(), list.title()), (path.as_str(), "APIs of Acme"), "{}", list.text);
        let to = format!("{path}/new");
        let form = own.open(&to).await;
        let wrong = own.submit(&form, &to, &typed(&[("name", "Mine"), ("identifier", "https://api.example")])).await;
        assert!(wrong.status.is_client_error() && wrong.text.contains("identifier-error"), "{}", wrong.text);
        let made = own.submit(&form, &to, &typed(&[("name", "Mine"), ("identifier", "reports"), ("scopes", "spreadsheets:delete Delete sheets\nread See reports")])).await;
        assert!(made.text.contains(&format!("{acme}.reports")) && made.text.contains(&format!("{acme}.read")), "{}", made.text);
        assert!(own.open(&path).await.text.contains(&format!("href=\"{}\"", made.path)), "{}", made.text);
        let told = own.open(&format!("{}/connect", made.path)).await.text;
        assert!(told.contains("id=\"fastapi\"") && told.contains(&format!("scopes = [&#34;{acme}.read&#34;]")), "{told}");
        let program = format!("READ, WRITE = &#34;{acme}.read&#34;, &#34;reports:write&#34;");
        assert!(told.contains(&program), "a scope that says something else guards nothing: {told}");
        let opaque = [("name", "Closed"), ("identifier", "closed"), ("token_format", "opaque"), ("signing_alg", "ES256")];
        let closed = own.submit(&form, &to, &opaque).await;
        let told = own.open(&format!("{}/connect", closed.path)).await.text;
        assert!(told.contains("/oauth2/introspect") && told.contains("audience=$API_AUDIENCE") && !told.contains("id=\"fastapi\"") && !told.contains("\nscopes = ["), "{told}");
        let edit = format!("{}/edit", made.path);
        let form = own.open(&edit).await;
        let version = form.field("version").unwrap();
        let kept = format!("{acme}.read See them\nwrite Change them");
        let saved = own.submit(&form, &edit, &typed(&[("version", &version), ("name", "Mine"), ("scopes", &kept)])).await;
        assert!(saved.text.contains(&format!("{acme}.write")) && !saved.text.contains(&format!("{acme}.{acme}")), "{}", saved.text);
        for below in ["", "/connect", "/edit", "/delete"] {
            assert_eq!(own.open(&format!("{path}/{foreign}{below}")).await.status, StatusCode::NOT_FOUND, "{below}");
            assert_eq!(own.open(&format!("{PATH}/{foreign}{below}")).await.status, StatusCode::FORBIDDEN, "{below}");
        }
        assert_eq!(own.open(&format!("{PATH}/new")).await.status, StatusCode::FORBIDDEN);
        assert_eq!(own.open(&format!("{PATH}.csv")).await.status, StatusCode::FORBIDDEN);
        let body = format!("form_token={token}&name=Mine&identifier=orcheo-api&token_format=jwt&signing_alg=ES256&version=1&confirm=Ledger");
        for (at, status) in [(format!("{PATH}/new"), StatusCode::FORBIDDEN), (format!("{PATH}/{foreign}/delete"), StatusCode::FORBIDDEN),
            (format!("{path}/{foreign}/edit"), StatusCode::NOT_FOUND), (format!("{path}/{foreign}/delete"), StatusCode::NOT_FOUND)] {
            assert_eq!(own.ask("POST", &at, Some(body.clone())).await.status, status, "{at}");
        }
        browser.person("mallory@example.com", "Mallory").await;
        let mut mallory = browser.another();
        let page = mallory.open("/account").await;
        mallory.sign_in(&page, "mallory@example.com", PASSWORD).await;
        for below in ["", "/new"] {
            assert_eq!(mallory.open(&format!("{path}{below}")).await.status, StatusCode::NOT_FOUND, "{below}");
        }
        assert_eq!(mallory.open(&made.path).await.status, StatusCode::NOT_FOUND);
    }
}
