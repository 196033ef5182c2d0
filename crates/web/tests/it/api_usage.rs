//! Usage over HTTP: who may see whose, in any groups, as JSON and as a table.

use crate::api_kit::{Answer, ROOT, Server};
use doorward_core::{
    credentials::{PasswordAsk, sign_in},
    usage::{Counts, Sample},
};
use doorward_world::{World, both_engines};
use http::{Method, StatusCode};
use serde_json::{Value as Json, json};

const PASSWORD: &str = "correct horse battery 7 staple";

struct Person {
    id: String,
    cookie: String,
}

async fn person(server: &Server, name: &str) -> Person {
    let email = format!("{name}@example.org");
    let body = json!({"email": email, "password": PASSWORD, "email_verified": true});
    let user = server.make("/api/v1/users", body).await;
    let ask = PasswordAsk { identifier: email, password: PASSWORD.into(), cookie: None };
    let signed = sign_in(&server.world.call(), ask).await.unwrap();
    let cookie = format!("__Host-doorward={}", signed.cookie.expose());
    Person { id: user["id"].as_str().unwrap().to_owned(), cookie }
}

fn uses(world: &World, whose: (&str, &str), (route, status): (&str, u8), times: u32) {
    let sample = Sample { org: whose.0, principal: whose.1, route, status, ..Sample::default() };
    for _ in 0..times {
        let denied = i64::from(status == 4);
        world.realm.usage.count(
            world.realm.env.now(),
            &sample,
            Counts { denied, response_bytes: 10, ..Counts::ONE },
        );
    }
}

async fn asked(server: &Server, path: &str) -> Answer {
    let answer = server.root(Method::GET, path, None).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
    answer
}

async fn by(server: &Server, person: &Person, path: &str) -> Answer {
    let headers = [("cookie", person.cookie.as_str()), ("sec-fetch-site", "same-origin")];
    server.asks(Method::GET, path, None, &headers).await
}

fn requests(answer: &Answer) -> i64 {
    answer.body["totals"]["requests"].as_i64().unwrap()
}

