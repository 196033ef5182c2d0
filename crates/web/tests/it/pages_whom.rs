//! Which person a page is about, and the small public documents around the pages.

use crate::pages_kit::{Browser, PASSWORD, Page};
use axum::body::Body;
use doorward_core::outcome::Code;
use doorward_web::surface::slug;
use doorward_world::{World, both_engines};
use http::{Request, StatusCode, header};
use serde_json::{Value as Json, json};
use url::form_urlencoded::Serializer;

const ADA: &str = "ada@example.com";
const BOB: &str = "bob@example.com";

fn request(client: &Json, more: &[(&str, &str)]) -> String {
    let mut query = Serializer::new(String::new());
    query
        .append_pair("client_id", client["client_id"].as_str().unwrap())
        .append_pair("redirect_uri", "https://orders.example/cb")
        .append_pair("response_type", "code")
        .append_pair("scope", "openid email")
        .append_pair("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")
        .append_pair("code_challenge_method", "S256")
        .extend_pairs(more);
    format!("/oauth2/authorize?{}", query.finish())
}

async fn signed_in(browser: &mut Browser, email: &str) {
    let page = browser.open("/sign-in?other=yes").await;
    browser.sign_in(&page, email, PASSWORD).await;
}

async fn read(browser: &Browser, path: &str, accept: &str) -> Page {
    browser.send(Request::get(path).header(header::ACCEPT, accept).body(Body::empty()).unwrap()).await
}

both_engines! {
    /// An application that expects Bob is not led to Ada's password because she is signed in.
    async fn who_is_expected_is_asked_who_they_are(world: World) {
        let mut browser = Browser::new(world);
        browser.person(ADA, "Ada").await;
        browser.person(BOB, "Bob").await;
        let client = browser.client(json!({"first_party": true})).await;
        signed_in(&mut browser, ADA).await;
        let page = browser.open(&request(&client, &[("login_hint", BOB)])).await;
        assert_eq!(page.title(), "Sign in", "{}", page.text);
        assert_eq!(page.field("identifier").as_deref(), Some(BOB));
        assert!(!page.text.contains(ADA), "{}", page.text);
        let out = browser.sign_in(&page, BOB, PASSWORD).await;
        assert!(out.header("location").contains("code="), "{}", out.text);
    }

    /// A request for one person does not go round in circles with another.
    async fn the_wrong_person_is_not_asked_for_ever(world: World) {
        let mut browser = Browser::new(world);
        browser.person(ADA, "Ada").await;
        let client = browser.client(json!({"first_party": true})).await;
        signed_in(&mut browser, ADA).await;
        let claims = r#"{"id_token":{"sub":{"value":"usr_01jdcz7k8m4nqw9v3x2t6r5y1a"}}}"#;
        let page = browser.open(&request(&client, &[("claims", claims)])).await;
        assert_eq!(page.title(), "Sign in", "{}", page.text);
        assert_eq!(page.field("identifier"), None, "nobody is suggested");
        let page = browser.submit(&page, "/sign-in", &[("identifier", ADA)]).await;
        let out = browser.submit(&page, "/sign-in/password", &[("password", PASSWORD)]).await;
        assert!(out.header("location").contains("error=login_required"), "{}", out.text);
    }

    /// A user name is no mail address, and a browser must not think so.
    async fn a_user_name_signs_in(world: World) {
        let mut browser = Browser::new(world);
        browser.person(ADA, "Ada").await;
        let call = browser.world.local();
        let ada = doorward_core::users::list(&call, doorward_core::page::PageAsk { limit: 5, ..Default::default() });
        let ada = ada.await.unwrap().items.into_iter().next().unwrap();
        let change = doorward_core::users::Change { username: Some(Some("ada.l".to_owned())), ..Default::default() };
        doorward_core::users::update(&call, ada.id, None, change).await.unwrap();
        let page = browser.open("/sign-in").await;
        let field = page.text.split("<input").find(|tag| tag.contains("name=\"identifier\"")).unwrap();
        for words in ["type=\"text\"", "inputmode=\"email\"", "autocomplete=\"username webauthn\""] {
            assert!(field.contains(words), "{words} in {field}");
        }
        browser.sign_in(&page, "ada.l", PASSWORD).await;
        assert!(browser.open("/account").await.text.contains(ADA));
    }

    /// The question names everybody whom the answer signs out.
    async fn signing_out_names_everybody(world: World) {
        let mut browser = Browser::new(world);
        for (email, name) in [(ADA, "Ada"), (BOB, "Bob")] {
            browser.person(email, name).await;
            signed_in(&mut browser, email).await;
        }
        let page = browser.open("/sign-out").await;
        assert!(page.text.contains(ADA) && page.text.contains(BOB), "{}", page.text);
        browser.submit(&page, "/sign-out", &[]).await;
        assert_eq!(browser.open("/account").await.title(), "Sign in");
    }

    /// The address in `type` of every problem leads to words about it.
    async fn every_problem_type_can_be_read(world: World) {
        let browser = Browser::new(world);
        for code in Code::ALL {
            let path = format!("/problems/{}", slug(*code));
            let text = read(&browser, &path, "*/*").await;
            assert_eq!((text.status, text.header("content-type")), (StatusCode::OK, "text/plain; charset=utf-8"), "{path}");
            assert!(text.text.starts_with(code.name()), "{}", text.text);
            let page = read(&browser, &path, "text/html,*/*;q=0.8").await;
            assert_eq!((page.status, page.header("content-type")), (StatusCode::OK, "text/html; charset=utf-8"), "{path}");
            assert!(page.text.contains(code.name()) && !page.title().is_empty(), "{}", page.text);
        }
        assert_eq!(read(&browser, "/problems/nothing-such", "*/*").await.status, StatusCode::NOT_FOUND);
    }

    /// OpenID Connect Discovery 2: whoever is asked about, the issuer is the same.
    async fn webfinger_names_the_issuer(world: World) {
        let browser = Browser::new(world);
        let rel = "rel=http%3A%2F%2Fopenid.net%2Fspecs%2Fconnect%2F1.0%2Fissuer";
        let found = read(&browser, &format!("/.well-known/webfinger?resource=acct%3Anobody%40example.com&{rel}"), "*/*").await;
        assert_eq!((found.status, found.header("content-type")), (StatusCode::OK, "application/jrd+json"));
        let found: Json = serde_json::from_str(&found.text).unwrap();
        assert_eq!(found["subject"], "acct:nobody@example.com");
        assert_eq!(found["links"][0]["href"], doorward_world::ISSUER);
        let other = read(&browser, "/.well-known/webfinger?resource=acct%3Aa%40b.example&rel=avatar", "*/*").await;
        assert_eq!(serde_json::from_str::<Json>(&other.text).unwrap()["links"], json!([]));
        assert_eq!(read(&browser, "/.well-known/webfinger", "*/*").await.status, StatusCode::BAD_REQUEST);
    }
}
