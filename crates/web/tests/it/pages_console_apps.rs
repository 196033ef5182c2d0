//! Applications in the console: registered with what is pasted next, changed, and given other secrets.

use std::time::Duration;

use crate::{
    pages_console::{administrator, link},
    pages_kit::{Browser, PASSWORD, Page},
};
use doorward_core::clients::manage;
use doorward_proto::secret::{Kind, Opaque};
use doorward_world::{World, both_engines};
use http::StatusCode;
use serde_json::json;

const NEW: &str = "/console/applications/new";
const BACK: &str = "https://notes.example/callback";

/// What stands on the page under an id.
fn text(page: &Page, id: &str) -> String {
    let rest = page
        .text
        .split(&format!("<code id=\"{id}\">"))
        .nth(1)
        .unwrap_or_else(|| panic!("no {id}: {}", page.text));
    rest.split("</code>").next().unwrap().replace("&#34;", "\"").replace("&#39;", "'").replace("&#38;", "&")
}

async fn make(browser: &mut Browser, kind: &str, fields: &[(&str, &str)]) -> Page {
    let to = format!("{NEW}/{kind}");
    let form = browser.open(&to).await;
    assert_eq!(form.status, StatusCode::OK, "{}", form.text);
    browser.submit(&form, &to, fields).await
}

fn server<'a>(name: &'a str, redirects: &'a str) -> [(&'a str, &'a str); 4] {
    [("name", name), ("redirect_uris", redirects), ("scopes", "openid email"), ("current_password", PASSWORD)]
}

async fn owns(world: &World, id: &str, secret: &str) -> bool {
    let client = manage::get(&world.call(), id).await.unwrap();
    client.owns_secret(&world.call(), &Opaque::parse(Kind::ClientSecret, secret).unwrap())
}

/// A chapter's blocks are what the tests of its programs run.
#[test]
fn what_is_pasted_is_what_the_chapters_say() {
    let read =
        |path: String| std::fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    for (chapter, language, name) in [
        ("gateway", "nginx", "nginx.conf"),
        ("fastapi", "python", "api.py"),
        ("fastapi", "python", "sign_in.py"),
        ("fastapi", "text", "call.sh"),
    ] {
        let (page, text) = (read(format!("../../docs/{chapter}.md")), read(format!("snippets/{name}")));
        assert!(page.contains(&format!("```{language}\n{text}```")), "{chapter}.md has another {name}");
    }
}

