//! Prices over HTTP and in the console: set from an hour to come on, taken back before, and in what is told
//! of usage from then on.

use std::time::Duration;

use crate::{api_kit::Server, pages_console::administrator, pages_kit::PASSWORD};
use doorward_core::usage::{Counts, Sample};
use doorward_world::{World, both_engines};
use http::{Method, StatusCode};
use serde_json::{Value as Json, json};

const HOUR: Duration = Duration::from_hours(1);

fn uses(world: &World, org: &str, times: i64) {
    let counts = Counts { requests: times, response_bytes: 1_500_000, ..Counts::default() };
    let sample = Sample { org, principal: "usr_a", route: "reports", status: 2, ..Sample::default() };
    world.realm.usage.count(world.realm.env.now(), &sample, counts);
}

both_engines! {
    async fn an_export_for_a_bill_carries_amounts(world: World) {
        let server = Server::new(world.clone());
        let before = server.root(Method::GET, "/api/v1/usage?by=org", None).await;
        assert!(before.body["totals"].get("cost").is_none(), "nothing has a price: {}", before.text);
        let made = server.make("/api/v1/prices", json!({"meter": "request", "price_micros": 1_500})).await;
        assert_eq!((&made["valid_from"], &made["meter"]), (&json!("2030-01-01T01:00:00Z"), &json!("request")));
        server.make("/api/v1/prices", json!({"meter": "gigabyte_out", "price_micros": 90_000, "route": "reports"})).await;
        uses(&world, "org_a", 7);
        world.advance(HOUR);
        uses(&world, "org_a", 3);
        uses(&world, "org_b", 1);
        let told = server.root(Method::GET, "/api/v1/usage?by=org", None).await;
        // Three requests and 1.5 MB: 0.0045 and 0.000135. What came before costs nothing.
        let costs: Vec<&Json> = told.body["items"].as_array().unwrap().iter().map(|item| &item["cost"]).collect();
        assert_eq!(costs, ["0.004635000", "0.001635000"], "{}", told.text);
        assert_eq!((&told.body["totals"]["cost"], &told.body["totals"]["requests"]), (&json!("0.006270000"), &json!(11)));
        let table = server.root(Method::GET, "/api/v1/usage?by=org&format=csv", None).await;
        assert_eq!(table.text.lines().collect::<Vec<_>>(), [
            "org_id,requests,denied,request_bytes,response_bytes,duration_us,cost",
            "org_a,10,0,0,3000000,0,0.004635000",
            "org_b,1,0,0,1500000,0,0.001635000",
        ]);
        let list = server.root(Method::GET, "/api/v1/prices", None).await;
        assert_eq!(list.body["items"].as_array().unwrap().len(), 2);
        let begun = format!("/api/v1/prices/{}", made["id"].as_str().unwrap());
        assert_eq!(server.root(Method::DELETE, &begun, None).await.status, StatusCode::CONFLICT);
        let coming = server.make("/api/v1/prices", json!({"meter": "request", "price_micros": 1, "valid_from": "2030-02-01T00:00:00Z"})).await;
        let coming = format!("/api/v1/prices/{}", coming["id"].as_str().unwrap());
        assert_eq!(server.root(Method::DELETE, &coming, None).await.status, StatusCode::NO_CONTENT);
        assert_eq!(server.root(Method::DELETE, &coming, None).await.status, StatusCode::NOT_FOUND);
        for (body, field) in [
            (json!({"meter": "day", "price_micros": 1}), "meter"),
            (json!({"meter": "request", "price_micros": -1}), "price_micros"),
            (json!({"meter": "request", "price_micros": 1, "valid_from": "soon"}), "valid_from"),
            (json!({"meter": "request", "price_micros": 1, "valid_from": "2030-01-01T01:00:00Z"}), "valid_from"),
            (json!({"meter": "token", "price_micros": 1, "route": "reports"}), "route"),
        ] {
            let refused = server.root(Method::POST, "/api/v1/prices", Some(body)).await;
            assert_eq!((refused.status, refused.field()), (StatusCode::BAD_REQUEST, field), "{}", refused.text);
        }
    }

    async fn prices_are_set_and_taken_back_in_the_console(world: World) {
        let (mut browser, _) = administrator(world.clone()).await;
        let usage = browser.open("/console/usage").await;
        assert!(usage.text.contains("href=\"/console/usage/prices\"") && !usage.text.contains("It costs"), "{}", usage.text);
        let empty = browser.open("/console/usage/prices").await;
        assert!(empty.text.contains("doorward price create"), "{}", empty.text);
        let new = "/console/usage/prices/new";
        let form = browser.open(new).await;
        assert!(form.text.contains("value=\"2030-01-01T01:00:00Z\""), "{}", form.text);
        for (field, value) in [("price", "1,5"), ("price", "101"), ("valid_from", "2030-01-01T00:00:00Z"), ("valid_from", "soon")] {
            let mut fields = vec![("meter", "request"), ("price", "0.0015"), ("valid_from", "2030-01-01T01:00:00Z")];
            fields.retain(|(name, _)| *name != field);
            fields.push((field, value));
            let wrong = browser.submit(&form, new, &fields).await;
            assert!(wrong.status.is_client_error() && wrong.text.contains(&format!("{field}-error")), "{value}: {}", wrong.text);
        }
        let fields = [("meter", "request"), ("price", "0.0015"), ("valid_from", "2030-01-01T01:00:00Z")];
        let list = browser.submit(&form, new, &fields).await;
        assert!(list.text.contains("The price is set") && list.text.contains("0.001500"), "{}", list.text);
        let twice = browser.submit(&form, new, &fields).await;
        assert!(twice.text.contains("valid_from-error"), "{}", twice.text);
        let fields = [("meter", "request"), ("price", "2"), ("valid_from", "2030-01-01T02:00:00Z")];
        let list = browser.submit(&form, new, &fields).await;
        world.advance(HOUR);
        uses(&world, "", 4);
        let page = browser.open("/console/usage").await;
        assert!(page.text.contains("It costs 0.006000000."), "{}", page.text);
        let back = list.action("/console/usage/prices/prc_");
        let later = browser.open("/console/usage/prices").await;
        assert_eq!(later.text.matches("/delete\"").count(), 1, "one has begun: {}", later.text);
        let coming = later.action("/console/usage/prices/prc_");
        assert_ne!(back, coming);
        let gone = browser.submit(&later, &coming, &[]).await;
        assert!(gone.text.contains("The price is taken back") && !gone.text.contains("2.000000"), "{}", gone.text);
        browser.person("bob@example.com", "Bob").await;
        let mut bob = browser.another();
        let page = bob.open("/account").await;
        bob.sign_in(&page, "bob@example.com", PASSWORD).await;
        for path in ["/console/usage/prices", new] {
            assert_eq!(bob.open(path).await.status, StatusCode::FORBIDDEN, "{path}");
        }
    }
}
