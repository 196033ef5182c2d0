//! The few pages that people see at a guarded host that are not its application's. No script, nothing from
//! elsewhere, and in nobody's frame.

use std::fmt::Write as _;

use aws_lc_rs::digest::{SHA256, digest};
use axum::body::Body;
use data_encoding::BASE64;
use http::{HeaderValue, Response, header};
use url::Url;

const STYLE: &str = "body{font:1rem/1.5 system-ui,sans-serif;max-width:26rem;margin:20vh auto 0;padding:0 1.5rem}\
                     h1{font-size:1.375rem;margin:0 0 .5rem}button,a{font:inherit}button{padding:.5rem 1.25rem}";

/// A page with a heading and a sentence.
pub(super) struct Page<'p> {
    pub(super) title: &'p str,
    pub(super) text: &'p str,
    /// What to press, and where the form goes.
    pub(super) button: Option<(&'p str, &'p str)>,
    /// Where to go instead: its words, and its address on this host.
    pub(super) link: Option<(&'p str, &'p str)>,
    /// Where the form may end up beside this host.
    pub(super) ends_at: Option<&'p str>,
}

impl Page<'_> {
    fn body(&self) -> Body {
        let (title, text) = (escaped(self.title), escaped(self.text));
        let mut page = format!(
            "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n\
             <style>{STYLE}</style>\n<main>\n<h1>{title}</h1>\n<p>{text}</p>\n"
        );
        if let Some((words, action)) = self.button {
            let (words, action) = (escaped(words), escaped(action));
            let _ =
                writeln!(page, "<form method=\"post\" action=\"{action}\"><button>{words}</button></form>");
        }
        if let Some((words, address)) = self.link {
            let (words, address) = (escaped(words), escaped(address));
            let _ = writeln!(page, "<p><a href=\"{address}\">{words}</a></p>");
        }
        page.push_str("</main>\n</html>\n");
        Body::from(page)
    }

    /// Makes an answer this page.
    pub(super) fn show(&self, response: &mut Response<Body>) {
        let style = BASE64.encode(digest(&SHA256, STYLE.as_bytes()).as_ref());
        // Browsers hold redirects after a form to this, too.
        let end = self.ends_at.and_then(|url| Url::parse(url).ok()).map(|url| url.origin());
        let end =
            end.filter(url::Origin::is_tuple).map(|origin| format!(" {}", origin.ascii_serialization()));
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; frame-ancestors 'none'; \
             form-action 'self'{}",
            end.unwrap_or_default()
        );
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        headers.insert(
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::try_from(policy).unwrap_or_else(|_| HeaderValue::from_static("default-src 'none'")),
        );
        headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
        *response.body_mut() = self.body();
    }
}

/// Text as it stands in a page and in an attribute.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}
