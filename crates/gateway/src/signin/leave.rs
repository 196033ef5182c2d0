//! Signing out at a guarded host: the token behind the session ends, so that a copy of the cookie is worth nothing.
//!
//! Another site's page must not sign anybody out (a link, an image, a form). What is pressed on a page of this host
//! does it at once; everything else is asked about first, and so are browsers that do not say where they come from.

use axum::body::Body;
use doorward_judge::Why;
use doorward_proto::time::Time;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use url::form_urlencoded;

use super::{
    LOGOUT, check_page,
    cookie::{Jar, Session},
    page::Page,
    visit::{Failed, LONGEST, Visit, with_query},
};

const SEC_FETCH: [(&str, &[&[u8]]); 3] = [
    ("sec-fetch-site", &[b"same-origin", b"none"]),
    ("sec-fetch-mode", &[b"navigate"]),
    ("sec-fetch-dest", &[b"document"]),
];

impl Visit<'_> {
    /// Signs out, or asks first.
    pub(super) async fn leave(self) -> Result<Response<Body>, Failed> {
        let headers = &self.request.headers;
        if self.request.method == Method::POST {
            check_page("POST", headers, self.site).map_err(Failed::new)?;
        } else if !is_pressed_here(headers) {
            let mut response = Response::new(Body::empty());
            let endpoints = self.endpoints().await.ok();
            let ends_at = endpoints.as_ref().and_then(|endpoints| endpoints.end_session.as_deref());
            question(ends_at).show(&mut response);
            // Not `no-referrer`: browsers would then post the form with `Origin: null`.
            let policy = HeaderValue::from_static("same-origin");
            response.headers_mut().insert(header::REFERRER_POLICY, policy);
            return Ok(response);
        }
        for session in self.desk.sealer.all_kept(headers, self.site) {
            self.end(session).await;
        }
        let mut response = self.goodbye().await?;
        if let Some(gone) = Jar::Gate.set(self.site, "", 0) {
            response.headers_mut().append(header::SET_COOKIE, gone);
        }
        Ok(response)
    }

    /// Ends what a session stands on: here at once, whoever can be reached; and at the issuer.
    pub(super) async fn end(self, session: Session) {
        let lasts = if session.r.is_some() { self.now.as_seconds() + LONGEST } else { session.e };
        if lasts <= self.now.as_seconds()
            || !self.desk.way.memory.end(&session.t, Time::from_seconds(lasts), self.now)
        {
            return;
        }
        let Ok(endpoints) = self.endpoints().await else { return };
        let Some(revocation) = &endpoints.revocation else { return };
        // No issuer ends ID tokens.
        let access = if session.d { session.a } else { Some(session.t) };
        for token in session.r.into_iter().chain(access) {
            let form = vec![("token", token)];
            let answer = self.ask(revocation, form).await.map(|answer| answer.status());
            if !answer.as_ref().is_ok_and(StatusCode::is_success) {
                let status = answer.ok().map(|status| status.as_u16());
                tracing::error!(
                    host = self.site.host,
                    status,
                    "a session was ended here and not at its issuer"
                );
            }
        }
    }

    /// Lets the issuer end its own session; where it has no page for that, this is the end.
    async fn goodbye(self) -> Result<Response<Body>, Failed> {
        let endpoints = self.endpoints().await.ok();
        if let Some(end) = endpoints.as_ref().and_then(|endpoints| endpoints.end_session.as_deref()) {
            let query = form_urlencoded::Serializer::new(String::new())
                .append_pair("client_id", &self.desk.way.client_id)
                .finish();
            let mut response =
                super::redirect(&with_query(end, &query)).ok_or_else(|| Failed::new(Why::Unavailable))?;
            *response.status_mut() = StatusCode::SEE_OTHER;
            return Ok(response);
        }
        let mut response = Response::new(Body::empty());
        let text = "You are signed out of this application.";
        let page = Page { title: "Signed out", text, button: None, link: None, ends_at: None };
        page.show(&mut response);
        Ok(response)
    }
}

const fn question(ends_at: Option<&str>) -> Page<'_> {
    Page {
        title: "Sign out?",
        text: "You will be signed out of this application.",
        button: Some(("Sign out", LOGOUT)),
        link: Some(("Stay signed in", "/")),
        ends_at,
    }
}

/// Whether somebody went here from a page of this very host, or by typing the address: nothing that a page loads by
/// itself or ahead of time.
fn is_pressed_here(headers: &HeaderMap) -> bool {
    let is = |(name, values): &(&str, &[&[u8]])| {
        headers.get(*name).is_some_and(|value| values.contains(&value.as_bytes()))
    };
    SEC_FETCH.iter().all(is) && !headers.contains_key("sec-purpose") && !headers.contains_key("purpose")
}
