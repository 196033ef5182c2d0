//! The console's page of service tokens: for administrators only; made, found, replaced, ended.

use std::time::Duration;

use crate::pages_kit::{Browser, PASSWORD, Page};
use doorward_core::{
    audit, orgs,
    service_tokens::{self, NewToken, RotateAsk},
    users::{self, Email, NewUser, PlatformRole},
};
use doorward_proto::secret::SecretText;
use doorward_world::{World, both_engines};
use http::StatusCode;

pub(crate) const ROOT: &str = "root@example.com";
const PATH: &str = "/console/service-tokens";

pub(crate) async fn administrator(world: World) -> (Browser, Page) {
    let mut browser = Browser::new(world);
    let call = browser.world.local();
    let mut new = NewUser::new(Email::parse(ROOT).unwrap());
    new.email_verified = true;
    new.platform_role = PlatformRole::Administrator;
    new.password = Some(call.realm.passwords.make(&SecretText::from(PASSWORD)).await.unwrap());
    users::create(&call, new).await.unwrap();
    let page = browser.open("/console").await;
    let page = browser.sign_in(&page, ROOT, PASSWORD).await;
    (browser, page)
}

/// In another tab of the same browser.
async fn sign_out(browser: &mut Browser) {
    let page = browser.open("/sign-out").await;
    browser.submit(&page, "/sign-out", &[]).await;
}

fn secret(page: &Page) -> String {
    let rest = page.text.split("<code id=\"secret\">").nth(1).expect("a secret");
    rest.split('<').next().unwrap().to_owned()
}

/// The first link that begins so.
pub(crate) fn link(page: &Page, beginning: &str) -> String {
    let rest = page.text.split(&format!("href=\"{beginning}")).nth(1);
    let rest = rest.unwrap_or_else(|| panic!("no link to {beginning}\n{}", page.text));
    format!("{beginning}{}", rest.split('"').next().unwrap()).replace("&#38;", "&").replace("&amp;", "&")
}

async fn made(browser: &mut Browser, name: &str) -> (Page, String) {
    let page = browser.open(&format!("{PATH}/new")).await;
    let fields = [
        ("name", name),
        ("scopes", "workflows:read workflows:execute"),
        ("workspaces", "ws-a"),
        ("days", "30"),
        ("addresses", "127.0.0.0/8, ::1"),
        ("owner", "Ada"),
        ("purpose", "nightly tests"),
        ("current_password", PASSWORD),
    ];
    let told = browser.submit(&page, &format!("{PATH}/new"), &fields).await;
    assert_eq!((told.status, told.title()), (StatusCode::OK, "Copy the secret now"), "{}", told.text);
    let secret = secret(&told);
    (told, secret)
}

