//! Kept connections to applications over plain HTTP/1.1, each driven by whoever has a request on it.
//!
//! Nothing runs beside the request: the task that waits for the answer is the one that writes the question and
//! reads what comes back, so no other task has to be woken for each part, on another core at worst. A connection on
//! which a question is still being sent when its answer begins gets a task of its own, so that neither waits for the
//! other.

use std::{
    future::poll_fn,
    io,
    pin::{Pin, pin},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use axum::body::{Body, Bytes};
use futures_util::future::BoxFuture;
use http::{Request, Response};
use hyper::{
    body::{Body as HttpBody, Frame, Incoming, SizeHint},
    client::conn::{TrySendError, http1},
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::client::{IDLE, KEPT, LONGEST_HEAD};

/// What a connection is made of.
pub(super) type Io = TokioIo<TcpStream>;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoAnswer {
    /// Nothing was sent.
    #[error("no connection: {0}")]
    Unreached(#[source] io::Error),
    /// Some of it may have been sent.
    #[error(transparent)]
    Broken(#[from] hyper::Error),
}

/// The connections to one place.
#[derive(Default)]
pub(crate) struct Lines {
    kept: Mutex<Vec<Kept>>,
    is_swept: AtomicBool,
}

struct Kept {
    line: Box<Line>,
    /// Whether nobody has used it since the last sweep.
    is_idle: bool,
}

/// A connection. It stands still while nobody drives it. It is large, and handed on for each request: boxed.
struct Line {
    sender: http1::SendRequest<Body>,
    /// `None` once it is over.
    connection: Option<http1::Connection<Io, Body>>,
}

impl Line {
    async fn open(io: Io) -> Result<Box<Self>, hyper::Error> {
        let builder = http1::Builder::new().max_buf_size(LONGEST_HEAD).handshake(io);
        let (sender, connection) = builder.await?;
        Ok(Box::new(Self { sender, connection: Some(connection) }))
    }

    /// Has the connection do what it can. What goes wrong is told where the answer is waited for.
    fn drive(&mut self, context: &mut Context<'_>) {
        if self.connection.as_mut().is_some_and(|it| Pin::new(it).poll(context).is_ready()) {
            self.connection = None;
        }
    }

    /// Whether it is open, and has nothing more to do for anybody.
    fn is_free(&mut self, context: &mut Context<'_>) -> bool {
        self.drive(context);
        self.connection.is_some() && self.sender.is_ready()
    }

    /// The same, for who is not being polled.
    async fn is_free_now(&mut self) -> bool {
        poll_fn(|context| Poll::Ready(self.is_free(context))).await
    }

    async fn ask(
        &mut self,
        request: Request<Body>,
    ) -> Result<Response<Incoming>, TrySendError<Request<Body>>> {
        let mut answer = pin!(self.sender.try_send_request(request));
        poll_fn(|context| {
            self.drive(context);
            answer.as_mut().poll(context)
        })
        .await
    }
}

impl Lines {
    /// Sends a request on a kept connection, or a new one. `is_sent` tells whether all of its body was read.
    ///
    /// # Errors
    /// A kept connection that was found closed is no error, as long as nothing had been written on it.
    pub(super) async fn send(
        self: &Arc<Self>,
        mut request: Request<Body>,
        connect: impl Fn() -> BoxFuture<'static, io::Result<Io>>,
        is_sent: impl Fn() -> bool,
    ) -> Result<Response<Body>, NoAnswer> {
        loop {
            let kept = self.take().await;
            let is_kept = kept.is_some();
            let mut line = match kept {
                Some(line) => line,
                None => Line::open(connect().await.map_err(NoAnswer::Unreached)?).await?,
            };
            match line.ask(request).await {
                Ok(answer) => return Ok(self.carried(answer, line, is_sent()).await),
                Err(mut failed) => match failed.take_message().filter(|_| is_kept) {
                    Some(unsent) => request = unsent,
                    None => return Err(failed.into_error().into()),
                },
            }
        }
    }

    /// A kept connection that is still open; the one that was used last.
    async fn take(&self) -> Option<Box<Line>> {
        loop {
            let Kept { mut line, .. } = self.kept().pop()?;
            if line.is_free_now().await {
                return Some(line);
            }
        }
    }

    /// The answer, which holds its connection for as long as something is to be read from it.
    async fn carried(
        self: &Arc<Self>,
        answer: Response<Incoming>,
        mut line: Box<Line>,
        is_sent: bool,
    ) -> Response<Body> {
        if !is_sent {
            if let Some(connection) = line.connection.take() {
                tokio::spawn(connection);
            }
            return answer.map(Body::new);
        }
        if answer.body().is_end_stream() {
            if line.is_free_now().await {
                self.keep(line);
            }
            return answer.map(|_| Body::empty());
        }
        let lines = Arc::clone(self);
        answer.map(|body| Body::new(Carried { body, line: Some(line), lines }))
    }

    fn keep(self: &Arc<Self>, line: Box<Line>) {
        let mut kept = self.kept();
        if kept.len() < KEPT {
            kept.push(Kept { line, is_idle: false });
        }
        drop(kept);
        if !self.is_swept.swap(true, Ordering::AcqRel) {
            tokio::spawn(sweep(Arc::downgrade(self)));
        }
    }

    /// Closes what was not used since the last time; answers whether anything is left.
    fn close_idle(&self) -> bool {
        let mut kept = self.kept();
        kept.retain_mut(|kept| !std::mem::replace(&mut kept.is_idle, true));
        if kept.is_empty() {
            self.is_swept.store(false, Ordering::Release);
        }
        !kept.is_empty()
    }

    fn kept(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn sweep(lines: Weak<Lines>) {
    let mut ticks = tokio::time::interval(IDLE / 2);
    ticks.tick().await;
    loop {
        ticks.tick().await;
        if !lines.upgrade().is_some_and(|lines| lines.close_idle()) {
            return;
        }
    }
}

/// An answer's body, with the connection that it comes on.
struct Carried {
    body: Incoming,
    /// Until the answer is whole; with the body it goes down.
    line: Option<Box<Line>>,
    lines: Arc<Lines>,
}

impl HttpBody for Carried {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = &mut *self;
        let mut frame = Pin::new(&mut this.body).poll_frame(context);
        if frame.is_pending()
            && let Some(line) = &mut this.line
        {
            line.drive(context);
            frame = Pin::new(&mut this.body).poll_frame(context);
        }
        let is_whole = matches!(&frame, Poll::Ready(None)) || this.body.is_end_stream();
        if is_whole
            && let Some(mut line) = this.line.take()
            && line.is_free(context)
        {
            this.lines.keep(line);
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
mod tests;
