//! How a refusal looks on the wire: one table, and the router chooses the dress.
//!
//! A handler answers `Result<_, Failure>`. [`Failure`] renders as RFC 9457 problem details and leaves the
//! refusal in the response; the layer of a route group ([`dress`]) renders it again as its surface wants,
//! and dresses axum's own 404, 405, 413, 415 and 422 as well, which no handler sees.

use std::{borrow::Cow, sync::Arc};

use axum::{
    body::Body,
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use doorward_core::outcome::{Code, Error, Fault, Refusal};
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

use crate::{
    app::{App, RequestId, trace_of},
    unfit::unless_unfit,
};

/// The dress of a route group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Surface {
    /// RFC 6749 5.2 JSON, never stored.
    OAuth,
    /// RFC 9457 problem details.
    Api,
    /// Problem details in which `detail` is an object with message and code, as Orcheo's clients expect.
    Orcheo,
    /// A page in the person's language.
    Page,
}

/// Where Orcheo's clients manage service tokens.
const ORCHEO: &str = "/api/admin/service-tokens";

impl Surface {
    /// A browser that strays outside the API meets a page, whatever the group says, and Orcheo's clients meet
    /// what they know.
    fn for_reader(self, request: &Request) -> Self {
        let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
        let is_browser = accept.is_some_and(|accept| accept.contains("text/html"));
        let path = request.uri().path();
        let after = path.strip_prefix(ORCHEO);
        match self {
            Self::Api if after.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) => Self::Orcheo,
            Self::Api if is_browser && !path.starts_with("/api") => Self::Page,
            other => other,
        }
    }
}

/// One line of the table.
#[derive(Debug, Clone, Copy)]
pub struct Wire {
    /// The error of RFC 6749, 6750, 7009, 8707, 9126, 9449 or OpenID Connect.
    pub oauth: &'static str,
    /// The HTTP status at OAuth endpoints and the API.
    pub status: StatusCode,
    /// A short sentence; the title of the problem type.
    pub title: &'static str,
}

const fn wire(oauth: &'static str, status: StatusCode, title: &'static str) -> Wire {
    Wire { oauth, status, title }
}

