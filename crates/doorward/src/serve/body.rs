//! A request's body within a time: who sends a byte a minute does not hold a handler for long.
//!
//! The time is for the whole body, from the first moment that had to be waited for; it is not begun
//! anew by each byte. Of a body that goes on to somebody else as it comes each part has that time.
//!
//! What nobody wants to read is taken in and thrown away, within the same time: a client that sends before it
//! listens (most do, RFC 9112 9.6) would otherwise find its connection reset, and the answer lost.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::BoxError;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, Incoming, SizeHint};

/// Whether a body came too late: for who answers.
#[derive(Debug, Clone, Default)]
pub(super) struct Late(Arc<AtomicBool>);

impl Late {
    pub(super) fn is_so(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Of what nobody reads no more is taken in.
const THROWN_AWAY: u64 = 64 << 20;

/// A body that fails when it is not whole in time.
pub(super) struct Timely {
    /// `None` once there is nothing more to come.
    body: Option<Incoming>,
    limit: Duration,
    deadline: Option<BoxFuture<'static, ()>>,
    late: Late,
    flows: bool,
    /// The client sends the rest whether or not anybody reads it.
    sends_on: bool,
}

#[derive(Debug, thiserror::Error)]
#[error("the body did not arrive in time")]
struct TooSlow;

impl Timely {
    /// Where it `flows`, each part has the time.
    pub(super) fn new(body: Incoming, limit: Duration, late: Late, (flows, sends_on): (bool, bool)) -> Self {
        Self { body: Some(body), limit, deadline: None, late, flows, sends_on }
    }
}

impl Drop for Timely {
    fn drop(&mut self) {
        let unread = self.body.take().filter(|body| self.sends_on && !body.is_end_stream());
        if let (Some(body), Ok(runtime)) = (unread, tokio::runtime::Handle::try_current()) {
            runtime.spawn(tokio::time::timeout(self.limit, throw_away(body)));
        }
    }
}

async fn throw_away(mut body: Incoming) {
    let mut taken = 0;
    while taken < THROWN_AWAY
        && let Some(Ok(frame)) = body.frame().await
    {
        taken += frame.data_ref().map_or(0, |data| data.len() as u64);
    }
}

impl Body for Timely {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        if let Poll::Ready(frame) = Pin::new(body).poll_frame(context) {
            if self.flows {
                self.deadline = None;
            }
            if !matches!(frame, Some(Ok(_))) {
                self.body = None;
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let limit = self.limit;
        let deadline = self.deadline.get_or_insert_with(|| Box::pin(super::pause(limit)));
        ready!(deadline.as_mut().poll(context));
        self.late.0.store(true, Ordering::Release);
        self.body = None;
        Poll::Ready(Some(Err(TooSlow.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}
