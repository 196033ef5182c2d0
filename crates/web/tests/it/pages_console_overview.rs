//! The overview: what has happened, to administrators of everything, to an organisation's owner of that one;
//! and the same numbers over the API.

use crate::{
    api_kit::Server,
    pages_console::{ROOT, administrator},
    pages_kit::{Browser, PASSWORD, authorize},
};
use std::time::Duration;

use doorward_core::{
    audit::Sealer,
    usage::{Counts, Kind, Sample, prices::amount},
};
use doorward_world::{World, both_engines};
use http::{Method, StatusCode};
use serde_json::{Value as Json, json};

async fn seal(world: &World) {
    Sealer::new(&world.realm).unwrap().finish().await.unwrap();
}

/// Signs in at another browser, by a wrong password first.
async fn signs_in(browser: &Browser, email: &str) {
    let mut person = browser.another();
    let page = person.open("/account").await;
    let refused = person.sign_in(&page, email, "not this one").await;
    let back = person.submit(&refused, "/sign-in/password", &[("password", PASSWORD)]).await;
    assert_eq!(back.path, "/account", "{}", back.text);
}

/// What a page of usage says that everything costs, of all kinds together, in billionths.
async fn usage_costs(browser: &mut Browser, path: &str) -> i64 {
    let mut all = 0;
    for kind in ["request", "sign_in", "token"] {
        let page = browser.open(&format!("{path}?kind={kind}")).await;
        if let Some((_, told)) = page.text.split_once("It costs ") {
            let told: String = told.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
            all += told.trim_end_matches('.').replace('.', "").parse::<i64>().unwrap();
        }
    }
    all
}

