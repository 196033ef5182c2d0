//! One request for a page: who is signed in at this browser, the language, the form token, and what is
//! carried along.
//!
//! [`Visit`] is for pages that are looked at; [`Posted`] for forms that are sent, and it refuses every
//! form that does not come from one of our own pages in this browser.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Request},
    response::{IntoResponse, Redirect, Response},
};
use data_encoding::BASE64URL_NOPAD;
use doorward_core::{
    authorize::View,
    branding::{self, Brand, Wearer},
    call::{Actor, Call},
    outcome::{Code, Error, Refusal},
    sessions::{self, Account, Signed},
};
use doorward_proto::{
    form::{FormError, Params},
    secret::{Kind, Opaque},
};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{ACCEPT_LANGUAGE, CONTENT_TYPE, RETRY_AFTER, SET_COOKIE},
    request::Parts,
};
use serde::de::DeserializeOwned;
use url::{Origin, Url};

use super::{
    carry::Carry,
    draft,
    frame::{Frame, html},
    kept::{self, Kept},
    text::Text,
};
use crate::{
    app::{App, Incoming},
    body::whole,
    cookies::Cookie,
    csrf::{self, Source},
    edge::BODY_LIMIT,
    headers::Policy,
    surface::Failure,
};

/// A request for a page.
pub struct Visit {
    /// The server.
    pub app: App,
    /// The request, by the person of the active session if there is one.
    pub call: Call,
    /// The browser's cookie, well formed.
    pub cookie: Option<Opaque>,
    /// Who is signed in here.
    pub signed: Option<Signed>,
    /// The language.
    pub text: Text,
    /// What is carried along.
    pub carry: Carry,
    /// The authorization in progress, once it has been read.
    pub asked: Option<View>,
    /// What pages look like: the instance's brand, and the asking application's once it has been read.
    pub brand: Arc<Brand>,
    /// Where forms may end.
    pub policy: Policy,
    /// What was typed on this page before and has to be sent again.
    pub kept: Option<Kept>,
    /// The form that has just been sent, as far as it may be kept.
    pub sent: Kept,
    path: String,
    query: String,
    headers: HeaderMap,
    bound_to: String,
    new_form_cookie: Option<HeaderValue>,
}

impl FromRequestParts<App> for Visit {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let Incoming(call) = Incoming::from_request_parts(parts, app).await?;
        let https = app.is_https();
        let presented = Cookie::Browser.read(&parts.headers, https);
        let cookie = presented.and_then(|text| Opaque::parse(Kind::Browser, text));
        let signed = match &cookie {
            Some(cookie) => sessions::find(&call, cookie).await?,
            None => None,
        };
        let active = signed.as_ref().and_then(Signed::active);
        let call = match active {
            Some(account) => call.by(Actor::User { id: account.session.user, session: account.session.id }),
            None => call,
        };
        let (ui_locales, carry) = Carry::read(parts.uri.query().unwrap_or_default());
        let held =
            presented.filter(|_| cookie.is_some()).or_else(|| Cookie::Form.read(&parts.headers, https));
        let (bound_to, new_form_cookie) = if let Some(value) = held.filter(|value| !value.is_empty()) {
            (value.to_owned(), None)
        } else {
            let value = BASE64URL_NOPAD.encode(&call.realm.env.bytes::<32>()?);
            let header = Cookie::Form.set(https, &value, None);
            (value, header)
        };
        let path = parts.uri.path().to_owned();
        let brand = branding::brand(&call, Wearer::Instance).await?;
        let mut visit = Self {
            app: app.clone(),
            call,
            cookie,
            signed,
            text: Text::fallback(),
            carry,
            asked: None,
            brand,
            policy: Policy::new(),
            kept: None,
            sent: Kept::default(),
            path,
            query: parts.uri.query().unwrap_or_default().to_owned(),
            headers: parts.headers.clone(),
            bound_to,
            new_form_cookie,
        };
        visit.speak(ui_locales.as_deref().unwrap_or_default());
        visit.kept = visit.cookie_value(Cookie::Kept).and_then(Kept::read);
        Ok(visit)
    }
}

