//! The body of a request, whole: the one place that tells one that is too long (413) from one that breaks
//! off or was never well formed (400).

use axum::body::{Body, Bytes, to_bytes};
use doorward_core::outcome::{Code, Refusal, Result};
use http_body_util::LengthLimitError;

use crate::edge::BODY_LIMIT;

/// Reads a body to its end.
///
/// # Errors
/// `RequestTooLarge` beyond the limit of every body; `RequestInvalid` when it cannot be read.
pub(crate) async fn whole(body: Body) -> Result<Bytes> {
    to_bytes(body, BODY_LIMIT).await.map_err(|error| {
        let first: &(dyn std::error::Error + 'static) = &error;
        let mut causes = std::iter::successors(Some(first), |cause| cause.source());
        let refusal = if causes.any(<dyn std::error::Error>::is::<LengthLimitError>) {
            Refusal::new(Code::RequestTooLarge)
        } else {
            Refusal::new(Code::RequestInvalid).hint("The body cannot be read to its end")
        };
        refusal.into()
    })
}
