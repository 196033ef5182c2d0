//! A body on its way to the application: the time for the answer begins when there is nothing left to send, or
//! nothing has moved. It breaks off when its sender would be refused, also when the answer came before its end. What
//! stands after a body was judged by nobody, and goes no further.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::body::{Body, Bytes};
use futures_util::future::BoxFuture;
use hyper::body::{Body as HttpBody, Frame, SizeHint};

/// What is known of a body on its way.
#[derive(Clone, Default)]
pub(super) struct Sending(Arc<State>);

#[derive(Default)]
struct State {
    parts: AtomicU64,
    is_broken: AtomicBool,
    is_too_long: AtomicBool,
    is_refused: AtomicBool,
}

/// Parts that a body may have before it counts as a stream.
const AT_ONCE: u64 = 8;

/// The body, with its parts counted. One that is longer than this breaks off, and one whose sender is refused.
pub(super) fn watch(
    body: Body,
    most: Option<u64>,
    refused: impl FnOnce() -> BoxFuture<'static, ()>,
) -> (Body, Sending) {
    let sending = Sending::default();
    if body.is_end_stream() {
        return (body, sending);
    }
    let left = most.unwrap_or(u64::MAX);
    (Body::new(Watched { body, left, sending: sending.clone(), refused: refused() }), sending)
}

impl Sending {
    /// The answer, unless none begins for this long after the last part was sent.
    pub(super) async fn answered<T>(&self, answer: impl Future<Output = T>, limit: Duration) -> Option<T> {
        let mut answer = std::pin::pin!(answer);
        let mut seen = self.0.parts.load(Ordering::Acquire);
        loop {
            if let Ok(answer) = tokio::time::timeout(limit, answer.as_mut()).await {
                return Some(answer);
            }
            let parts = self.0.parts.load(Ordering::Acquire);
            if parts == seen {
                return None;
            }
            seen = parts;
        }
    }

    /// Whether it was the client that broke off, or sent what is no body.
    pub(super) fn is_broken(&self) -> bool {
        self.0.is_broken.load(Ordering::Acquire)
    }

    /// Whether its sender would not be let through any more.
    pub(super) fn is_refused(&self) -> bool {
        self.0.is_refused.load(Ordering::Acquire)
    }

    /// Whether there was more of it than the route takes.
    pub(super) fn is_too_long(&self) -> bool {
        self.0.is_too_long.load(Ordering::Acquire)
    }
}

struct Watched {
    body: Body,
    left: u64,
    sending: Sending,
    /// Not asked again once it has said so.
    refused: BoxFuture<'static, ()>,
}

#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("the body is longer than the route takes")]
    TooLong,
    #[error("the credential of this body is not good any more")]
    Refused,
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.sending.is_refused() {
            return Poll::Ready(Some(Err(axum::Error::new(Broken::Refused))));
        }
        let frame = Pin::new(&mut self.body).poll_frame(context);
        // Most bodies are there at once; only about a stream is asked again.
        let is_stream = frame.is_pending() || self.sending.0.parts.load(Ordering::Acquire) >= AT_ONCE;
        if is_stream && self.refused.as_mut().poll(context).is_ready() {
            self.sending.0.is_refused.store(true, Ordering::Release);
            return Poll::Ready(Some(Err(axum::Error::new(Broken::Refused))));
        }
        match &frame {
            Poll::Ready(Some(Err(_))) => self.sending.0.is_broken.store(true, Ordering::Release),
            Poll::Ready(Some(Ok(frame))) if frame.is_trailers() => return Poll::Ready(None),
            Poll::Ready(Some(Ok(frame))) => {
                let length = frame.data_ref().map_or(0, |data| data.len() as u64);
                let Some(left) = self.left.checked_sub(length) else {
                    self.sending.0.is_too_long.store(true, Ordering::Release);
                    return Poll::Ready(Some(Err(axum::Error::new(Broken::TooLong))));
                };
                self.left = left;
                self.sending.0.parts.fetch_add(1, Ordering::AcqRel);
            }
            Poll::Ready(None) => {
                self.sending.0.parts.fetch_add(1, Ordering::AcqRel);
            }
            Poll::Pending => {}
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use http::{HeaderMap, HeaderValue};
    use http_body_util::{BodyExt as _, StreamBody};

    use super::*;

    fn never() -> BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }

    /// An application that speaks HTTP/2 would be told them as they came.
    #[tokio::test]
    async fn trailers_stay_here() {
        let trailers = HeaderMap::from_iter([(
            http::HeaderName::from_static("x-user-id"),
            HeaderValue::from_static("forged"),
        )]);
        let frames = [Frame::data(Bytes::from_static(b"body")), Frame::trailers(trailers)];
        let body = Body::new(StreamBody::new(stream::iter(frames.map(Ok::<_, axum::Error>))));
        let (watched, sending) = watch(body, Some(4), never);
        let whole = watched.collect().await.unwrap();
        assert!(whole.trailers().is_none());
        assert_eq!(whole.to_bytes(), "body");
        assert!(!sending.is_broken() && !sending.is_too_long());
    }

    #[tokio::test]
    async fn a_body_that_is_too_long_has_no_end() {
        for (parts, expect) in
            [(vec!["body", "12345"], 0), (vec!["0123456789"], 1), (vec!["body", "12345", "6"], 1)]
        {
            let parts =
                parts.into_iter().map(|part| Ok::<_, std::io::Error>(Bytes::from_static(part.as_bytes())));
            let (mut watched, sending) = watch(Body::from_stream(stream::iter(parts)), Some(9), never);
            let mut errors = 0;
            while let Some(frame) = watched.frame().await {
                if frame.is_err() {
                    errors += 1;
                    break;
                }
            }
            assert_eq!((errors, sending.is_too_long()), (expect, expect == 1));
        }
    }
}
