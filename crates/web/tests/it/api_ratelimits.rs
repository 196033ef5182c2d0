//! `/api/v1/ratelimits/clear`: what limits have counted is forgotten, and that is remembered.

use std::sync::{Arc, Mutex};

use crate::api_kit::Server;
use doorward_web::{App, Counters, WebSettings, WhichCounters, router};
use doorward_world::{World, both_engines};
use http::{Method, StatusCode};
use serde_json::{Value as Json, json};

const CLEAR: &str = "/api/v1/ratelimits/clear";

both_engines! {
    async fn an_administrator_clears_counters(world: World) {
        let asked = Arc::new(Mutex::new(Vec::<WhichCounters>::new()));
        let seen = Arc::clone(&asked);
        let counters = Counters::new(move |which| {
            seen.lock().unwrap().push(which);
            Box::pin(std::future::ready(3))
        });
        let settings = WebSettings { counters: Some(counters), ..WebSettings::default() };
        let server = Server { router: router(App::new(world.realm.clone(), settings)), world };
        let body = json!({ "ip": "2001:db8::7", "identity": "usr_1", "route": "reports" });
        let answer = server.locally(Method::POST, CLEAR, Some(body)).await;
        assert_eq!((answer.status, &answer.body), (StatusCode::OK, &json!({ "cleared": 3 })), "{}", answer.text);
        let which = WhichCounters {
            address: Some("2001:db8::7".parse().unwrap()),
            identity: Some("usr_1".to_owned()),
            route: Some("reports".to_owned()),
        };
        assert_eq!(*asked.lock().unwrap(), [which]);
        let event = server.locally(Method::GET, "/api/v1/audit/events?code=ratelimits.cleared", None).await;
        let event: &Json = &event.body["items"][0];
        assert_eq!((&event["facts"]["route"], &event["actor"]), (&json!("reports"), &json!("local")));
        let detail = [&event["detail"]["ip"], &event["detail"]["identity"]];
        assert_eq!(detail, [&json!("2001:db8::7"), &json!("usr_1")], "{event}");
        let wrong = server.locally(Method::POST, CLEAR, Some(json!({ "ip": "10.0.0.0/8" }))).await;
        assert_eq!((wrong.status, wrong.field()), (StatusCode::BAD_REQUEST, "ip"));
        assert_eq!(server.locally(Method::POST, CLEAR, Some(json!({}))).await.status, StatusCode::OK);
        assert_eq!(asked.lock().unwrap().last(), Some(&WhichCounters::default()), "all of them");
    }

    async fn where_nothing_is_counted_nothing_is_cleared(world: World) {
        let server = Server::new(world);
        let answer = server.root(Method::POST, CLEAR, Some(json!({}))).await;
        assert_eq!(answer.body, json!({ "cleared": 0 }));
    }
}
