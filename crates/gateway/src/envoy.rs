//! Envoy's external authorization: Envoy asks about each request that it got, over HTTP at `/envoy/check`,
//! followed by the path that it was asked for, or over gRPC as `envoy.service.auth.v3.Authorization/Check`.
//!
//! Both say what the request is and get the same verdict; over gRPC Envoy is also told which headers of the
//! client to drop ([`spoofed`]). Asked by anybody but trusted peers, both refuse. No body is ever judged.

mod grpc;
mod http;
mod message;
mod spoofed;

use std::sync::Arc;

use ::http::{Request, Response, Uri, request::Parts};
use axum::body::Body;
use doorward_judge::Refusal;

use crate::{
    Inner, Origin, Route,
    dress::Dress,
    judged::{self, Admitted, Sent},
    profile::Described,
    signin, turn_away,
};

/// Whether this is a question of Envoy's, whatever host it names: over HTTP it names the client's.
pub(crate) fn is_question(target: &Uri) -> bool {
    http::original(target).is_some() || target.path() == grpc::PATH
}

pub(crate) async fn answer(gateway: &Inner, request: Request<Body>, origin: &Origin) -> Response<Body> {
    if request.uri().path() == grpc::PATH {
        return grpc::answer(gateway, request, origin).await;
    }
    // No question is in a body, and none is waited for.
    let (request, _) = request.into_parts();
    http::answer(gateway, &request, origin).await
}

/// Judges a request by the rule that is for it; a browser that signing in would help is sent to do so.
async fn judge<'g>(
    gateway: &'g Inner,
    request: &Parts,
    origin: &Origin,
    described: Result<Described, Refusal>,
) -> Result<(Admitted<'g>, Arc<Route>), Response<Body>> {
    let mut dress = Dress::new(&gateway.issuer, &origin.request_id);
    let described = match described {
        Ok(described) => described,
        Err(refusal) => return Err(turn_away(gateway, &dress, (origin, "", None), &refusal).await),
    };
    let found = gateway.rules.find(&described.host, &described.method, &described.path);
    let rule = found.unwrap_or(&gateway.default);
    let sent = Sent { request, origin, asked: Some(described.asked()) };
    match judged::all(gateway, &sent, (&[rule], &mut dress)).await {
        Ok(admitted) => Ok((admitted, gateway.route(rule))),
        Err(refused) => {
            let to = judged::way_in(gateway, &sent, &described.uri, (rule, &refused));
            Err(to.and_then(|to| signin::redirect(&to)).unwrap_or(refused))
        }
    }
}
