//! Everything that is held of a person, as a file on its way.

use axum::{
    body::{Body, Bytes},
    response::IntoResponse as _,
};
use doorward_core::{call::Call, own_data};
use futures_util::stream;
use http::{HeaderValue, header};

use super::answer::Answer;

/// The file of whoever calls, read as it is sent. What breaks off halfway ends the connection, so that nobody
/// takes a part for the whole.
///
/// # Errors
/// What [`own_data::export`] refuses.
pub(crate) async fn file(call: &Call) -> Answer {
    let export = own_data::export(call).await?;
    let pieces = stream::try_unfold(export, |mut export| async move {
        let piece = export.more().await.map_err(|error| {
            tracing::error!(?error, "an export broke off");
            std::io::Error::other("the export broke off")
        })?;
        Ok::<_, std::io::Error>(piece.map(|text| (Bytes::from(text), export)))
    });
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"my-data.json\"")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, Body::from_stream(pieces)).into_response())
}
