//! The error page: what happened, what to do now, and a reference number that is also in the log and the
//! audit trail. It never says whether an account exists, and shows nothing of a fault.

use askama::Template;
use axum::response::Response;
use doorward_core::{
    call::Call,
    outcome::{Code, Refusal},
};
use http::{HeaderValue, StatusCode, header::RETRY_AFTER};

use super::{
    brand,
    frame::{Frame, html},
    kept,
    text::Text,
};
use crate::{
    app::App,
    headers::{Policy, secure},
    surface::{PageFacts, wire_of},
};

/// The page of one failure.
#[derive(Template)]
#[template(path = "error.html")]
pub struct Page<'a> {
    frame: &'a Frame,
    title: String,
    what: String,
    hint: Option<String>,
    reference: &'a str,
    ways: Vec<Way>,
}

/// What to do now: where it leads, and the key of its words.
type Way = (String, &'static str);

impl<'a> Page<'a> {
    /// The page for a refusal of what stood at `path`; `reference` is the request's id.
    pub fn new(frame: &'a Frame, refusal: &Refusal, path: &str, reference: &'a str) -> Self {
        let kind = Kind::of(refusal.code, path);
        let (title, what) = kind.keys();
        let minutes = refusal.retry_after.map_or(1, |seconds| u64::from(seconds.div_ceil(60).max(1)));
        let hint = (kind == Kind::Request && !refusal.hint.is_empty()).then(|| refusal.hint.to_string());
        let what = match kind {
            Kind::Cookies => frame.tv(what, "host", &frame.host),
            _ => frame.text.count(what, minutes),
        };
        Self { frame, title: frame.t(title), what, hint, reference, ways: kind.ways(path) }
    }
}

/// What a person can tell apart.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Request,
    Missing,
    Forbidden,
    Forged,
    Cookies,
    Wait,
    SignUpLink,
    ResetLink,
    AddressLink,
    SetUpLink,
    ProofLink,
    InvitationLink,
    SetUpDone,
    SignUpClosed,
    Elsewhere,
    ConnectState,
    ConnectRefused,
    ConnectInvalid,
    ConnectUnreachable,
    ConnectUnverified,
    ConnectOutside,
    Client,
    Redirect,
    Draft,
    Busy,
    Fault,
}

impl Kind {
    fn of(code: Code, path: &str) -> Self {
        match code {
            Code::FormForged => Self::Forged,
            Code::CookieMissing => Self::Cookies,
            Code::RateLimited | Code::RateLimitedAddress => Self::Wait,
            Code::LinkInvalid => match path {
                "/verify" => Self::SignUpLink,
                "/verify-email" => Self::AddressLink,
                "/setup" => Self::SetUpLink,
                "/sign-in/mailed" => Self::ProofLink,
                path if path.starts_with("/invitation") || path.ends_with("/authorize") => {
                    Self::InvitationLink
                }
                _ => Self::ResetLink,
            },
            Code::SetUpDone => Self::SetUpDone,
            Code::SignUpClosed | Code::SignUpDomain => Self::SignUpClosed,
            Code::OrgAddress => Self::Elsewhere,
            Code::ConnectState => Self::ConnectState,
            Code::ConnectRefused => Self::ConnectRefused,
            Code::ConnectInvalid => Self::ConnectInvalid,
            Code::ConnectUnreachable => Self::ConnectUnreachable,
            Code::ConnectUnverified => Self::ConnectUnverified,
            Code::ConnectOutside => Self::ConnectOutside,
            Code::ClientUnknown => Self::Client,
            Code::RedirectUriUnregistered | Code::RedirectUriInvalid => Self::Redirect,
            Code::DraftUnknown => Self::Draft,
            Code::NotFound | Code::MethodNotAllowed => Self::Missing,
            Code::Forbidden | Code::OrganizationUnknown => Self::Forbidden,
            Code::Overloaded => Self::Busy,
            Code::Unavailable => Self::Fault,
            _ => Self::Request,
        }
    }

