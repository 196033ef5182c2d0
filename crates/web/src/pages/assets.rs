//! Stylesheet, modules and images from the binary, each under a name that holds its content's hash, so
//! that a browser may keep it for ever and a changed file has a new name.

use std::sync::LazyLock;

use axum::{Router, extract::Path, response::IntoResponse, response::Response, routing::get};
use bytes::Bytes;
use data_encoding::HEXLOWER;
use http::{
    HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS},
};
use rust_embed::RustEmbed;

/// Where assets are served.
pub const BASE: &str = "/assets/";

#[derive(RustEmbed)]
#[folder = "assets/"]
struct Files;

struct Asset {
    name: String,
    path: String,
    mime: &'static str,
    body: Bytes,
}

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    let asset = |name: std::borrow::Cow<'static, str>| {
        let file = Files::get(&name)?;
        let (stem, extension) = name.rsplit_once('.')?;
        let mime = match extension {
            "css" => "text/css; charset=utf-8",
            "js" => "text/javascript; charset=utf-8",
            "svg" => "image/svg+xml",
            _ => return None,
        };
        let hash = HEXLOWER.encode(file.metadata.sha256_hash().first_chunk::<8>()?);
        let path = format!("{BASE}{stem}.{hash}.{extension}");
        let body = match file.data {
            std::borrow::Cow::Borrowed(data) => Bytes::from_static(data),
            std::borrow::Cow::Owned(data) => Bytes::from(data),
        };
        Some(Asset { name: name.into_owned(), path, mime, body })
    };
    Files::iter().filter_map(asset).collect()
});

/// The path of an asset; empty for a name that does not exist.
pub fn path(name: &str) -> &'static str {
    ASSETS.iter().find(|asset| asset.name == name).map_or("", |asset| asset.path.as_str())
}

/// Path and content of every asset.
pub fn all() -> impl Iterator<Item = (&'static str, &'static [u8])> {
    ASSETS.iter().map(|asset| (asset.path.as_str(), asset.body.as_ref()))
}

/// The route of the assets.
pub fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/assets/{file}", get(serve))
}

async fn serve(Path(file): Path<String>) -> Response {
    let Some(asset) = ASSETS.iter().find(|asset| asset.path.strip_prefix(BASE) == Some(&file)) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(asset.mime)),
        (CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable")),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (headers, asset.body.clone()).into_response()
}