/// The only mapping from a code to the wire.
#[rustfmt::skip]
#[expect(clippy::too_many_lines, reason = "a flat table, one line a code")]
pub const fn wire_of(code: Code) -> Wire {
    use Code as C;
    const BAD: StatusCode = StatusCode::BAD_REQUEST;
    const UNAUTHORIZED: StatusCode = StatusCode::UNAUTHORIZED;
    const FORBIDDEN: StatusCode = StatusCode::FORBIDDEN;
    const CONFLICT: StatusCode = StatusCode::CONFLICT;
    const UNPROCESSABLE: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;
    const TOO_MANY: StatusCode = StatusCode::TOO_MANY_REQUESTS;
    const UNAVAILABLE: StatusCode = StatusCode::SERVICE_UNAVAILABLE;
    match code {
        C::RequestInvalid              => wire("invalid_request", BAD, "The request is malformed"),
        C::RequestTooLarge             => wire("invalid_request", StatusCode::PAYLOAD_TOO_LARGE, "The request is too large"),
        C::RequestHeadTooLarge         => wire("invalid_request", StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "The request's address and headers are too large"),
        C::RequestSlow                 => wire("invalid_request", StatusCode::REQUEST_TIMEOUT, "The request did not arrive in time"),
        C::MediaTypeUnsupported        => wire("invalid_request", StatusCode::UNSUPPORTED_MEDIA_TYPE, "The media type is not supported here"),
        C::MethodNotAllowed            => wire("invalid_request", StatusCode::METHOD_NOT_ALLOWED, "The method is not allowed here"),
        C::NotFound                    => wire("invalid_request", StatusCode::NOT_FOUND, "There is nothing here"),
        C::Conflict                    => wire("invalid_request", CONFLICT, "It exists already, or its state forbids this"),
        C::Forbidden                   => wire("access_denied", FORBIDDEN, "Not allowed"),
        C::VersionMismatch             => wire("invalid_request", StatusCode::PRECONDITION_FAILED, "It was changed meanwhile"),
        C::IdempotencyConflict         => wire("invalid_request", CONFLICT, "The idempotency key was used for another request"),
        C::FormForged                  => wire("invalid_request", FORBIDDEN, "The form is not from this page, or is too old"),
        C::CookieMissing               => wire("invalid_request", FORBIDDEN, "The browser sent no cookie"),
        C::RateLimited                 => wire("slow_down", TOO_MANY, "Too many authentication attempts"),
        C::RateLimitedAddress          => wire("slow_down", TOO_MANY, "Too many authentication attempts from this address"),
        C::Overloaded                  => wire("temporarily_unavailable", UNAVAILABLE, "The server is busy"),
        C::Unavailable                 => wire("temporarily_unavailable", UNAVAILABLE, "A part of the server cannot be reached"),

        C::CredentialMissing           => wire("invalid_token", UNAUTHORIZED, "Missing bearer token"),
        C::CredentialScheme            => wire("invalid_token", UNAUTHORIZED, "The authorization scheme is not supported"),
        C::CredentialInvalid           => wire("invalid_token", UNAUTHORIZED, "Invalid bearer token"),
        C::CredentialExpired           => wire("invalid_token", UNAUTHORIZED, "Bearer token has expired"),
        C::CredentialRevoked           => wire("invalid_token", UNAUTHORIZED, "Bearer token has been revoked"),
        C::CredentialAudience          => wire("invalid_token", UNAUTHORIZED, "The token is for another audience"),
        C::CredentialIssuer            => wire("invalid_token", UNAUTHORIZED, "The token is from another issuer"),
        C::ScopeMissing                => wire("insufficient_scope", FORBIDDEN, "Missing required scopes"),
        C::CredentialAddress           => wire("invalid_token", UNAUTHORIZED, "The token may not be used from this address"),
        C::WorkspaceForbidden          => wire("access_denied", FORBIDDEN, "Not for this workspace"),
        C::PolicyDenied                => wire("access_denied", FORBIDDEN, "The policy of the route does not permit this"),
        C::KeyUnavailable              => wire("temporarily_unavailable", UNAVAILABLE, "The keys cannot be reached"),
        C::ProofRequired               => wire("invalid_token", UNAUTHORIZED, "The token is bound to a key that was not proven"),
        C::NonceRequired               => wire("use_dpop_nonce", UNAUTHORIZED, "The proof needs the nonce that is given here"),
        C::AlgorithmUnsupported        => wire("invalid_token", UNAUTHORIZED, "The token's algorithm is not accepted"),
        C::CredentialsSeveral          => wire("invalid_request", BAD, "The request presents more than one credential"),

        C::RequestNotDescribed         => wire("invalid_request", FORBIDDEN, "The request to be judged is not described as the named proxy describes it"),
        C::PathAmbiguous               => wire("invalid_request", BAD, "The path can be read in more than one way"),
        C::RouteUnknown                => wire("invalid_request", StatusCode::NOT_FOUND, "There is no such route"),
        C::UpgradeRefused              => wire("invalid_request", BAD, "The route does not take this protocol"),
        C::GatewayRateLimited          => wire("slow_down", TOO_MANY, "Too many requests"),
        C::QuotaExceeded               => wire("slow_down", TOO_MANY, "The quota is used up"),
        C::UpstreamUnreachable         => wire("temporarily_unavailable", StatusCode::BAD_GATEWAY, "The application cannot be reached"),
        C::UpstreamTimeout             => wire("temporarily_unavailable", StatusCode::GATEWAY_TIMEOUT, "The application did not answer in time"),

        C::SignInFailed                => wire("access_denied", UNAUTHORIZED, "The sign-in failed"),
        C::SignInRequired              => wire("login_required", UNAUTHORIZED, "Sign in first"),
        C::SignInStale                 => wire("login_required", UNAUTHORIZED, "Sign in again for this"),
        C::SignUpClosed                => wire("access_denied", FORBIDDEN, "Registration is closed"),
        C::SignUpDomain                => wire("access_denied", FORBIDDEN, "This mail domain may not register"),
        C::SetUpDone                   => wire("access_denied", CONFLICT, "The first administrator exists already"),
        C::EmailInvalid                => wire("invalid_request", UNPROCESSABLE, "This is not a mail address"),
        C::EmailTaken                  => wire("invalid_request", CONFLICT, "The mail address belongs to another account"),
        C::PasswordShort               => wire("invalid_request", UNPROCESSABLE, "The password is too short"),
        C::PasswordLong                => wire("invalid_request", UNPROCESSABLE, "The password is too long"),
        C::PasswordWeak                => wire("invalid_request", UNPROCESSABLE, "The password is easy to guess"),
        C::PasswordBreached            => wire("invalid_request", UNPROCESSABLE, "The password is known from break-ins"),
        C::PasswordWrong               => wire("access_denied", FORBIDDEN, "The present password is wrong"),
        C::PasswordHashUnsupported     => wire("invalid_request", UNPROCESSABLE, "The password hash is not of a supported form"),
        C::LinkInvalid                 => wire("invalid_request", BAD, "The link does not work any more"),
        C::LastAdministrator           => wire("invalid_request", CONFLICT, "The last administrator has to stay"),
        C::LastOwner                   => wire("invalid_request", CONFLICT, "The last owner has to stay"),
        C::OrgAddress                  => wire("access_denied", FORBIDDEN, "The organisation may not be used from this address"),
        C::DomainUnproven              => wire("invalid_request", CONFLICT, "The domain does not say so"),
        C::InvitationAddress           => wire("access_denied", FORBIDDEN, "The invitation is for another address"),

        C::ConnectState                => wire("invalid_request", BAD, "The sign-in elsewhere is unknown, over or another browser's"),
        C::ConnectRefused              => wire("access_denied", FORBIDDEN, "The provider did not let the person in"),
        C::ConnectInvalid              => wire("server_error", StatusCode::BAD_GATEWAY, "The provider's answer cannot be believed"),
        C::ConnectUnreachable          => wire("temporarily_unavailable", StatusCode::BAD_GATEWAY, "The provider does not answer"),
        C::ConnectUnverified           => wire("access_denied", FORBIDDEN, "The provider vouches for no mail address"),
        C::ConnectOutside              => wire("access_denied", FORBIDDEN, "The organization's provider signs in its own people alone"),
        C::LastSignIn                  => wire("invalid_request", CONFLICT, "The last way to sign in has to stay"),

        C::ClientUnknown               => wire("invalid_client", UNAUTHORIZED, "The application is not known"),
        C::ClientAuthentication        => wire("invalid_client", UNAUTHORIZED, "The application did not prove who it is"),
        C::ClientAddress               => wire("invalid_client", UNAUTHORIZED, "The application may not be used from this address"),
        C::RedirectUriUnregistered     => wire("invalid_request", BAD, "The redirect address is not registered"),
        C::RedirectUriInvalid          => wire("invalid_redirect_uri", BAD, "The redirect address may not be registered"),
        C::ClientMetadataInvalid       => wire("invalid_client_metadata", BAD, "The application's metadata cannot be accepted"),
        C::GrantNotAllowed             => wire("unauthorized_client", BAD, "The application may not use this grant"),

        C::ResponseTypeUnsupported     => wire("unsupported_response_type", BAD, "Only response_type=code is supported"),
        C::ResponseModeUnsupported     => wire("invalid_request", BAD, "The response mode is not supported"),
        C::ScopeInvalid                => wire("invalid_scope", BAD, "The scope is unknown or not allowed"),
        C::TargetInvalid               => wire("invalid_target", BAD, "The resource is unknown or not allowed"),
        C::PkceRequired                => wire("invalid_request", BAD, "A code challenge with method S256 is required"),
        C::PromptInvalid               => wire("invalid_request", BAD, "The prompt is unknown or contradicts itself"),
        C::ClaimsInvalid               => wire("invalid_request", BAD, "The claims parameter cannot be read"),
        C::AuthorizationDetailsInvalid => wire("invalid_authorization_details", BAD, "The authorization details are not supported"),
        C::RequestObjectUnsupported    => wire("request_not_supported", BAD, "Request objects are not supported"),
        C::RequestUriInvalid           => wire("invalid_request_uri", BAD, "The request_uri is unknown or used"),
        C::RequestUriUnsupported       => wire("request_uri_not_supported", BAD, "Requests are fetched from nowhere"),
        C::PushedRequestRequired       => wire("invalid_request", BAD, "The application must push its requests"),
        C::LoginRequired               => wire("login_required", BAD, "The person has to sign in first"),
        C::ConsentRequired             => wire("consent_required", BAD, "Consent is missing"),
        C::AccountSelectionRequired    => wire("account_selection_required", BAD, "An account has to be chosen"),
        C::InteractionRequired         => wire("interaction_required", BAD, "The person has to do something first"),
        C::AuthenticationUnmet         => wire("unmet_authentication_requirements", BAD, "The requested authentication cannot be reached"),
        C::AccessDenied                => wire("access_denied", FORBIDDEN, "The person said no"),
        C::DraftUnknown                => wire("invalid_request", BAD, "This sign-in is finished or too old"),
        C::OrganizationUnknown         => wire("access_denied", FORBIDDEN, "The organisation is unknown, or the person is not in it"),

        C::GrantUnsupported            => wire("unsupported_grant_type", BAD, "The grant type is not supported"),
        C::CodeUnknown                 => wire("invalid_grant", BAD, "The code is unknown"),
        C::CodeReused                  => wire("invalid_grant", BAD, "The code was used before"),
        C::CodeExpired                 => wire("invalid_grant", BAD, "The code is too old"),
        C::CodeRedirectUri             => wire("invalid_grant", BAD, "The redirect address is another one than at authorize"),
        C::PkceMismatch                => wire("invalid_grant", BAD, "The code verifier does not fit"),
        C::RefreshUnknown              => wire("invalid_grant", BAD, "The refresh token is unknown"),
        C::RefreshReused               => wire("invalid_grant", BAD, "The refresh token was used before"),
        C::RefreshExpired              => wire("invalid_grant", BAD, "The refresh token is too old"),
        C::GrantEnded                  => wire("invalid_grant", BAD, "The authorization has been ended"),
        C::PrincipalEnded              => wire("invalid_grant", BAD, "The account or application cannot be used"),
        C::TokenTypeUnsupported        => wire("unsupported_token_type", BAD, "The token type is not known"),

        C::TokenNotFound               => wire("invalid_request", StatusCode::NOT_FOUND, "There is no such service token"),
        C::TokenNameTaken              => wire("invalid_request", CONFLICT, "A service token has this name already"),
        C::TokenEnded                  => wire("invalid_request", CONFLICT, "The service token works no more"),
        C::TokenLifetime               => wire("invalid_request", UNPROCESSABLE, "The life of the token is too short or too long"),

        C::DpopInvalid                 => wire("invalid_dpop_proof", BAD, "The DPoP proof is missing or wrong"),
        C::DpopNonceRequired           => wire("use_dpop_nonce", BAD, "A DPoP proof with the given nonce is needed"),

        C::KeyState                    => wire("invalid_request", CONFLICT, "The key cannot be changed like that"),
    }
}

