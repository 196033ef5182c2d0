//! The page of one's organisations: which one is active, another, a new one, leaving, invitations.

use crate::pages_kit::{Browser, PASSWORD, Page};
use doorward_world::{World, both_engines};
use http::StatusCode;
use serde_json::json;
use url::form_urlencoded::Serializer;

const ADA: &str = "ada@example.com";
const ROOM: &str = "/account/organizations";

async fn at_home(world: World) -> (Browser, Page) {
    let mut browser = Browser::new(world);
    browser.person(ADA, "Ada Lovelace").await;
    let page = browser.open(ROOM).await;
    let page = browser.sign_in(&page, ADA, PASSWORD).await;
    assert_eq!((page.title(), page.path.as_str()), ("Organisations", ROOM));
    (browser, page)
}

/// An organisation made by an administrator, which the person belongs to.
async fn joined(browser: &Browser, slug: &str, role: &str) -> String {
    let org = browser.make("orgs", json!({"name": slug.to_uppercase(), "slug": slug})).await;
    let user = browser.stored(ADA).await["id"].clone();
    browser.make(&format!("orgs/{slug}/members"), json!({"user_id": user, "role": role})).await;
    org["id"].as_str().unwrap().to_owned()
}

/// Sends the form of a new organisation.
async fn make(browser: &mut Browser, page: &Page, (name, slug): (&str, &str)) -> Page {
    assert!(page.text.contains("action=\"/account/organizations\""), "{}", page.text);
    let token = page.field("form_token").unwrap();
    let mut form = Serializer::new(String::new());
    form.append_pair("form_token", &token).append_pair("name", name).append_pair("slug", slug);
    let sent = browser.ask("POST", ROOM, Some(form.finish())).await;
    if sent.status == StatusCode::SEE_OTHER { browser.open(sent.header("location")).await } else { sent }
}

/// The organisation that the account's next request acts for.
fn active(page: &Page) -> &str {
    let row = page.text.split("<li>").find(|row| row.contains(">Active</span>")).unwrap();
    row.split("class=\"name\">").nth(1).unwrap().split('<').next().unwrap().trim()
}

