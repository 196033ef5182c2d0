//! `POST /api/ws-ticket`: a ticket for one handshake, in exchange for the credential that came with the
//! question. It stands for that credential and is judged as if it were shown itself.

use axum::body::Body;
use doorward_judge::{Refusal, Why, rule::RuleSpec};
use doorward_proto::time::Time;
use doorward_sdk::server::Credential;
use futures_util::future::BoxFuture;
use http::{HeaderName, HeaderValue, Method, Response, StatusCode, Uri, header, request::Parts};
use serde_json::json;

use crate::{
    Inner, Origin,
    dress::{self, Dress},
    judged::{self, Sent},
    turn_away, validate,
};

/// How every ticket begins.
pub(super) const PREFIX: &str = "dw_ws_";

const PATH: &str = "/api/ws-ticket";

/// Makes tickets, and takes each back once.
pub trait Tickets: Send + Sync + 'static {
    /// A ticket for the credential of this header, and how many seconds it is good for; `None` when none can
    /// be made now, which its maker logs.
    fn issue(&self, credential: (&HeaderName, &HeaderValue), now: Time) -> Option<(String, u64)>;

    /// The header that a ticket stands for.
    fn redeem<'a>(
        &'a self,
        ticket: &'a str,
        now: Time,
    ) -> BoxFuture<'a, Result<(HeaderName, HeaderValue), Refusal>>;
}

/// Whether this asks for a ticket, whatever host it names: a page reaches the host that it came from.
pub(crate) fn is_question(target: &Uri) -> bool {
    target.path() == PATH
}

/// A rule that somebody must be, and nothing else: what may be done is for the route of the handshake.
pub(crate) fn rule() -> RuleSpec {
    RuleSpec { name: PATH.to_owned(), ..RuleSpec::default() }
}

pub(crate) async fn answer(gateway: &Inner, request: &Parts, origin: &Origin) -> Response<Body> {
    let mut dress = Dress::new(&gateway.issuer, &origin.request_id);
    let mut response = match made(gateway, request, origin, &mut dress).await {
        Ok(response) | Err(Refused::Told(response)) => response,
        Err(Refused::Untold(why)) => turn_away(gateway, &dress, (origin, PATH, None), &why.into()).await,
    };
    dress::allowing(&mut response, "POST");
    validate::finish(response.headers_mut(), origin);
    response
}

enum Refused {
    Told(Response<Body>),
    Untold(Why),
}

async fn made(
    gateway: &Inner,
    request: &Parts,
    origin: &Origin,
    dress: &mut Dress<'_>,
) -> Result<Response<Body>, Refused> {
    if request.method != Method::POST {
        return Err(Refused::Untold(Why::MethodNotAllowed));
    }
    let tickets = gateway.tickets.as_ref().ok_or(Refused::Untold(Why::RouteUnknown))?;
    let sent = Sent { request, origin, asked: None };
    judged::all(gateway, &sent, (&[&gateway.ticket_rule], dress)).await.map_err(Refused::Told)?;
    // A cookie is sent by the browser itself: a page needs no ticket for it.
    let (name, value) = Credential::header_of(&request.headers).ok_or(Refused::Untold(Why::MissingToken))?;
    let (ticket, seconds) =
        tickets.issue((&name, value), (gateway.clock)()).ok_or(Refused::Untold(Why::Unavailable))?;
    let body = json!({ "ticket": ticket, "expires_in": seconds });
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = StatusCode::CREATED;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}
