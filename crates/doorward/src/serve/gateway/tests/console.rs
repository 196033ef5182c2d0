//! The console's pages of the gateway, over the real routes.

mod browser;

use std::{net::IpAddr, time::Duration};

use doorward_core::{
    audit::{self, Refused as Noted},
    rights::Rights,
    routes,
    service_tokens::{self, NewToken},
    usage::{Counts, Sample},
};
use doorward_web::Routing as _;
use doorward_world::{World, both_engines};
use http::StatusCode;
use serde_json::json;

use self::browser::{Browser, ROOT};
use super::*;

const ROUTES: &str = r#"[
    {"name": "everything", "paths": ["/**"], "scopes": ["all:read"]},
    {"name": "reports", "hosts": ["reports.example"], "paths": ["/reports/**"], "methods": ["GET", "HEAD"], "scopes": ["reports:read"],
        "roles": ["editor", "<b>auditor</b>"], "rate_limit": {"limit": 100, "per": "minute", "by": "ip"}, "quota": "1000/day",
        "upstream": "http://127.0.0.1:9000", "policy": "permit(principal, action, resource);"},
    {"name": "public", "hosts": ["reports.example"], "paths": ["/public/**"], "mode": "disabled"}
]"#;

/// The names of a list, in its order.
fn names(text: &str) -> Vec<&str> {
    let rows = text.split("scope=\"row\"").skip(1);
    rows.filter_map(|row| row.split_once("href=\"")?.1.split_once("\">")?.1.split('<').next()).collect()
}