impl Visit {
    /// The account in use.
    pub fn active(&self) -> Option<&Account> {
        self.signed.as_ref().and_then(Signed::active)
    }

    /// Chooses the language for somebody who asked for `ui_locales`, and the zone of who is signed in.
    pub fn speak(&mut self, ui_locales: &str) {
        let accept = self.headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let own = self.active().and_then(|account| account.locale.as_deref());
        let zone = self.active().and_then(|account| account.zone.as_deref());
        self.text = Text::negotiate(Some(ui_locales), own, accept).in_zone(zone);
    }

    /// What is around the page.
    pub fn frame(&self) -> Frame {
        let mut frame = Frame::new(&self.call.realm.issuer, self.text);
        frame.form_token = csrf::token(&self.bound_to);
        frame.asker = self.asked.as_ref().map(draft::asker);
        frame.wear(Arc::clone(&self.brand));
        frame.notice = self.notice().map(|key| self.text.get(key));
        frame
    }

    /// What this page says about the one before it, which was not taken.
    fn notice(&self) -> Option<&'static str> {
        let signs_in = self.path.starts_with("/sign-in");
        match &self.kept {
            Some(kept) if kept.is_for(&self.path) => Some("kept-again"),
            _ if signs_in && self.has_to_prove_again() => Some("sign-in-stale"),
            Some(_) if signs_in => Some("kept-sign-in"),
            _ if signs_in && self.carry.is_coming_back() && self.has_lost_its_session() => {
                Some("session-ended")
            }
            _ => None,
        }
    }

    /// Whether a page of ours asks somebody who is signed in for a newer sign-in.
    fn has_to_prove_again(&self) -> bool {
        self.carry.is_coming_back() && !self.carry.wants_other() && self.active().is_some()
    }

    fn has_lost_its_session(&self) -> bool {
        self.cookie.is_some() && self.active().is_none()
    }

    /// What was typed on this page before, and could not be taken.
    pub fn typed(&self, field: &str) -> Option<&str> {
        self.kept.as_ref().filter(|kept| kept.is_for(&self.path))?.field(field)
    }

    /// The query of the address.
    pub fn query(&self) -> &str {
        &self.query
    }

    /// The headers of the request.
    pub const fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The value of another cookie that the browser sent.
    pub fn cookie_value(&self, cookie: Cookie) -> Option<&str> {
        cookie.read(&self.headers, self.app.is_https()).filter(|value| !value.is_empty())
    }

    /// Answers with a page.
    pub fn show(&self, page: &impl askama::Template) -> Response {
        let response = self.bind(html(StatusCode::OK, page, &self.policy));
        match &self.kept {
            Some(kept) if kept.is_for(&self.path) => self.without(response, Cookie::Kept),
            _ => response,
        }
    }

    /// Answers with a form again, with what is wrong.
    pub fn show_wrong(&self, page: &impl askama::Template, refusal: &Refusal) -> Response {
        let is_limit = matches!(refusal.code, Code::RateLimited | Code::RateLimitedAddress);
        let status = if is_limit { StatusCode::TOO_MANY_REQUESTS } else { StatusCode::UNPROCESSABLE_ENTITY };
        let mut response = html(status, page, &self.policy);
        if let Some(seconds) = refusal.retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        self.bind(response)
    }

    /// Gives the browser the cookie that forms are bound to, if it has none yet.
    fn bind(&self, mut response: Response) -> Response {
        if let Some(cookie) = &self.new_form_cookie {
            response.headers_mut().append(SET_COOKIE, cookie.clone());
        }
        response
    }

    /// Sets a cookie on an answer.
    pub fn with_cookie(
        &self,
        mut response: Response,
        cookie: Cookie,
        value: &str,
        lasts: Option<std::time::Duration>,
    ) -> Response {
        if let Some(header) = cookie.set(self.app.is_https(), value, lasts) {
            response.headers_mut().append(SET_COOKIE, header);
        }
        response
    }

    /// Hands the browser its new cookie.
    pub fn with_browser(&self, response: Response, cookie: &Opaque) -> Response {
        let lasts = self.call.realm.settings.session.absolute;
        self.with_cookie(response, Cookie::Browser, cookie.expose(), Some(lasts))
    }

    /// Ends a cookie on an answer.
    pub fn without(&self, mut response: Response, cookie: Cookie) -> Response {
        response.headers_mut().append(SET_COOKIE, cookie.clear(self.app.is_https()));
        response
    }
}

