//! A form with a file beside its fields (`multipart/form-data`, RFC 7578), from one of our own pages.
//!
//! `multer` takes it apart, in memory, from a body whose length is bounded already. What no browser sends
//! (anything before the first boundary, a part without a name, text that is not UTF-8) is refused rather than
//! guessed at, and so is a form of more parts than any of ours has.

use axum::{
    extract::{FromRequest, Request},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use doorward_core::outcome::Code;
use futures_util::stream;
use http::header::CONTENT_DISPOSITION;
use multer::{Field, Multipart, parse_boundary};
use serde::de::DeserializeOwned;
use url::form_urlencoded::Serializer;

use super::visit::{Posted, received};
use crate::{app::App, surface::Failure};

/// The most parts of a form.
const MOST_PARTS: usize = 64;
/// The most bytes of a part's headers.
const LONGEST_HEAD: usize = 2048;
/// The most letters of a boundary (RFC 2046 5.1.1).
const LONGEST_BOUNDARY: usize = 70;

/// A form with a file beside its fields, from one of our own pages.
pub struct Upload<T> {
    /// The request, and the fields.
    pub posted: Posted<T>,
    /// The file, if one was chosen.
    pub file: Option<Bytes>,
}

impl<T: DeserializeOwned> FromRequest<App> for Upload<T> {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Response> {
        let (visit, kind, body) =
            received(request, app, is_multipart).await.map_err(IntoResponse::into_response)?;
        let taken = fields_and_file(&kind, body).await;
        let (fields, file) = taken.map_err(|_| Failure::from(Code::RequestInvalid).into_response())?;
        Ok(Self { posted: Posted::read(visit, fields.as_bytes())?, file })
    }
}

/// The body is no such form.
#[derive(Debug, PartialEq, Eq)]
struct Malformed;

impl From<multer::Error> for Malformed {
    fn from(_: multer::Error) -> Self {
        Self
    }
}

fn is_multipart(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default();
    kind.trim().eq_ignore_ascii_case("multipart/form-data")
}

/// The fields as any other form sends them, and the file.
async fn fields_and_file(kind: &str, body: Bytes) -> Result<(String, Option<Bytes>), Malformed> {
    let boundary = parse_boundary(kind)?;
    let first = body.strip_prefix(b"--").and_then(|rest| rest.strip_prefix(boundary.as_bytes()));
    if !(1..=LONGEST_BOUNDARY).contains(&boundary.len()) || first.is_none() {
        return Err(Malformed);
    }
    let mut form = Multipart::new(stream::iter([Ok::<_, multer::Error>(body)]), boundary);
    let (mut fields, mut file, mut parts) = (Vec::new(), None, 0);
    while let Some(part) = form.next_field().await? {
        parts += 1;
        if parts > MOST_PARTS {
            return Err(Malformed);
        }
        let (name, is_file) = named(&part)?;
        let bytes = part.bytes().await?;
        if !is_file {
            fields.push((name, text(&bytes)?.to_owned()));
        } else if !bytes.is_empty() && file.replace(bytes).is_some() {
            return Err(Malformed);
        }
    }
    Ok((Serializer::new(String::new()).extend_pairs(fields).finish(), file))
}

/// The name of a part, and whether it is a file: a file's own name says nothing that could be believed.
fn named(part: &Field<'_>) -> Result<(String, bool), Malformed> {
    let head: usize = part.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    let kind = part.headers().get(CONTENT_DISPOSITION).ok_or(Malformed)?;
    let kind = kind.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
    let name = part.name().filter(|name| !name.is_empty() && !name.contains(char::is_control));
    match name {
        Some(name) if head <= LONGEST_HEAD && kind.trim_ascii().eq_ignore_ascii_case(b"form-data") => {
            Ok((name.to_owned(), part.file_name().is_some()))
        }
        _ => Err(Malformed),
    }
}

/// What a field holds that is no file: a zero byte is nothing that a database text could hold.
fn text(bytes: &[u8]) -> Result<&str, Malformed> {
    std::str::from_utf8(bytes).ok().filter(|text| !text.contains('\0')).ok_or(Malformed)
}

#[cfg(test)]
mod tests;
