//! The console's pages of usage: exactly what was counted, to administrators of everything, to an
//! organisation's owner of that one.

use crate::{
    pages_console::administrator,
    pages_kit::{PASSWORD, authorize},
};
use doorward_core::usage::{Counts, Sample};
use doorward_world::{World, both_engines};
use http::StatusCode;
use serde_json::{Value as Json, json};

fn uses(world: &World, whose: (&str, &str), (route, status): (&str, u8), times: u32) {
    let sample = Sample { org: whose.0, principal: whose.1, route, status, ..Sample::default() };
    let denied = i64::from(status == 4);
    for _ in 0..times {
        world.realm.usage.count(world.realm.env.now(), &sample, Counts { denied, ..Counts::ONE });
    }
}

both_engines! {
    async fn a_chart_a_table_and_files_say_what_was_counted(world: World) {
        let (mut browser, _) = administrator(world.clone()).await;
        browser.person("ada@example.com", "Ada").await;
        let ada = browser.stored("ada@example.com").await["id"].as_str().unwrap().to_owned();
        uses(&world, ("", &ada), ("reports", 2), 1_200);
        uses(&world, ("", &ada), ("reports", 4), 34);
        uses(&world, ("", "=1+1"), ("files", 2), 5);
        let page = browser.open("/console/usage").await;
        assert_eq!((page.status, page.title()), (StatusCode::OK, "Usage"), "{}", page.text);
        for told in ["1,239 in all, 34 of them not let through", "<td>1,205</td><td>34</td>", "role=\"img\"", "<desc id=\"usage-desc\">From "] {
            assert!(page.text.contains(told), "{told}: {}", page.text);
        }
        assert!(!page.text.contains("style="), "{}", page.text);
        let by_user = browser.open("/console/usage?by=user&route=reports").await;
        assert!(by_user.text.contains(&format!("href=\"/console/users/{ada}\">ada@example.com</a>")), "{}", by_user.text);
        assert!(by_user.text.contains("1,234 in all"), "{}", by_user.text);
        let denied = browser.open("/console/usage?by=status&status=4xx").await;
        assert!(denied.text.contains("34 in all, 34 of them"), "{}", denied.text);
        let before = browser.open("/console/usage?from=2020-01-01&to=2020-01-31").await;
        assert!(before.text.contains("0 in all") && before.text.contains("<td>not kept</td>"), "{}", before.text);
        let sheet = browser.open("/console/usage.csv?by=user").await;
        assert!(sheet.text.starts_with("user,requests,denied,") && sheet.text.contains("\n'=1+1,5,0,"), "{}", sheet.text);
        let file = browser.open("/console/usage.json?by=route").await;
        assert_eq!(file.header("content-disposition"), "attachment; filename=\"usage.json\"");
        let told: Json = serde_json::from_str(&file.text).unwrap();
        assert_eq!((&told["totals"]["requests"], &told["totals"]["denied"]), (&json!(1_239), &json!(34)), "{}", file.text);
        let routes: Vec<_> = told["items"].as_array().unwrap().iter().map(|it| (it["route"].clone(), it["requests"].clone())).collect();
        assert_eq!(routes, [(json!("files"), json!(5)), (json!("reports"), json!(1_234))]);
        for (wrong, field) in [("from=yesterday", "from"), ("to=2026-13-01", "to"), ("from=2026-11-22T10:30:00Z", "from"), ("from=2030-02-01&to=2030-01-01", "from")] {
            let again = browser.open(&format!("/console/usage?{wrong}&route=reports")).await;
            assert_eq!((again.status, again.title()), (StatusCode::UNPROCESSABLE_ENTITY, "Usage"), "{wrong}");
            assert!(again.text.contains(&format!("id=\"{field}-error\"")) && !again.text.contains("<table"), "{wrong}: {}", again.text);
            assert_eq!(again.field("route").as_deref(), Some("reports"), "what was typed is still there");
        }
        for wrong in ["by=month", "status=200", "kind=all"] {
            assert_eq!(browser.open(&format!("/console/usage?{wrong}")).await.status, StatusCode::BAD_REQUEST, "{wrong}");
        }
    }

    async fn an_owner_sees_what_their_organisation_used(world: World) {
        let (browser, _) = administrator(world.clone()).await;
        browser.person("eva@example.com", "Eva").await;
        let eva = browser.stored("eva@example.com").await["id"].as_str().unwrap().to_owned();
        let acme = browser.make("orgs", json!({"name": "Acme", "owner": eva})).await["id"].as_str().unwrap().to_owned();
        uses(&world, (&acme, &eva), ("reports", 2), 7);
        uses(&world, ("org_other", "usr_other"), ("secret-route", 2), 3);
        let its = format!("/console/organizations/{acme}/usage");
        let mut owner = browser.another();
        let page = owner.open(&its).await;
        let page = owner.sign_in(&page, "eva@example.com", PASSWORD).await;
        assert!(page.text.contains("7 in all, 0 of them"), "{}", page.text);
        let elsewhere = owner.open(&format!("{its}?by=route&org=org_other")).await;
        assert!(elsewhere.text.contains("7 in all") && !elsewhere.text.contains("secret-route"), "{}", elsewhere.text);
        let sheet = owner.open(&format!("{its}.csv?by=route&org=org_other")).await;
        assert_eq!(sheet.text.lines().nth(1), Some("reports,7,0,0,0,0"), "{}", sheet.text);
        let file: Json = serde_json::from_str(&owner.open(&format!("{its}.json?by=user")).await.text).unwrap();
        assert_eq!(file["totals"]["requests"], 7);
        let about = owner.open(&format!("/console/organizations/{acme}")).await;
        assert!(about.text.contains(&format!("href=\"{its}\"")), "{}", about.text);
        for all in ["/console/usage", "/console/usage.csv", "/console/usage.json"] {
            assert_eq!(owner.open(all).await.status, StatusCode::FORBIDDEN, "{all}");
        }
        browser.person("bob@example.com", "Bob").await;
        let mut bob = browser.another();
        let page = bob.open("/account").await;
        bob.sign_in(&page, "bob@example.com", PASSWORD).await;
        for path in [its.clone(), format!("{its}.csv"), format!("{its}.json")] {
            assert_eq!(bob.open(&path).await.status, StatusCode::NOT_FOUND, "{path}");
        }
    }

    async fn sign_ins_are_counted_by_person_and_application(world: World) {
        let (mut browser, _) = administrator(world.clone()).await;
        let app = browser.client(json!({})).await;
        browser.person("ada@example.com", "Ada").await;
        let ada = browser.stored("ada@example.com").await["id"].as_str().unwrap().to_owned();
        let mut person = browser.another();
        let page = person.open(&authorize(&app, &[])).await;
        let page = person.sign_in(&page, "ada@example.com", PASSWORD).await;
        person.submit(&page, "/consent", &[("answer", "allow")]).await;
        person.open(&authorize(&app, &[])).await;
        let file = browser.open("/console/usage.json?kind=sign_in&by=client").await;
        let told: Json = serde_json::from_str(&file.text).unwrap();
        assert_eq!((&told["items"][0]["client_id"], &told["totals"]["requests"]), (&app["client_id"], &json!(2)), "{}", file.text);
        let by_user = browser.open("/console/usage.json?kind=sign_in&by=user").await;
        let told: Json = serde_json::from_str(&by_user.text).unwrap();
        assert_eq!((&told["items"][0]["user"], &told["items"][0]["requests"]), (&json!(ada), &json!(2)), "{}", by_user.text);
    }
}
