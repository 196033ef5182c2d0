//! Answers: what was made and where it is, versions as entity tags, pages of lists.

use axum::{
    extract::FromRequestParts,
    response::{IntoResponse, Response},
};
use doorward_core::{
    outcome::{Code, Refusal, Result},
    page::{Page, PageAsk},
};
use doorward_proto::form::Params;
use http::{HeaderValue, StatusCode, header, request::Parts};
use serde::Serialize;
use serde_json::json;

use crate::{app::App, edge::BODY_LIMIT, surface::Failure};

const LIMIT: u32 = 50;
const MAX_LIMIT: u32 = 500;
const MAX_QUERY: usize = 256;
/// A change without `If-Match` is tried again this often when others change the same thing.
pub(super) const TRIES: usize = 5;

/// What every handler answers.
pub(super) type Answer = std::result::Result<Response, Failure>;

/// A body and nothing else.
pub(super) fn found<T: Serialize>(body: &T) -> Answer {
    json_answer(StatusCode::OK, body)
}

/// A resource with its version.
pub(super) fn versioned<T: Serialize>(body: &T, version: i64) -> Answer {
    let mut response = json_answer(StatusCode::OK, body)?;
    tag(&mut response, version);
    Ok(response)
}

/// A resource that was made, where it is, and its version.
pub(super) fn created<T: Serialize>(location: &str, body: &T, version: Option<i64>) -> Answer {
    let mut response = json_answer(StatusCode::CREATED, body)?;
    if let Ok(value) = HeaderValue::try_from(location) {
        response.headers_mut().insert(header::LOCATION, value);
    }
    if let Some(version) = version {
        tag(&mut response, version);
    }
    Ok(response)
}

/// Done, and nothing to say.
#[expect(clippy::unnecessary_wraps, reason = "every handler ends in an Answer")]
pub(super) fn done() -> Answer {
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// One page of a list.
pub(super) fn page<T, D: Serialize>(page: &Page<T>, show: impl Fn(&T) -> Result<D>) -> Answer {
    let items = page.items.iter().map(show).collect::<Result<Vec<D>>>()?;
    let next = page.next.as_deref().map(cursor_of);
    found(&json!({ "items": items, "next_cursor": next }))
}

/// Where the next page begins, as it is handed out.
pub(crate) fn cursor_of(key: &str) -> String {
    data_encoding::BASE64URL_NOPAD.encode(key.as_bytes())
}

fn json_answer<T: Serialize>(status: StatusCode, body: &T) -> Answer {
    let body = serde_json::to_vec(body).map_err(|error| Failure(error.into()))?;
    let kind = HeaderValue::from_static("application/json");
    Ok((status, [(header::CONTENT_TYPE, kind)], body).into_response())
}

fn tag(response: &mut Response, version: i64) {
    if let Ok(value) = HeaderValue::try_from(format!("\"{version}\"")) {
        response.headers_mut().insert(header::ETAG, value);
    }
}

/// `If-Match`: the versions that a change is meant for (RFC 9110 13.1.1); `None` for any.
pub(super) struct IfMatch(Option<Vec<String>>);

impl IfMatch {
    /// Whether the change may count on nobody else's having been in between.
    pub(super) const fn is_guarded(&self) -> bool {
        self.0.is_some()
    }

    /// Refuses when the present version is none of them.
    pub(super) fn check(&self, version: i64) -> Result<()> {
        let tag = format!("\"{version}\"");
        match &self.0 {
            Some(tags) if !tags.contains(&tag) => Err(Refusal::new(Code::VersionMismatch).into()),
            _ => Ok(()),
        }
    }
}

impl FromRequestParts<App> for IfMatch {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> std::result::Result<Self, Failure> {
        let mut tags = Vec::new();
        for value in parts.headers.get_all(header::IF_MATCH) {
            let text = value.to_str().map_err(|_| Failure::from(Code::RequestInvalid))?;
            tags.extend(text.split(',').map(|tag| tag.trim().to_owned()).filter(|tag| !tag.is_empty()));
        }
        let is_any = tags.is_empty() || tags.iter().any(|tag| tag == "*");
        Ok(Self((!is_any).then_some(tags)))
    }
}

/// The query of a list: `limit`, `cursor`, `query` and the filters of the area.
pub(super) struct Listing(Vec<(String, String)>);

impl Listing {
    /// Whether a filter is there.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(key, _)| key == name)
    }

    /// Takes a filter out.
    pub(super) fn filter(&mut self, name: &str) -> Option<String> {
        let place = self.0.iter().position(|(key, _)| key == name)?;
        Some(self.0.swap_remove(place).1)
    }

    /// Takes a filter out that has one of these values, by name.
    pub(super) fn one_of<T: Copy, const N: usize>(
        &mut self,
        filter: &'static str,
        all: [T; N],
        name: impl Fn(T) -> &'static str,
    ) -> Result<Option<T>> {
        let Some(text) = self.filter(filter) else { return Ok(None) };
        let known = all.into_iter().find(|one| name(*one) == text);
        let words = || all.map(&name).join(", ");
        let refused =
            || Refusal::new(Code::RequestInvalid).field(filter).hint(format!("It is one of {}", words()));
        known.map(Some).ok_or_else(|| refused().into())
    }

    /// Which page; refuses what is left over, by name.
    pub(super) fn ask(mut self) -> Result<PageAsk> {
        let limit = match self.filter("limit") {
            None => LIMIT,
            Some(text) => text
                .parse()
                .ok()
                .filter(|limit| (1..=MAX_LIMIT).contains(limit))
                .ok_or_else(|| wrong("limit", "The limit is a number from 1 to 500"))?,
        };
        let after = match self.filter("cursor") {
            None => None,
            Some(text) => {
                Some(cursor(&text).ok_or_else(|| wrong("cursor", "The cursor is not one of ours"))?)
            }
        };
        let query = self.filter("query").filter(|query| !query.trim().is_empty());
        if query.as_ref().is_some_and(|query| query.len() > MAX_QUERY) {
            return Err(wrong("query", "The query is too long").into());
        }
        self.nothing_else()?;
        Ok(PageAsk { after, limit, query })
    }

    /// Refuses what is left over, by name.
    pub(super) fn nothing_else(self) -> Result<()> {
        match self.0.into_iter().next() {
            Some((name, _)) => Err(wrong(name, "The list has no such filter, or it is given twice").into()),
            None => Ok(()),
        }
    }
}

/// A refusal of one parameter.
pub(super) fn wrong(field: impl Into<std::borrow::Cow<'static, str>>, hint: &'static str) -> Refusal {
    Refusal::new(Code::RequestInvalid).field(field).hint(hint)
}

fn cursor(text: &str) -> Option<String> {
    let key = data_encoding::BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
    String::from_utf8(key).ok().filter(|key| key.len() <= 2048 && !key.chars().any(|c| c == '\0'))
}

impl FromRequestParts<App> for Listing {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> std::result::Result<Self, Failure> {
        let query = parts.uri.query().unwrap_or_default();
        let params = Params::parse(query.as_bytes(), BODY_LIMIT)
            .map_err(|error| Refusal::new(Code::RequestInvalid).hint(error.to_string()))?;
        Ok(Self(params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()))
    }
}
