//! The console's pages of people: for administrators only; found, made, changed, stopped, deleted.

use std::time::Duration;

use crate::{
    pages_console::{ROOT, administrator, link},
    pages_kit::{Browser, PASSWORD, Page},
};
use doorward_core::users::{self, Email, PlatformRole};
use doorward_world::{World, both_engines};
use http::StatusCode;

const PATH: &str = "/console/users";
const ADA: &str = "ada@example.com";

async fn id_of(browser: &Browser, email: &str) -> String {
    let email = Email::parse(email).unwrap();
    users::find_by_email(&browser.world.local(), &email).await.unwrap().unwrap().id.to_string()
}

/// An administrator, and the page of somebody else.
async fn at_ada(world: World) -> (Browser, Page, String) {
    let (mut browser, _) = administrator(world).await;
    browser.person(ADA, "Ada Lovelace").await;
    let path = format!("{PATH}/{}", id_of(&browser, ADA).await);
    let page = browser.open(&path).await;
    assert_eq!((page.status, page.title()), (StatusCode::OK, ADA), "{}", page.text);
    (browser, page, path)
}

both_engines! {
    async fn only_administrators_look_at_people(world: World) {
        let (browser, _, path) = at_ada(world).await;
        let (mut ada, mut stranger) = (browser.another(), browser.another());
        let page = ada.open("/account").await;
        let page = ada.sign_in(&page, ADA, PASSWORD).await;
        let token = page.field("form_token").unwrap();
        let looked_at = [PATH.to_owned(), format!("{PATH}.csv"), format!("{PATH}/new"), path.clone(), format!("{path}/edit"),
            format!("{path}/delete"), format!("{path}/suspend")];
        for path in &looked_at {
            let refused = ada.open(path).await;
            assert_eq!((refused.status, refused.title()), (StatusCode::FORBIDDEN, "This is not open to you"), "{path}");
            assert_eq!(stranger.open(path).await.title(), "Sign in", "{path}");
        }
        for path in ["/new", "/edit", "/delete", "/suspend", "/resume", "/end-sessions", "/send-link"] {
            let path = if path == "/new" { format!("{PATH}/new") } else { format!("{}{path}", looked_at[3]) };
            let body = format!("form_token={token}&email=eve@example.com&role=admin&confirm={ADA}&version=1");
            let refused = ada.ask("POST", &path, Some(body)).await;
            assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path}");
            let forged = browser.clone().ask("POST", &path, Some("form_token=x&email=eve@example.com".to_owned())).await;
            assert_eq!(forged.status, StatusCode::FORBIDDEN, "{path}");
        }
        let stored = browser.stored(ADA).await;
        assert_eq!((&stored["status"], &stored["role"]), (&"active".into(), &"user".into()));
    }

    async fn people_are_found_by_what_stands_in_the_address(world: World) {
        let (mut browser, _) = administrator(world.clone()).await;
        for number in 0..26 {
            world.advance(Duration::from_millis(1));
            browser.person(&format!("p{number:02}@example.com"), "=1+1").await;
        }
        let id = id_of(&browser, "p07@example.com").await;
        users::suspend(&world.local(), id.parse().unwrap()).await.unwrap();
        let first = browser.open(PATH).await;
        assert!(first.text.contains(">p23@example.com<") && !first.text.contains(">p24@example.com<"), "{}", first.text);
        assert!(first.text.len() < 40_000, "a first paint of {} bytes", first.text.len());
        let next = browser.open(&link(&first, &format!("{PATH}?after="))).await;
        assert!(next.text.contains(">p25@example.com<") && !next.text.contains(">p23@example.com<"), "{}", next.text);
        assert!(next.text.contains("First page") && !next.text.contains("Next page"));
        for (query, found, missing) in [("status=suspended", "p07@", "p08@"), ("role=admin", "root@", "p01@"),
            ("query=P1&status=active&role=", "p11@", "p20@"), (&format!("query={id}"), "p07@", "p06@")] {
            let page = browser.open(&format!("{PATH}?{query}")).await;
            assert!(page.text.contains(&format!(">{found}example.com<")), "{query}: {}", page.text);
            assert!(!page.text.contains(&format!(">{missing}example.com<")), "{query}");
        }
        assert!(browser.open(&format!("{PATH}?query=nobody")).await.text.contains("Nothing fits"));
        for wrong in ["status=ended", "role=owner", "query=a&query=b"] {
            assert_eq!(browser.open(&format!("{PATH}?{wrong}")).await.status, StatusCode::BAD_REQUEST, "{wrong}");
        }
        let sheet = browser.open(&format!("{PATH}.csv?query=p0")).await;
        assert_eq!(sheet.header("content-disposition"), "attachment; filename=\"users.csv\"");
        let lines: Vec<&str> = sheet.text.lines().collect();
        assert_eq!(lines.len(), 1 + 10, "{}", sheet.text);
        assert!(lines[1].contains(",'=1+1,"), "no formula: {}", lines[1]);
        assert!(lines[8].contains("p07@example.com") && lines[8].contains(",suspended,user,"), "{}", lines[8]);
    }

    async fn a_person_is_made_and_chooses_a_password(world: World) {
        let (mut browser, _) = administrator(world).await;
        let form = browser.open(&format!("{PATH}/new")).await;
        let to = format!("{PATH}/new");
        for (fields, sentence) in [
            ([("email", "not an address"), ("role", "user"), ("username", "")], "email-error"),
            ([("email", ROOT), ("role", "user"), ("username", "")], "email-error"),
            ([("email", ADA), ("role", "user"), ("username", "a b")], "username-error"),
            ([("email", ADA), ("role", "emperor"), ("username", "")], "Choose one of the two"),
        ] {
            let wrong = browser.submit(&form, &to, &fields).await;
            assert!(wrong.status.is_client_error() && wrong.text.contains(sentence), "{fields:?}: {}", wrong.text);
        }
        let fields = [("email", ADA), ("name", "Ada"), ("role", "user"), ("roles", "editor, viewer"), ("mailed", "yes")];
        let made = browser.submit(&form, &to, &fields).await;
        assert!(made.text.contains("a link to choose a password is on its way"), "{}", made.text);
        assert!(made.text.contains("<li>editor</li><li>viewer</li>") && made.text.contains("Not yet"), "{}", made.text);
        let twice = browser.submit(&form, &to, &fields).await;
        assert!(twice.status.is_client_error(), "one account for an address");
        let mut ada = browser.another();
        assert_eq!(browser.read("mail").await["items"][0]["template"], "account-made");
        let page = ada.open(&browser.mailed(ADA).await).await;
        assert!(page.text.contains("For the account of ada@example.com."), "{}", page.text);
        let weak = ada.submit(&page, "/reset", &[("new_password", "short")]).await;
        assert!(weak.status.is_client_error() && weak.text.contains("For the account of ada@"), "{}", weak.text);
        let done = ada.submit(&page, "/reset", &[("new_password", PASSWORD)]).await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.text);
        assert_eq!(ada.open("/account").await.status, StatusCode::OK);
        let mails = browser.mails().await;
        let quiet = browser.submit(&form, &to, &[("email", "bob@example.com"), ("role", "user"), ("proven", "yes")]).await;
        assert!(quiet.text.contains("No mail was sent") && !quiet.text.contains("Not yet"), "{}", quiet.text);
        assert_eq!(browser.mails().await, mails);
    }

    async fn a_change_is_for_the_person_that_was_seen(world: World) {
        let (mut browser, _, path) = at_ada(world).await;
        let to = format!("{path}/edit");
        let form = browser.open(&to).await;
        assert_eq!((form.title(), form.field("name").as_deref()), ("Edit ada@example.com", Some("Ada Lovelace")));
        let version = form.field("version").unwrap();
        let fields = |name, zone| [("email", ADA), ("name", name), ("role", "user"), ("zone", zone), ("version", version.as_str())];
        let wrong = browser.submit(&form, &to, &fields("Ada", "no zone")).await;
        assert!(wrong.status.is_client_error() && wrong.text.contains("zone-error"), "{}", wrong.text);
        let saved = browser.submit(&form, &to, &fields("Ada King", "Europe/London")).await;
        assert!(saved.text.contains("The changes are saved") && saved.text.contains("Ada King"), "{}", saved.text);
        assert!(!saved.text.contains("Not yet"), "the same address stays proven");
        let late = browser.submit(&form, &to, &fields("Somebody", "")).await;
        assert!(late.status.is_client_error() && late.text.contains("Somebody else has changed this meanwhile"), "{}", late.text);
        let fresh = late.field("version").unwrap();
        let again = [("email", "ada@else.example"), ("role", "user"), ("proven", "yes"), ("version", fresh.as_str())];
        let moved = browser.submit(&late, &to, &again).await;
        assert_eq!(moved.title(), "ada@else.example", "{}", moved.text);
        assert!(moved.text.contains("Not yet"), "a new address is not proven by the old one");
        let missing = browser.open(&format!("{PATH}/usr_01jd8zzzzzzzzzzzzzzzzzzzzz/edit")).await;
        assert_eq!(missing.status, StatusCode::NOT_FOUND);
    }

    async fn a_suspended_person_is_out_until_let_in_again(world: World) {
        let (mut browser, page, path) = at_ada(world).await;
        let mut ada = browser.another();
        let account = ada.open("/account").await;
        ada.sign_in(&account, ADA, PASSWORD).await;
        let page_with = browser.open(&path).await;
        assert!(page.text.contains("Signed in nowhere") && page_with.text.contains("End all sessions"), "{}", page_with.text);
        let ended = browser.submit(&page_with, &format!("{path}/end-sessions"), &[]).await;
        assert!(ended.text.contains("Every session has ended") && ended.text.contains("Signed in nowhere"), "{}", ended.text);
        let account = ada.open("/account").await;
        assert_eq!(account.title(), "Sign in");
        ada.sign_in(&account, ADA, PASSWORD).await;
        assert!(page.text.contains("class=\"button plain danger apart\""), "{}", page.text);
        let ask = browser.open(&format!("{path}/suspend")).await;
        assert_eq!(ask.title(), format!("Suspend {ADA}"), "{}", ask.text);
        assert_eq!(browser.stored(ADA).await["status"], "active", "asking suspends nobody");
        let stopped = browser.submit(&ask, &format!("{path}/suspend"), &[]).await;
        assert_eq!(browser.open(&format!("{path}/suspend")).await.path, path, "it is done");
        assert!(stopped.text.contains(">Suspended<") && !stopped.text.contains("/send-link"), "{}", stopped.text);
        assert_eq!(ada.open("/account").await.title(), "Sign in");
        let back = browser.submit(&stopped, &format!("{path}/resume"), &[]).await;
        assert!(back.text.contains("can sign in again") && back.text.contains(">Active<"), "{}", back.text);
        let mailed = browser.submit(&back, &format!("{path}/send-link"), &[]).await;
        assert!(mailed.text.contains("is on its way"), "{}", mailed.text);
        assert!(browser.mailed(ADA).await.starts_with("/reset"));
        assert_eq!(browser.open(&format!("{path}/resume")).await.path, path, "reloaded, a button is its page");
        let own = format!("{PATH}/{}", id_of(&browser, ROOT).await);
        let page = browser.open(&format!("{own}/suspend")).await;
        let refused = browser.submit(&page, &format!("{own}/suspend"), &[]).await;
        assert!(refused.status.is_client_error(), "the last administrator stays: {}", refused.text);
        assert_eq!(browser.stored(ROOT).await["status"], "active");
    }

    async fn an_account_is_deleted_by_its_address_and_a_fresh_sign_in(world: World) {
        let (mut browser, _, path) = at_ada(world.clone()).await;
        let to = format!("{path}/delete");
        let form = browser.open(&to).await;
        let wrong = browser.submit(&form, &to, &[("confirm", "ada")]).await;
        assert!(wrong.status.is_client_error() && wrong.text.contains("confirm-error"), "{}", wrong.text);
        world.advance(Duration::from_mins(11));
        for page in [browser.open(&to).await, browser.submit(&form, &to, &[("confirm", ADA)]).await] {
            assert_eq!(page.title(), "Enter your password", "{}", page.text);
            assert!(page.text.contains("needs a fresh sign-in"), "{}", page.text);
        }
        let asked = browser.open(&to).await;
        let form = browser.submit(&asked, "/sign-in/password", &[("password", PASSWORD)]).await;
        assert_eq!((form.title(), form.path.as_str()), ("Delete ada@example.com", to.as_str()));
        let gone = browser.submit(&form, &to, &[("confirm", ADA)]).await;
        assert!(gone.text.contains("The account is deleted") && !gone.text.contains(ADA), "{}", gone.text);
        assert_eq!(browser.open(&path).await.status, StatusCode::NOT_FOUND);
    }

    async fn making_an_administrator_needs_a_fresh_sign_in(world: World) {
        let (mut browser, _, path) = at_ada(world.clone()).await;
        let to = format!("{path}/edit");
        world.advance(Duration::from_mins(11));
        let form = browser.open(&to).await;
        assert_eq!(form.title(), "Edit ada@example.com", "looking is not deciding");
        let version = form.field("version").unwrap();
        let fields = [("email", ADA), ("name", "Countess"), ("role", "admin"), ("version", version.as_str())];
        let asked = browser.submit(&form, &to, &fields).await;
        assert_eq!(asked.title(), "Enter your password", "{}", asked.text);
        assert_eq!(browser.stored(ADA).await["role"], "user");
        let form = browser.submit(&asked, "/sign-in/password", &[("password", PASSWORD)]).await;
        assert_eq!(form.field("name").as_deref(), Some("Countess"), "what was typed is still there: {}", form.text);
        assert!(form.text.contains("<option value=\"admin\" selected>"), "{}", form.text);
        let saved = browser.submit(&form, &to, &fields).await;
        assert!(saved.text.contains("The changes are saved"), "{}", saved.text);
        let ada = users::find_by_email(&world.local(), &Email::parse(ADA).unwrap()).await.unwrap().unwrap();
        assert_eq!(ada.platform_role, PlatformRole::Administrator);
    }

    async fn another_address_needs_a_fresh_sign_in(world: World) {
        let (mut browser, _, path) = at_ada(world.clone()).await;
        let to = format!("{path}/edit");
        world.advance(Duration::from_mins(11));
        let form = browser.open(&to).await;
        let version = form.field("version").unwrap();
        let named = [("email", ADA), ("name", "Countess"), ("role", "user"), ("version", version.as_str())];
        let saved = browser.submit(&form, &to, &named).await;
        assert!(saved.text.contains("The changes are saved"), "a name opens nothing: {}", saved.text);
        let form = browser.open(&to).await;
        let version = form.field("version").unwrap();
        let moved = [("email", "eve@example.com"), ("role", "user"), ("version", version.as_str())];
        let asked = browser.submit(&form, &to, &moved).await;
        assert_eq!(asked.title(), "Enter your password", "{}", asked.text);
        assert_eq!(browser.stored(ADA).await["email"], ADA);
    }
}
