//! The console's pages of organisations: every one for administrators, one's own for who runs one, and none for
//! anybody else.

use std::time::Duration;

use crate::{
    pages_console::{administrator, link},
    pages_kit::{Browser, PASSWORD, Page},
};
use doorward_core::{
    orgs::{self, Holder, members},
    users::{self, Email, NewUser},
};
use doorward_world::{World, both_engines};
use http::StatusCode;

const PATH: &str = "/console/organizations";
const EVA: &str = "eva@example.com";
const BOB: &str = "bob@example.com";

async fn signed_in(browser: &Browser, email: &str) -> Browser {
    let mut own = browser.another();
    let page = own.open("/account").await;
    let page = own.sign_in(&page, email, PASSWORD).await;
    assert!(page.path.starts_with("/account"), "{}", page.text);
    own
}

/// An administrator, and the page of an organisation that Eva owns.
async fn at_acme(world: World) -> (Browser, Page) {
    let (mut browser, _) = administrator(world).await;
    browser.person(EVA, "Eva").await;
    browser.person(BOB, "Bob").await;
    let form = browser.open(&format!("{PATH}/new")).await;
    let fields = [("name", "Acme"), ("slug", "acme"), ("owner", EVA)];
    let page = browser.submit(&form, &format!("{PATH}/new"), &fields).await;
    assert_eq!((page.status, page.title()), (StatusCode::OK, "Acme"), "{}", page.text);
    assert!(page.text.contains("The organisation is made") && page.text.contains(EVA), "{}", page.text);
    (browser, page)
}

both_engines! {
    async fn an_owner_names_applications_by_which_people_join(world: World) {
        let (browser, acme) = at_acme(world.clone()).await;
        let id = acme.path.rsplit('/').next().unwrap();
        let theirs = browser.client(serde_json::json!({"client_id": "theirs", "name": "Notes", "org_id": id})).await;
        browser.client(serde_json::json!({"client_id": "ours"})).await;
        let mut eva = signed_in(&browser, EVA).await;
        let new = format!("{}/join-clients/new", acme.path);
        let form = eva.open(&new).await;
        for client in ["ours", "nothing", ""] {
            let wrong = eva.submit(&form, &new, &[("client", client)]).await;
            assert!(wrong.status.is_client_error() && wrong.text.contains("client-error"), "{client}: {}", wrong.text);
        }
        let page = eva.submit(&form, &new, &[("client", "theirs")]).await;
        assert!(page.text.contains("is a member from now on") && page.text.contains("Take off Notes"), "{}", page.text);
        let remove = format!("{}/join-clients/{}/remove", acme.path, theirs["id"].as_str().unwrap());
        let page = eva.submit(&page, &remove, &[]).await;
        assert!(page.text.contains("Nobody joins by signing in to an application."), "{}", page.text);
        let mut bob = signed_in(&browser, BOB).await;
        assert_eq!(bob.open(&new).await.status, StatusCode::NOT_FOUND);
    }

    async fn an_owner_says_from_where_it_may_be_used_and_is_bound(world: World) {
        let (mut browser, acme) = at_acme(world).await;
        let mut eva = signed_in(&browser, EVA).await;
        let edit = format!("{}/edit", acme.path);
        let form = eva.open(&edit).await;
        let version = form.field("version").unwrap();
        let fields = |addresses, force| {
            [("name", "Acme"), ("slug", "acme"), ("version", version.as_str()), ("addresses", addresses), ("force", force)]
        };
        for (addresses, says) in [("the office", "Write addresses or networks"), ("10.0.0.0/8", "Your own address is not among them")] {
            let wrong = eva.submit(&form, &edit, &fields(addresses, "")).await;
            assert!(wrong.status.is_client_error() && wrong.text.contains("addresses-error") && wrong.text.contains(says), "{}", wrong.text);
            assert!(wrong.text.contains(addresses), "what was typed stands: {}", wrong.text);
        }
        let out = eva.submit(&form, &edit, &fields("10.0.0.0/8 2001:db8::/32", "yes")).await;
        assert_eq!((out.status, out.title()), (StatusCode::FORBIDDEN, "Not from here"), "{}", out.text);
        let id = acme.path.rsplit('/').next().unwrap();
        let account = eva.open("/account/organizations").await;
        let switched = eva.submit(&account, "/account/organizations/active", &[("org", id)]).await;
        assert_eq!((switched.status, switched.title()), (StatusCode::FORBIDDEN, "Not from here"), "{}", switched.text);

        let page = browser.open(&acme.path).await;
        assert!(page.text.contains("10.0.0.0/8") && page.text.contains("2001:db8::/32"), "who administers all is not bound: {}", page.text);
        let form = browser.open(&edit).await;
        let version = form.field("version").unwrap();
        let fields = [("name", "Acme"), ("slug", "acme"), ("version", version.as_str()), ("addresses", "")];
        assert!(browser.submit(&form, &edit, &fields).await.text.contains("Anywhere"));
        assert_eq!(eva.open(&acme.path).await.title(), "Acme");
    }
}