/// The last part of the problem type's address: `/problems/refresh-reused`.
pub fn slug(code: Code) -> String {
    code.name().replace(['.', '_'], "-")
}

/// What a handler answers when it does not grant: any [`Error`] of core.
#[derive(Debug)]
pub struct Failure(pub Error);

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self(refusal.into())
    }
}

impl From<Code> for Failure {
    fn from(code: Code) -> Self {
        Self(Refusal::new(code).into())
    }
}

/// Left in a response for the surface layer.
#[derive(Debug, Clone)]
pub struct Refused(pub Refusal);

/// What of a fault may be known outside: nothing. Left in a response for the surface layer, which knows
/// under which reference it is to be logged.
#[derive(Debug, Clone)]
pub struct Faulted {
    /// Whether a dependency is out of reach (503) rather than something broken (500).
    pub is_unavailable: bool,
    fault: Arc<Fault>,
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self.0 {
            Error::Refused(refusal) => {
                let mut response = problem(&refusal, "", wire_of(refusal.code).status);
                response.extensions_mut().insert(Refused(refusal));
                response
            }
            Error::Fault(fault) => faulted(fault),
        }
    }
}

fn faulted(fault: Fault) -> Response {
    let is_unavailable = fault.is_unavailable();
    let status =
        if is_unavailable { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::INTERNAL_SERVER_ERROR };
    let mut response = status.into_response();
    response.extensions_mut().insert(Faulted { is_unavailable, fault: Arc::new(fault) });
    response
}