both_engines! {
    async fn somebody_makes_an_organisation_and_switches_to_it(world: World) {
        let (mut browser, page) = at_home(world).await;
        assert_eq!(page.text.matches("/leave\"").count(), 1, "nobody leaves what is their own: {}", page.text);
        assert!(!page.text.contains("/console"), "the console is nothing to who runs nothing: {}", page.text);
        let made = make(&mut browser, &page, ("Acme & Co", "acme")).await;
        assert!(made.text.contains("The organisation is made, and you own it."), "{}", made.text);
        assert!(made.path.starts_with("/console/organizations/org_") && made.title() == "Acme &#38; Co", "{}", made.path);
        let page = browser.open(ROOM).await;
        assert!(page.text.contains("href=\"/console\""), "{}", page.text);
        assert!(page.text.contains(&format!("href=\"{}\" aria-label=\"Manage Acme", made.path)), "{}", page.text);
        assert!(page.text.contains("Acme &#38; Co") && page.text.contains(">Owner</div>"), "{}", page.text);
        assert_eq!(active(&page), "Personal", "what is made is not acted for at once");
        let org = browser.read("orgs/acme").await["id"].as_str().unwrap().to_owned();
        let page = browser.submit(&page, "/account/organizations/active", &[("org", &org)]).await;
        assert!(page.text.contains("You act for another organisation now."), "{}", page.text);
        assert_eq!(active(&page), "Acme &#38; Co");

        for (name, slug, says) in [
            ("", "other", "Give it a name"),
            ("Other", "No Slug", "Use 2 to 48 small letters"),
            ("Other", "acme", "This short name is taken"),
        ] {
            let wrong = make(&mut browser, &page, (name, slug)).await;
            assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{says}: {}", wrong.text);
            assert!(wrong.text.contains(says), "{says}: {}", wrong.text);
            assert_eq!(wrong.field("slug").as_deref(), Some(slug), "what was typed is still there");
        }
    }

    /// The switcher in the header stays on its page; nobody switches to what is not theirs.
    async fn the_header_switches_on_every_account_page(world: World) {
        let (mut browser, _) = at_home(world).await;
        let org = joined(&browser, "acme", "member").await;
        let foreign = browser.make("orgs", json!({"name": "Foreign"})).await["id"].as_str().unwrap().to_owned();
        let page = browser.open("/account/keys").await;
        assert!(!page.text.contains("/console"), "a member runs nothing: {}", page.text);
        assert!(page.text.contains("class=\"switch\""), "{}", page.text);
        let fields = [("org", org.as_str()), ("back", "/account/keys")];
        let page = browser.submit(&page, "/account/organizations/active", &fields).await;
        assert_eq!(page.path, "/account/keys");
        assert!(page.text.contains("Acting for </span>ACME</summary>"), "{}", page.text);
        let elsewhere = [("org", org.as_str()), ("back", "https://elsewhere.example/")];
        let page = browser.submit(&page, "/account/organizations/active", &elsewhere).await;
        assert_eq!(page.path, ROOM);
        let refused = browser.submit(&page, "/account/organizations/active", &[("org", &foreign)]).await;
        assert_eq!(refused.status, StatusCode::NOT_FOUND, "{}", refused.text);
        assert_eq!(active(&browser.open(ROOM).await), "ACME");
    }

    /// Leaving asks first; the last owner is told, and stays.
    async fn leaving_asks_and_keeps_the_last_owner(world: World) {
        let (mut browser, _) = at_home(world).await;
        let owned = joined(&browser, "owned", "owner").await;
        let other = joined(&browser, "other", "member").await;
        let page = browser.open(ROOM).await;
        browser.submit(&page, "/account/organizations/active", &[("org", &other)]).await;

        let ask = browser.open(&format!("{ROOM}/{owned}/leave")).await;
        assert!(ask.text.contains("Leave OWNED?"), "{}", ask.text);
        let stays = browser.submit(&ask, &format!("{ROOM}/{owned}/leave"), &[]).await;
        assert_eq!(stays.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(stays.text.contains("You are its last owner."), "{}", stays.text);
        let ask = browser.open(&format!("{ROOM}/{other}/leave")).await;
        let left = browser.submit(&ask, &format!("{ROOM}/{other}/leave"), &[]).await;
        assert!(left.text.contains("You have left the organisation."), "{}", left.text);
        assert_eq!(active(&left), "Personal", "the session goes home");
        assert!(left.text.contains("OWNED") && !left.text.contains(">OTHER"), "{}", left.text);
        let twice = browser.submit(&ask, &format!("{ROOM}/{other}/leave"), &[]).await;
        assert_eq!((twice.status, twice.path.as_str()), (StatusCode::OK, ROOM), "a second click says the same");
        let personal = left.text.split("value=\"org_").nth(1).unwrap().split('"').next().unwrap();
        let own = browser.open(&format!("{ROOM}/org_{personal}/leave")).await;
        assert_eq!(own.path, ROOM, "nobody leaves what is their own");
    }

    /// Open invitations of the account's address are accepted with one click, without their link.
    async fn an_invitation_is_found_in_the_account(world: World) {
        let (mut browser, _) = at_home(world).await;
        browser.make("orgs", json!({"name": "Acme", "slug": "acme"})).await;
        let ask = json!({"email": ADA, "role": "member", "send_mail": false});
        browser.make("orgs/acme/invitations", ask).await;
        let page = browser.open(ROOM).await;
        assert!(page.text.contains("Join Acme"), "{}", page.text);
        let done = browser.submit(&page, "/account/invitations/", &[]).await;
        assert!(done.text.contains("You have joined.") && !done.text.contains("Join Acme"), "{}", done.text);
        let over = browser.submit(&page, "/account/invitations/", &[]).await;
        assert_eq!(over.status, StatusCode::BAD_REQUEST, "{}", over.text);
    }

    /// Where only administrators make organisations, nobody is offered to.
    async fn making_one_is_not_offered_where_administrators_do(place: doorward_world::Fresh) {
        let mut settings = doorward_core::settings::Settings::default();
        settings.orgs.people_may_create = false;
        let world = World::new(&place, settings, doorward_core::env::no_fetch()).await;
        let (mut browser, page) = at_home(world).await;
        assert!(!page.text.contains("New organisation"), "{}", page.text);
        let form = format!("name=Acme&form_token={}", page.field("form_token").unwrap());
        let forced = browser.ask("POST", ROOM, Some(form)).await;
        assert_eq!(forced.status, StatusCode::FORBIDDEN, "{}", forced.text);
    }
}
