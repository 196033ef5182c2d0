use std::convert::Infallible;

use http::StatusCode;
use tower::{ServiceBuilder, ServiceExt as _, service_fn};

use super::*;
use crate::{Caller, testing::builder};

/// Answers with the subject; knows nothing of any framework.
async fn name(request: Request<Vec<u8>>) -> Result<Response<String>, Infallible> {
    let caller = request.extensions().get::<Caller>().map(|caller| caller.subject().to_owned());
    Ok(Response::new(format!("{} sent {}", caller.unwrap_or_default(), request.into_body().len())))
}

#[tokio::test]
async fn only_who_is_let_through_reaches_the_service() {
    let layer = GuardLayer::new(builder().build().unwrap());
    let service = ServiceBuilder::new().layer(layer).service(service_fn(name));
    let ask = |token: &str| {
        let request = Request::builder().header("authorization", format!("Bearer {token}"));
        service.clone().oneshot(request.body(vec![0; 3]).unwrap())
    };
    assert_eq!(ask("ada").await.unwrap().body(), "usr_ada sent 3");
    let refused = ask("old").await.unwrap();
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    assert!(refused.body().contains("auth.token_expired"));
}