/// RFC 9457 problem details.
fn problem(refusal: &Refusal, request_id: &str, status: StatusCode) -> Response {
    let body = problem_body(refusal, request_id, status);
    let mut response = (status, body.to_string()).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    with_common_headers(response, refusal)
}

/// The same members in the form of `FastAPI`, where `detail` is what was raised.
fn orcheo(refusal: &Refusal, request_id: &str, status: StatusCode) -> Response {
    let mut body = problem_body(refusal, request_id, status);
    if let Some(members) = body.as_object_mut() {
        let message = members.get("detail").cloned();
        members.insert("detail".to_owned(), json!({ "message": message, "code": refusal.code.name() }));
    }
    let mut response = (status, body.to_string()).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    with_common_headers(response, refusal)
}

fn problem_body(refusal: &Refusal, request_id: &str, status: StatusCode) -> serde_json::Value {
    let wire = wire_of(refusal.code);
    let detail: &str = if refusal.hint.is_empty() { wire.title } else { &refusal.hint };
    let mut body = json!({
        "type": format!("/problems/{}", slug(refusal.code)),
        "title": wire.title,
        "status": status.as_u16(),
        "detail": detail,
        "code": refusal.code.name(),
        "message": wire.title,
        "request_id": request_id,
    });
    if let Some(members) = body.as_object_mut() {
        for (name, value) in &refusal.facts {
            members.insert((*name).to_owned(), value.clone());
        }
        if let Some(field) = &refusal.field {
            members.insert("field".to_owned(), field.as_ref().into());
        }
        if let Some(seconds) = refusal.retry_after {
            members.insert("retry_after".to_owned(), seconds.into());
        }
    }
    body
}