both_engines! {
    async fn everybody_sees_what_is_theirs(world: World) {
        let server = Server::new(world.clone());
        let (ada, bob) = (person(&server, "ada").await, person(&server, "bob").await);
        let team = server.make("/api/v1/orgs", json!({"name": "Team", "owner": ada.id})).await;
        let team = team["id"].as_str().unwrap().to_owned();
        server.make(&format!("/api/v1/orgs/{team}/members"), json!({"user_id": bob.id})).await;
        uses(&world, (&team, &ada.id), ("reports", 2), 5);
        uses(&world, (&team, &bob.id), ("reports", 4), 3);
        uses(&world, ("org_other", &ada.id), ("files", 2), 7);
        uses(&world, ("", ""), ("files", 4), 2);

        let all = asked(&server, "/api/v1/usage?by=org,user").await;
        assert_eq!(requests(&all), 17);
        assert_eq!(all.body["totals"]["denied"], 5);
        assert_eq!(all.body["totals"]["response_bytes"], 170);
        let items = all.body["items"].as_array().unwrap();
        assert_eq!(items.len(), 4);
        assert_eq!((&items[0]["org_id"], &items[0]["user"], &items[0]["requests"]), (&json!(""), &json!(""), &json!(2)));
        assert!(items[0].get("route").is_none(), "only what it is put together by is named");

        let own = by(&server, &ada, &format!("/api/v1/orgs/{team}/usage?by=user,status")).await;
        assert_eq!((own.status, requests(&own)), (StatusCode::OK, 8), "{}", own.text);
        // Whose it is cannot be asked away.
        let other = by(&server, &ada, &format!("/api/v1/orgs/{team}/usage?org_id=org_other")).await;
        assert_eq!((other.status, other.field()), (StatusCode::BAD_REQUEST, "org_id"));
        let member = by(&server, &bob, &format!("/api/v1/orgs/{team}/usage")).await;
        assert_eq!((member.status, member.code()), (StatusCode::FORBIDDEN, "auth.missing_scope"));

        let mine = by(&server, &ada, "/api/v1/me/usage?by=route").await;
        assert_eq!(requests(&mine), 12, "{}", mine.text);
        assert_eq!(mine.body["items"], json!([
            {"route": "files", "requests": 7, "denied": 0, "request_bytes": 0, "response_bytes": 70, "duration_us": 0},
            {"route": "reports", "requests": 5, "denied": 0, "request_bytes": 0, "response_bytes": 50, "duration_us": 0},
        ]));
        let others = by(&server, &ada, &format!("/api/v1/me/usage?user={}", bob.id)).await;
        assert_eq!((others.status, others.field()), (StatusCode::BAD_REQUEST, "user"));
        let all = by(&server, &ada, "/api/v1/usage").await;
        assert_eq!((all.status, all.code()), (StatusCode::FORBIDDEN, "auth.missing_scope"));
    }

    async fn filters_pages_and_hours(world: World) {
        let server = Server::new(world.clone());
        for n in 0..7 {
            uses(&world, ("", &format!("usr_{n}")), ("reports", 2), n + 1);
        }
        let mut found = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = asked(&server, &format!("/api/v1/usage?by=user&limit=3{cursor}")).await;
            assert_eq!(requests(&page), 28, "on every page the same");
            found.extend(page.body["items"].as_array().unwrap().clone());
            match page.body["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        let numbers: Vec<i64> = found.iter().map(|item| item["requests"].as_i64().unwrap()).collect();
        assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7]);
        for (query, requests_wanted) in [
            ("user=usr_3", 4),
            ("status=2xx&route=reports", 28),
            ("status=none", 0),
            ("kind=token", 0),
            ("from=2030-01-01T00:00:00Z&to=2030-01-01T01:00:00Z", 28),
            ("from=2030-01-01T01:00:00Z", 0),
            ("to=2030-01-01T00:00:00Z", 0),
        ] {
            assert_eq!(requests(&asked(&server, &format!("/api/v1/usage?{query}")).await), requests_wanted, "{query}");
        }
        for (query, field) in [
            ("from=2030-01-01T00:30:00Z", "from"),
            ("from=yesterday", "from"),
            ("from=2030-01-02T00:00:00Z&to=2030-01-01T00:00:00Z", "from"),
            ("by=month", "by"),
            ("by=hour,day", "by"),
            ("status=200", "status"),
            ("kind=all", "kind"),
            ("format=xml", "format"),
            ("query=usr", "query"),
            ("cursor=e30", "cursor"),
            ("unknown=1", "unknown"),
        ] {
            let refused = server.root(Method::GET, &format!("/api/v1/usage?{query}"), None).await;
            assert_eq!((refused.status, refused.field()), (StatusCode::BAD_REQUEST, field), "{query}: {}", refused.text);
        }
    }

    async fn a_table_has_all_of_it_and_runs_nothing(world: World) {
        let server = Server::new(world.clone());
        let many = 5_003;
        for n in 0..many {
            uses(&world, ("", &format!("usr_{n:05}")), ("reports", 2), 1);
        }
        uses(&world, ("", "=cmd|' /C calc'!A0"), ("a,b", 2), 2);
        let table = asked(&server, "/api/v1/usage?by=user,route&format=csv&limit=1").await;
        assert_eq!(table.header("content-type"), "text/csv; charset=utf-8; header=present");
        assert_eq!(table.header("content-disposition"), "attachment; filename=\"usage.csv\"");
        let lines: Vec<&str> = table.text.trim_end().split("\r\n").collect();
        assert_eq!(lines[0], "user,route,requests,denied,request_bytes,response_bytes,duration_us");
        assert_eq!(lines.len(), many + 2);
        assert!(lines.contains(&"'=cmd|' /C calc'!A0,\"a,b\",2,0,0,20,0"), "{}", lines[1]);
        let sum: i64 = lines[1..].iter().map(|line| line.rsplit(',').nth(4).unwrap().parse::<i64>().unwrap()).sum();
        assert_eq!(sum, requests(&asked(&server, "/api/v1/usage").await));
        let header = format!("Bearer {ROOT}");
        let asking = [("authorization", header.as_str()), ("accept", "text/csv")];
        let same = server.asks(Method::GET, "/api/v1/usage?by=user,route", None, &asking).await;
        assert_eq!(same.text, table.text);
    }

    async fn tokens_are_counted_by_application(world: World) {
        let server = Server::new(world);
        let app = json!({"name": "App", "type": "confidential", "grant_types": ["client_credentials"],
            "token_endpoint_auth_method": "client_secret_post", "scopes": ["reports:read"]});
        let app = server.make("/api/v1/clients", app).await;
        let text = |name: &str| app[name].as_str().unwrap().to_owned();
        for _ in 0..3 {
            let body = format!(
                "grant_type=client_credentials&client_id={}&client_secret={}", text("client_id"), text("client_secret"));
            let request = http::Request::post("/oauth2/token")
                .header("content-type", "application/x-www-form-urlencoded")
                .body(body.into())
                .unwrap();
            let answer = server.send(request).await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        }
        let told = asked(&server, "/api/v1/usage?kind=token&by=client,user").await;
        let expected: Json = json!([{"client_id": text("client_id"), "user": text("client_id"), "requests": 3, "denied": 0,
            "request_bytes": 0, "response_bytes": 0, "duration_us": 0}]);
        assert_eq!(told.body["items"], expected);
    }
}
