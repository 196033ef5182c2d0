//! The console's pages of identity providers: the instance's for administrators, an organisation's for who owns it.

use std::time::Duration;

use crate::{
    pages_console::{administrator, link},
    pages_kit::{Browser, PASSWORD},
};
use doorward_world::{ISSUER, World, both_engines};
use http::StatusCode;
use serde_json::json;

const PATH: &str = "/console/providers";

async fn signed_in(browser: &Browser, email: &str) -> Browser {
    let mut own = browser.another();
    let page = own.open("/account").await;
    let page = own.sign_in(&page, email, PASSWORD).await;
    assert!(page.path.starts_with("/account"), "{}", page.text);
    own
}

/// What the form of Google's preset is sent with.
fn google<'f>(changes: &[(&'f str, &'f str)]) -> Vec<(&'f str, &'f str)> {
    let right = [
        ("preset", "google"),
        ("slug", "google"),
        ("name", "Google"),
        ("issuer", "https://accounts.google.com"),
        ("client_id", "us.apps.example"),
        ("client_secret", "hush hush"),
    ];
    let other = |name: &str| changes.iter().find(|(changed, _)| *changed == name).map(|(_, value)| *value);
    right.map(|(name, value)| (name, other(name).unwrap_or(value))).to_vec()
}

both_engines! {
    async fn administrators_add_change_suspend_and_delete_providers(world: World) {
        let (mut browser, page) = administrator(world.clone()).await;
        assert_eq!(link(&page, PATH), PATH);
        let empty = browser.open(PATH).await;
        assert!(empty.text.contains("There are none yet"), "{}", empty.text);
        let choose = browser.open(&link(&empty, &format!("{PATH}/new"))).await;
        for name in ["Google", "GitHub", "Microsoft", "Apple", "GitLab", "Another OpenID provider"] {
            assert!(choose.text.contains(&format!(">{name}<")), "{name}: {}", choose.text);
        }
        let (form, to) = (browser.open(&format!("{PATH}/new?preset=google")).await, format!("{PATH}/new"));
        assert!(form.text.contains(&format!("{ISSUER}/connect/google/callback")), "{}", form.text);
        assert_eq!(form.field("issuer").as_deref(), Some("https://accounts.google.com"));
        for (field, value, error) in [
            ("slug", "No Name", "slug-error"), ("name", "", "name-error"), ("client_id", " ", "client_id-error"),
            ("client_secret", "", "client_secret-error"), ("issuer", "http://accounts.google.com", "issuer-error"),
        ] {
            let wrong = browser.submit(&form, &to, &google(&[(field, value)])).await;
            assert!(wrong.status.is_client_error() && wrong.text.contains(error), "{field}: {}", wrong.text);
            assert!(!wrong.text.contains("hush hush"), "a secret is not shown again");
        }
        let page = browser.submit(&form, &to, &google(&[])).await;
        assert!(page.text.contains("The provider is added") && page.text.contains("us.apps.example"), "{}", page.text);
        assert!(page.text.contains(&format!("{ISSUER}/connect/google/callback")) && !page.text.contains("hush"), "{}", page.text);
        assert!(page.text.contains(">Offered<") && page.text.contains("Never"), "{}", page.text);
        let taken = browser.submit(&form, &to, &google(&[])).await;
        assert!(taken.text.contains("slug-error") && taken.text.contains("is taken"), "{}", taken.text);
        assert!(browser.another().open("/sign-in").await.text.contains("Continue with Google"));

        let tried = browser.submit(&page, &format!("{}/test", page.path), &[]).await;
        assert!(tried.text.contains("What came of the try") && tried.text.contains("accounts.google.com/.well-known"), "{}", tried.text);
        let ask = browser.open(&format!("{}/suspend", page.path)).await;
        assert_eq!(ask.title(), "Suspend Google", "{}", ask.text);
        assert!(browser.another().open("/sign-in").await.text.contains("Continue with Google"), "asking does nothing");
        let stopped = browser.submit(&ask, &format!("{}/suspend", page.path), &[]).await;
        assert!(stopped.text.contains(">Suspended<"), "{}", stopped.text);
        assert!(!browser.another().open("/sign-in").await.text.contains("Continue with"));
        browser.submit(&stopped, &format!("{}/resume", page.path), &[]).await;

        let edit = format!("{}/edit", page.path);
        let form = browser.open(&edit).await;
        let version = form.field("version").unwrap();
        let change = |domains| {
            [("version", version.as_str()), ("name", "Work"), ("client_id", "us"), ("client_secret", ""), ("scopes", "openid email"), ("domains", domains)]
        };
        let wrong = browser.submit(&form, &edit, &change("not a domain!")).await;
        assert!(wrong.status.is_client_error(), "{}", wrong.text);
        let saved = browser.submit(&form, &edit, &change("acme.example, beta.example")).await;
        assert!(saved.title() == "Work" && saved.text.contains("beta.example") && saved.text.contains("The provider is changed"), "{}", saved.text);
        let late = browser.submit(&form, &edit, &change("")).await;
        assert!(late.status.is_client_error() && late.text.contains("changed this meanwhile"), "{}", late.text);

        let delete = format!("{}/delete", page.path);
        let form = browser.open(&delete).await;
        let wrong = browser.submit(&form, &delete, &[("confirm", "Google")]).await;
        assert!(wrong.status.is_client_error() && wrong.text.contains("confirm-error"), "{}", wrong.text);
        world.advance(Duration::from_mins(11));
        let asked = browser.submit(&form, &delete, &[("confirm", "Work")]).await;
        assert_eq!(asked.title(), "Enter your password", "{}", asked.text);
        let form = browser.submit(&asked, "/sign-in/password", &[("password", PASSWORD)]).await;
        let gone = browser.submit(&form, &delete, &[("confirm", "Work")]).await;
        assert!(gone.text.contains("The provider is deleted") && gone.text.contains("There are none yet"), "{}", gone.text);
    }

    async fn owners_keep_their_own_and_see_no_other(world: World) {
        let (mut root, _) = administrator(world).await;
        for (email, name) in [("eva@example.com", "Eva"), ("bob@example.com", "Bob"), ("mia@example.com", "Mia"), ("max@example.com", "Max")] {
            root.person(email, name).await;
        }
        let id = async |root: &Browser, email: &str| root.stored(email).await["id"].as_str().unwrap().to_owned();
        let acme = root.make("orgs", json!({ "name": "Acme", "slug": "acme", "owner": id(&root, "eva@example.com").await })).await;
        root.make("orgs", json!({ "name": "Other", "slug": "other", "owner": id(&root, "max@example.com").await })).await;
        for (email, role) in [("bob@example.com", "admin"), ("mia@example.com", "member")] {
            root.make("orgs/acme/members", json!({ "user_id": id(&root, email).await, "role": role })).await;
        }
        let org = acme["id"].as_str().unwrap();
        let list = format!("/console/organizations/{org}/providers");
        let mut eva = signed_in(&root, "eva@example.com").await;
        let page = eva.open(&format!("/console/organizations/{org}")).await;
        assert_eq!(link(&page, &list), list);
        let form = eva.open(&format!("{list}/new?preset=google")).await;
        assert!(form.text.contains(&format!("{ISSUER}/connect/{org}.google/callback")), "{}", form.text);
        let own = eva.submit(&form, &format!("{list}/new"), &google(&[])).await;
        assert!(own.text.contains("The provider is added") && own.text.contains(&format!("{org}.google")), "{}", own.text);
        // It is no button for everybody, and what is the instance's is not hers.
        assert!(!root.another().open("/sign-in").await.text.contains("Continue with Google"));
        assert_eq!(eva.open(PATH).await.status, StatusCode::FORBIDDEN);
        // Who runs the organisation without owning it sees, and changes nothing.
        let mut bob = signed_in(&root, "bob@example.com").await;
        let seen = bob.open(&own.path).await;
        assert!(seen.status == StatusCode::OK && !seen.text.contains("/suspend") && !seen.text.contains("/edit"), "{}", seen.text);
        for page in [format!("{list}/new"), format!("{}/edit", own.path), format!("{}/suspend", own.path), format!("{}/delete", own.path)] {
            assert_eq!(bob.open(&page).await.status, StatusCode::FORBIDDEN, "{page}");
        }
        let forged = bob.submit(&form_of(&mut bob.clone(), &own.path).await, &format!("{}/suspend", own.path), &[]).await;
        assert_eq!(forged.status, StatusCode::FORBIDDEN, "{}", forged.text);
        for (email, status) in [("mia@example.com", StatusCode::FORBIDDEN), ("max@example.com", StatusCode::NOT_FOUND)] {
            let mut other = signed_in(&root, email).await;
            for page in [&list, &own.path] {
                assert_eq!(other.open(page).await.status, status, "{email}: {page}");
            }
        }
        // By another organisation's address it is nothing, even to who owns both pages.
        let elsewhere = own.path.replace(org, "other");
        assert_eq!(signed_in(&root, "max@example.com").await.open(&elsewhere).await.status, StatusCode::NOT_FOUND);
        // Who administers the server sees it in either place.
        assert!(root.open(PATH).await.text.contains(&format!("{org}.google")));
        assert_eq!(root.open(&own.path).await.status, StatusCode::OK);
    }
}

/// A page with a form of the browser's own, to send another one with.
async fn form_of(browser: &mut Browser, path: &str) -> crate::pages_kit::Page {
    let mut page = browser.open("/account").await;
    page.text = format!("{}<form action=\"{path}/suspend\">", page.text);
    page
}
