//! The pages of an authorization in progress, as a person without script meets them.

use crate::pages_kit::{Browser, PASSWORD, Page};
use doorward_core::orgs::{self, Holder, joins};
use doorward_world::{World, both_engines};
use http::StatusCode;
use serde_json::json;
use url::{Url, form_urlencoded::Serializer};

const ADA: &str = "ada@example.com";
const BOB: &str = "bob@example.com";
const CALLBACK: &str = "https://orders.example/cb";

/// The address of an authorization request, with these parameters more.
fn request(client: &serde_json::Value, more: &[(&str, &str)]) -> String {
    let mut query = Serializer::new(String::new());
    query
        .append_pair("client_id", client["client_id"].as_str().unwrap())
        .append_pair("redirect_uri", CALLBACK)
        .append_pair("response_type", "code")
        .append_pair("state", "as it was")
        .append_pair("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")
        .append_pair("code_challenge_method", "S256")
        .extend_pairs(more);
    if !more.iter().any(|(name, _)| *name == "scope") {
        query.append_pair("scope", "openid email");
    }
    format!("/oauth2/authorize?{}", query.finish())
}

/// What the application gets, when the browser has been sent to it.
fn answer(page: &Page, name: &str) -> Option<String> {
    let to = page.header("location");
    assert!(to.starts_with(CALLBACK), "{} {}\n{}", page.status, page.path, page.text);
    let to = Url::parse(to).unwrap();
    to.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

fn may_end_at_the_application(page: &Page) -> bool {
    page.header("content-security-policy").contains("form-action 'self' https://orders.example")
}

both_engines! {
    /// Sign in, consent, and be remembered; then take it back and be asked again.
    async fn a_person_allows_an_application_and_takes_it_back(world: World) {
        let mut browser = Browser::new(world);
        browser.person(ADA, "Ada").await;
        let client = browser.client(json!({})).await;
        let page = browser.open(&request(&client, &[])).await;
        assert_eq!(page.title(), "Sign in");
        assert!(page.text.contains("to continue to <strong>Orders</strong>"), "{}", page.text);
        let page = browser.submit(&page, "/sign-in", &[("identifier", ADA)]).await;
        assert!(may_end_at_the_application(&page), "a password may be all that is missing");
        let wrong = browser.submit(&page, "/sign-in/password", &[("password", "wrong")]).await;
        assert!(may_end_at_the_application(&wrong) && wrong.text.contains("<strong>Orders</strong>"));
        let page = browser.submit(&wrong, "/sign-in/password", &[("password", PASSWORD)]).await;
        assert_eq!(page.title(), "Orders asks for access to your account");
        assert!(may_end_at_the_application(&page));
        for words in [ADA, "Know that it is you", "See your email address", "orders.example"] {
            assert!(page.text.contains(words), "{words} in {}", page.text);
        }
        let out = browser.submit(&page, "/consent", &[("answer", "allow")]).await;
        assert!(answer(&out, "code").is_some());
        assert_eq!(answer(&out, "state").as_deref(), Some("as it was"));
        let again = browser.submit(&page, "/consent", &[("answer", "allow")]).await;
        assert_eq!(again.title(), "This sign-in has ended", "{}", again.path);

        let out = browser.open(&request(&client, &[])).await;
        assert!(answer(&out, "code").is_some(), "consent is remembered");
        let page = browser.open("/account/applications").await;
        assert!(page.text.contains("Orders") && page.text.contains("See your email address"));
        let page = browser.submit(&page, "/account/applications/", &[]).await;
        assert!(page.text.contains("The access is removed.") && page.text.contains("No application has access."));
        let page = browser.open(&request(&client, &[])).await;
        assert_eq!(page.title(), "Orders asks for access to your account");
    }

    /// The application says with which page to begin, for whom, and in which language; what the page does not
    /// know it leaves out.
    async fn an_application_begins_with_registration(world: World) {
        let mut browser = Browser::new(world);
        let client = browser.client(json!({})).await;
        let asked = |hint| [("screen_hint", "signup"), ("login_hint", hint), ("ui_locales", "de-AT \"><b>")];
        let page = browser.open(&request(&client, &asked(ADA))).await;
        assert_eq!(page.title(), "Create your account", "{}", page.path);
        assert_eq!(page.field("email").as_deref(), Some(ADA));
        assert!(page.text.contains("<html lang=\"en\"") && !page.text.contains("<b>"), "{}", page.text);
        let page = browser.open(&request(&client, &asked("ada"))).await;
        assert_eq!(page.field("email").unwrap_or_default(), "", "no address, and so not offered as one");
    }

    /// Our own command line is no stranger, and who allows it everything is told so first; somebody in no team
    /// is not told for which organisation.
    async fn the_command_line_asks_for_everything_and_says_so(world: World) {
        let mut browser = Browser::new(world);
        browser.person(ADA, "Ada").await;
        doorward_core::clients::ensure_command_line(&browser.world.local()).await.unwrap();
        let client = json!({"client_id": "doorward-cli"});
        let asks = request(&client, &[("scope", "openid me:read admin:*")]);
        let asks = asks.replace("https%3A%2F%2Forders.example%2Fcb", "http%3A%2F%2F127.0.0.1%3A4000%2Fcallback");
        let page = browser.open(&asks).await;
        let page = browser.sign_in(&page, ADA, PASSWORD).await;
        let first = page.text.split("class=\"grants\">").nth(1).unwrap().trim_start();
        assert!(first.starts_with("<li class=\"whole\">"), "{first}");
        assert!(first.contains("Manage this whole server") && !first.contains("Everything"), "{first}");
        assert!(!page.text.contains("has not been checked"), "{}", page.text);
        assert!(!page.text.contains("On behalf of"), "{}", page.text);
        let client = browser.client(json!({})).await;
        let page = browser.open(&request(&client, &[])).await;
        assert!(page.text.contains("has not been checked") && !page.text.contains("\"whole\""), "{}", page.text);
    }

    /// Whoever has an organisation may name an application by which people join it: they are asked, whatever they have
    /// allowed before, and see which organisation it is.
    async fn a_consent_page_says_what_a_person_joins(world: World) {
        let mut browser = Browser::new(world);
        browser.person(ADA, "Ada").await;
        let org = browser.make("orgs", json!({"name": "Lamps & Co"})).await;
        let org = org["id"].as_str().unwrap();
        let client = browser.client(json!({"org_id": org})).await;
        let page = browser.open(&request(&client, &[])).await;
        let page = browser.sign_in(&page, ADA, PASSWORD).await;
        assert!(!page.text.contains("become a member"), "{}", page.text);
        let out = browser.submit(&page, "/consent", &[("answer", "allow")]).await;
        assert!(answer(&out, "code").is_some());

        let scopes = vec!["org:settings:write".to_owned()];
        let holder = Holder { scopes, tenant: Some(org.parse().unwrap()), person: None };
        let call = browser.world.call();
        let scope = orgs::enter(&call, holder, org, "org:settings:write").await.unwrap();
        joins::add(&call, &scope, client["client_id"].as_str().unwrap()).await.unwrap();
        let silent = browser.open(&request(&client, &[("prompt", "none")])).await;
        assert_eq!(answer(&silent, "error").as_deref(), Some("consent_required"));
        let page = browser.open(&request(&client, &[])).await;
        assert!(page.text.contains("You also become a member of") && page.text.contains("Lamps &#38; Co"), "{}", page.text);
        let out = browser.submit(&page, "/consent", &[("answer", "allow")]).await;
        assert!(answer(&out, "code").is_some());
        let silent = browser.open(&request(&client, &[("prompt", "none")])).await;
        assert!(answer(&silent, "code").is_some(), "asked once");
    }

    /// The question names who answers for the application and links to what it says about itself.
    async fn a_consent_page_tells_who_asks(world: World) {
        let mut browser = Browser::new(world);
        browser.person(ADA, "Ada").await;
        let client = browser
            .client(json!({
                "policy_uri": "https://orders.example/privacy", "tos_uri": "https://orders.example/terms",
                "client_uri": "https://orders.example/",
            }))
            .await;
        let page = browser.open(&request(&client, &[])).await;
        let page = browser.sign_in(&page, ADA, PASSWORD).await;
        for link in ["privacy", "terms", ""] {
            let link = format!("<a href=\"https://orders.example/{link}\" target=\"_blank\" rel=\"noopener noreferrer\">");
            assert!(page.text.contains(&link), "{link} in {}", page.text);
        }
        assert!(page.text.contains("While you stay signed in") && !page.text.contains("Published by"));
        let out = browser.submit(&page, "/consent", &[("answer", "allow"), ("once", "yes")]).await;
        assert!(answer(&out, "code").is_some());
        let page = browser.open(&request(&client, &[])).await;
        assert_eq!(page.title(), "Orders asks for access to your account", "asked again");
    }

    /// An API's scopes are asked for in its own words, else in those that are usual for the name.
    async fn a_scope_is_asked_for_in_words(world: World) {
        let mut browser = Browser::new(world);
        browser.person(ADA, "Ada").await;
        let api = json!({"identifier": "https://tools.example/mcp", "name": "Tools", "scopes": [
            {"name": "mcp:read", "description": "Look around"}, "mcp:write", "tools:odd",
        ]});
        browser.make("apis", api).await;
        let set = json!({"identifier": "https://chroma.example", "name": "Vectors", "scope_set": "chroma"});
        assert_eq!(browser.make("apis", set).await["scopes"].as_array().unwrap().len(), 21);
        let scopes = json!(["openid", "mcp:read", "mcp:write", "tools:odd"]);
        let client = browser.client(json!({"scopes": scopes})).await;
        let asked = [("scope", "openid mcp:read mcp:write tools:odd"), ("resource", "https://tools.example/mcp")];
        let page = browser.open(&request(&client, &asked)).await;
        let page = browser.sign_in(&page, ADA, PASSWORD).await;
        for words in ["Look around", "Use tools that change something", "tools:odd", "<dd>Tools</dd>"] {
            assert!(page.text.contains(words), "{words} in {}", page.text);
        }
        browser.submit(&page, "/consent", &[("answer", "allow")]).await;
        let page = browser.open("/account/applications").await;
        assert!(page.text.contains("Look around"), "{}", page.text);
    }

    /// Who says no goes back to the application, which is told.
    async fn a_person_says_no(world: World) {
        let mut browser = Browser::new(world);
        browser.person(ADA, "Ada").await;
        let client = browser.client(json!({})).await;
        let page = browser.open(&request(&client, &[])).await;
        let page = browser.sign_in(&page, ADA, PASSWORD).await;
        let out = browser.submit(&page, "/consent", &[("answer", "deny")]).await;
        assert_eq!(answer(&out, "error").as_deref(), Some("access_denied"));
        assert_eq!(answer(&out, "code"), None);
    }

    /// The address of a question may be seen by others: only who is signed in may answer it.
    async fn a_stranger_says_no_for_nobody(world: World) {
        let mut browser = Browser::new(world);
        browser.person(ADA, "Ada").await;
        let client = browser.client(json!({})).await;
        let page = browser.open(&request(&client, &[])).await;
        let question = browser.sign_in(&page, ADA, PASSWORD).await;
        let session = question.field("session").unwrap();
        let mut stranger = browser.another();
        let form_token = stranger.open("/sign-in").await.field("form_token").unwrap();
        for session in ["", "ses_nothing", &session] {
            let form = [("form_token", form_token.as_str()), ("answer", "deny"), ("session", session)];
            let form = Serializer::new(String::new()).extend_pairs(form).finish();
            let refused = stranger.ask("POST", &question.action("/consent"), Some(form)).await;
            let is_asked = refused.header("location").starts_with("/sign-in");
            assert!(is_asked || refused.status == StatusCode::BAD_REQUEST, "{} {:?}", refused.status, refused.headers);
        }
        let out = browser.submit(&question, "/consent", &[("answer", "allow")]).await;
        assert!(answer(&out, "code").is_some(), "the question was still open");
    }

    /// Who is to prove again who they are is asked for the password at once.
    async fn a_person_signs_in_again(world: World) {
        let mut browser = Browser::new(world);
        browser.person(ADA, "Ada Lovelace").await;
        let client = browser.client(json!({"first_party": true})).await;
        let page = browser.open(&request(&client, &[])).await;
        let out = browser.sign_in(&page, ADA, PASSWORD).await;
        assert!(answer(&out, "code").is_some(), "an application of the operator's own needs no consent");
        let page = browser.open(&request(&client, &[("prompt", "login")])).await;
        assert_eq!(page.title(), "Continue as Ada Lovelace", "{}", page.text);
        let out = browser.submit(&page, "/sign-in/password", &[("password", PASSWORD)]).await;
        assert!(answer(&out, "code").is_some());
    }

    /// Two people at one browser: one of them is chosen.
    async fn a_person_chooses_an_account(world: World) {
        let mut browser = Browser::new(world);
        browser.person(ADA, "Ada").await;
        browser.person(BOB, "Bob").await;
        let client = browser.client(json!({"first_party": true})).await;
        for email in [ADA, BOB] {
            let page = browser.open("/sign-in?other=yes").await;
            browser.sign_in(&page, email, PASSWORD).await;
        }
        let page = browser.open(&request(&client, &[("prompt", "select_account")])).await;
        assert_eq!(page.title(), "Choose an account");
        assert!(may_end_at_the_application(&page));
        assert!(page.text.find(BOB) < page.text.find(ADA), "the last used one is first");
        let before_ada = page.text.split(ADA).next().unwrap();
        let session = before_ada.rsplit("value=\"").next().unwrap().split('"').next().unwrap();
        let out = browser.submit(&page, "/choose-account", &[("session", session)]).await;
        assert!(answer(&out, "code").is_some());
        assert!(browser.open("/account").await.text.contains(ADA), "the chosen account is in use");
        let page = browser.open("/choose-account").await;
        assert!(page.text.find(ADA) < page.text.find(BOB), "the chosen one was used last");
    }

    /// An application asks for a new account; the mail's link brings the person back to it.
    async fn a_person_signs_up_for_an_application(world: World) {
        let mut browser = Browser::new(world);
        let client = browser.client(json!({})).await;
        let page = browser.open(&request(&client, &[("prompt", "create")])).await;
        assert_eq!(page.title(), "Create your account");
        let fields = [("name", "Ada"), ("email", ADA), ("new_password", PASSWORD)];
        browser.submit(&page, "/sign-up", &fields).await;
        let page = browser.open(&browser.mailed(ADA).await).await;
        let page = browser.submit(&page, "/verify", &[]).await;
        let onward = page.text.split("class=\"button\" href=\"").nth(1).unwrap().split('"').next().unwrap();
        let page = browser.open(onward).await;
        assert_eq!(page.title(), "Orders asks for access to your account", "{onward}");
        let out = browser.submit(&page, "/consent", &[("answer", "allow")]).await;
        assert!(answer(&out, "code").is_some());
    }

    /// Old, unknown and forged drafts end on an error page, and never at the application.
    async fn an_authorization_that_is_over_says_so(world: World) {
        let mut browser = Browser::new(world);
        browser.person(ADA, "Ada").await;
        let client = browser.client(json!({})).await;
        let page = browser.open(&request(&client, &[])).await;
        browser.world.advance(std::time::Duration::from_mins(11));
        let draft = page.path.split("draft=").nth(1).unwrap();
        for path in ["/sign-in", "/sign-up", "/consent", "/choose-account", "/oauth2/authorize/resume"] {
            let page = browser.open(&format!("{path}?draft={draft}")).await;
            let seen = (page.status, page.title());
            assert_eq!(seen, (StatusCode::BAD_REQUEST, "This sign-in has ended"), "{path}");
        }
    }
}
