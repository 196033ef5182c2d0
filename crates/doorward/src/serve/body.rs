//! A request's body within a time: who sends a byte a minute does not hold a handler for long.
//!
//! The time is for the whole body, from the first moment that had to be waited for; it is not begun
//! anew by each byte. Of a body that goes on to somebody else as it comes each part has that time.

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
use hyper::body::{Body, Frame, Incoming, SizeHint};

/// Whether a body came too late: for who answers.
#[derive(Debug, Clone, Default)]
pub(super) struct Late(Arc<AtomicBool>);

impl Late {
    pub(super) fn is_so(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// A body that fails when it is not whole in time.
pub(super) struct Timely {
    body: Incoming,
    limit: Duration,
    deadline: Option<BoxFuture<'static, ()>>,
    late: Late,
    flows: bool,
}

#[derive(Debug, thiserror::Error)]
#[error("the body did not arrive in time")]
struct TooSlow;

impl Timely {
    pub(super) fn new(body: Incoming, limit: Duration, late: Late) -> Self {
        Self { body, limit, deadline: None, late, flows: false }
    }

    /// A body of which each part has the time.
    pub(super) fn flowing(body: Incoming, limit: Duration, late: Late) -> Self {
        Self { body, limit, deadline: None, late, flows: true }
    }
}

impl Body for Timely {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            if self.flows {
                self.deadline = None;
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let limit = self.limit;
        let deadline = self.deadline.get_or_insert_with(|| Box::pin(super::pause(limit)));
        ready!(deadline.as_mut().poll(context));
        self.late.0.store(true, Ordering::Release);
        Poll::Ready(Some(Err(TooSlow.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