both_engines! {
    async fn a_chart_shows_who_signed_in_and_who_failed(world: World) {
        let (mut browser, first) = administrator(world.clone()).await;
        assert_eq!((first.path.as_str(), first.title()), ("/console", "Overview"), "{}", first.text);
        assert!(first.text.contains("Begin with an application") && first.text.contains("doorward client create"), "{}", first.text);
        browser.person("ada@example.com", "Ada").await;
        signs_in(&browser, "ada@example.com").await;
        browser.client(json!({})).await;
        seal(&world).await;
        let page = browser.open("/console").await;
        assert!(!page.text.contains("Begin with an application"), "{}", page.text);
        for told in [
            "<dt>Sign-ins</dt><dd>2</dd>",
            "<dt>Failed sign-ins</dt><dd>1</dd>",
            "<dt>Active people</dt><dd>2</dd>",
            "<td>2</td><td>1</td>",
            "aria-current=\"true\">24 hours</a>",
            ">user.signed_in<",
        ] {
            assert!(page.text.contains(told), "{told}: {}", page.text);
        }
        assert_eq!(page.text.matches("role=\"img\"").count(), 3, "{}", page.text);
        for range in ["7d", "30d", "90d"] {
            let page = browser.open(&format!("/console?range={range}")).await;
            assert!(page.text.contains("<td>2</td><td>1</td>"), "{range}: {}", page.text);
            assert!(page.text.len() < 34_000, "{range}: {}", page.text.len());
        }
        assert_eq!(browser.open("/console?range=1y").await.status, StatusCode::BAD_REQUEST);
        let sheet = browser.open("/console/overview.csv?range=7d").await;
        assert_eq!(sheet.text.lines().count(), 8, "{}", sheet.text);
        assert!(sheet.text.lines().last().unwrap().ends_with(",2,1,0,0,0,2"), "{}", sheet.text);
    }

    async fn an_owner_sees_what_happened_in_their_organisation(world: World) {
        let (mut browser, _) = administrator(world.clone()).await;
        let app = browser.client(json!({})).await;
        browser.person("eva@example.com", "Eva").await;
        let eva = browser.stored("eva@example.com").await["id"].as_str().unwrap().to_owned();
        let acme = browser.make("orgs", json!({"name": "Acme", "owner": eva})).await["id"].as_str().unwrap().to_owned();
        let other = browser.make("orgs", json!({"name": "Other", "owner": browser.stored(ROOT).await["id"]})).await;
        let mut owner = browser.another();
        let page = owner.open(&authorize(&app, &[("organization", &acme)])).await;
        let page = owner.sign_in(&page, "eva@example.com", PASSWORD).await;
        owner.submit(&page, "/consent", &[("answer", "allow")]).await;
        seal(&world).await;
        let its = format!("/console/organizations/{acme}/overview");
        let page = owner.open(&its).await;
        for told in ["<dt>Sign-ins to applications</dt><dd>1</dd>", "<dt>Active people</dt><dd>1</dd>", "<td>1</td><td>0</td>",
            "<dt>Failed sign-ins at your providers</dt><dd>0</dd>", "Who types a wrong password is in no organisation yet"] {
            assert!(page.text.contains(told), "{told}: {}", page.text);
        }
        assert!(page.text.contains("Recent events") && page.text.contains(&format!("href=\"/console/organizations/{acme}/audit\"")), "{}", page.text);
        assert!(owner.open(&format!("/console/organizations/{acme}")).await.text.contains(&format!("href=\"{its}\"")));
        let sheet = owner.open(&format!("{its}.csv?range=30d")).await;
        assert!(sheet.text.lines().last().unwrap().ends_with(",0,0,1,0,0,1"), "{}", sheet.text);
        assert_eq!(owner.open("/console/overview.csv").await.status, StatusCode::FORBIDDEN);
        assert_eq!(owner.open("/console").await.title(), "Acme");
        let theirs = format!("/console/organizations/{}/overview", other["id"].as_str().unwrap());
        for path in [theirs.clone(), format!("{theirs}.csv")] {
            assert_eq!(owner.open(&path).await.status, StatusCode::NOT_FOUND, "{path}");
            let none = browser.open(&path).await;
            assert_eq!(none.status, StatusCode::OK, "{path}");
            assert!(!none.text.contains("<td>1</td>"), "{}", none.text);
        }
    }

    /// What is spent is what usage says that it costs, to the billionth: of everything, and of one organisation.
    async fn what_was_spent_adds_up_with_usage(world: World) {
        let (mut browser, _) = administrator(world.clone()).await;
        let before = browser.open("/console").await;
        assert!(!before.text.contains("<dt>Spent</dt>"), "nothing has a price: {}", before.text);
        let acme = browser.make("orgs", json!({"name": "Acme"})).await["id"].as_str().unwrap().to_owned();
        for (meter, price) in [("request", 1_500), ("sign_in", 7), ("gigabyte_out", 90_000)] {
            browser.make("prices", json!({"meter": meter, "price_micros": price})).await;
        }
        world.advance(Duration::from_hours(1));
        for (kind, org, times) in [(Kind::Request, acme.as_str(), 3), (Kind::Request, "", 2), (Kind::SignIn, &acme, 5), (Kind::Token, "", 9)] {
            let sample = Sample { kind, org, principal: "usr_a", route: "reports", status: 2, ..Sample::default() };
            let counts = Counts { requests: times, response_bytes: 1_500_001 * i64::from(kind == Kind::Request), ..Counts::default() };
            world.realm.usage.count(world.realm.env.now(), &sample, counts);
        }
        let mut page = browser.another();
        let sign_in = page.open("/account").await;
        page.sign_in(&sign_in, ROOT, PASSWORD).await;
        let in_all = usage_costs(&mut page, "/console/usage").await;
        let of_acme = usage_costs(&mut page, &format!("/console/organizations/{acme}/usage")).await;
        assert_eq!((in_all, of_acme), (7_805_000 , 4_670_000), "3 + 2 requests at 0.0015, 5 sign-ins at 0.000007, 3 MB");
        for (path, spent) in [("/console".to_owned(), in_all), (format!("/console/organizations/{acme}/overview"), of_acme)] {
            let spent = amount(spent);
            for range in ["24h", "7d", "30d", "90d"] {
                let told = page.open(&format!("{path}?range={range}")).await;
                assert!(told.text.contains(&format!("<dt>Spent</dt><dd>{spent}</dd>")), "{range}: {}", told.text);
                assert!(told.text.contains(&format!("<td>{spent}</td>")) && told.text.contains("id=\"spend-title\""), "{range}: {}", told.text);
            }
            let sheet = page.open(&format!("{path}{}", if path == "/console" { "/overview.csv" } else { ".csv" })).await;
            assert!(sheet.text.starts_with("at,") && sheet.text.lines().next().unwrap().ends_with(",spend"), "{}", sheet.text);
            assert!(sheet.text.lines().last().unwrap().ends_with(&format!(",{spent}")), "{}", sheet.text);
        }
    }

    async fn the_api_tells_every_hour_and_day(world: World) {
        let (browser, _) = administrator(world.clone()).await;
        browser.person("ada@example.com", "Ada").await;
        signs_in(&browser, "ada@example.com").await;
        seal(&world).await;
        let server = Server::new(world.clone());
        let asked = async |path: &str| {
            let answer = server.root(Method::GET, path, None).await;
            assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
            answer
        };
        let days = asked("/api/v1/analytics").await.body;
        assert_eq!(days["items"].as_array().unwrap().len(), 30);
        let expected: Json = json!({"sign_ins": 2, "sign_ins_failed": 1, "app_sign_ins": 0, "tokens": 0, "denials": 0, "active_users": 2});
        assert_eq!(days["totals"], expected);
        let hours = asked("/api/v1/analytics?interval=hour&figure=sign_ins").await.body;
        assert_eq!(hours["items"].as_array().unwrap().len(), 24);
        assert_eq!(hours["totals"], json!({"sign_ins": 2}));
        assert_eq!(hours["items"][23]["sign_ins"], 2, "{hours}");
        let over = asked("/api/v1/analytics?from=2029-12-30T00:00:00Z&to=2029-12-31T00:00:00Z").await.body;
        assert!(over["totals"].get("active_users").is_none(), "{over}");
        let table = asked("/api/v1/analytics?interval=hour&format=csv&figure=sign_ins_failed").await;
        assert_eq!(table.header("content-disposition"), "attachment; filename=\"analytics.csv\"");
        assert_eq!(table.text.lines().next(), Some("at,sign_ins_failed"));
        assert!(table.text.trim_end().ends_with("Z,1"), "{}", table.text);
        for (query, field) in [
            ("interval=week", "interval"),
            ("figure=money", "figure"),
            ("from=yesterday", "from"),
            ("from=2029-12-30T01:00:00Z", "from"),
            ("limit=3", "limit"),
            ("format=xml", "format"),
        ] {
            let refused = server.root(Method::GET, &format!("/api/v1/analytics?{query}"), None).await;
            assert_eq!((refused.status, refused.field()), (StatusCode::BAD_REQUEST, field), "{query}: {}", refused.text);
        }
    }
}