both_engines! {
    async fn administrators_make_find_and_stop_organisations(world: World) {
        let (mut browser, acme) = at_acme(world.clone()).await;
        let (form, to) = (browser.open(&format!("{PATH}/new")).await, format!("{PATH}/new"));
        for (fields, error) in [
            ([("name", ""), ("slug", ""), ("owner", "")], "name-error"),
            ([("name", "Other"), ("slug", "A b"), ("owner", "")], "slug-error"),
            ([("name", "Other"), ("slug", "acme"), ("owner", "")], "slug-error"),
            ([("name", "Other"), ("slug", ""), ("owner", "nobody@example.com")], "owner-error"),
        ] {
            let wrong = browser.submit(&form, &to, &fields).await;
            assert!(wrong.status.is_client_error() && wrong.text.contains(error), "{fields:?}: {}", wrong.text);
        }
        let ask = browser.open(&format!("{}/suspend", acme.path)).await;
        assert_eq!(ask.title(), "Suspend Acme", "{}", ask.text);
        let stopped = browser.submit(&ask, &format!("{}/suspend", acme.path), &[]).await;
        assert!(stopped.text.contains(">Suspended<"), "{}", stopped.text);
        for (query, is_there) in [("", true), ("?query=acm&status=suspended", true), ("?status=active", false), ("?query=other", false)] {
            let list = browser.open(&format!("{PATH}{query}")).await;
            assert_eq!(list.text.contains(">Acme<"), is_there, "{query}: {}", list.text);
        }
        assert_eq!(browser.open(&format!("{PATH}?status=gone")).await.status, StatusCode::BAD_REQUEST);
        let sheet = browser.open(&format!("{PATH}.csv?query=acme")).await;
        assert!(sheet.text.lines().nth(1).unwrap().contains(",Acme,acme,team,suspended,"), "{}", sheet.text);
        let back = browser.submit(&stopped, &format!("{}/resume", acme.path), &[]).await;
        assert!(back.text.contains(">Active<"), "{}", back.text);

        let edit = format!("{}/edit", acme.path);
        let form = browser.open(&edit).await;
        let version = form.field("version").unwrap();
        let fields = [("name", "Acme and Company"), ("slug", "acme"), ("version", version.as_str())];
        assert_eq!(browser.submit(&form, &edit, &fields).await.title(), "Acme and Company");
        let late = browser.submit(&form, &edit, &fields).await;
        assert!(late.status.is_client_error() && late.text.contains("changed this meanwhile"), "{}", late.text);

        let delete = format!("{}/delete", acme.path);
        let form = browser.open(&delete).await;
        let wrong = browser.submit(&form, &delete, &[("confirm", "Acme")]).await;
        assert!(wrong.status.is_client_error() && wrong.text.contains("confirm-error"), "{}", wrong.text);
        world.advance(Duration::from_mins(11));
        let asked = browser.submit(&form, &delete, &[("confirm", "Acme and Company")]).await;
        assert_eq!(asked.title(), "Enter your password", "{}", asked.text);
        let form = browser.submit(&asked, "/sign-in/password", &[("password", PASSWORD)]).await;
        let gone = browser.submit(&form, &delete, &[("confirm", "Acme and Company")]).await;
        assert!(gone.text.contains("The organisation is deleted") && !gone.text.contains(">Acme"), "{}", gone.text);
        assert_eq!(browser.open(&acme.path).await.status, StatusCode::NOT_FOUND);
    }

    async fn members_come_change_and_go(world: World) {
        let (mut browser, acme) = at_acme(world).await;
        let add = format!("{}/members/new", acme.path);
        let form = browser.open(&add).await;
        for (fields, error) in [([("email", "nobody@example.com"), ("role", "member")], "Nobody here has this address"),
            ([("email", BOB), ("role", "emperor")], "id=\"role-error\"")] {
            let wrong = browser.submit(&form, &add, &fields).await;
            assert!(wrong.status.is_client_error() && wrong.text.contains(error), "{fields:?}: {}", wrong.text);
        }
        let added = browser.submit(&form, &add, &[("email", BOB), ("role", "member")]).await;
        assert!(added.text.contains("is a member now") && added.text.contains(">bob@example.com<"), "{}", added.text);
        let again = browser.submit(&form, &add, &[("email", BOB), ("role", "member")]).await;
        assert!(again.text.contains("a member already"), "{}", again.text);
        let all = browser.open(&format!("{}/members?role=owner", acme.path)).await;
        assert!(all.text.contains(">eva@example.com<") && !all.text.contains(">bob@example.com<"), "{}", all.text);
        let sheet = browser.open(&format!("{}/members.csv", acme.path)).await;
        assert_eq!(sheet.text.lines().count(), 3, "{}", sheet.text);
        let eva = link(&all, &format!("{}/members/usr_", acme.path));
        let form = browser.open(&eva).await;
        let kept = browser.submit(&form, &eva, &[("role", "member")]).await;
        assert!(kept.status.is_client_error() && kept.text.contains("the last owner"), "{}", kept.text);
        let found = browser.open(&format!("{}/members?query={BOB}", acme.path)).await;
        let bob = link(&found, &format!("{}/members/usr_", acme.path));
        let form = browser.open(&bob).await;
        let saved = browser.submit(&form, &bob, &[("role", "admin")]).await;
        assert!(saved.text.contains("has the new role"), "{}", saved.text);
        let remove = format!("{bob}/remove");
        let form = browser.open(&remove).await;
        let wrong = browser.submit(&form, &remove, &[("confirm", "Bob")]).await;
        assert!(wrong.status.is_client_error() && wrong.text.contains("confirm-error"), "{}", wrong.text);
        let gone = browser.submit(&form, &remove, &[("confirm", BOB)]).await;
        assert!(gone.text.contains("no member any more") && !gone.text.contains(">bob@example.com<"), "{}", gone.text);
    }

    async fn an_owner_runs_workspaces(world: World) {
        let (mut browser, acme) = at_acme(world.clone()).await;
        let add = format!("{}/members/new", acme.path);
        let form = browser.open(&add).await;
        browser.submit(&form, &add, &[("email", BOB), ("role", "member")]).await;
        let mut eva = signed_in(&browser, EVA).await;
        let page = eva.open(&acme.path).await;
        assert!(page.text.contains("There is no workspace yet"), "{}", page.text);
        let new = format!("{}/workspaces/new", acme.path);
        let form = eva.open(&new).await;
        assert!(!form.text.contains("name=\"id\""), "only administrators choose ids: {}", form.text);
        for (fields, error) in [([("name", ""), ("slug", ""), ("everybody", "")], "name-error"),
            ([("name", "Design"), ("slug", "A b"), ("everybody", "")], "slug-error"),
            ([("name", "Design"), ("slug", ""), ("everybody", "owner")], "everybody-error")] {
            let wrong = eva.submit(&form, &new, &fields).await;
            assert!(wrong.status.is_client_error() && wrong.text.contains(error), "{fields:?}: {}", wrong.text);
        }
        let made = eva.submit(&form, &new, &[("name", "Design"), ("slug", "design"), ("everybody", "")]).await;
        assert_eq!((made.status, made.title()), (StatusCode::OK, "Design"), "{}", made.text);
        assert!(made.text.contains("The workspace is made") && made.text.contains(">ws_"), "{}", made.text);

        let add = format!("{}/members/new", made.path);
        let form = eva.open(&add).await;
        let nobody = eva.submit(&form, &add, &[("email", "else@example.com"), ("role", "viewer")]).await;
        assert!(nobody.text.contains("Nobody in the organisation has this address"), "{}", nobody.text);
        let added = eva.submit(&form, &add, &[("email", BOB), ("role", "viewer")]).await;
        assert!(added.text.contains("works in it now") && added.text.contains(">bob@example.com<"), "{}", added.text);
        let bob = link(&added, &format!("{}/members/usr_", made.path));
        let form = eva.open(&bob).await;
        let saved = eva.submit(&form, &bob, &[("role", "editor")]).await;
        assert!(saved.text.contains("has the new role") && saved.text.contains(">Editor<"), "{}", saved.text);
        let mut own = signed_in(&browser, BOB).await;
        let mine = own.open("/account/organizations").await;
        assert!(mine.text.contains("Design (Editor)"), "{}", mine.text);
        let out = eva.submit(&saved, &format!("{bob}/remove"), &[]).await;
        assert!(out.text.contains("out of the workspace") && !out.text.contains(">bob@example.com<"), "{}", out.text);

        let edit = format!("{}/edit", made.path);
        let form = eva.open(&edit).await;
        let version = form.field("version").unwrap();
        let fields = [("name", "Studio"), ("slug", ""), ("everybody", "viewer"), ("version", version.as_str())];
        let saved = eva.submit(&form, &edit, &fields).await;
        assert!(saved.title() == "Studio" && saved.text.contains(">Viewer<"), "{}", saved.text);
        let late = eva.submit(&form, &edit, &fields).await;
        assert!(late.status.is_client_error() && late.text.contains("changed this meanwhile"), "{}", late.text);
        let delete = format!("{}/delete", made.path);
        let form = eva.open(&delete).await;
        let wrong = eva.submit(&form, &delete, &[("confirm", "Design")]).await;
        assert!(wrong.status.is_client_error() && wrong.text.contains("confirm-error"), "{}", wrong.text);
        world.advance(Duration::from_mins(11));
        let asked = eva.submit(&form, &delete, &[("confirm", "Studio")]).await;
        assert!(asked.path.starts_with("/sign-in/password"), "{} {}", asked.path, asked.text);
        let form = eva.submit(&asked, "/sign-in/password", &[("password", PASSWORD)]).await;
        let gone = eva.submit(&form, &delete, &[("confirm", "Studio")]).await;
        assert!(gone.text.contains("The workspace is deleted") && gone.text.contains("There is no workspace yet"), "{}", gone.text);
        assert_eq!(eva.open(&made.path).await.status, StatusCode::NOT_FOUND);
    }

    async fn every_member_is_in_the_file_however_many_there_are(world: World) {
        let (mut browser, acme) = at_acme(world.clone()).await;
        let call = world.local();
        let id = acme.path.rsplit('/').next().unwrap();
        let holder = Holder { scopes: vec!["admin:*".to_owned()], ..Holder::default() };
        let scope = orgs::enter(&call, holder, id, "org:members:write").await.unwrap();
        for number in 0..1_001 {
            let email = Email::parse(&format!("member{number}@example.com")).unwrap();
            let user = users::create(&call, NewUser::new(email)).await.unwrap();
            members::add(&call, &scope, user.id, "member").await.unwrap();
        }
        let sheet = browser.open(&format!("{}/members.csv", acme.path)).await;
        assert_eq!(sheet.header("content-disposition"), "attachment; filename=\"members.csv\"");
        let mut lines: Vec<&str> = sheet.text.lines().collect();
        assert_eq!((lines.len(), lines.remove(0)), (1_003, "id,email,name,role,status,joined_at"));
        lines.sort_unstable();
        lines.dedup();
        assert_eq!(lines.len(), 1_002, "nobody twice");
    }

    /// As by the API: who is handed an organisation is handed it by somebody who has just signed in.
    async fn giving_roles_needs_a_fresh_sign_in(world: World) {
        let (browser, acme) = at_acme(world.clone()).await;
        let mut eva = signed_in(&browser, EVA).await;
        let to = format!("{}/invitations/new", acme.path);
        let form = eva.open(&to).await;
        let page = eva.submit(&form, &to, &[("email", BOB), ("role", "member")]).await;
        assert!(page.text.contains(BOB), "{}", page.text);
        world.advance(Duration::from_mins(11));
        let form = eva.open(&to).await;
        let page = eva.submit(&form, &to, &[("email", "kim@example.com"), ("role", "member")]).await;
        assert!(page.text.contains("kim@example.com"), "members come and go: {}", page.text);
        let form = eva.open(&to).await;
        let page = eva.submit(&form, &to, &[("email", "eve@example.com"), ("role", "owner")]).await;
        assert!(page.path.starts_with("/sign-in/password"), "{} {}", page.path, page.text);
        let back = eva.submit(&page, "/sign-in/password", &[("password", PASSWORD)]).await;
        assert_eq!((back.path.as_str(), back.field("email").as_deref()), (to.as_str(), Some("eve@example.com")));
        let page = eva.submit(&back, &to, &[("email", "eve@example.com"), ("role", "owner")]).await;
        assert!(page.text.contains("eve@example.com") && !page.path.ends_with("/new"), "{}", page.text);
        world.advance(Duration::from_mins(11));
        let member = format!("{}/members/", acme.path);
        let page = eva.open(&acme.path).await;
        let member = eva.open(&link(&page, &member)).await;
        let path = member.path.clone();
        let page = eva.submit(&member, &path, &[("role", "admin")]).await;
        assert!(page.path.starts_with("/sign-in/password"), "{} {}", page.path, page.text);
    }

    async fn an_owner_sees_one_organisation_and_nothing_else(world: World) {
        let (browser, acme) = at_acme(world).await;
        let mut eva = signed_in(&browser, EVA).await;
        let own = eva.open("/console").await;
        assert_eq!((own.title(), own.path.as_str()), ("Acme", acme.path.as_str()), "{}", own.text);
        assert!(!own.text.contains("/console/users") && !own.text.contains("/suspend") && !own.text.contains("/members/new"), "{}", own.text);
        let invite = format!("{}/invitations/new", acme.path);
        let form = eva.open(&invite).await;
        let sent = eva.submit(&form, &invite, &[("email", BOB), ("role", "member")]).await;
        assert!(sent.text.contains("The invitation is on its way") && sent.text.contains(BOB), "{}", sent.text);
        let offer = browser.another().open(&browser.mailed(BOB).await).await;
        assert!(offer.text.contains("Invited by</dt><dd>Eva</dd>"), "{}", offer.text);
        let revoke = format!("{}/invitations/", acme.path);
        let back = eva.submit(&sent, &revoke, &[]).await;
        assert!(back.text.contains("The invitation is revoked") && back.text.contains("No invitation is open"), "{}", back.text);
        for path in ["/console/users", "/console/service-tokens/new", "/console/organizations.csv", "/console/organizations/new",
            &format!("{}/members/new", acme.path)] {
            let refused = eva.open(path).await;
            assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path}");
            assert!(refused.text.contains("href=\"/console\""), "there is a way back: {}", refused.text);
        }
        let missing = eva.open(&format!("{PATH}/nowhere")).await;
        assert!(missing.status == StatusCode::NOT_FOUND && missing.text.contains("href=\"/console\""), "{}", missing.text);
        let mut bob = signed_in(&browser, BOB).await;
        let closed = bob.open("/console").await;
        assert_eq!(closed.status, StatusCode::FORBIDDEN);
        assert!(!closed.text.contains("href=\"/console\"") && closed.text.contains("href=\"/account\""), "{}", closed.text);
        let token = own.field("form_token").unwrap();
        for path in [format!("{}/suspend", acme.path), format!("{}/members/new", acme.path), format!("{PATH}/new")] {
            let body = format!("form_token={token}&name=Mine&email={BOB}&role=owner");
            assert_eq!(eva.ask("POST", &path, Some(body)).await.status, StatusCode::FORBIDDEN, "{path}");
        }
        let edit = format!("{}/edit", acme.path);
        let form = eva.open(&edit).await;
        let version = form.field("version").unwrap();
        let renamed = eva.submit(&form, &edit, &[("name", "Acme Ltd"), ("version", &version)]).await;
        assert_eq!(renamed.title(), "Acme Ltd", "{}", renamed.text);
    }

    async fn to_strangers_an_organisation_does_not_exist(world: World) {
        let (mut browser, acme) = at_acme(world).await;
        let mut bob = signed_in(&browser, BOB).await;
        let token = bob.open("/account").await.field("form_token").unwrap();
        assert_eq!(bob.open(PATH).await.status, StatusCode::FORBIDDEN, "who runs none");
        let eva = link(&acme, &format!("{}/members/usr_", acme.path));
        let below = ["", "/edit", "/delete", "/members", "/members.csv", "/invitations/new", "/suspend"];
        let mut paths: Vec<String> = below.iter().map(|below| format!("{}{below}", acme.path)).collect();
        paths.extend([eva.clone(), format!("{eva}/remove")]);
        for path in &paths {
            assert_eq!(bob.open(path).await.status, StatusCode::NOT_FOUND, "{path}");
        }
        let posts = [format!("{}/edit", acme.path), format!("{}/delete", acme.path), format!("{}/invitations/new", acme.path),
            eva.clone(), format!("{eva}/remove"), format!("{}/invitations/inv_01jd8zzzzzzzzzzzzzzzzzzzzz/revoke", acme.path)];
        let body = format!("form_token={token}&name=Mine&version=1&confirm=Acme&email={BOB}&role=owner");
        for path in &posts {
            assert_eq!(bob.ask("POST", path, Some(body.clone())).await.status, StatusCode::NOT_FOUND, "{path}");
        }
        let add = format!("{}/members/new", acme.path);
        let form = browser.open(&add).await;
        browser.submit(&form, &add, &[("email", BOB), ("role", "member")]).await;
        for path in &paths {
            assert_eq!(bob.open(path).await.status, StatusCode::FORBIDDEN, "who merely belongs to it at {path}");
        }
        for path in &posts {
            assert_eq!(bob.ask("POST", path, Some(body.clone())).await.status, StatusCode::FORBIDDEN, "{path}");
        }
        assert_eq!(browser.open(&acme.path).await.title(), "Acme");
    }
}
