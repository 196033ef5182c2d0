//! The console's pages of roles: made, changed, held, removed by whoever may, and never above what they hold.

use crate::{
    pages_console::administrator,
    pages_kit::{Browser, PASSWORD},
};
use doorward_world::{World, both_engines};
use http::StatusCode;
use serde_json::json;
use std::time::Duration;

const EVA: &str = "eva@example.com";
const BOB: &str = "bob@example.com";

/// An administrator, and the organisation that Eva owns and in which Bob has another role.
async fn acme(world: World, role: &str) -> (Browser, String) {
    let (browser, _) = administrator(world).await;
    browser.person(EVA, "Eva").await;
    browser.person(BOB, "Bob").await;
    let (eva, bob) = (browser.stored(EVA).await, browser.stored(BOB).await);
    let acme = browser.make("orgs", json!({"name": "Acme", "owner": eva["id"]})).await;
    let id = acme["id"].as_str().unwrap().to_owned();
    for (name, permissions) in [
        ("people", vec!["org:members:read", "org:members:write"]),
        ("roles", vec!["org:members:read", "org:roles:read", "org:roles:write"]),
    ] {
        browser.make(&format!("orgs/{id}/roles"), json!({"name": name, "permissions": permissions})).await;
    }
    browser.make(&format!("orgs/{id}/members"), json!({"user_id": bob["id"], "role": role})).await;
    let path = format!("/console/organizations/{id}");
    (browser, path)
}

async fn signed_in(browser: &Browser, email: &str) -> Browser {
    let mut own = browser.another();
    let page = own.open("/account").await;
    own.sign_in(&page, email, PASSWORD).await;
    own
}

