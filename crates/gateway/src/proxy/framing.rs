//! Where the body of a request ends: said once, so that nobody on the way takes its rest for another request
//! (RFC 9112 6.3).

use axum::body::Body;
use doorward_judge::{Refusal, Why};
use http::{HeaderMap, HeaderValue, Method, header};
use hyper::body::Body as _;

/// Refuses every coding but `chunked`, and that one twice.
///
/// # Errors
/// `RequestInvalid`.
pub(super) fn check(headers: &HeaderMap) -> Result<(), Refusal> {
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    let is_plain = |coding: &HeaderValue| coding.as_bytes().eq_ignore_ascii_case(b"chunked");
    if codings.next().is_none_or(is_plain) && codings.next().is_none() {
        return Ok(());
    }
    Err(Refusal::new(Why::RequestInvalid).hint("No transfer coding but chunked is read"))
}

/// Says it in the headers of the request that goes on.
///
/// # Errors
/// `RequestInvalid` for lengths that differ, or that the body does not have; `RequestTooLarge`.
pub(super) fn say(
    method: &Method,
    headers: &mut HeaderMap,
    (body, most): (&Body, Option<u64>),
) -> Result<(), Refusal> {
    let mut lengths = headers.get_all(header::CONTENT_LENGTH).iter().map(length);
    match lengths.next() {
        Some(first) => {
            let is_one = lengths.all(|other| other == first);
            let length = first.filter(|length| is_one && (*length == 0 || !body.is_end_stream()));
            let wrong = || Refusal::new(Why::RequestInvalid).hint("Content-Length is not that of the body");
            let length = length.ok_or_else(wrong)?;
            if most.is_some_and(|most| length > most) {
                return Err(Why::RequestTooLarge.into());
            }
            // HTTP/2 lets it be said twice, and some read `04` as another number.
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        }
        // The body of a GET would not be sent without this; over HTTP/2 it is left out again.
        None if !body.is_end_stream() && matches!(*method, Method::GET | Method::HEAD) => {
            headers.insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        }
        None => {}
    }
    Ok(())
}

fn length(value: &HeaderValue) -> Option<u64> {
    let text = value.to_str().ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use axum::body::Bytes;
    use futures_util::stream;

    use super::*;

    fn said(method: &Method, lengths: &[&'static str], has_body: bool) -> Option<(String, bool)> {
        let mut headers = HeaderMap::new();
        for length in lengths {
            headers.append(header::CONTENT_LENGTH, HeaderValue::from_static(length));
        }
        let part = stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"body"))]);
        let body = if has_body { Body::from_stream(part) } else { Body::empty() };
        say(method, &mut headers, (&body, Some(9))).ok()?;
        let lengths: Vec<_> = headers.get_all(header::CONTENT_LENGTH).iter().collect();
        let lengths: Vec<_> = lengths.into_iter().map(|length| length.to_str().unwrap()).collect();
        Some((lengths.join("|"), headers.contains_key(header::TRANSFER_ENCODING)))
    }

    #[test]
    fn a_body_has_one_end() {
        let (get, post) = (&Method::GET, &Method::POST);
        for (method, lengths, has_body, expect) in [
            (post, &["4"][..], true, Some(("4", false))),
            (post, &["4", "4"], true, Some(("4", false))),
            (post, &["04", "4"], true, Some(("4", false))),
            (post, &[], true, Some(("", false))),
            (post, &[], false, Some(("", false))),
            (get, &[], true, Some(("", true))),
            (get, &[], false, Some(("", false))),
            (get, &["0"], false, Some(("0", false))),
            (get, &["00"], false, Some(("0", false))),
            (post, &["4"], false, None),
            (post, &["0", "4"], false, None),
            (post, &["4", "5"], true, None),
            (post, &["4, 4"], true, None),
            (post, &["+4"], true, None),
            (post, &[""], true, None),
            (post, &["99999999999999999999"], true, None),
            (post, &["9"], true, Some(("9", false))),
            (post, &["10"], true, None),
        ] {
            let expect = expect.map(|(length, is_chunked)| (length.to_owned(), is_chunked));
            assert_eq!(said(method, lengths, has_body), expect, "{method} {lengths:?} {has_body}");
        }
    }
}
