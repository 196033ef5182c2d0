//! Whether a peer takes what it is answered: who reads nothing, or asks for nothing any more, does not keep
//! a connection.
//!
//! [`Taken`] ends a connection on which a write waits for too long, whatever is spoken on it. [`Streams`]
//! does the same for HTTP/2, where an answer may wait although the connection moves: a client can leave a
//! stream without room, and can answer pings for ever without a request.

use std::{
    collections::BTreeMap,
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::body::Body;
use bytes::Bytes;
use doorward_core::env::Env;
use futures_util::future::BoxFuture;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::connection::Limits;

/// A connection whose peer reads what was written within a time.
pub(super) struct Taken<S> {
    stream: S,
    limit: Duration,
    deadline: Option<BoxFuture<'static, ()>>,
}

impl<S> Taken<S> {
    pub(super) fn new(stream: S, limit: Duration) -> Self {
        Self { stream, limit, deadline: None }
    }

    /// The time is for everything up to the next flush, not begun anew by each byte that goes.
    fn within<T>(&mut self, context: &mut Context<'_>, outcome: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            return outcome;
        }
        let limit = self.limit;
        let deadline = self.deadline.get_or_insert_with(|| Box::pin(super::pause(limit)));
        ready!(deadline.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Taken<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Taken<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.within(context, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.within(context, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_flush(context);
        if outcome.is_ready() {
            self.deadline = None;
        }
        self.within(context, outcome)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_shutdown(context);
        self.within(context, outcome)
    }
}

/// The streams of one HTTP/2 connection.
#[derive(Clone, Default)]
pub(super) struct Streams(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    begun: u64,
    open: usize,
    /// Since when each open stream has a part of its answer that was not followed by a question for more.
    waiting: BTreeMap<u64, Duration>,
}

/// One of them, from its request until its answer is taken.
pub(super) struct Stream {
    streams: Streams,
    number: u64,
}

impl Streams {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn begin(&self) -> Stream {
        let mut state = self.state();
        state.begun += 1;
        state.open += 1;
        Stream { streams: self.clone(), number: state.begun }
    }

    /// Waits until the connection has had no request for a while, or an answer was not taken in time.
    pub(super) async fn over(&self, env: &Env, limits: Limits) {
        let mut seen = 0;
        loop {
            super::pause(limits.head).await;
            let state = self.state();
            let oldest = state.waiting.values().min();
            let is_stuck = oldest.is_some_and(|at| env.monotonic().saturating_sub(*at) >= limits.answer);
            if is_stuck || (state.open == 0 && state.begun == seen) {
                return;
            }
            seen = state.begun;
        }
    }
}

impl Stream {
    /// The answer, which holds the stream open until it is taken or given up.
    pub(super) fn answered(self, body: Body, env: &Env) -> Body {
        self.waits_since(Some(env.monotonic()));
        Body::new(Held { body, stream: self, env: env.clone() })
    }

    fn waits_since(&self, since: Option<Duration>) {
        let mut state = self.streams.state();
        match since {
            Some(since) => state.waiting.insert(self.number, since),
            None => state.waiting.remove(&self.number),
        };
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let mut state = self.streams.state();
        state.open -= 1;
        state.waiting.remove(&self.number);
    }
}

struct Held {
    body: Body,
    stream: Stream,
    env: Env,
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        // Who asks has taken what was there; whether there is more to take is not up to them.
        self.stream.waits_since(frame.is_ready().then(|| self.env.monotonic()));
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
