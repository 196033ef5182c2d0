//! The console's pages of applications, signing keys and the audit trail.

use std::time::Duration;

use crate::{
    pages_console::{administrator, link},
    pages_kit::PASSWORD,
};
use doorward_core::audit;
use doorward_web::{
    WebSettings,
    in_force::{InForce, Setting, Source},
};
use doorward_world::{World, both_engines};
use http::StatusCode;
use serde_json::json;

/// How many events a file has.
fn told(text: &str) -> usize {
    let told: serde_json::Value = serde_json::from_str(text).unwrap();
    told["items"].as_array().unwrap().len()
}

both_engines! {
    async fn applications_are_found_stopped_and_deleted(world: World) {
        let (mut browser, _) = administrator(world.clone()).await;
        let empty = browser.open("/console/applications?query=orders").await;
        assert!(empty.text.contains("Nothing fits"), "{}", empty.text);
        let made = browser.client(json!({})).await;
        let path = format!("/console/applications/{}", made["id"].as_str().unwrap());
        let list = browser.open("/console/applications?query=ord&status=active").await;
        assert_eq!(link(&list, "/console/applications/cli_"), path);
        assert_eq!(browser.open("/console/applications?org=acme").await.status, StatusCode::BAD_REQUEST);
        let sheet = browser.open("/console/applications.csv?query=ord").await;
        assert!(sheet.text.lines().nth(1).unwrap().contains(",Orders,public,active,openid profile email,"), "{}", sheet.text);
        let page = browser.open(&path).await;
        for fact in ["https://orders.example/cb", "authorization_code", made["client_id"].as_str().unwrap()] {
            assert!(page.text.contains(fact), "{fact}: {}", page.text);
        }
        let ask = browser.open(&format!("{path}/suspend")).await;
        assert_eq!(ask.title(), "Suspend Orders", "{}", ask.text);
        assert!(browser.open(&path).await.text.contains(">Active<"), "asking does nothing");
        let stopped = browser.submit(&ask, &format!("{path}/suspend"), &[]).await;
        assert!(stopped.text.contains(">Suspended<"), "{}", stopped.text);
        let back = browser.submit(&stopped, &format!("{path}/resume"), &[]).await;
        assert!(back.text.contains("works again") && back.text.contains(">Active<"), "{}", back.text);
        let delete = format!("{path}/delete");
        let form = browser.open(&delete).await;
        let wrong = browser.submit(&form, &delete, &[("confirm", "orders")]).await;
        assert!(wrong.status.is_client_error() && wrong.text.contains("confirm-error"), "{}", wrong.text);
        world.advance(Duration::from_mins(11));
        let asked = browser.submit(&form, &delete, &[("confirm", "Orders")]).await;
        assert_eq!(asked.title(), "Enter your password", "{}", asked.text);
        let form = browser.submit(&asked, "/sign-in/password", &[("password", PASSWORD)]).await;
        let gone = browser.submit(&form, &delete, &[("confirm", "Orders")]).await;
        assert!(gone.text.contains("The application is deleted"), "{}", gone.text);
        assert_eq!(browser.open(&path).await.status, StatusCode::NOT_FOUND);
    }

    async fn the_trail_is_read_and_checked(world: World) {
        let (mut browser, _) = administrator(world.clone()).await;
        world.advance(Duration::from_millis(1));
        browser.person("ada@example.com", "Ada").await;
        let all = browser.open("/console/audit").await;
        assert!(all.text.contains(">user.created<"), "{}", all.text);
        let refused = browser.open("/console/audit?outcome=refused").await;
        assert!(!refused.text.contains(">user.created<"), "{}", refused.text);
        let made = browser.open("/console/audit?code=user.created&actor=local").await;
        assert_eq!(made.text.matches(">user.created<").count(), 2, "{}", made.text);
        assert_eq!(made.text.matches("scope=\"row\"").count(), 2, "nothing else: {}", made.text);
        assert_eq!(browser.open("/console/audit?outcome=maybe").await.status, StatusCode::BAD_REQUEST);
        let wrong = browser.open("/console/audit?since=yesterday&code=user.created").await;
        assert_eq!((wrong.status, wrong.title()), (StatusCode::UNPROCESSABLE_ENTITY, "Audit trail"));
        assert!(wrong.text.contains("id=\"since-error\"") && !wrong.text.contains("until-error"), "{}", wrong.text);
        assert_eq!(wrong.field("since").as_deref(), Some("yesterday"), "what was typed is still there");
        assert!(!wrong.text.contains(">user.created<"), "{}", wrong.text);
        let one = browser.open(&link(&made, "/console/audit/evt_")).await;
        assert_eq!((one.status, one.title()), (StatusCode::OK, "user.created"), "{}", one.text);
        let ada = link(&one, "/console/users/usr_");
        assert_eq!(browser.open(&ada).await.status, StatusCode::OK, "its subject is a link");
        assert!(one.text.contains("127.0.0.1") || one.text.contains("address"), "{}", one.text);
        let sheet = browser.open("/console/audit.csv?code=user.created").await;
        assert_eq!(sheet.text.lines().count(), 3, "{}", sheet.text);
        audit::Sealer::new(&world.realm).unwrap().finish().await.unwrap();
        let report = browser.open("/console/audit/check").await;
        assert!(report.text.contains(">Holds<") && report.text.contains("Every link"), "{}", report.text);
    }

    /// Every event is shown once, whether a link or a module asks for what is newer.
    async fn the_trail_is_followed_and_taken_along(world: World) {
        let (mut browser, _) = administrator(world.clone()).await;
        let seal = async || audit::Sealer::new(&world.realm).unwrap().finish().await.unwrap();
        browser.person("ada@example.com", "Ada").await;
        seal().await;
        let page = browser.open("/console/audit/follow?code=user.created").await;
        assert_eq!((page.status, page.text.matches("scope=\"row\"").count()), (StatusCode::OK, 2), "{}", page.text);
        assert!(page.text.contains("/assets/follow.") && page.text.contains("data-follow"), "{}", page.text);
        let newer = link(&page, "/console/audit/follow?code=user.created");
        let quiet = browser.open(&newer).await;
        assert!(quiet.text.matches("scope=\"row\"").count() == 0 && quiet.text.contains("Nothing yet that fits"), "{}", quiet.text);
        browser.person("bob@example.com", "Bob").await;
        seal().await;
        let page = browser.open(&link(&quiet, "/console/audit/follow?code=user.created")).await;
        assert_eq!(page.text.matches("scope=\"row\"").count(), 1, "{}", page.text);
        let again = browser.open(&link(&page, "/console/audit/follow?code=user.created")).await;
        assert_eq!(again.text.matches("scope=\"row\"").count(), 0, "{}", again.text);
        for wrong in ["after=x", "after=-1"] {
            assert_eq!(browser.open(&format!("/console/audit/follow?{wrong}")).await.status, StatusCode::BAD_REQUEST, "{wrong}");
        }
        let wrong = browser.open("/console/audit/follow?since=yesterday&address=nowhere").await;
        assert!(wrong.status == StatusCode::UNPROCESSABLE_ENTITY && wrong.text.contains("id=\"since-error\"") && wrong.text.contains("id=\"address-error\""), "{}", wrong.text);

        let file = browser.open("/console/audit.json?code=user.created").await;
        assert_eq!(file.header("content-disposition"), "attachment; filename=\"audit.json\"");
        let told: serde_json::Value = serde_json::from_str(&file.text).unwrap();
        assert_eq!((told["items"].as_array().unwrap().len(), &told["next_cursor"]), (3, &json!(null)), "{}", file.text);
        assert_eq!(told["items"][0]["code"], "user.created");
        let bob = browser.stored("bob@example.com").await["id"].as_str().unwrap().to_owned();
        let from = told["items"][0]["detail"]["address"].as_str().unwrap();
        let his = browser.open(&format!("/console/audit?subject={bob}&address={from}")).await;
        assert!(his.text.contains(">user.created<"), "{}", his.text);
        let elsewhere = browser.open(&format!("/console/audit?subject={bob}&address=203.0.113.200")).await;
        assert!(elsewhere.status == StatusCode::OK && !elsewhere.text.contains(">user.created<"), "{}", elsewhere.text);
    }

    /// An owner reads what happened in the own organisation, and from where nobody came.
    async fn an_owner_reads_the_trail_of_the_own_organisation(world: World) {
        let (mut browser, _) = administrator(world.clone()).await;
        browser.person("eva@example.com", "Eva").await;
        let eva = browser.stored("eva@example.com").await["id"].as_str().unwrap().to_owned();
        let acme = browser.make("orgs", json!({"name": "Acme", "owner": eva})).await["id"].as_str().unwrap().to_owned();
        let other = browser.make("orgs", json!({"name": "Other"})).await["id"].as_str().unwrap().to_owned();
        let foreign = browser.read(&format!("audit/events?org_id={other}")).await["items"][0]["id"].as_str().unwrap().to_owned();
        let mut own = browser.another();
        let page = own.open("/account").await;
        own.sign_in(&page, "eva@example.com", PASSWORD).await;
        let list = own.open("/console/audit").await;
        let path = format!("/console/organizations/{acme}/audit");
        assert_eq!((list.path.as_str(), list.title()), (path.as_str(), "Audit trail of Acme"), "{}", list.text);
        assert!(list.text.contains(">org.created<") && !list.text.contains(&other) && !list.text.contains("/audit/check"), "{}", list.text);
        let one = own.open(&link(&list, &format!("{path}/evt_"))).await;
        assert!(one.status == StatusCode::OK && !one.text.contains("127.0.0.1") && !one.text.contains("Personal detail"), "{}", one.text);
        let narrowed = own.open(&format!("{path}?org={other}&address=127.0.0.1")).await;
        assert!(narrowed.text.contains(">org.created<") && !narrowed.text.contains(&other), "what is no filter here is none: {}", narrowed.text);
        let file = own.open(&format!("{path}.json")).await;
        assert!(file.text.contains("\"org.created\"") && !file.text.contains("127.0.0.1") && !file.text.contains(&other), "{}", file.text);
        assert_eq!(own.open(&format!("{path}.csv")).await.text.lines().count(), 1 + told(&file.text), "{}", file.text);
        assert_eq!(own.open(&format!("{path}/follow")).await.status, StatusCode::OK);
        for elsewhere in [format!("{path}/{foreign}"), format!("/console/organizations/{other}/audit"), format!("/console/organizations/{other}/audit.json"),
            format!("/console/organizations/{other}/audit/follow"), format!("/console/organizations/{other}/audit/{foreign}")] {
            assert_eq!(own.open(&elsewhere).await.status, StatusCode::NOT_FOUND, "{elsewhere}");
        }
        for servers in [format!("/console/audit/{foreign}"), "/console/audit.json".to_owned(), "/console/audit/follow".to_owned(), "/console/audit/check".to_owned()] {
            assert_eq!(own.open(&servers).await.status, StatusCode::FORBIDDEN, "{servers}");
        }
        let page = browser.open(&format!("{path}?outcome=granted")).await;
        assert!(page.text.contains(">org.created<"), "an administrator finds it there, too: {}", page.text);
    }

    async fn the_next_key_is_made_by_a_word_and_a_fresh_sign_in(world: World) {
        let (mut browser, _) = administrator(world.clone()).await;
        let before = doorward_core::keys::list(&world.local()).await.unwrap().len();
        let to = "/console/keys/rotate";
        let form = browser.open(to).await;
        let wrong = browser.submit(&form, to, &[("alg", "ES256"), ("confirm", "yes")]).await;
        assert!(wrong.status.is_client_error() && wrong.text.contains("confirm-error"), "{}", wrong.text);
        world.advance(Duration::from_mins(11));
        let asked = browser.submit(&form, to, &[("alg", "ES256"), ("confirm", "rotate")]).await;
        assert_eq!(asked.title(), "Enter your password", "{}", asked.text);
        let form = browser.submit(&asked, "/sign-in/password", &[("password", PASSWORD)]).await;
        let made = browser.submit(&form, to, &[("alg", "ES256"), ("confirm", "rotate")]).await;
        assert!(made.text.contains("The new key is made") && made.text.contains("Published, not signing yet"), "{}", made.text);
        assert_eq!(doorward_core::keys::list(&world.local()).await.unwrap().len(), before + 1);
    }

    async fn settings_say_what_they_are_and_from_where(world: World) {
        let (browser, _) = administrator(world.clone()).await;
        let setting = |name, value: &str, from, is_live| Setting {
            name, variable: format!("DOORWARD_{}", name.replace('.', "_").to_uppercase()), value: value.to_owned(), from,
            default: "", about: format!("What {name} is for."), is_live,
        };
        let in_force = InForce::new(vec![
            setting("tokens.access_ttl", "7m", Source::Environment("DOORWARD_TOKENS_ACCESS_TTL".to_owned()), false),
            setting("gateway.routes", "[2]", Source::File("doorward.toml:3".to_owned()), true),
            setting("redis.url", "", Source::Default, false),
        ]);
        let mut browser = browser.under(WebSettings { in_force: in_force.clone(), ..WebSettings::default() });
        let all = browser.open("/console/settings").await;
        assert_eq!((all.status, all.title()), (StatusCode::OK, "Settings"), "{}", all.text);
        for told in ["<code>7m</code>", ">Environment<", "DOORWARD_TOKENS_ACCESS_TTL", "<code>doorward.toml:3</code>", "SIGHUP", "Not set", "What redis.url is for."] {
            assert!(all.text.contains(told), "{told}: {}", all.text);
        }
        for (query, count) in [("query=REDIS", 1), ("set=yes", 2), ("set=no&query=ttl", 0), ("query=is+for", 3)] {
            let found = browser.open(&format!("/console/settings?{query}")).await;
            assert_eq!(found.text.matches("scope=\"row\"").count(), count, "{query}: {}", found.text);
        }
        assert_eq!(browser.open("/console/settings?set=perhaps").await.status, StatusCode::BAD_REQUEST);
        in_force.read_again(vec![setting("gateway.routes", "[5]", Source::Flag, true), setting("tokens.access_ttl", "1h", Source::Flag, false)]);
        let now = browser.open("/console/settings").await;
        assert!(now.text.contains("<code>[5]</code>") && now.text.contains("<code>7m</code>"), "what waits for a restart is as it is: {}", now.text);
        let answer = browser.ask("GET", "/api/v1/settings/keys", None).await;
        let told: serde_json::Value = serde_json::from_str(&answer.text).unwrap();
        assert_eq!((&told["items"][0]["from"], &told["items"][0]["needs_restart"], &told["items"][2]["value"]), (&json!("environment"), &json!(true), &json!(null)), "{}", answer.text);
        browser.person("bob@example.com", "Bob").await;
        let mut bob = browser.another();
        let page = bob.open("/account").await;
        bob.sign_in(&page, "bob@example.com", PASSWORD).await;
        assert_eq!(bob.open("/console/settings").await.status, StatusCode::FORBIDDEN);
    }

    async fn others_are_refused(world: World) {
        let (browser, _) = administrator(world).await;
        let made = browser.client(json!({})).await;
        let application = format!("/console/applications/{}", made["id"].as_str().unwrap());
        browser.person("bob@example.com", "Bob").await;
        let mut bob = browser.another();
        let page = bob.open("/account").await;
        let token = bob.sign_in(&page, "bob@example.com", PASSWORD).await.field("form_token").unwrap();
        for path in ["/console/applications", "/console/applications.csv", &application, &format!("{application}/delete"),
            "/console/audit", "/console/audit.csv", "/console/audit/check", "/console/keys", "/console/keys/rotate"] {
            assert_eq!(bob.open(path).await.status, StatusCode::FORBIDDEN, "{path}");
        }
        for path in [format!("{application}/suspend"), format!("{application}/resume"), format!("{application}/delete"),
            "/console/keys/rotate".to_owned()] {
            let body = format!("form_token={token}&confirm=Orders&alg=ES256");
            assert_eq!(bob.ask("POST", &path, Some(body)).await.status, StatusCode::FORBIDDEN, "{path}");
        }
    }
}