/// A form from one of our own pages. One from a page of ours that is older than the browser's cookie is
/// not taken: its page is shown again, with what was typed, and says for whom.
pub struct Posted<T> {
    /// The request.
    pub visit: Visit,
    /// What was typed.
    pub form: T,
}

impl<T: DeserializeOwned> FromRequest<App> for Posted<T> {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Response> {
        let (visit, body) = sent(request, app).await.map_err(Failure::into_response)?;
        Self::read(visit, &body)
    }
}

impl<T: DeserializeOwned> Posted<T> {
    /// Takes the fields of a form of ours.
    #[expect(clippy::result_large_err, reason = "the error is the answer that is sent at once")]
    pub(super) fn read(visit: Visit, body: &[u8]) -> Result<Self, Response> {
        let params = Params::parse(body, BODY_LIMIT).map_err(|error| {
            let code = match error {
                FormError::TooLarge => Code::RequestTooLarge,
                FormError::NotText => Code::RequestInvalid,
            };
            Failure::from(code).into_response()
        })?;
        // Twice is as bad as none: nobody can say which one counts.
        let token = params.one(csrf::FIELD).ok().flatten().unwrap_or_default();
        let ours = origin_of(&visit).map_err(IntoResponse::into_response)?;
        match csrf::source(&visit.headers, &ours, visit.app.is_https(), token) {
            Source::Ours => {}
            Source::Stale => return Err(kept::back(&visit, &visit.path, body)),
            Source::NoCookie => return Err(Failure::from(Code::CookieMissing).into_response()),
            Source::Foreign => return Err(Failure::from(Code::FormForged).into_response()),
        }
        let form = serde_urlencoded::from_bytes(body)
            .map_err(|_| Failure::from(Code::RequestInvalid).into_response())?;
        let sent = Kept::of(kept::page_of(&visit.path), body);
        Ok(Self { visit: Visit { kept: None, sent, ..visit }, form })
    }
}

fn origin_of(visit: &Visit) -> Result<Origin, Failure> {
    let url = Url::parse(&visit.call.realm.issuer).map_err(|_| Error::fault("the issuer is no URL"))?;
    Ok(url.origin())
}

/// What was posted, by whomever.
async fn sent(request: Request, app: &App) -> Result<(Visit, Bytes), Failure> {
    let is_form = |kind: &str| kind.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded");
    let (visit, _, body) = received(request, app, is_form).await?;
    Ok((visit, body))
}

/// What was posted, if it is of a kind that is taken, with that kind.
pub(super) async fn received(
    request: Request,
    app: &App,
    is_taken: impl Fn(&str) -> bool,
) -> Result<(Visit, String, Bytes), Failure> {
    let (mut parts, body) = request.into_parts();
    let visit = Visit::from_request_parts(&mut parts, app).await?;
    let kind = parts.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.unwrap_or_default().to_owned();
    if !is_taken(&kind) {
        return Err(Code::MediaTypeUnsupported.into());
    }
    Ok((visit, kind, whole(body).await?))
}

/// A form without fields.
#[derive(serde::Deserialize)]
pub struct Nothing {}

/// Sends the browser on, by GET.
pub fn to(path: &str) -> Response {
    Redirect::to(path).into_response()
}

/// What a form may show again; anything else becomes an error page.
///
/// # Errors
/// Every fault.
pub fn refusal_of(error: Error) -> Result<Refusal, Failure> {
    match error {
        Error::Refused(refusal) => Ok(refusal),
        fault @ Error::Fault(_) => Err(fault.into()),
    }
}
