//! What a brand adds to a page: its logo and a stylesheet with its colours, each at an address that names its
//! content, so that a browser may keep it for ever.
//!
//! The sheet is made from the colours in its address, and has the hash of what it says there, too: what we do
//! not link to is not found.

use std::fmt::Write as _;

use aws_lc_rs::digest::{SHA256, digest};
use axum::{
    Router,
    extract::{Path, State},
    response::{IntoResponse, Response},
    routing::get,
};
use data_encoding::HEXLOWER;
use doorward_core::{
    branding::{self, Brand, Color, Shades, Wearer, dark_background},
    call::Call,
    outcome::Code,
};
use http::{
    HeaderValue,
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS},
};

use super::carry::Carry;
use crate::{app::App, surface::Failure};

const BASE: &str = "/brand/";
/// Stands for a colour that nobody chose.
const NONE: &str = "0";

/// The route of pictures and sheets.
pub fn routes() -> Router<App> {
    Router::new().route("/brand/{file}", get(serve))
}

/// The brand of a page that is shown because of a query: that of the application whose authorization is in
/// progress. What cannot be found out wears the instance's: a page that says what went wrong has to be shown.
pub async fn of_query(call: &Call, query: &str) -> Option<std::sync::Arc<Brand>> {
    let (_, carry) = Carry::read(query);
    let wearer = match carry.draft() {
        Some(draft) => doorward_core::authorize::view(call, draft)
            .await
            .map_or(Wearer::Instance, |view| Wearer::Client(view.client)),
        None => Wearer::Instance,
    };
    branding::brand(call, wearer).await.ok()
}

/// The path of the sheet with a brand's colours; none where it has none.
pub fn sheet(brand: &Brand) -> Option<String> {
    let colors = [brand.primary(), brand.accent(), brand.background()];
    colors.iter().any(Option::is_some).then(|| name_of(&colors))
}

fn name_of(colors: &[Option<Color>; 3]) -> String {
    let words = colors.map(|color| match color {
        Some(color) => color.to_string().trim_start_matches('#').to_owned(),
        None => NONE.to_owned(),
    });
    let hash = digest(&SHA256, css(colors).as_bytes());
    let hash = HEXLOWER.encode(hash.as_ref().get(..8).unwrap_or_default());
    format!("{BASE}{}.{hash}.css", words.join("-"))
}

/// The colours that a name speaks of, when it is one that [`sheet`] gives.
fn colors_of(file: &str) -> Option<[Option<Color>; 3]> {
    let (words, _) = file.strip_suffix(".css")?.split_once('.')?;
    let mut colors = [None; 3];
    let mut words = words.split('-');
    for color in &mut colors {
        *color = match words.next()? {
            NONE => None,
            word => Some(format!("#{word}").parse().ok()?),
        };
    }
    (name_of(&colors).strip_prefix(BASE) == Some(file)).then_some(colors)
}

fn css([primary, accent, background]: &[Option<Color>; 3]) -> String {
    let (mut light, mut dark) = (String::new(), String::new());
    for (color, [plain, strong, soft, text]) in [
        (primary, ["action", "action-strong", "action-soft", "on-action"]),
        (accent, ["accent", "accent-strong", "accent-soft", "on-accent"]),
    ] {
        let Some(color) = color else { continue };
        for (sheet, shades) in [(&mut light, Shades::light(*color)), (&mut dark, Shades::dark(*color))] {
            let _ = write!(
                sheet,
                "--{plain}:{};--{strong}:{};--{soft}:{};--{text}:{};",
                shades.plain, shades.strong, shades.soft, shades.text
            );
        }
    }
    if let Some(color) = background {
        let _ = write!(light, "--stage:{color};");
        let _ = write!(dark, "--stage:{};", dark_background(*color));
    }
    format!(":root{{{light}}}@media (prefers-color-scheme:dark){{:root{{{dark}}}}}\n")
}

async fn serve(State(app): State<App>, Path(file): Path<String>) -> Result<Response, Failure> {
    if let Some(colors) = colors_of(&file) {
        return Ok(kept_for_ever("text/css; charset=utf-8", css(&colors).into_bytes()));
    }
    let call = Call::system(&app.realm);
    let found = match file.split_once('.') {
        Some((hash, end)) => {
            branding::picture(&call, hash).await?.filter(|picture| picture.format.extension() == end)
        }
        None => None,
    };
    let Some(picture) = found else { return Err(Code::NotFound.into()) };
    Ok(kept_for_ever(picture.format.media_type(), picture.bytes))
}

fn kept_for_ever(kind: &'static str, body: Vec<u8>) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(kind)),
        (CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable")),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        // Opened by itself it is nothing but what it is.
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox")),
    ];
    (headers, body).into_response()
}