    const fn keys(self) -> (&'static str, &'static str) {
        match self {
            Self::Request => ("error-request", "error-request-what"),
            Self::Missing => ("error-missing", "error-missing-what"),
            Self::Forbidden => ("error-forbidden", "error-forbidden-what"),
            Self::Forged => ("error-forged", "error-forged-what"),
            Self::Wait => ("error-wait", "error-wait-what"),
            Self::Cookies => ("error-cookies", "error-cookies-what"),
            Self::SignUpLink => ("error-link", "error-link-sign-up"),
            Self::ResetLink => ("error-link", "error-link-reset"),
            Self::AddressLink => ("error-link", "error-link-address"),
            Self::SetUpLink => ("error-link", "error-link-setup"),
            Self::ProofLink => ("error-link", "error-link-proof"),
            Self::InvitationLink => ("error-link", "error-link-invitation"),
            Self::SetUpDone => ("error-setup-done", "error-setup-done-what"),
            Self::SignUpClosed => ("error-sign-up-closed", "error-sign-up-closed-what"),
            Self::Elsewhere => ("error-elsewhere", "error-elsewhere-what"),
            Self::ConnectState => ("error-connect-state", "error-connect-state-what"),
            Self::ConnectRefused => ("error-connect-refused", "error-connect-refused-what"),
            Self::ConnectInvalid => ("error-connect-invalid", "error-connect-invalid-what"),
            Self::ConnectUnreachable => ("error-connect-unreachable", "error-connect-unreachable-what"),
            Self::ConnectUnverified => ("error-connect-unverified", "error-connect-unverified-what"),
            Self::ConnectOutside => ("error-connect-outside", "error-connect-outside-what"),
            Self::Client => ("error-client", "error-client-what"),
            Self::Redirect => ("error-redirect", "error-redirect-what"),
            Self::Draft => ("error-draft", "error-draft-what"),
            Self::Busy => ("error-busy", "error-busy-what"),
            Self::Fault => ("error-fault", "error-fault-what"),
        }
    }
}

impl Kind {
    /// What to do now, the likeliest first; nothing where only going back helps.
    fn ways(self, path: &str) -> Vec<Way> {
        let to = |path: &str, key| (path.to_owned(), key);
        match self {
            Self::SignUpLink => vec![to("/sign-in", "error-to-sign-in"), to("/sign-up", "error-to-sign-up")],
            Self::ResetLink => vec![to("/forgot", "error-to-forgot"), to("/sign-in", "error-to-sign-in")],
            Self::InvitationLink | Self::Elsewhere => {
                vec![to("/account/organizations", "error-to-organizations")]
            }
            Self::SetUpLink
            | Self::SetUpDone
            | Self::SignUpClosed
            | Self::ConnectState
            | Self::ConnectRefused
            | Self::ConnectInvalid
            | Self::ConnectUnreachable
            | Self::ConnectUnverified
            | Self::ConnectOutside => vec![to("/sign-in", "error-to-sign-in")],
            Self::Cookies => vec![to(kept::page_of(path), "error-again")],
            Self::Client | Self::Redirect | Self::Draft => Vec::new(),
            // What the console's entrance leads to is refused to whom the whole console is closed to.
            Self::Missing | Self::Forbidden
                if path.starts_with("/console/") && path != "/console/organizations" =>
            {
                vec![to("/console", "error-to-console"), to("/account", "error-to-account")]
            }
            _ => vec![to("/account", "error-to-account")],
        }
    }
}

/// The answer of the page surface to a refusal.
pub async fn render(app: &App, facts: &PageFacts, refusal: &Refusal) -> Response {
    let text = Text::negotiate(None, None, facts.accept_language.as_deref());
    let mut frame = Frame::new(&app.realm.issuer, text);
    if let Some(brand) = brand::of_query(&Call::system(&app.realm), &facts.query).await {
        frame.wear(brand);
    }
    let page = Page::new(&frame, refusal, &facts.path, &facts.request_id);
    // RFC 9110 15.5.2: 401 is for who is challenged, and a page challenges nobody.
    let status = match wire_of(refusal.code).status {
        StatusCode::UNAUTHORIZED => StatusCode::BAD_REQUEST,
        other => other,
    };
    let mut response = html(status, &page, &Policy::new());
    secure(response.headers_mut());
    if let Some(seconds) = refusal.retry_after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}