both_engines! {
    async fn an_owner_makes_changes_and_removes_roles(world: World) {
        let (browser, org) = acme(world.clone(), "member").await;
        let mut eva = signed_in(&browser, EVA).await;
        let list = eva.open("/console/roles").await;
        assert_eq!((list.path.as_str(), list.title()), (format!("{org}/roles").as_str(), "Roles of Acme"), "{}", list.text);
        for told in ["Everything in your organisation (org:*)", "See who belongs to your organisation (org:members:read)"] {
            assert!(eva.open(&format!("{org}/roles/owner")).await.text.contains(told)
                || eva.open(&format!("{org}/roles/admin")).await.text.contains(told), "{told}");
        }
        let to = format!("{org}/roles/new");
        let form = eva.open(&to).await;
        assert!(form.text.contains("<legend>Running the organisation</legend>"), "{}", form.text);
        for (fields, error) in [
            ([("name", "No Name"), ("permissions", ""), ("org:usage:read", "yes")], "name-error"),
            ([("name", "member"), ("permissions", ""), ("org:usage:read", "yes")], "name-error"),
            ([("name", "analyst"), ("permissions", "reports:read"), ("org:usage:read", "yes")], "permissions-error"),
            ([("name", "analyst"), ("permissions", "admin:users:read"), ("org:usage:read", "yes")], "permissions-error"),
            ([("name", "analyst"), ("permissions", ""), ("org:everything", "yes")], "permissions-error"),
        ] {
            let wrong = eva.submit(&form, &to, &fields).await;
            assert!(wrong.status.is_client_error() && wrong.text.contains(error), "{fields:?}: {}", wrong.text);
        }
        let fields = [("name", "analyst"), ("description", "Looks at numbers"), ("org:usage:read", "yes"), ("org:members:read", "yes")];
        let made = eva.submit(&form, &to, &fields).await;
        assert!(made.text.contains("The role is made") && made.title() == "analyst", "{}", made.text);
        assert!(made.text.contains("Looks at numbers") && made.text.contains("No member has this role"), "{}", made.text);

        let edit = format!("{}/edit", made.path);
        let form = eva.open(&edit).await;
        assert!(form.text.contains("name=\"org:usage:read\" type=\"checkbox\" value=\"yes\" checked"), "{}", form.text);
        let version = form.field("version").unwrap();
        let saved = eva.submit(&form, &edit, &[("version", &version), ("org:audit:read", "yes")]).await;
        assert!(saved.text.contains("The role is saved") && saved.text.contains("(org:audit:read)"), "{}", saved.text);
        assert!(!saved.text.contains("(org:usage:read)"), "a box that is not ticked is taken away: {}", saved.text);
        let late = eva.submit(&form, &edit, &[("version", &version), ("org:usage:read", "yes")]).await;
        assert!(late.status.is_client_error() && late.text.contains("changed this meanwhile"), "{}", late.text);
        // A word that is refused says nothing about what others did meanwhile; being told so does.
        let bad = eva.submit(&form, &edit, &[("version", &version), ("permissions", "admin:users:read")]).await;
        assert_eq!(bad.field("version"), Some(version.clone()), "{}", bad.text);
        assert_ne!(late.field("version"), Some(version), "{}", late.text);

        let delete = format!("{}/delete", made.path);
        let form = eva.open(&delete).await;
        let wrong = eva.submit(&form, &delete, &[("confirm", "Analyst")]).await;
        assert!(wrong.status.is_client_error() && wrong.text.contains("confirm-error"), "{}", wrong.text);
        let bob = browser.stored(BOB).await["id"].as_str().unwrap().to_owned();
        let id = org.rsplit('/').next().unwrap();
        browser.manage("PATCH", &format!("orgs/{id}/members/{bob}"), json!({"role": "analyst"})).await;
        let held = eva.submit(&form, &delete, &[("confirm", "analyst")]).await;
        assert!(held.status.is_client_error() && held.text.contains("Give them another first"), "{}", held.text);
        assert!(eva.open(&made.path).await.text.contains(">bob@example.com<"), "who holds it");
        browser.manage("PATCH", &format!("orgs/{id}/members/{bob}"), json!({"role": "member"})).await;
        world.advance(Duration::from_mins(11));
        let asked = eva.submit(&form, &delete, &[("confirm", "analyst")]).await;
        assert!(asked.path.starts_with("/sign-in/password"), "{} {}", asked.path, asked.text);
        let form = eva.submit(&asked, "/sign-in/password", &[("password", PASSWORD)]).await;
        let gone = eva.submit(&form, &delete, &[("confirm", "analyst")]).await;
        assert!(gone.text.contains("The role is removed") && !gone.text.contains(">analyst<"), "{}", gone.text);
        assert_eq!(eva.open(&made.path).await.status, StatusCode::NOT_FOUND);
    }

    async fn what_each_organisation_has_is_added_to_and_reset(world: World) {
        let (mut browser, org) = acme(world, "member").await;
        let page = format!("{org}/roles/member");
        let before = browser.open(&page).await;
        assert!(!before.text.contains("/roles/member/delete"), "there is nothing to take back: {}", before.text);
        let edit = format!("{page}/edit");
        let form = browser.open(&edit).await;
        assert!(!form.text.contains("<fieldset"), "what it may do to the organisation stays: {}", form.text);
        let saved = browser.submit(&form, &edit, &[("version", "0"), ("permissions", "docs:read"), ("org:members:write", "yes")]).await;
        assert!(saved.text.contains(">docs:read<") && !saved.text.contains("(org:members:write)"), "{}", saved.text);
        let reset = format!("{page}/delete");
        let form = browser.open(&reset).await;
        assert_eq!(form.title(), "Reset member");
        let back = browser.submit(&form, &reset, &[("confirm", "member")]).await;
        assert!(!back.text.contains(">docs:read<"), "{}", back.text);
    }

    async fn nobody_gives_what_they_do_not_hold(world: World) {
        let (browser, org) = acme(world, "roles").await;
        let mut bob = signed_in(&browser, BOB).await;
        let to = format!("{org}/roles/new");
        let form = bob.open(&to).await;
        assert!(form.text.contains("name=\"org:members:read\"") && !form.text.contains("name=\"org:usage:read\""), "{}", form.text);
        for above in ["org:*", "org:settings:end", "org:usage:read"] {
            let refused = bob.submit(&form, &to, &[("name", "more"), (above, "yes")]).await;
            assert!(refused.status.is_client_error() && refused.text.contains("id=\"org_permissions-error\""), "{above}: {}", refused.text);
        }
        let owner = format!("{org}/roles/people");
        let form = bob.open(&format!("{owner}/edit")).await;
        let refused = bob.submit(&form, &format!("{owner}/edit"), &[("version", "1"), ("org:members:read", "yes")]).await;
        assert!(refused.status.is_client_error() && refused.text.contains("id=\"org_permissions-error\""), "{}", refused.text);
        let form = bob.open(&format!("{owner}/delete")).await;
        let refused = bob.submit(&form, &format!("{owner}/delete"), &[("confirm", "people")]).await;
        assert!(refused.status.is_client_error() && refused.text.contains("what you may not do yourself"), "{}", refused.text);
    }

    async fn who_may_not_see_roles_is_shown_none(world: World) {
        let (browser, org) = acme(world, "people").await;
        let mut bob = signed_in(&browser, BOB).await;
        let page = bob.open(&org).await;
        assert_eq!(page.status, StatusCode::OK, "who sees members opens the page: {}", page.text);
        assert!(!page.text.contains("/roles/"), "{}", page.text);
        let member = crate::pages_console::link(&page, &format!("{org}/members/usr_"));
        assert_eq!(bob.open(&member).await.status, StatusCode::OK, "and gives roles that each organisation has");
        let mut mallory = browser.another();
        mallory.person("mallory@example.com", "Mallory").await;
        let start = mallory.open("/account").await;
        let token = mallory.sign_in(&start, "mallory@example.com", PASSWORD).await.field("form_token").unwrap();
        for (below, own) in [("/roles", StatusCode::FORBIDDEN), ("/roles/new", StatusCode::FORBIDDEN), ("/roles/people", StatusCode::FORBIDDEN),
            ("/roles/people/edit", StatusCode::FORBIDDEN), ("/roles/people/delete", StatusCode::FORBIDDEN)] {
            assert_eq!(bob.open(&format!("{org}{below}")).await.status, own, "{below}");
            assert_eq!(mallory.open(&format!("{org}{below}")).await.status, StatusCode::NOT_FOUND, "{below}");
        }
        for below in ["/roles/new", "/roles/people/edit", "/roles/people/delete"] {
            let body = format!("form_token={token}&name=mine&version=1&confirm=people&org:*=yes");
            assert_eq!(mallory.ask("POST", &format!("{org}{below}"), Some(body)).await.status, StatusCode::NOT_FOUND, "{below}");
        }
        assert_eq!(mallory.open("/console/roles").await.status, StatusCode::FORBIDDEN);
        let mut root = browser;
        let all = root.open("/console/roles").await;
        for told in ["/console/users?role=admin", "Sees and decides everything here", "Everything in your organisation (org:*)"] {
            assert!(all.text.contains(told), "{told}: {}", all.text);
        }
    }
}
