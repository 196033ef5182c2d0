//! The question over gRPC: everything stands in a message, and nothing in the headers of the call.

use std::{net::IpAddr, sync::OnceLock};

use axum::body::Body;
use doorward_judge::Refusal;
use doorward_sdk::{dress::REQUEST_ID, server::certificate::Forwarding};
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, request::Parts};
use tonic::{
    Code,
    server::{Grpc, UnaryService},
};
use tonic_prost::ProstCodec;

use super::{
    message::{
        Allowed, Answer, Attributes, CheckRequest, CheckResponse, Denied, HeaderOption, HttpRequest,
        HttpStatus, Status,
    },
    spoofed,
};
use crate::{
    Inner, Origin, Route,
    judged::{self, Admitted},
    profile::{Described, undescribed},
    proxy::headers::{self, Keeps},
};

/// Where it is asked.
pub(super) const PATH: &str = "/envoy.service.auth.v3.Authorization/Check";

/// A question with all headers, and a body that is passed over, is shorter.
const LONGEST: usize = 1024 * 1024;
/// No refusal of ours is longer.
const LONGEST_REFUSAL: usize = 64 * 1024;
/// References that are taken over from Envoy.
const LONGEST_REFERENCE: usize = 64;

pub(super) async fn answer(gateway: &Inner, request: Request<Body>, origin: &Origin) -> Response<Body> {
    let codec = ProstCodec::<CheckResponse, CheckRequest>::default();
    let mut server = Grpc::new(codec).max_decoding_message_size(LONGEST);
    let reference = OnceLock::new();
    let call = Check { gateway, origin, reference: &reference };
    let mut response = server.unary(call, request).await.map(Body::new);
    // It is what the log calls this request.
    if let Ok(id) = HeaderValue::from_str(reference.get().unwrap_or(&origin.request_id)) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// One call.
struct Check<'g> {
    gateway: &'g Inner,
    origin: &'g Origin,
    /// The reference of the request that is asked about, once it is read.
    reference: &'g OnceLock<String>,
}

impl<'g> UnaryService<CheckRequest> for Check<'g> {
    type Response = CheckResponse;
    type Future = BoxFuture<'g, Result<tonic::Response<CheckResponse>, tonic::Status>>;

    fn call(&mut self, question: tonic::Request<CheckRequest>) -> Self::Future {
        let call = Self { ..*self };
        Box::pin(async move { Ok(tonic::Response::new(call.check(question.into_inner()).await)) })
    }
}

impl Check<'_> {
    async fn check(self, question: CheckRequest) -> CheckResponse {
        let Self { gateway, origin, reference } = self;
        let (parts, origin, described) = match read(question, origin) {
            Ok((parts, origin, described)) => (parts, origin, Ok(described)),
            Err(refusal) => (Request::new(()).into_parts().0, origin.clone(), Err(refusal)),
        };
        reference.get_or_init(|| origin.request_id.clone());
        match super::judge(gateway, &parts, &origin, described).await {
            Ok((admitted, route)) => allowed(gateway, &parts, (&admitted, &route)).await,
            Err(response) => denied(response).await,
        }
    }
}

/// The request that is asked about, and where it comes from.
fn read(question: CheckRequest, origin: &Origin) -> Result<(Parts, Origin, Described), Refusal> {
    origin.may_describe()?;
    let Attributes { source, request } = question.attributes.ok_or_else(|| undescribed("attributes"))?;
    let source = source.unwrap_or_default();
    let address: IpAddr = source
        .address
        .and_then(|address| address.socket?.address.parse().ok())
        .ok_or_else(|| undescribed("the client's address"))?;
    // Headers about it were written by the client.
    let certificate = Some(source.certificate).filter(|pem| !pem.is_empty());
    let certificate = certificate.map(|pem| Forwarding::from_encoded_pem(&pem));
    let http = request.and_then(|request| request.http).ok_or_else(|| undescribed("a request"))?;
    let described = Described::new((&http.method, "a method"), (&http.host, "a host"), &http.path)?;
    let headers = of_client(http).ok_or_else(|| undescribed("well-formed headers"))?;
    // What Envoy says of the client's connection; its own to us is another one.
    let scheme = headers.get("x-forwarded-proto");
    let is_https = scheme.is_some_and(|scheme| scheme.as_bytes().eq_ignore_ascii_case(b"https"));
    let mut origin = Origin { address: address.to_canonical(), certificate, is_https, ..origin.clone() };
    let reference = headers.get("x-request-id").and_then(|id| id.to_str().ok());
    if let Some(reference) = reference.filter(|reference| is_reference(reference)) {
        reference.clone_into(&mut origin.request_id);
    }
    let (mut parts, ()) = Request::new(()).into_parts();
    parts.headers = headers;
    Ok((parts, origin, described))
}

/// `None` when one of them is no header: it could be a credential that is not read.
fn of_client(http: HttpRequest) -> Option<HeaderMap> {
    let raw = http.raw_headers.unwrap_or_default().headers.into_iter().map(|header| {
        let value = if header.raw_value.is_empty() { header.value.into_bytes() } else { header.raw_value };
        (header.key, value)
    });
    let plain = http.headers.into_iter().map(|(name, value)| (name, value.into_bytes()));
    let mut headers = HeaderMap::new();
    for (name, value) in plain.chain(raw).filter(|(name, _)| !name.starts_with(':')) {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        headers.append(name, HeaderValue::from_bytes(&value).ok()?);
    }
    Some(headers)
}

fn is_reference(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= LONGEST_REFERENCE
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

async fn allowed(
    gateway: &Inner,
    request: &Parts,
    (admitted, route): (&Admitted<'_>, &Route),
) -> CheckResponse {
    let mut set = headers::told_once(&admitted.headers());
    if let Some(signed) = admitted.assertion(gateway).await {
        set.insert(judged::ASSERTION, signed);
    }
    // Whoever asks in these words is trusted.
    let keeps = Keeps { route, fronts: gateway.chain.fronts(), is_trusted: true };
    let headers_to_remove = spoofed::in_request(&request.headers, &mut set, &keeps);
    let headers = set.iter().filter_map(option).collect();
    let mut limits = HeaderMap::new();
    admitted.tell_limits(&mut limits);
    let response_headers_to_add = limits.iter().filter_map(option).collect();
    let answer = Answer::Allowed(Allowed { headers, headers_to_remove, response_headers_to_add });
    CheckResponse { status: Some(Status { code: Code::Ok as i32 }), answer: Some(answer) }
}

async fn denied(response: Response<Body>) -> CheckResponse {
    let (parts, body) = response.into_parts();
    let code = if parts.status.as_u16() == 401 { Code::Unauthenticated } else { Code::PermissionDenied };
    let body = axum::body::to_bytes(body, LONGEST_REFUSAL).await.unwrap_or_default();
    let denied = Denied {
        status: Some(HttpStatus { code: i32::from(parts.status.as_u16()) }),
        headers: parts.headers.iter().filter_map(option).collect(),
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    CheckResponse { status: Some(Status { code: code as i32 }), answer: Some(Answer::Denied(denied)) }
}

fn option((name, value): (&HeaderName, &HeaderValue)) -> Option<HeaderOption> {
    Some(HeaderOption::set(name.as_str(), value.to_str().ok()?))
}