both_engines! {
    async fn routes_stand_in_the_order_in_which_they_count(world: World) {
        let mut browser = Browser::administrator(&world, ROUTES).await;
        let by_api = json!({"name": "wiki", "hosts": ["*.example"], "scopes": ["wiki:read"], "upstream": "http://127.0.0.1:9001"});
        let taken = json!({"name": "public", "paths": ["/elsewhere"]});
        for spec in [by_api, taken] {
            routes::create(&world.local(), spec.as_object().unwrap().clone()).await.unwrap();
        }
        browser.book.refresh().await.unwrap();
        let list = browser.open("/console/gateway").await;
        assert_eq!((list.status, list.title()), (StatusCode::OK, "Gateway"), "{}", list.text);
        assert_eq!(names(&list.text), ["reports", "public", "wiki", "everything", "default", "public"], "{}", list.text);
        for told in ["All scopes of: reports:read", "At most 100/minute by ip", "Quota of 1000/day", "Nothing: public", "GET, HEAD", "Not in force", "http://127.0.0.1:9001"] {
            assert!(list.text.contains(told), "{told}: {}", list.text);
        }
        assert!(!list.text.contains("<b>auditor"), "{}", list.text);
        for (query, expect) in [
            ("query=REPORTS.example", &["reports", "public"][..]),
            ("query=wiki%3Aread", &["wiki"]),
            ("mode=disabled", &["public"]),
            ("query=9000&mode=required", &["reports"]),
            ("query=nothing", &[]),
            ("after=everything", &["default", "public"]),
        ] {
            let found = browser.open(&format!("/console/gateway?{query}")).await;
            assert_eq!(names(&found.text), expect, "{query}: {}", found.text);
        }
        assert_eq!(browser.open("/console/gateway?mode=open").await.status, StatusCode::BAD_REQUEST);
        let sheet = browser.open("/console/gateway.csv?query=9000").await;
        assert!(sheet.text.starts_with("name,hosts,paths,methods,mode,"), "{}", sheet.text);
        assert!(sheet.text.contains("\nreports,reports.example,/reports/**,GET HEAD,required,reports:read,"), "{}", sheet.text);
        assert_eq!(sheet.text.lines().count(), 2, "{}", sheet.text);
    }

    async fn a_route_tells_its_rule_its_calls_and_its_refusals(world: World) {
        let mut browser = Browser::administrator(&world, ROUTES).await;
        let (usage, now) = (&world.realm.usage, world.realm.env.now());
        for (route, status, times) in [("reports", 2, 7), ("reports", 4, 3), ("public", 2, 5)] {
            let sample = Sample { route, status, ..Sample::default() };
            for _ in 0..times {
                usage.count(now, &sample, Counts { denied: i64::from(status == 4), ..Counts::ONE });
            }
        }
        for (code, rule) in [(Code::ScopeMissing, "reports"), (Code::PolicyDenied, "public")] {
            let mut call = world.local();
            call.origin.address = IpAddr::from([192, 0, 2, 7]);
            let what = Noted { event: "gateway.refused", route: DOOR, code, org: None, identity: "usr_eve".to_owned() };
            audit::refused(&call, what, |event| event.fact("route", rule).subject("usr_<i>eve")).await.unwrap();
        }
        let page = browser.open("/console/gateway/routes/reports").await;
        assert_eq!((page.status, page.title()), (StatusCode::OK, "reports"), "{}", page.text);
        for told in [
            "It is for GET, HEAD at reports.example, under /reports/**.",
            "Whoever asks needs a credential that is good here.",
            "One role of: editor, &#60;b&#62;auditor&#60;/b&#62;.",
            "What is let through goes on to http://127.0.0.1:9000.",
            "DOORWARD_GATEWAY_ROUTES",
            "permit(principal, action, resource);",
            "auth.missing_scope",
            "lacks a scope that this needs",
            "usr_&#60;i&#62;eve",
            "/console/usage?by=status&#38;route=reports&#38;from=",
        ] {
            assert!(page.text.contains(told), "{told}: {}", page.text);
        }
        assert!(!page.text.contains("auth.policy_denied"), "that was another route: {}", page.text);
        assert!(page.text.contains(">4xx<") && page.text.contains("data-label=\"Times\">3</td>"), "{}", page.text);
        let usage = browser.open("/console/usage?by=status&route=reports").await;
        assert!(usage.text.contains("10 in all, 3 of them not let through"), "{}", usage.text);
        let otherwise = browser.open("/console/gateway/routes/default").await;
        assert!(otherwise.text.contains("no other route is for") && otherwise.text.contains("<code>required</code>"), "{}", otherwise.text);
        assert_eq!(browser.open("/console/gateway/routes/none").await.status, StatusCode::NOT_FOUND);
        world.advance(Duration::from_hours(25));
        let later = browser.another().sign_in(ROOT).await.open("/console/gateway/routes/reports").await;
        assert!(later.text.contains("Nothing was asked under this route"), "{}", later.text);
    }

    async fn the_gateway_is_for_administrators(world: World) {
        let browser = Browser::administrator(&world, ROUTES).await;
        browser::person(&world, "bob@example.com", false).await;
        let mut bob = browser.another().sign_in("bob@example.com").await;
        for path in ["", ".csv", "/routes/reports", "/who", "/live", "/secrets"] {
            let refused = bob.open(&format!("/console/gateway{path}")).await;
            assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path}: {}", refused.text);
            assert!(!refused.text.contains("reports:read"), "{path}: {}", refused.text);
        }
    }

    async fn a_request_that_nobody_sends_is_decided(world: World) {
        let mut browser = Browser::administrator(&world, ROUTES).await;
        browser::person(&world, "bob@example.com", false).await;
        let token = NewToken { scopes: vec!["all:read".to_owned()], ..NewToken::default() };
        let rights = Rights { scopes: vec!["admin:*".to_owned(), "all:read".to_owned()], workspaces: None };
        let made = service_tokens::create(&world.local(), token, &rights).await.unwrap();
        let secret = made.secret.expose().to_owned();
        let form = browser.open("/console/gateway/who").await;
        assert_eq!(form.title(), "Who would get in?", "{}", form.text);
        let (reports, elsewhere) = ("https://reports.example/reports/1", "https://other.example/x");
        let bob = [("sender", "user"), ("id", "bob@example.com")];
        for (url, sender, expect) in [
            ("https://reports.example/public/x", &[][..], ["Let in", "/console/gateway/routes/public"]),
            (reports, &[("sender", "nobody")], ["auth.missing_token", "/console/gateway/routes/reports"]),
            (reports, &bob, ["Missing required scopes: reports:read", "Kept out"]),
            (reports, &[bob[0], bob[1], ("scopes", "reports:read")], ["auth.forbidden", "/console/gateway/routes/reports"]),
            (elsewhere, &[bob[0], bob[1], ("scopes", "all:read other")], ["Let in", "/console/gateway/routes/everything"]),
            (elsewhere, &[("sender", "user"), ("id", "nobody@example.com")], ["auth.forbidden", "Nobody known"]),
            (elsewhere, &[("sender", "token"), ("token", "dw_st_none")], ["auth.invalid_token", "Kept out"]),
            (elsewhere, &[("sender", "token"), ("token", &secret)], ["Let in", "/console/gateway/routes/everything"]),
            (reports, &[("sender", "token"), ("token", &secret)], ["auth.missing_scope", "Kept out"]),
        ] {
            let fields = [&[("method", "get"), ("url", url)], sender].concat();
            let told = browser.submit(&form, "/console/gateway/who", &fields).await;
            assert_eq!(told.status, StatusCode::OK, "{fields:?}: {}", told.text);
            for word in expect {
                assert!(told.text.contains(word), "{fields:?}: {word}: {}", told.text);
            }
            assert!(!told.text.contains(&secret) && !told.text.contains("dw_st_none"), "{}", told.text);
        }
        for (fields, field) in [
            ([("method", "GET"), ("url", "reports"), ("sender", "nobody")], "url"),
            ([("method", "GET"), ("url", "https://a.example/a/../b"), ("sender", "nobody")], "url"),
            ([("method", "G T"), ("url", reports), ("sender", "nobody")], "method"),
            ([("method", "GET"), ("url", reports), ("sender", "user")], "id"),
            ([("method", "GET"), ("url", reports), ("sender", "token")], "token"),
            ([("method", "GET"), ("url", reports), ("address", "here")], "address"),
        ] {
            let again = browser.submit(&form, "/console/gateway/who", &fields).await;
            assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY, "{fields:?}: {}", again.text);
            assert!(again.text.contains(&format!("id=\"{field}-error\"")), "{fields:?}: {}", again.text);
        }
    }

    /// Who looks sees what is decided from then on, once; and no secret stands on any page.
    async fn decisions_are_shown_as_they_are_made(world: World) {
        let mut browser = Browser::administrator(&world, ROUTES).await;
        let book = Arc::clone(&browser.book);
        let asks = async || {
            let origin = Origin {
                address: IpAddr::from([192, 0, 2, 7]),
                is_trusted: true,
                is_https: true,
                certificate: None,
                request_id: "x".to_owned(),
                hold: None,
                decided: Decided::default(),
            };
            let request = Request::get("/validate?route=reports").body(Body::empty()).unwrap();
            book.guard().now().answer(request, origin).await.status()
        };
        assert_eq!(asks().await, StatusCode::UNAUTHORIZED);
        let page = browser.open("/console/gateway/live").await;
        assert!(page.title() == "Live decisions" && names(&page.text).is_empty(), "nobody looked before: {}", page.text);
        assert!(page.text.contains("/assets/follow.") && page.text.contains("Nothing was decided"), "{}", page.text);
        asks().await;
        let newer = browser.open("/console/gateway/live?after=0").await;
        assert_eq!(names(&newer.text), ["reports"], "{}", newer.text);
        assert!(newer.text.contains("auth.missing_token 401") && newer.text.contains("after=1\""), "{}", newer.text);
        for (query, expect) in [("after=1", 0), ("after=99", 1), ("route=public", 0), ("decision=refused", 1), ("decision=allowed", 0)] {
            let found = browser.open(&format!("/console/gateway/live?{query}")).await;
            assert_eq!(names(&found.text).len(), expect, "{query}: {}", found.text);
        }
        assert_eq!(browser.open("/console/gateway/live?after=x").await.status, StatusCode::BAD_REQUEST);
        world.advance(Duration::from_secs(61));
        asks().await;
        let later = browser.open("/console/gateway/live").await;
        assert!(names(&later.text).is_empty(), "nobody looked meanwhile: {}", later.text);
        let secrets = browser.open("/console/gateway/secrets").await;
        assert!(secrets.text.contains("auth.jwt_secret") && secrets.text.contains("DOORWARD_AUTH_JWT_SECRET"), "{}", secrets.text);
        assert_eq!(secrets.text.matches(">Set<").count(), 1, "{}", secrets.text);
        for path in ["", "/routes/reports", "/who", "/live", "/secrets"] {
            let page = browser.open(&format!("/console/gateway{path}")).await;
            assert!(page.status == StatusCode::OK && !page.text.contains("hunter2"), "{path}: {}", page.text);
        }
    }
}
