//! Stylesheet, modules and images from the binary, each under a name that holds its content's hash, so
//! that a browser may keep it for ever and a changed file has a new name.

use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use axum::{Router, extract::Path, response::IntoResponse, response::Response, routing::get};
use bytes::Bytes;
use data_encoding::HEXLOWER;
use http::{
    HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS},
};

/// Where assets are served.
pub const BASE: &str = "/assets/";

/// One sheet for every page, so that the first paint needs one request; its parts in the order of the
/// cascade.
const SHEET: &str = concat!(
    include_str!("../../assets/css/tokens.css"),
    include_str!("../../assets/css/base.css"),
    include_str!("../../assets/css/card.css"),
    include_str!("../../assets/css/fields.css"),
    include_str!("../../assets/css/buttons.css"),
    include_str!("../../assets/css/people.css"),
    include_str!("../../assets/css/consent.css"),
    include_str!("../../assets/css/account.css"),
    include_str!("../../assets/css/console.css"),
    include_str!("../../assets/css/charts.css"),
    include_str!("../../assets/css/docs.css"),
    include_str!("../../assets/css/looks.css"),
    include_str!("../../assets/css/modes.css"),
);

const FILES: &[(&str, &str)] = &[
    ("doorward.css", SHEET),
    ("page.js", include_str!("../../assets/page.js")),
    ("form-post.js", include_str!("../../assets/form-post.js")),
    ("follow.js", include_str!("../../assets/follow.js")),
    ("mark.svg", include_str!("../../assets/mark.svg")),
];

struct Asset {
    name: &'static str,
    path: String,
    mime: &'static str,
    body: Bytes,
}

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    let asset = |&(name, text): &(&'static str, &'static str)| {
        let (stem, extension) = name.rsplit_once('.')?;
        let mime = match extension {
            "css" => "text/css; charset=utf-8",
            "js" => "text/javascript; charset=utf-8",
            _ => "image/svg+xml",
        };
        let hash = digest(&SHA256, text.as_bytes());
        let path = format!("{BASE}{stem}.{}.{extension}", HEXLOWER.encode(hash.as_ref().first_chunk::<8>()?));
        Some(Asset { name, path, mime, body: Bytes::from_static(text.as_bytes()) })
    };
    FILES.iter().filter_map(asset).collect()
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
