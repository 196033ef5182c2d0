//! How documents are read from the web: through one small trait, so that whoever embeds this decides which
//! addresses can be reached. [`Web`] does it over any [`Http`].

use std::{net::IpAddr, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use http::{HeaderMap, Request, Uri, header};

use crate::exchange::Http;

/// No answer is longer.
pub const LONGEST: usize = 64 * 1024;

/// Who named an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamedBy {
    /// The operator, in the configuration: any host by https, and this machine by plain http.
    Operator,
    /// A document from elsewhere: only hosts of the public network, by https.
    Document,
}

/// What was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The HTTP status.
    pub status: u16,
    /// How long it may be kept (RFC 9111 5.2.2.1), when it says so.
    pub max_age: Option<Duration>,
    /// At most [`LONGEST`] bytes.
    pub body: Vec<u8>,
}

/// Reads documents. No redirect is followed, and none of them gets a credential or a cookie.
pub trait Fetch: Send + Sync + 'static {
    /// Reads one document by GET.
    ///
    /// # Errors
    /// In words for the log: an address that may not be reached, no answer within that time, a longer one.
    fn get<'a>(
        &'a self,
        url: &'a str,
        named_by: NamedBy,
        within: Duration,
    ) -> BoxFuture<'a, Result<Fetched, String>>;
}

/// Reads over any HTTP client. It looks at addresses as they are written, and resolves no names: who has
/// something to hide in its network reads through a client that looks at what they resolve to.
pub struct Web(pub Arc<dyn Http>);

impl Fetch for Web {
    fn get<'a>(
        &'a self,
        url: &'a str,
        named_by: NamedBy,
        within: Duration,
    ) -> BoxFuture<'a, Result<Fetched, String>> {
        Box::pin(async move {
            let target: Uri = url.parse().map_err(|error| format!("{url}: {error}"))?;
            check(&target, named_by).map_err(|why| format!("{url}: {why}"))?;
            let accept = "application/json, application/jwk-set+json";
            let request = Request::get(target).header(header::ACCEPT, accept).body(Vec::new());
            let request = request.map_err(|error| format!("{url}: {error}"))?;
            let answer = tokio::time::timeout(within, self.0.send(request)).await;
            let answer = answer.map_err(|_| format!("{url} does not answer within {within:?}"))?;
            let answer = answer.map_err(|error| format!("{url}: {error}"))?;
            if answer.body().len() > LONGEST {
                return Err(format!("{url} answers with more than {LONGEST} bytes"));
            }
            let status = answer.status().as_u16();
            Ok(Fetched { status, max_age: max_age(answer.headers()), body: answer.into_body() })
        })
    }
}

/// What can be judged of an address as it is written.
pub(crate) fn check(target: &Uri, named_by: NamedBy) -> Result<(), &'static str> {
    let host = target.host().ok_or("an address without a host")?;
    let literal: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
    let is_here = host == "localhost" || literal.is_some_and(|address| address.to_canonical().is_loopback());
    match (target.scheme_str(), named_by) {
        (Some("https"), NamedBy::Operator) => Ok(()),
        (Some("http"), NamedBy::Operator) if is_here => Ok(()),
        (Some("https"), NamedBy::Document) if !is_here && literal.is_none() => Ok(()),
        (_, NamedBy::Document) => Err("a document may only name a public host, by https"),
        _ => Err("plain http can be changed on the way; use https"),
    }
}

/// `Cache-Control: max-age` of an answer; `no-store` and `no-cache` are none at all.
pub fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let control = headers.get_all(header::CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    let mut directives = control.flat_map(|value| value.split(',')).map(str::trim);
    directives.find_map(|directive| match directive.split_once('=') {
        None if matches!(directive, "no-store" | "no-cache") => Some(Duration::ZERO),
        Some(("max-age", seconds)) => seconds.trim_matches('"').parse().ok().map(Duration::from_secs),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn documents_do_not_lead_into_the_network_of_their_reader() {
        let cases = [
            ("https://id.example.com/keys", true, true),
            ("https://10.0.0.7/keys", true, false),
            ("https://[fd00::1]/keys", true, false),
            ("http://localhost:8080/keys", true, false),
            ("http://127.0.0.1:8080/keys", true, false),
            ("https://127.0.0.1/keys", true, false),
            ("http://id.example.com/keys", false, false),
            ("http://10.0.0.7/keys", false, false),
        ];
        for (url, by_operator, by_document) in cases {
            let target: Uri = url.parse().unwrap();
            assert_eq!(check(&target, NamedBy::Operator).is_ok(), by_operator, "{url}");
            assert_eq!(check(&target, NamedBy::Document).is_ok(), by_document, "{url}");
        }
    }

    #[test]
    fn answers_say_how_long_they_may_be_kept() {
        let cases = [
            ("public, max-age=60", Some(60)),
            ("max-age=\"60\"", Some(60)),
            ("no-cache", Some(0)),
            ("public", None),
            ("max-age=soon", None),
        ];
        for (control, expected) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(control));
            assert_eq!(max_age(&headers), expected.map(Duration::from_secs), "{control}");
        }
    }
}