/// RFC 6749 5.2.
/// The error of a JSON answer. RFC 6749 5.2 lacks `access_denied`, which 4.1.2.1 sends with a redirect.
const fn oauth_error(code: Code) -> (&'static str, StatusCode) {
    match code {
        Code::OrgAddress => ("invalid_grant", StatusCode::BAD_REQUEST),
        other => {
            let wire = wire_of(other);
            (wire.oauth, wire.status)
        }
    }
}

fn oauth(refusal: &Refusal) -> Response {
    let wire = wire_of(refusal.code);
    let description: Cow<'_, str> =
        if refusal.hint.is_empty() { wire.title.into() } else { oauth_text(&refusal.hint).into() };
    let (error, status) = oauth_error(refusal.code);
    let body = json!({ "error": error, "error_description": description });
    let mut response = (status, body.to_string()).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    with_common_headers(response, refusal)
}

/// `error_description` may hold printable ASCII without quotation mark and backslash only.
fn oauth_text(hint: &str) -> String {
    hint.chars().map(|c| if (' '..='~').contains(&c) && c != '"' && c != '\\' { c } else { '\'' }).collect()
}

fn with_common_headers(mut response: Response, refusal: &Refusal) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(seconds) = refusal.retry_after {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// The layer of a route group: renders what its handlers, or axum itself, refused.
pub async fn dress(State((app, surface)): State<(App, Surface)>, request: Request, next: Next) -> Response {
    let surface = surface.for_reader(&request);
    let facts = PageFacts::of(surface, &request);
    let reference = request.extensions().get::<RequestId>().cloned();
    let trace = trace_of(request.headers());
    let response = unless_unfit(request, next).await;
    if let Some(Faulted { fault, .. }) = response.extensions().get() {
        let request_id = reference.as_ref().map(RequestId::as_str);
        tracing::error!(request_id, trace_id = trace.map(|trace| trace.trace_id()), %fault, "fault");
    }
    let Some(refusal) = refusal_in(&response) else { return response };
    count_refusal(refusal.code);
    let status = status_of(surface, &refusal, &response);
    let mut dressed = match surface {
        Surface::OAuth => oauth(&refusal),
        Surface::Api => problem(&refusal, &facts.request_id, status),
        Surface::Orcheo => orcheo(&refusal, &facts.request_id, status),
        Surface::Page => crate::pages::error::render(&app, &facts, &refusal).await,
    };
    for name in [header::WWW_AUTHENTICATE, header::ALLOW, header::HeaderName::from_static("dpop-nonce")] {
        for value in response.headers().get_all(&name) {
            dressed.headers_mut().append(&name, value.clone());
        }
    }
    // A page challenges nobody, and chooses its status for refusals itself.
    if surface != Surface::Page || status.is_server_error() {
        *dressed.status_mut() = status;
    }
    dressed
}

/// Counts a refusal by its code, wherever it is told.
pub(crate) fn count_refusal(code: Code) {
    metrics::counter!("doorward_refusals_total", "code" => code.name()).increment(1);
}

/// The table's status, except where the place of the refusal decides.
fn status_of(surface: Surface, refusal: &Refusal, response: &Response) -> StatusCode {
    let is_proof = matches!(refusal.code, Code::DpopInvalid | Code::DpopNonceRequired);
    if is_proof && response.headers().contains_key(header::WWW_AUTHENTICATE) {
        // RFC 9449 7.1: a protected resource that asks for a better proof answers 401; the token endpoint 400.
        StatusCode::UNAUTHORIZED
    } else if matches!(refusal.code, Code::ClientUnknown | Code::ClientAuthentication | Code::ClientAddress)
        && !response.headers().contains_key(header::WWW_AUTHENTICATE)
    {
        // RFC 6749 5.2: 401 is for who tried the Authorization header, and RFC 9110 15.5.2 wants a challenge in it.
        StatusCode::BAD_REQUEST
    } else if response.extensions().get::<Faulted>().is_some_and(|fault| !fault.is_unavailable) {
        StatusCode::INTERNAL_SERVER_ERROR
    } else if surface == Surface::OAuth {
        oauth_error(refusal.code).1
    } else {
        wire_of(refusal.code).status
    }
}

/// What the error page needs of the request.
#[derive(Debug, Clone, Default)]
pub struct PageFacts {
    /// The reference number.
    pub request_id: String,
    /// The path that was asked for.
    pub path: String,
    /// The query that came with it.
    pub query: String,
    /// `Accept-Language`, if sent.
    pub accept_language: Option<String>,
}

impl PageFacts {
    fn of(surface: Surface, request: &Request<Body>) -> Self {
        if surface == Surface::OAuth {
            return Self::default();
        }
        let language = request.headers().get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        Self {
            request_id: request.extensions().get::<RequestId>().map(RequestId::to_string).unwrap_or_default(),
            path: request.uri().path().to_owned(),
            query: request.uri().query().unwrap_or_default().to_owned(),
            accept_language: language.map(str::to_owned),
        }
    }
}

/// The refusal that a response stands for: a handler's own, or what axum answered without one.
fn refusal_in(response: &Response) -> Option<Refusal> {
    if let Some(Refused(refusal)) = response.extensions().get() {
        return Some(refusal.clone());
    }
    if response.extensions().get::<Faulted>().is_some() {
        return Some(
            Refusal::new(Code::Unavailable).hint("Something went wrong on our side; it has been recorded"),
        );
    }
    if response.headers().contains_key(header::CONTENT_TYPE) && !is_plain_text(response) {
        return None;
    }
    let code = match response.status() {
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => Code::RequestInvalid,
        StatusCode::NOT_FOUND => Code::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => Code::MethodNotAllowed,
        StatusCode::PAYLOAD_TOO_LARGE => Code::RequestTooLarge,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Code::MediaTypeUnsupported,
        _ => return None,
    };
    Some(Refusal::new(code))
}

fn is_plain_text(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/plain"))
}

#[cfg(test)]
mod tests;