both_engines! {
    async fn each_kind_is_made_with_what_is_pasted_next(world: World) {
        let (mut browser, _) = administrator(world.clone()).await;
        let choose = browser.open(NEW).await;
        for kind in ["server", "browser", "native", "service", "proxy"] {
            assert_eq!(link(&choose, &format!("{NEW}/{kind}")), format!("{NEW}/{kind}"));
        }
        let told = make(&mut browser, "server", &server("Notes", BACK)).await;
        let (secret, environment) = (text(&told, "secret"), text(&told, "environment"));
        assert!(environment.contains(&format!("OIDC_CLIENT_SECRET={secret}")), "{environment}");
        assert!(environment.contains(&format!("OIDC_REDIRECT_URI={BACK}")) && text(&told, "node").contains("openid-client"));
        assert!(text(&told, "fastapi").contains("--port 3000\n") && !environment.contains("SIGNED_OUT"), "{}", told.text);
        let page = browser.open(&link(&told, "/console/applications/cli_")).await;
        assert!(!page.text.contains(&secret), "told once");
        assert!(owns(&world, page.path.rsplit('/').next().unwrap(), &secret).await);

        let told = make(&mut browser, "browser", &[("name", "Board"), ("redirect_uris", BACK)]).await;
        assert!(!told.text.contains("id=\"secret\"") && text(&told, "module").contains(BACK), "{}", told.text);
        assert!(text(&told, "cors").contains("[\"https://notes.example\"]"), "{}", told.text);
        let here = [("name", "Tried out"), ("redirect_uris", "http://localhost:5173/callback")];
        let told = make(&mut browser, "browser", &here).await;
        assert!(text(&told, "cors").contains("[\"http://localhost:5173\"]"), "{}", told.text);
        let told = make(&mut browser, "native", &[("name", "Tool"), ("redirect_uris", "http://127.0.0.1/callback")]).await;
        assert!(text(&told, "environment").ends_with("OIDC_REDIRECT_URI=http://127.0.0.1:8765/callback"), "{}", told.text);
        assert!(text(&told, "fastapi").contains("--port 8765\n"), "{}", told.text);
        let told = make(&mut browser, "service", &[("name", "Nightly"), ("current_password", PASSWORD)]).await;
        assert!(text(&told, "curl").contains("grant_type=client_credentials"), "{}", told.text);
    }

    async fn a_form_sent_twice_registers_one(world: World) {
        let (mut browser, _) = administrator(world.clone()).await;
        let to = format!("{NEW}/server");
        let form = browser.open(&to).await;
        let first = browser.submit(&form, &to, &server("Notes", BACK)).await;
        let second = browser.submit(&form, &to, &server("Notes", BACK)).await;
        assert_eq!(text(&first, "secret"), text(&second, "secret"));
        let all = manage::list(&world.call(), manage::ListAsk { page: doorward_core::page::PageAsk { query: Some("notes".to_owned()), limit: 10, after: None }, ..manage::ListAsk::default() }).await.unwrap();
        assert_eq!(all.items.len(), 1);
    }

    async fn an_address_is_refused_with_its_line_and_the_reason(world: World) {
        let (mut browser, _) = administrator(world).await;
        for (second, says) in [
            ("https://*.notes.example/", "a star stands for no address"),
            ("http://notes.example/cb", "http is for this machine only"),
            ("https://notes.example/cb#x", "a part behind #"),
            ("https://a:b@notes.example/", "a user name or password"),
            ("javascript:alert(1)", "this scheme is not accepted"),
            ("notes", "this is no whole address"),
        ] {
            let typed = format!("{BACK}\r\n{second}");
            let wrong = make(&mut browser, "server", &server("Notes", &typed)).await;
            assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", wrong.text);
            assert!(wrong.text.contains("redirect_uris-error") && wrong.text.contains("Line 2"), "{}", wrong.text);
            assert!(wrong.text.contains(says) && !wrong.text.contains(PASSWORD), "{says}: {}", wrong.text);
        }
        let wrong = make(&mut browser, "server", &[("name", "Notes"), ("redirect_uris", BACK), ("current_password", "no")]).await;
        assert!(wrong.status.is_client_error() && wrong.text.contains("current_password-error"), "{}", wrong.text);
    }

    async fn it_is_changed_only_while_it_is_what_was_seen(world: World) {
        let (mut browser, _) = administrator(world.clone()).await;
        let made = browser.client(json!({})).await;
        let path = format!("/console/applications/{}", made["id"].as_str().unwrap());
        let edit = format!("{path}/edit");
        let form = browser.open(&edit).await;
        let version = form.field("version").unwrap();
        let fields = [("version", version.as_str()), ("name", "Orders 2"), ("redirect_uris", "https://orders.example/new"),
            ("scopes", "openid"), ("grant_code", "yes"), ("method", "none"), ("pkce", "yes"),
            ("id_token_on_refresh", "yes"), ("refresh_policy", "always"), ("organizations", "ask"),
            ("access_ttl", "300"), ("providers", "acme"), ("logo_uri", "https://orders.example/logo.svg")];
        let saved = browser.submit(&form, &edit, &fields).await;
        assert!(saved.text.contains("The application is saved."), "{}", saved.text);
        let client = manage::get(&world.call(), made["id"].as_str().unwrap()).await.unwrap();
        assert_eq!((client.name.as_str(), client.metadata.access_ttl), ("Orders 2", Some(300)));
        assert_eq!(client.metadata.providers, Some(vec!["acme".to_owned()]));
        assert_eq!(client.metadata.grant_types, ["authorization_code"]);
        let stale = browser.submit(&form, &edit, &fields).await;
        assert!(stale.status.is_client_error() && stale.text.contains("Somebody else has changed this"), "{}", stale.text);
        let mut wrong = fields;
        wrong[10].1 = "5";
        let form = browser.open(&edit).await;
        let version = form.field("version").unwrap();
        wrong[0].1 = version.as_str();
        let wrong = browser.submit(&form, &edit, &wrong).await;
        assert!(wrong.text.contains("access_ttl-error"), "{}", wrong.text);
    }

    async fn from_where_it_may_prove_itself_is_for_whoever_has_just_signed_in(world: World) {
        let (mut browser, _) = administrator(world.clone()).await;
        let made = browser.client(json!({})).await;
        let id = made["id"].as_str().unwrap();
        let edit = format!("/console/applications/{id}/edit");
        let form = browser.open(&edit).await;
        let version = form.field("version").unwrap();
        let fields = |addresses| {
            [("version", version.as_str()), ("name", "Orders"), ("redirect_uris", "https://orders.example/new"), ("scopes", "openid"),
                ("grant_code", "yes"), ("method", "none"), ("pkce", "yes"), ("id_token_on_refresh", "yes"), ("refresh_policy", "always"),
                ("organizations", "ask"), ("every_provider", "yes"), ("addresses", addresses)]
        };
        let allowed = async || manage::get(&world.call(), id).await.unwrap().metadata.allowed_addresses;
        let wrong = browser.submit(&form, &edit, &fields("the office")).await;
        assert!(wrong.text.contains("addresses-error") && wrong.text.contains("the office"), "{}", wrong.text);
        world.advance(Duration::from_mins(11));
        let again = browser.submit(&form, &edit, &fields("203.0.113.7 10.1.2.3/8")).await;
        assert!(again.path.starts_with("/sign-in/password"), "{}", again.path);
        assert!(allowed().await.is_empty());
        let back = browser.submit(&again, "/sign-in/password", &[("password", PASSWORD)]).await;
        assert!(back.path.ends_with("/edit") && back.text.contains("203.0.113.7 10.1.2.3/8"), "what was typed waits: {}", back.text);
        let saved = browser.submit(&back, &edit, &fields("203.0.113.7 10.1.2.3/8")).await;
        assert!(saved.text.contains("The application is saved.") && saved.text.contains("10.0.0.0/8"), "{}", saved.text);
        assert_eq!(allowed().await.len(), 2);
    }

    async fn a_secret_is_added_and_the_replaced_one_ended(world: World) {
        let (mut browser, _) = administrator(world.clone()).await;
        let told = make(&mut browser, "server", &server("Notes", BACK)).await;
        let first = text(&told, "secret");
        let path = link(&told, "/console/applications/cli_");
        let id = path.rsplit('/').next().unwrap();
        let rotate = format!("{path}/rotate");
        let form = browser.open(&rotate).await;
        let wrong = browser.submit(&form, &rotate, &[("minutes", ""), ("current_password", PASSWORD)]).await;
        assert!(wrong.text.contains("minutes-error"), "{}", wrong.text);
        let told = browser.submit(&form, &rotate, &[("minutes", "60"), ("current_password", PASSWORD)]).await;
        let second = text(&told, "secret");
        assert!(owns(&world, id, &first).await && owns(&world, id, &second).await);
        world.advance(Duration::from_secs(1));
        let page = browser.open(&path).await;
        let only = browser.submit(&page, &format!("{path}/retire"), &[]).await;
        assert!(only.text.contains("Only the newest secret works now."), "{}", only.text);
        assert!(!owns(&world, id, &first).await && owns(&world, id, &second).await);
    }

    async fn a_proxy_is_told_what_to_paste(world: World) {
        let (mut browser, _) = administrator(world).await;
        let to = format!("{NEW}/proxy");
        let page = browser.open(&format!("{to}?host=Reports.example.com&upstream=127.0.0.1%3A9123")).await;
        assert!(text(&page, "route").contains("hosts = [\"reports.example.com\"]"), "{}", page.text);
        assert!(text(&page, "nginx").contains("proxy_pass http://127.0.0.1:9123;"), "{}", page.text);
        let wrong = browser.open(&format!("{to}?host=a%3Breturn&upstream=x")).await;
        assert!(wrong.text.contains("host-error") && wrong.text.contains("upstream-error") && !wrong.text.contains("auth_request"), "{}", wrong.text);
    }
}
