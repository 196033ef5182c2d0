//! What the listener refuses before any route could: told as the routes of that path tell everything else.

use crate::api_kit::{Answer, Server};
use axum::body::Body;
use doorward_web::Unfit;
use doorward_world::{World, both_engines};
use http::{Method, Request, StatusCode, header};

const REFERENCE: &str = "0192f0c1-6b7e-7d3a-9c55-3a1f2b4c5d6e";

async fn told(server: &Server, unfit: Unfit, method: Method, path: &str) -> Answer {
    let request = Request::builder().method(method).uri(path).header("x-request-id", REFERENCE);
    let request = request.header(header::ORIGIN, "https://app.example");
    let mut request = request.header("access-control-request-method", "POST").body(Body::empty()).unwrap();
    request.extensions_mut().insert(unfit);
    server.send(request).await
}

both_engines! {
    /// RFC 6749 5.2 where OAuth is spoken, RFC 9457 elsewhere, a page for people; under one reference.
    async fn an_unfit_request_is_refused_in_the_dress_of_its_path(world: World) {
        let server = Server::new(world);
        for (unfit, status, oauth, code) in [
            (Unfit::Host, StatusCode::BAD_REQUEST, "invalid_request", "request.invalid"),
            (Unfit::Head, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "invalid_request", "request.head_too_large"),
            (Unfit::Slow, StatusCode::REQUEST_TIMEOUT, "invalid_request", "request.slow"),
            (Unfit::Broken, StatusCode::INTERNAL_SERVER_ERROR, "temporarily_unavailable", "unavailable"),
        ] {
            for (method, path) in [
                (Method::POST, "/oauth2/token"),
                (Method::OPTIONS, "/oauth2/token"),
                (Method::DELETE, "/oauth2/par"),
                (Method::GET, "/.well-known/openid-configuration"),
            ] {
                let answer = told(&server, unfit, method, path).await;
                assert_eq!((answer.status, &answer.body["error"]), (status, &oauth.into()), "{path}: {}", answer.text);
                assert_eq!(answer.header("content-type"), "application/json");
                assert_eq!(answer.header("x-request-id"), REFERENCE);
            }
            for path in ["/api/v1/users", "/api/nowhere", "/nowhere", "/healthz", "/readyz", "/api/health"] {
                let answer = told(&server, unfit, Method::GET, path).await;
                assert_eq!((answer.status, answer.code()), (status, code), "{path}: {}", answer.text);
                assert_eq!(answer.header("content-type"), "application/problem+json");
                assert_eq!(answer.body["status"], status.as_u16());
                assert_eq!((&answer.body["request_id"], answer.header("x-request-id")), (&REFERENCE.into(), REFERENCE));
            }
            for path in ["/sign-in", "/oauth2/authorize", "/account"] {
                let answer = told(&server, unfit, Method::GET, path).await;
                assert_eq!(answer.status, status, "{path}: {}", answer.text);
                assert_eq!(answer.header("content-type"), "text/html; charset=utf-8", "{path}");
                assert!(answer.text.contains(REFERENCE), "{path}: {}", answer.text);
            }
        }
        let fit = server.asks(Method::GET, "/healthz", None, &[]).await;
        assert_eq!((fit.status, fit.text.as_str()), (StatusCode::OK, "ok"));
    }
}
