//! Choosing the organisation that an application acts for: for one authorization, and no other.

use std::time::Duration;

use crate::pages_kit::{Browser, PASSWORD, Page, access_token, authorize};
use doorward_world::{World, both_engines};
use http::StatusCode;
use serde_json::{Value as Json, json};

const ADA: &str = "ada@example.com";
const TITLE: &str = "Choose an organisation";

async fn at_client(world: World, organizations: &str) -> (Browser, Json) {
    let mut browser = Browser::new(world);
    browser.person(ADA, "Ada Lovelace").await;
    let client = browser.client(json!({"first_party": true, "organizations": organizations})).await;
    assert_eq!(client["organizations"], organizations);
    let page = browser.open("/account").await;
    browser.sign_in(&page, ADA, PASSWORD).await;
    (browser, client)
}

/// A team of the person's; answers its id.
async fn team(browser: &Browser, name: &str) -> String {
    let org = browser.make("orgs", json!({"name": name})).await;
    let id = org["id"].as_str().unwrap().to_owned();
    let user = browser.stored(ADA).await["id"].clone();
    browser.make(&format!("orgs/{id}/members"), json!({"user_id": user, "role": "member"})).await;
    id
}

fn error(page: &Page) -> &str {
    page.header("location").split("error=").nth(1).and_then(|rest| rest.split('&').next()).unwrap_or_default()
}

