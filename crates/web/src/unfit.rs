//! Requests that the listener judges, because no route could: each is refused in the dress of the routes it
//! was sent to, with a reference and the headers of every other answer.

use axum::{
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use doorward_core::outcome::{Code, Error, Refusal};

use crate::surface::Failure;

/// Why a request gets no answer of its own. Put into its extensions by whoever listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// It names no host, several, or something that is none (RFC 9112 3.2).
    Host,
    /// Its address and headers are too large (RFC 6585 5).
    Head,
    /// Its body did not arrive in time.
    Slow,
    /// What was to answer it broke.
    Broken,
}

impl IntoResponse for Unfit {
    fn into_response(self) -> Response {
        let error = match self {
            Self::Host => {
                Refusal::new(Code::RequestInvalid).hint("The Host header has to name one host").into()
            }
            Self::Head => {
                let hint =
                    "An address with all headers has 32 KiB at most, and there are 100 headers at most";
                Refusal::new(Code::RequestHeadTooLarge).hint(hint).into()
            }
            Self::Slow => Refusal::new(Code::RequestSlow).into(),
            Self::Broken => Error::fault("a handler panicked"),
        };
        Failure(error).into_response()
    }
}

/// Answers an unfit request before any handler sees it.
pub async fn unless_unfit(request: Request, next: Next) -> Response {
    match request.extensions().get::<Unfit>() {
        Some(unfit) => unfit.into_response(),
        None => next.run(request).await,
    }
}
