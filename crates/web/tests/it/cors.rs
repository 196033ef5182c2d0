//! Which other sites' scripts may read our answers.

use axum::{Router, body::Body};
use doorward_web::{App, WebSettings, router};
use doorward_world::{World, both_engines};
use http::{HeaderMap, Method, Request};
use tower::ServiceExt as _;

fn serving(world: &World, origins: &[&str]) -> Router {
    let allowed_origins = origins.iter().map(ToString::to_string).collect();
    router(App::new(world.realm.clone(), WebSettings { allowed_origins, ..WebSettings::default() }))
}

async fn headers(router: &Router, method: Method, path: &str, more: &[(&str, &str)]) -> HeaderMap {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in more {
        request = request.header(*name, *value);
    }
    router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap().headers().clone()
}

both_engines! {
    async fn every_origin_may_ask_where_the_operator_says_so(world: World) {
        let (open, listed, closed) = (
            serving(&world, &["*"]),
            serving(&world, &["https://spa.example"]),
            serving(&world, &[]),
        );
        let preflight = |origin: &'static str| [("origin", origin), ("access-control-request-method", "POST"), ("access-control-request-headers", "dpop")];
        for (router, origin, allowed) in [
            (&open, "https://anybody.example", Some("*")),
            (&open, "null", Some("*")),
            (&listed, "https://spa.example", Some("https://spa.example")),
            (&listed, "https://spa.example.evil.example", None),
            (&listed, "http://spa.example", None),
            (&listed, "null", None),
            (&closed, "https://spa.example", None),
        ] {
            for method in [Method::OPTIONS, Method::POST] {
                let answer = headers(router, method.clone(), "/oauth2/token", &preflight(origin)).await;
                let found = answer.get("access-control-allow-origin").map(|value| value.to_str().unwrap());
                assert_eq!(found, allowed, "{method} {origin}");
                assert!(!answer.contains_key("access-control-allow-credentials"), "no cookie ever");
            }
        }
        // What reads a cookie is nobody else's to read, and neither is the API.
        for path in ["/sign-in", "/account", "/oauth2/authorize?client_id=x", "/oauth2/logout", "/api/v1/me"] {
            let answer = headers(&open, Method::GET, path, &[("origin", "https://anybody.example")]).await;
            assert!(!answer.contains_key("access-control-allow-origin"), "{path}");
        }
    }
}