both_engines! {
    /// Whoever belongs to several chooses; the choice is for this request, and the session stays as it is.
    async fn one_of_several_is_chosen_for_one_request(world: World) {
        let (mut browser, client) = at_client(world, "ask").await;
        let (acme, other) = (team(&browser, "Acme").await, team(&browser, "Other").await);
        let silent = browser.open(&authorize(&client, &[("prompt", "none")])).await;
        assert_eq!(error(&silent), "interaction_required", "{}", silent.header("location"));
        let page = browser.open(&authorize(&client, &[])).await;
        assert_eq!((page.title(), page.status), (TITLE, StatusCode::OK), "{}", page.text);
        for name in ["Personal", "Acme", "Other", "Orders acts for the one that you choose now"] {
            assert!(page.text.contains(name), "{name}: {}", page.text);
        }
        let out = browser.submit(&page, "/choose-organization?", &[("org", &acme)]).await;
        assert_eq!(access_token(&browser, &client, &out).await["tenant_id"], acme.as_str());

        let again = browser.open(&authorize(&client, &[])).await;
        assert_eq!(again.title(), TITLE, "another request asks again");
        let named = browser.open(&authorize(&client, &[("organization", &other)])).await;
        assert_eq!(access_token(&browser, &client, &named).await["tenant_id"], other.as_str(), "what is named is not asked");
        let foreign = browser.make("orgs", json!({"name": "Foreign"})).await;
        let forced = [("org", foreign["id"].as_str().unwrap())];
        let forced = browser.submit(&again, "/choose-organization?", &forced).await;
        assert_eq!(forced.status, StatusCode::NOT_FOUND, "{}", forced.text);
        let back = browser.submit(&again, "/choose-organization?", &[("answer", "deny")]).await;
        assert_eq!(error(&back), "access_denied", "{}", back.header("location"));
    }

    /// Whoever belongs to very many is shown some of them, and finds the others by their names.
    async fn one_of_very_many_is_found(world: World) {
        let (mut browser, client) = at_client(world, "ask").await;
        let mut last = String::new();
        for number in 0..60 {
            browser.world.advance(Duration::from_millis(1));
            last = team(&browser, &format!("Crew {number}")).await;
        }
        let buttons = |page: &Page| page.text.matches("<button name=\"org\"").count();
        let page = browser.open(&authorize(&client, &[])).await;
        assert_eq!((page.title(), buttons(&page)), (TITLE, 50), "{}", page.text);
        assert!(page.text.contains("These are not all") && !page.text.contains("Crew 59"), "{}", page.text);
        let action = page.text.split("action=\"").find(|rest| rest.starts_with("/choose-organization?")).unwrap();
        let address = action.split('"').next().unwrap().replace("&#38;", "&");
        let draft = address.split("draft=").nth(1).unwrap().split('&').next().unwrap();
        assert!(page.text.contains(&format!("<input type=\"hidden\" name=\"draft\" value=\"{draft}\">")));
        let page = browser.open(&format!("{address}&find=crew+59")).await;
        assert_eq!(buttons(&page), 1, "{}", page.text);
        let none = browser.open(&format!("{address}&find=nobody")).await;
        assert!(buttons(&none) == 0 && !none.text.contains("you belong to none"), "{}", none.text);
        let out = browser.submit(&page, "/choose-organization?", &[("org", &last)]).await;
        assert_eq!(access_token(&browser, &client, &out).await["tenant_id"], last.as_str());

        let page = browser.open("/account/organizations").await;
        assert_eq!(page.text.matches("/leave\"").count(), 49, "the own one is not left: {}", page.text);
        assert!(page.text.contains("All your organisations"), "{}", page.text);
        let page = browser.open("/account/organizations?find=CREW+59").await;
        assert_eq!(page.text.matches("/leave\"").count(), 1, "{}", page.text);
    }

    /// The consent page names what was chosen, and a yes for one organisation is none for another.
    async fn the_consent_is_for_what_was_chosen(world: World) {
        let mut browser = Browser::new(world);
        browser.person(ADA, "Ada Lovelace").await;
        let client = browser.client(json!({"organizations": "ask"})).await;
        let (acme, other) = (team(&browser, "Acme").await, team(&browser, "Other").await);
        let page = browser.open(&authorize(&client, &[])).await;
        let choose = browser.sign_in(&page, ADA, PASSWORD).await;
        let page = browser.submit(&choose, "/choose-organization?", &[("org", &acme)]).await;
        assert!(page.text.contains("<dd>Acme</dd>"), "{}", page.text);
        let page = browser.submit(&choose, "/choose-organization?", &[("org", &other)]).await;
        assert!(page.text.contains("<dd>Other</dd>"), "{}", page.text);
        let out = browser.submit(&page, "/consent", &[("answer", "allow")]).await;
        assert_eq!(access_token(&browser, &client, &out).await["tenant_id"], other.as_str());
        let page = browser.open(&authorize(&client, &[])).await;
        let page = browser.submit(&page, "/choose-organization?", &[("org", &acme)]).await;
        assert!(page.text.contains("<dd>Acme</dd>"), "nobody has allowed it for Acme: {}", page.text);
    }

    /// The consent page says for whom only to who could mean somebody else; everybody belongs to the server's own.
    async fn who_is_in_no_team_is_not_told_that_they_act_for_themselves(world: World) {
        let mut browser = Browser::new(world);
        browser.person(ADA, "Ada Lovelace").await;
        let client = browser.client(json!({})).await;
        let page = browser.open(&authorize(&client, &[])).await;
        let page = browser.sign_in(&page, ADA, PASSWORD).await;
        assert!(page.path.starts_with("/consent") && !page.text.contains("On behalf of"), "{}", page.text);
        team(&browser, "Acme").await;
        let page = browser.open(&page.path).await;
        assert!(page.text.contains("<dt>On behalf of</dt><dd>Personal</dd>"), "{}", page.text);
    }

    /// Where a team is needed, who has none is told, makes one, and goes on for it.
    async fn who_has_no_team_makes_one(world: World) {
        let (mut browser, client) = at_client(world, "team").await;
        let page = browser.open(&authorize(&client, &[])).await;
        assert!(page.text.contains("Orders is for teams, and you belong to none."), "{}", page.text);
        let wrong = browser.submit(&page, "/choose-organization/new", &[("name", " ")]).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", wrong.text);
        let out = browser.submit(&page, "/choose-organization/new", &[("name", "Acme")]).await;
        let orgs = browser.read("orgs?query=acme").await;
        assert_eq!(access_token(&browser, &client, &out).await["tenant_id"], orgs["items"][0]["id"]);

        let personal = browser.open("/account/organizations").await;
        let own = personal.text.split("value=\"org_").nth(1).unwrap().split('"').next().unwrap();
        let named = browser.open(&authorize(&client, &[("organization", &format!("org_{own}"))])).await;
        assert_eq!(error(&named), "access_denied", "{}", named.header("location"));
        let page = browser.open(&authorize(&client, &[])).await;
        assert!(page.text.contains("Acme") && !page.text.contains("Personal"), "teams only: {}", page.text);
        let form = [("org", orgs["items"][0]["id"].as_str().unwrap())];
        browser.submit(&personal, "/account/organizations/active", &form).await;
        let out = browser.open(&authorize(&client, &[])).await;
        assert_eq!(access_token(&browser, &client, &out).await["tenant_id"], form[0].1, "the active one is a team");
    }

    /// An application that does not say gets the active one; one that says nonsense is refused.
    async fn the_session_decides_unless_the_application_says(world: World) {
        let (mut browser, client) = at_client(world, "session").await;
        team(&browser, "Acme").await;
        let out = browser.open(&authorize(&client, &[])).await;
        assert!(out.header("location").contains("code="), "{}", out.text);
        let refused = browser.refused("clients", json!({"name": "x", "organizations": "all"})).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.text);
    }
}
