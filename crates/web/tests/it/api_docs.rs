//! The description of the API and its page.

use crate::api_kit::Server;
use doorward_world::{World, both_engines};
use http::{Method, StatusCode};

both_engines! {
    async fn the_api_describes_itself(world: World) {
        let server = Server::new(world);
        let document = server.asks(Method::GET, "/api/openapi.json", None, &[]).await;
        assert_eq!((document.status, document.header("content-type")), (StatusCode::OK, "application/json"));
        assert_eq!(document.body["openapi"], "3.1.0");
        assert!(document.body["paths"]["/api/v1/clients"]["post"]["requestBody"].is_object());
        let page = server.asks(Method::GET, "/api/docs", None, &[]).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
        let loads = ["=\"http", "='http", "=http", "url(http", "import \"http"];
        assert!(!loads.iter().any(|way| page.text.contains(way)), "nothing from outside");
        assert!(page.text.contains("/api/v1/clients"));
    }

    async fn unknown_paths_and_methods_are_problems(world: World) {
        let server = Server::new(world);
        let nowhere = server.root(Method::GET, "/api/v1/nothing", None).await;
        assert_eq!((nowhere.status, nowhere.code()), (StatusCode::NOT_FOUND, "not_found"));
        let method = server.root(Method::PUT, "/api/v1/clients", None).await;
        assert_eq!((method.status, method.code()), (StatusCode::METHOD_NOT_ALLOWED, "request.method"));
    }
}
