//! Counting what was judged: once when its answer begins, and what its bodies were when they are over.
//!
//! A request is counted before whoever sent it sees an answer, so who asks afterwards how many there were is
//! told all of them. Who leaves before there is an answer is counted without a status.

use std::{
    fmt,
    pin::Pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::body::{Body, Bytes};
use doorward_proto::time::Time;
use http::StatusCode;
use hyper::body::{Body as HttpBody, Frame, SizeHint};

use crate::{Clock, Decided, Decision};

/// Counts what the gateway has judged.
pub trait Meter: Send + Sync + 'static {
    /// Something is to be counted. This is on every request's way and must not wait.
    fn count(&self, metered: &Metered<'_>);
}

/// A request that was judged, or more of one that was counted before.
#[derive(Debug)]
pub struct Metered<'m> {
    /// Who asked for what, and what was said.
    pub decision: &'m Decision,
    /// When it was judged; the same for all of one request.
    pub at: Time,
    /// Whether this is the request itself, and not more of one that was counted before.
    pub is_request: bool,
    /// Whether it was not let through. What was, and failed behind us, was let through.
    pub is_denied: bool,
    /// What it was answered; none where who asked has gone before.
    pub status: Option<StatusCode>,
    /// Bytes of its body, of what goes through us.
    pub request_bytes: u64,
    /// Bytes of its answer's body, of what goes through us.
    pub response_bytes: u64,
    /// How long it took until its answer began.
    pub took: Duration,
}

/// By whom a request is counted.
pub(crate) struct Metering {
    pub(crate) meter: Arc<dyn Meter>,
    pub(crate) clock: Clock,
    pub(crate) began: Time,
}

/// What there is of one request.
#[derive(Default)]
pub(crate) struct Tally {
    metering: OnceLock<Metering>,
    answered: OnceLock<StatusCode>,
    request_bytes: AtomicU64,
    response_bytes: AtomicU64,
}

impl fmt::Debug for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tally").field(&self.answered).finish()
    }
}

impl Tally {
    pub(crate) fn begin(&self, metering: Metering) {
        self.metering.get_or_init(|| metering);
    }

    pub(crate) fn answered(&self, decision: &Decision, is_denied: bool, status: StatusCode) {
        // Of a request within a request only the outer one's answer goes out.
        if self.answered.set(status).is_ok() {
            self.count(decision, is_denied, (true, Some(status)));
        }
    }

    pub(crate) fn end(&self, decision: &Decision, is_denied: bool) {
        let status = self.answered.get().copied();
        let has_more =
            [&self.request_bytes, &self.response_bytes].iter().any(|it| it.load(Ordering::Acquire) > 0);
        if status.is_none() || has_more {
            self.count(decision, is_denied, (status.is_none(), status));
        }
    }

    fn count(&self, decision: &Decision, is_denied: bool, (is_request, status): (bool, Option<StatusCode>)) {
        let Some(Metering { meter, clock, began }) = self.metering.get() else { return };
        let refused = decision.refused.and_then(|why| StatusCode::from_u16(why.class().status()).ok());
        meter.count(&Metered {
            decision,
            at: *began,
            is_request,
            is_denied,
            status: status.map(|status| refused.unwrap_or(status)),
            request_bytes: self.request_bytes.swap(0, Ordering::AcqRel),
            response_bytes: self.response_bytes.swap(0, Ordering::AcqRel),
            took: if is_request { clock().since(*began) } else { Duration::ZERO },
        });
    }

    pub(crate) fn add_request(&self, bytes: usize) {
        self.request_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn add_response(&self, bytes: usize) {
        self.response_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

/// Which way a body goes.
#[derive(Clone, Copy)]
pub(crate) enum Way {
    In,
    Out,
}

/// The body, with its bytes counted.
pub(crate) fn weighed(body: Body, way: Way, decided: &Decided) -> Body {
    if body.is_end_stream() {
        return body;
    }
    Body::new(Weighed { body, way, decided: decided.clone() })
}

struct Weighed {
    body: Body,
    way: Way,
    decided: Decided,
}

impl HttpBody for Weighed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(part))) = &frame {
            let bytes = part.data_ref().map_or(0, Bytes::len);
            match self.way {
                Way::In => self.decided.tally().add_request(bytes),
                Way::Out => self.decided.tally().add_response(bytes),
            }
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
