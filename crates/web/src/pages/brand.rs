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
/// What the name of a sheet for a preview begins with.
const LOOKS: &str = "looks-";
/// Where the tokens of both schemes are.
const TOKENS: &str = include_str!("../../assets/css/tokens.css");

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
    colors.iter().any(Option::is_some).then(|| name_of(Sheet { is_looks: false, colors }))
}

/// The path of the sheet that shows a brand in both schemes at once, inside `.look.light` and `.look.dark`.
pub fn looks(brand: &Brand) -> String {
    name_of(Sheet { is_looks: true, colors: [brand.primary(), brand.accent(), brand.background()] })
}

/// What a sheet is made from.
#[derive(Clone, Copy)]
struct Sheet {
    is_looks: bool,
    colors: [Option<Color>; 3],
}

fn name_of(sheet: Sheet) -> String {
    let words = sheet.colors.map(|color| match color {
        Some(color) => color.to_string().trim_start_matches('#').to_owned(),
        None => NONE.to_owned(),
    });
    let hash = digest(&SHA256, sheet.css().as_bytes());
    let hash = HEXLOWER.encode(hash.as_ref().get(..8).unwrap_or_default());
    format!("{BASE}{}{}.{hash}.css", if sheet.is_looks { LOOKS } else { "" }, words.join("-"))
}

/// The sheet that a name speaks of, when it is one that we link to.
fn sheet_of(file: &str) -> Option<Sheet> {
    let (words, _) = file.strip_suffix(".css")?.split_once('.')?;
    let looks = words.strip_prefix(LOOKS);
    let mut words = looks.unwrap_or(words).split('-');
    let mut colors = [None; 3];
    for color in &mut colors {
        *color = match words.next()? {
            NONE => None,
            word => Some(format!("#{word}").parse().ok()?),
        };
    }
    let sheet = Sheet { is_looks: looks.is_some(), colors };
    (name_of(sheet).strip_prefix(BASE) == Some(file)).then_some(sheet)
}

/// What nobody chose is as the tokens have it, whatever the page around a preview wears.
const UNCHOSEN: &str = "--action:initial;--action-strong:initial;--action-soft:initial;--on-action:initial;\
                        --stage:initial;";

impl Sheet {
    fn css(self) -> String {
        let (light, dark) = self.schemes();
        if !self.is_looks {
            return format!(":root{{{light}}}@media (prefers-color-scheme:dark){{:root{{{dark}}}}}\n");
        }
        let [plain_light, plain_dark] = tokens();
        format!(
            ".look.light{{{plain_light}{UNCHOSEN}color-scheme:light;{light}}}\
             .look.dark{{{plain_dark}{UNCHOSEN}color-scheme:dark;{dark}}}\n"
        )
    }

    /// The tokens that the colours change, in light and in dark.
    fn schemes(self) -> (String, String) {
        let [primary, accent, background] = self.colors;
        let (mut light, mut dark) = (String::new(), String::new());
        for (color, [plain, strong, soft, text]) in [
            (primary, ["action", "action-strong", "action-soft", "on-action"]),
            (accent, ["accent", "accent-strong", "accent-soft", "on-accent"]),
        ] {
            let Some(color) = color else { continue };
            for (sheet, shades) in [(&mut light, Shades::light(color)), (&mut dark, Shades::dark(color))] {
                let _ = write!(
                    sheet,
                    "--{plain}:{};--{strong}:{};--{soft}:{};--{text}:{};",
                    shades.plain, shades.strong, shades.soft, shades.text
                );
            }
        }
        if let Some(color) = background {
            let _ = write!(light, "--stage:{color};");
            let _ = write!(dark, "--stage:{};", dark_background(color));
        }
        (light, dark)
    }
}

/// The colours of the light and of the dark pages, as the sheet of every page declares them.
fn tokens() -> [String; 2] {
    let block = |text: &str| {
        let inside = text.split_once(":root {").and_then(|(_, rest)| rest.split_once('}'));
        let lines = inside.map_or("", |(block, _)| block).lines().map(str::trim);
        lines.filter(|line| line.starts_with("--") && line.contains('#')).collect::<String>()
    };
    let dark = TOKENS.split_once("(prefers-color-scheme: dark)").map_or("", |(_, dark)| dark);
    [block(TOKENS), block(dark)]
}

async fn serve(State(app): State<App>, Path(file): Path<String>) -> Result<Response, Failure> {
    if let Some(sheet) = sheet_of(&file) {
        return Ok(kept_for_ever("text/css; charset=utf-8", sheet.css().into_bytes()));
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

#[cfg(test)]
mod tests {
    use doorward_core::branding::{Look, Source};

    use super::*;

    #[test]
    fn a_preview_has_the_tokens_of_both_schemes() {
        for (tokens, paper) in tokens().iter().zip(["--paper:#f6f6f4;", "--paper:#0e1013;"]) {
            assert!(
                tokens.replace(": ", ":").contains(paper) && tokens.contains("--accent-soft"),
                "{tokens}"
            );
        }
        let look = Look { accent: Some("#0f766e".parse().unwrap()), ..Look::default() };
        let org = "org_00000000000000000000000000".parse().unwrap();
        let brand = Brand::plain(org).with(Source::Instance, look);
        let file = looks(&brand);
        let css = sheet_of(file.strip_prefix(BASE).unwrap()).unwrap().css();
        assert!(css.contains(".look.light{") && css.contains("--accent:#0f766e;"), "{css}");
        assert!(css.contains("--action:initial;") && !css.contains("prefers-color-scheme"), "{css}");
        assert!(sheet_of(&file[BASE.len()..].replace("0f766e", "0f766f")).is_none());
    }
}
