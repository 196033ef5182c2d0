//! Whether whoever was let through still would be: asked twice a second while a stream is open.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::body::{Body, Bytes};
use doorward_judge::Asked;
use futures_util::future::BoxFuture;
use http::Response;
use hyper::body::{Body as HttpBody, Frame, SizeHint};

use super::Passage;
use crate::{Inner, Origin, judged::Admitted};

const EVERY: Duration = Duration::from_millis(500);
/// Parts that an answer may have before it counts as a stream.
const AT_ONCE: u8 = 8;

/// Ends when whoever was let through would not be any more; never for who was let through as nobody.
pub(super) fn refused(
    gateway: &Arc<Inner>,
    origin: &Origin,
    passage: &Passage<'_>,
    admitted: &Admitted<'_>,
) -> BoxFuture<'static, ()> {
    let Some(credential) = admitted.credential.clone() else { return Box::pin(std::future::pending()) };
    let proof = admitted.proof.clone();
    let (gateway, address, rule) = (Arc::clone(gateway), origin.address, passage.rule.name().to_owned());
    let (method, host, path) = (passage.method.clone(), passage.host.clone(), passage.path.clone());
    Box::pin(async move {
        let mut ticks = tokio::time::interval(EVERY);
        ticks.tick().await;
        loop {
            ticks.tick().await;
            let host = host.to_str().unwrap_or_default();
            let asked = Asked { method: method.as_str(), host, path: path.as_str() };
            if !gateway.still_admits((&credential, &proof), address, (&rule, asked)).await {
                return;
            }
        }
    })
}

/// The answer, broken off when its reader would be refused.
pub(super) fn watch(
    gateway: &Arc<Inner>,
    response: Response<Body>,
    origin: &Origin,
    (passage, admitted): (&Passage<'_>, &Admitted<'_>),
) -> Response<Body> {
    if admitted.credential.is_none() || response.body().is_end_stream() {
        return response;
    }
    let refused = refused(gateway, origin, passage, admitted);
    response.map(|body| Body::new(Watched { body, refused: Some(refused), frames: 0 }))
}

struct Watched {
    body: Body,
    refused: Option<BoxFuture<'static, ()>>,
    frames: u8,
}

#[derive(Debug, thiserror::Error)]
#[error("the credential of this stream is not good any more")]
struct Ended;

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        // Most answers are there at once; only about a stream is asked again.
        if frame.is_ready() && self.frames < AT_ONCE {
            self.frames += 1;
        } else if self.refused.as_mut().is_some_and(|refused| refused.as_mut().poll(context).is_ready()) {
            self.refused = None;
            return Poll::Ready(Some(Err(Ended.into())));
        }
        frame.map(|frame| frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
