//! Requests through the real router, over a real database.

use axum::{Router, body::Body};
use doorward_core::bootstrap::Terms;
use doorward_proto::secret::SecretText;
use doorward_web::{App, Bootstrap, ThroughSocket, WebSettings, router};
use doorward_world::World;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use serde_json::Value as Json;
use tower::ServiceExt as _;

/// The bootstrap token of every test server; it has every scope.
pub(crate) const ROOT: &str = "root-token-root-token-root-token-root";

/// A server without a socket.
pub(crate) struct Server {
    pub(crate) world: World,
    pub(crate) router: Router,
}

/// What it answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Json,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
    pub(crate) fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }
    pub(crate) fn field(&self) -> &str {
        self.body["field"].as_str().unwrap_or_default()
    }
}

impl Server {
    /// A server whose bootstrap token has every scope.
    pub(crate) fn new(world: World) -> Self {
        Self::with_scopes(world, &["admin:*", "workflows:read"])
    }

    /// A server whose bootstrap token has these scopes.
    pub(crate) fn with_scopes(world: World, scopes: &[&str]) -> Self {
        let bootstrap = Bootstrap {
            token: SecretText::from(ROOT),
            scopes: scopes.iter().map(ToString::to_string).collect(),
            terms: Terms::default(),
        };
        let settings = WebSettings { bootstrap: Some(bootstrap), ..WebSettings::default() };
        let router = router(App::new(world.realm.clone(), settings));
        Self { world, router }
    }

    /// Sends a request as it is.
    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Json::Null);
        Answer { status: parts.status, headers: parts.headers, body, text }
    }

    /// Asks with the bootstrap token.
    pub(crate) async fn root(&self, method: Method, path: &str, body: Option<Json>) -> Answer {
        self.asks(method, path, body, &[("authorization", &format!("Bearer {ROOT}"))]).await
    }

    /// Asks with these headers.
    pub(crate) async fn asks(
        &self,
        method: Method,
        path: &str,
        body: Option<Json>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = match body {
            Some(body) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        self.send(request.body(body).unwrap()).await
    }

    /// Asks through the administration socket.
    pub(crate) async fn locally(&self, method: Method, path: &str, body: Option<Json>) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let mut request = request.body(body).unwrap();
        request.extensions_mut().insert(ThroughSocket);
        self.send(request).await
    }

    /// Creates with the bootstrap token and takes what was made.
    pub(crate) async fn make(&self, path: &str, body: Json) -> Json {
        let answer = self.root(Method::POST, path, Some(body)).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
        answer.body
    }
}
