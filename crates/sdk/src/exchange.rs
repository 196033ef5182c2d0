//! One HTTP request and its answer, for whoever has to ask somebody: for keys, for a token.
//!
//! A program that has an HTTP client of its own implements [`Http`] with it. The one that is shipped (feature
//! `hyper`) speaks HTTP/1.1 with the certificate authorities of the machine, follows no redirects, and gives
//! up after a while and after a number of bytes.

use std::time::Duration;

use futures_util::future::BoxFuture;
use http::{Request, Response};

#[cfg(feature = "hyper")]
mod hyper;

#[cfg(feature = "hyper")]
pub use self::hyper::Hyper;

/// There is no answer, or none that can be used; the text is for a log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoAnswer(pub String);

/// How long whoever asks is ready to wait, in place of the client's own time: among the extensions of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Within(pub Duration);

/// Sends requests.
pub trait Http: Send + Sync + 'static {
    /// Sends one, and reads the answer to its end. Whatever the status is, it is an answer. No redirect is
    /// followed: whoever asks would hand its credentials to somebody else.
    fn send(&self, request: Request<Vec<u8>>) -> BoxFuture<'_, Result<Response<Vec<u8>>, NoAnswer>>;

    /// Sends one to an address that a stranger has named, and only to public addresses: the name is resolved, every
    /// address that it has is looked at, and one of those is connected to. A client that cannot do so sends nothing.
    fn send_public(&self, request: Request<Vec<u8>>) -> BoxFuture<'_, Result<Response<Vec<u8>>, NoAnswer>> {
        let place = request.uri().host().unwrap_or_default().to_owned();
        let what = "this HTTP client does not look at what names resolve to, so only addresses that you name are read";
        Box::pin(std::future::ready(Err(NoAnswer(format!("{place}: {what}")))))
    }
}
