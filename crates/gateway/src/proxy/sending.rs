//! A body on its way to the application: the time for the answer begins when there is nothing left to send, or
//! nothing has moved. What stands after a body was judged by nobody, and goes no further.

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
use hyper::body::{Body as HttpBody, Frame, SizeHint};

/// What is known of a body on its way.
#[derive(Clone, Default)]
pub(super) struct Sending(Arc<State>);

#[derive(Default)]
struct State {
    parts: AtomicU64,
    is_broken: AtomicBool,
}

/// The body, with its parts counted.
pub(super) fn watch(body: Body) -> (Body, Sending) {
    let sending = Sending::default();
    if body.is_end_stream() {
        return (body, sending);
    }
    (Body::new(Watched { body, sending: sending.clone() }), sending)
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
}

struct Watched {
    body: Body,
    sending: Sending,
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        match &frame {
            Poll::Ready(Some(Err(_))) => self.sending.0.is_broken.store(true, Ordering::Release),
            Poll::Ready(Some(Ok(frame))) if frame.is_trailers() => return Poll::Ready(None),
            Poll::Ready(_) => {
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

    /// An application that speaks HTTP/2 would be told them as they came.
    #[tokio::test]
    async fn trailers_stay_here() {
        let trailers = HeaderMap::from_iter([(
            http::HeaderName::from_static("x-user-id"),
            HeaderValue::from_static("forged"),
        )]);
        let frames = [Frame::data(Bytes::from_static(b"body")), Frame::trailers(trailers)];
        let body = Body::new(StreamBody::new(stream::iter(frames.map(Ok::<_, axum::Error>))));
        let (watched, sending) = watch(body);
        let whole = watched.collect().await.unwrap();
        assert!(whole.trailers().is_none());
        assert_eq!(whole.to_bytes(), "body");
        assert!(!sending.is_broken());
    }
}