both_engines! {
    async fn only_administrators_enter(world: World) {
        let (mut browser, page) = administrator(world).await;
        assert_eq!((page.title(), page.path.as_str()), ("Overview", "/console"));
        let page = browser.open(PATH).await;
        assert_eq!((page.title(), page.path.as_str()), ("Service tokens", PATH));
        assert!(page.text.contains("There are no service tokens yet"), "{}", page.text);
        let (mut bob, mut stranger) = (browser.another(), browser.another());
        bob.person("bob@example.com", "Bob").await;
        let page = bob.open("/account").await;
        let page = bob.sign_in(&page, "bob@example.com", PASSWORD).await;
        assert!(!page.text.contains("href=\"/console\""));
        let token = page.field("form_token").unwrap();
        let id = "tok_01jd8zzzzzzzzzzzzzzzzzzzzz";
        let paths = [PATH.to_owned(), format!("{PATH}.csv"), format!("{PATH}/new"), format!("{PATH}/{id}"),
            format!("{PATH}/{id}/rotate"), format!("{PATH}/{id}/revoke")];
        for path in &paths {
            let refused = bob.open(path).await;
            assert_eq!((refused.status, refused.title()), (StatusCode::FORBIDDEN, "This is not open to you"), "{path}");
            let sent_in = stranger.open(&format!("{path}?query=x")).await;
            assert_eq!(sent_in.title(), "Sign in", "{path}");
            assert!(sent_in.path.contains("return_to=%2Fconsole") && sent_in.path.contains("%3Fquery%3Dx"), "{}", sent_in.path);
        }
        for path in [&paths[2], &paths[4], &paths[5]] {
            let refused = bob.ask("POST", path, Some(format!("form_token={token}&name=mine"))).await;
            assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path}");
        }
        let forged = browser.clone().ask("POST", &paths[2], Some("form_token=x&name=mine".to_owned())).await;
        assert_eq!(forged.status, StatusCode::FORBIDDEN);
        let all = service_tokens::list(&browser.world.call(), service_tokens::ListAsk::default()).await.unwrap();
        assert!(all.items.is_empty());
    }

    async fn a_token_is_made_replaced_and_ended(world: World) {
        let (mut browser, _) = administrator(world.clone()).await;
        let (told, first) = made(&mut browser, "nightly").await;
        assert_eq!(told.header("cache-control"), "no-store");
        for snippet in [format!("DOORWARD_SERVICE_TOKEN={first}"), format!("Authorization &#34;Bearer {first}&#34;;"),
            "$DOORWARD_SERVICE_TOKEN&#34; https://id.example/api/whoami".to_owned()] {
            assert!(told.text.contains(&snippet), "{snippet}: {}", told.text);
        }
        let live = service_tokens::verify(&world.call(), &first).await.unwrap();
        assert_eq!(live.token.workspace_ids, ["ws-a"]);
        let own = orgs::get(&world.call(), live.token.org).await.unwrap();
        assert_eq!(live.token.notes.allowed_addresses.len(), 2);
        let shown = browser.open(&link(&told, &format!("{PATH}/tok_"))).await;
        assert!(!shown.text.contains(&first), "told once");
        for fact in ["workflows:execute", "ws-a", "127.0.0.0/8", "nightly tests", "in 30 days", ">Ada<"] {
            assert!(shown.text.contains(fact), "{fact}: {}", shown.text);
        }

        let org = format!("{} <code>{}</code>", own.name, own.id);
        assert!(shown.text.contains(&org), "whose it is: {}", shown.text);

        let page = browser.open(&link(&shown, &format!("{}/rotate", shown.path))).await;
        assert_eq!(page.field("minutes").as_deref(), Some("5"));
        assert_eq!(page.title(), format!("Rotate nightly of {}", own.name));
        let rotate = format!("{}/rotate", shown.path);
        let wrong = browser.submit(&page, &rotate, &[("minutes", "5"), ("current_password", "wrong")]).await;
        assert!(wrong.status.is_client_error() && wrong.text.contains("This is not your current password"), "{}", wrong.text);
        let fields = [("minutes", "10"), ("scopes", "reports:read"), ("current_password", PASSWORD)];
        let told = browser.submit(&page, &rotate, &fields).await;
        assert_eq!(told.title(), "Copy the secret now", "{}", told.text);
        let second = secret(&told);
        let twice = browser.submit(&page, &rotate, &fields).await;
        assert_eq!((twice.title(), &secret(&twice)), ("Copy the secret now", &second), "a second click shows the same");
        let elsewhere = browser.open(&format!("{PATH}/secret?once=AAAAAAAAAAAAAAAAAAAAAA")).await;
        assert_eq!(elsewhere.status, StatusCode::NOT_FOUND, "{}", elsewhere.text);
        let other = browser.submit(&page, &rotate, &[("minutes", "10"), ("current_password", PASSWORD)]).await;
        assert!(other.status.is_client_error() && other.text.contains("sent before"), "{}", other.text);
        let late = browser.submit(&other, &rotate, &fields).await;
        assert!(late.status.is_client_error() && late.text.contains("has been replaced"), "{}", late.text);
        assert!(service_tokens::verify(&world.call(), &first).await.is_ok(), "both work for a while");
        let shown = browser.open(&link(&told, &format!("{PATH}/tok_"))).await;
        assert!(shown.text.contains("Version 1") && shown.text.contains("reports:read"), "{}", shown.text);

        let revoke = format!("{}/revoke", shown.path);
        let page = browser.open(&revoke).await;
        assert_eq!(page.title(), format!("Revoke nightly of {}", own.name));
        assert!(page.text.contains(&own.id.to_string()), "{}", page.text);
        for (reason, confirm, says) in [("", "nightly", "Say why"), ("leaked", "Nightly", "This is not its name")] {
            let wrong = browser.submit(&page, &revoke, &[("reason", reason), ("confirm", confirm)]).await;
            assert!(wrong.status.is_client_error() && wrong.text.contains(says), "{says}: {}", wrong.text);
        }
        service_tokens::verify(&world.call(), &second).await.unwrap();
        let fields = [("reason", "in a pasted log"), ("confirm", "nightly")];
        let done = browser.submit(&page, &revoke, &fields).await;
        assert!(done.text.contains("Nothing accepts it any more") && done.text.contains("in a pasted log"), "{}", done.text);
        for secret in [&first, &second] {
            service_tokens::verify(&world.call(), secret).await.unwrap_err();
        }
        let again = browser.submit(&page, &revoke, &fields).await;
        assert_eq!(again.status, StatusCode::OK, "a second click says the same");

        let root = browser.stored(ROOT).await["id"].as_str().unwrap().to_owned();
        let trail = audit::list(&world.realm, audit::Filter::default(), None, 100).await.unwrap();
        for code in ["service_token.created", "service_token.rotated", "service_token.revoked"] {
            let entry = trail.iter().find(|entry| entry.code == code).expect(code);
            assert_eq!(entry.actor, root, "{code}");
        }
        assert!(trail.iter().any(|entry| entry.code == "user.password_refused"));
    }

    /// Sent twice without a script: one token, and the secret is not lost with the first answer.
    async fn a_form_sent_twice_shows_the_same_secret_for_a_while(world: World) {
        let (mut browser, _) = administrator(world.clone()).await;
        let page = browser.open(&format!("{PATH}/new")).await;
        let fields = [("name", "twice"), ("scopes", "a"), ("days", "30"), ("current_password", PASSWORD)];
        let path = format!("{PATH}/new");
        let first = browser.submit_once(&page, &path, &fields).await;
        assert_eq!(first.status, StatusCode::SEE_OTHER, "{}", first.text);
        let told = browser.submit(&page, &path, &fields).await;
        let shown = secret(&told);
        service_tokens::verify(&world.call(), &shown).await.unwrap();
        assert_eq!(told.header("cache-control"), "no-store");
        let all = service_tokens::list(&world.call(), service_tokens::ListAsk::default()).await.unwrap();
        assert_eq!(all.items.len(), 1);
        let list = browser.open(PATH).await;
        let own = orgs::get(&world.call(), all.items[0].org).await.unwrap();
        assert!(list.text.contains(&format!("· {}", own.name)), "whose it is: {}", list.text);
        let address = told.path.clone();
        assert!(address.contains("once=") && !address.contains("dw_st_"), "{address}");
        let reloaded = browser.open(&address).await;
        assert_eq!(secret(&reloaded), shown, "a reload shows it, too");

        let mut other = browser.another();
        let page = other.open("/console").await;
        other.sign_in(&page, ROOT, PASSWORD).await;
        let theirs = other.open(&address).await;
        assert!(theirs.status == StatusCode::NOT_FOUND && !theirs.text.contains(&shown), "another browser of the same person");
        world.advance(Duration::from_mins(10));
        let late = browser.open(&address).await;
        assert!(late.status == StatusCode::NOT_FOUND && !late.text.contains(&shown), "{}", late.text);
    }

    async fn a_review_is_a_button(world: World) {
        let (mut browser, _) = administrator(world.clone()).await;
        made(&mut browser, "brief").await;
        let new = NewToken { name: Some("endless".to_owned()), ..NewToken::default() };
        let rights = doorward_core::rights::Rights { scopes: vec!["admin:*".to_owned()], workspaces: None };
        let made = service_tokens::create(&world.local(), new, &rights).await.unwrap();
        world.advance(Duration::from_hours(90 * 24));
        let page = browser.open(PATH).await;
        let list = browser.sign_in(&page, ROOT, PASSWORD).await;
        assert_eq!(list.text.matches("Review due").count(), 1, "the other has ended: {}", list.text);
        let path = format!("{PATH}/{}", made.token.id);
        let shown = browser.open(&path).await;
        assert!(shown.text.contains("Review due"), "{}", shown.text);
        let review = format!("{path}/review");
        let noted = browser.submit(&shown, &review, &[("note", "still needed")]).await;
        assert_eq!(noted.path, path);
        assert!(noted.text.contains("The review is noted") && !noted.text.contains("Review due"), "{}", noted.text);
        assert_eq!(browser.open(&review).await.path, path, "whoever reloads is back");
    }

    async fn one_version_ends_alone(world: World) {
        let (mut browser, _) = administrator(world.clone()).await;
        let (told, first) = made(&mut browser, "paired").await;
        let old = link(&told, &format!("{PATH}/tok_"));
        let ask = RotateAsk::default();
        let call = world.local();
        let key = service_tokens::Key::read(&call, "paired", None);
        let rights = doorward_core::rights::Rights { scopes: vec!["admin:*".to_owned()], workspaces: None };
        let second = service_tokens::rotate(&call, key, ask, rights).await.unwrap();
        let page = browser.open(&format!("{old}/revoke")).await;
        let fields = [("reason", "replaced"), ("only", "yes"), ("confirm", "paired")];
        let done = browser.submit(&page, &format!("{old}/revoke"), &fields).await;
        assert!(done.text.contains(">Revoked<"), "{}", done.text);
        service_tokens::verify(&world.call(), &first).await.unwrap_err();
        service_tokens::verify(&world.call(), second.secret.expose()).await.unwrap();
    }

    async fn a_form_comes_back_after_sign_in_as_it_was_sent(world: World) {
        let (mut browser, _) = administrator(world.clone()).await;
        let (told, first) = made(&mut browser, "paired").await;
        let path = link(&told, &format!("{PATH}/tok_"));
        let (revoke, rotate) = (format!("{path}/revoke"), format!("{path}/rotate"));

        let page = browser.open(&rotate).await;
        sign_out(&mut browser).await;
        let fields = [("minutes", "43200"), ("scopes", "reports:read"), ("current_password", PASSWORD)];
        let asked = browser.submit(&page, &rotate, &fields).await;
        assert_eq!(asked.title(), "Sign in", "{}", asked.text);
        let shown = browser.sign_in(&asked, ROOT, PASSWORD).await;
        assert_eq!(shown.path, rotate);
        let typed = [shown.field("minutes"), shown.field("scopes")];
        assert_eq!(typed, [Some("43200".to_owned()), Some("reports:read".to_owned())], "{}", shown.text);
        let told = browser.submit(&shown, &rotate, &fields).await;
        let second = secret(&told);

        for only in [true, false] {
            let page = browser.open(&revoke).await;
            sign_out(&mut browser).await;
            let mut fields = vec![("reason", "replaced"), ("confirm", "paired")];
            fields.extend(only.then_some(("only", "yes")));
            let asked = browser.submit(&page, &revoke, &fields).await;
            let shown = browser.sign_in(&asked, ROOT, PASSWORD).await;
            assert_eq!((shown.path.as_str(), shown.field("reason").as_deref()), (revoke.as_str(), Some("replaced")));
            let tick = shown.text.split("name=\"only\"").nth(1).and_then(|rest| rest.split('>').next()).unwrap();
            assert_eq!(tick.contains(" checked"), only, "{}", shown.text);
            assert!(!shown.text.contains("value=\"paired\""), "the name is typed again: {}", shown.text);
        }
        for secret in [&first, &second] {
            service_tokens::verify(&world.call(), secret).await.unwrap();
        }
    }

    async fn what_is_wrong_stands_at_its_field(world: World) {
        let (mut browser, _) = administrator(world).await;
        made(&mut browser, "taken").await;
        let page = browser.open(&format!("{PATH}/new")).await;
        assert_eq!((page.field("days").as_deref(), page.field("owner").as_deref()), (Some("90"), Some(ROOT)));
        for (field, value, says) in [
            ("name", "", "Give it a name"),
            ("name", "no spaces", "Give it a name"),
            ("name", "taken", "Names are not used again"),
            ("days", "0", "Write a whole number of days"),
            ("days", "soon", "Write a whole number of days"),
            ("addresses", "10.0.0.0/40", "Write addresses or networks"),
            ("workspaces", "\u{e4}", "Write workspaces"),
            ("purpose", "two\nlines\u{7}", "Write at most 500 letters"),
            ("current_password", "wrong", "This is not your current password"),
        ] {
            let mut fields = vec![("name", "fresh"), ("scopes", "a"), ("days", "30"), ("current_password", PASSWORD)];
            fields.retain(|(name, _)| *name != field);
            fields.push((field, value));
            let wrong = browser.submit(&page, &format!("{PATH}/new"), &fields).await;
            assert!(wrong.status.is_client_error() && wrong.text.contains(says), "{field} {value:?}: {}", wrong.text);
            assert!(wrong.text.contains(&format!("aria-describedby=\"{field}-hint {field}-error\"")), "{}", wrong.text);
            assert!(!wrong.text.contains(PASSWORD) && !wrong.text.contains("dw_st_"));
        }
    }

    async fn a_list_is_narrowed_by_its_address(world: World) {
        let (mut browser, _) = administrator(world.clone()).await;
        let rights = || doorward_core::rights::Rights { scopes: vec!["admin:*".to_owned()], workspaces: None };
        for number in 0..51 {
            let new = NewToken {
                name: Some(format!("worker-{number:02}")),
                expires_in: Some(if number == 7 { 60 } else { 86_400 }),
                notes: service_tokens::Notes { owner: (number == 8).then(|| "=1+1".to_owned()), ..Default::default() },
                ..NewToken::default()
            };
            // Ids are in the order of time.
            world.advance(Duration::from_millis(1));
            service_tokens::create(&world.local(), new, &rights()).await.unwrap();
        }
        world.advance(Duration::from_millis(1));
        let call = world.local();
        let key = |name: &str| service_tokens::Key::read(&call, name, None);
        service_tokens::rotate(&call, key("worker-09"), RotateAsk::default(), rights()).await.unwrap();
        service_tokens::revoke(&call, key("worker-10"), "gone".to_owned(), rights()).await.unwrap();
        world.advance(Duration::from_mins(2));

        let first = browser.open(PATH).await;
        assert!(first.text.contains(">worker-49<") && !first.text.contains(">worker-50<"));
        let next = browser.open(&link(&first, &format!("{PATH}?after="))).await;
        assert!(next.text.contains(">worker-50<") && !next.text.contains(">worker-49<"), "{}", next.text);
        assert!(next.text.contains("First page") && !next.text.contains("Next page"));
        for (query, name) in [("status=expired", "worker-07"), ("status=rotated", "worker-09"),
            ("status=revoked", "worker-10"), ("query=WORKER-1&status=active&owner=", "worker-11"), ("owner=%3D1%2B1", "worker-08")] {
            let page = browser.open(&format!("{PATH}?{query}")).await;
            assert!(page.text.contains(&format!(">{name}<")), "{query}: {}", page.text);
            assert!(!page.text.contains(">worker-20<"), "{query}");
        }
        let none = browser.open(&format!("{PATH}?query=nobody")).await;
        assert!(none.text.contains("Nothing fits"));
        let refused = browser.open(&format!("{PATH}?status=dead")).await;
        assert_eq!((refused.status, refused.title()), (StatusCode::BAD_REQUEST, "This request cannot be read"));

        let sheet = browser.open(&format!("{PATH}.csv?query=worker-0")).await;
        assert_eq!(sheet.header("content-type"), "text/csv; charset=utf-8; header=present");
        let lines: Vec<&str> = sheet.text.lines().collect();
        assert_eq!(lines.len(), 1 + 10 + 1, "a line of names, ten tokens, and a second version: {}", sheet.text);
        let own = service_tokens::find(&call, key("worker-00")).await.unwrap().org;
        assert!(lines[1].ends_with(&format!(",{own}")), "whose it is: {}", lines[1]);
        assert!(lines[9].contains(",'=1+1,"), "no formula: {}", lines[9]);
    }

    async fn a_page_shows_the_newest_versions(world: World) {
        let (mut browser, _) = administrator(world.clone()).await;
        let (told, _) = made(&mut browser, "worn").await;
        let first = link(&told, &format!("{PATH}/tok_"));
        let key = service_tokens::Key::read(&world.local(), "worn", None);
        for overlap in std::iter::once(2_592_000).chain(std::iter::repeat_n(300, 49)) {
            let rights = doorward_core::rights::Rights { scopes: vec!["admin:*".to_owned()], workspaces: None };
            let ask = RotateAsk { overlap, ..RotateAsk::default() };
            service_tokens::rotate(&world.local(), key.clone(), ask, rights).await.unwrap();
        }
        let page = browser.open(&first).await;
        assert!(page.text.contains("The newest 50 secrets that this name has had."), "{}", page.text);
        let place = |what: &str| page.text.find(&format!(">{what}<"));
        assert!(place("Version 51").unwrap() < place("Version 50").unwrap(), "{}", page.text);
        assert!(place("Version 2").is_some() && place("Version 1").is_none(), "{}", page.text);
        // It was replaced, and works for another month.
        assert!(page.text.contains("<dt>Ends</dt>") && !page.text.contains("<dt>Ended</dt>"), "{}", page.text);
        world.advance(Duration::from_mins(45 * 24 * 60));
        let page = browser.open("/console").await;
        browser.sign_in(&page, ROOT, PASSWORD).await;
        let page = browser.open(&first).await;
        assert!(page.text.contains("<dt>Ended</dt>") && !page.text.contains("<dt>Ends</dt>"), "{}", page.text);
    }

    async fn nothing_is_at_addresses_of_nothing(world: World) {
        let (mut browser, _) = administrator(world).await;
        for id in ["x", "tok_01jd8zzzzzzzzzzzzzzzzzzzzz", "usr_01jd8zzzzzzzzzzzzzzzzzzzzz"] {
            for page in ["", "/rotate", "/revoke"] {
                let missing = browser.open(&format!("{PATH}/{id}{page}")).await;
                assert_eq!(missing.status, StatusCode::NOT_FOUND, "{id}{page}");
            }
        }
    }
}
