//! An application behind a reverse proxy: nothing is registered, two texts are pasted.

use askama::Template;
use axum::response::Response;

use super::AREA;
use crate::{
    pages::{
        console::{
            Administrator, Shell,
            part::{guard, list::Asked, secret::Snippet},
        },
        form::{Errors, Field},
        frame::Frame,
    },
    surface::Failure,
};

/// The page.
#[derive(Template)]
#[template(path = "console/apps/proxy.html")]
struct Page<'a> {
    frame: &'a Frame,
    shell: &'a Shell<'a>,
    errors: Errors,
    fields: [Field; 2],
    snippets: Vec<Snippet>,
}

/// A host name, or a host and a port: nothing that could mean more in a proxy's configuration.
fn is_place(text: &str, has_port: bool) -> bool {
    let is_host = |host: &str| {
        !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'))
    };
    match text.rsplit_once(':') {
        Some((host, port)) => has_port && is_host(host) && port.parse::<u16>().is_ok_and(|port| port > 0),
        None => !has_port && is_host(text),
    }
}

pub(super) async fn look(administrator: Administrator) -> Result<Response, Failure> {
    let visit = &administrator.visit;
    let asked = Asked::read(visit.query(), &["host", "upstream"])?;
    let (host, upstream) = (asked.held("host").to_ascii_lowercase(), asked.held("upstream"));
    let is_first = host.is_empty() && upstream.is_empty();
    let frame = visit.frame();
    let mut errors = Errors::none();
    if !is_first && !is_place(&host, false) {
        errors.add("host", frame.t("apps-host-wrong"));
    }
    if !is_first && !is_place(upstream, true) {
        errors.add("upstream", frame.t("apps-upstream-wrong"));
    }
    let mut shell = administrator.shell(&frame, AREA, frame.t("apps-new-proxy"), &errors);
    let list = AREA.path();
    shell.trail = vec![(list.to_owned(), frame.t(AREA.key())), (format!("{list}/new"), frame.t("apps-new"))];
    let field = |id, label: &str, hint: &str, value: &str| {
        let field = Field::new(id, "text", "off", frame.t(label)).hint(frame.t(hint)).value(value);
        field.checked(&errors)
    };
    let fields = [
        field("host", "apps-host", "apps-host-what", &host),
        field("upstream", "apps-upstream", "apps-upstream-what", upstream),
    ];
    let is_ready = !is_first && errors.is_empty();
    let snippets = if is_ready { guard::snippets(&frame, (&host, upstream), "").into() } else { Vec::new() };
    Ok(administrator.show(&Page { frame: &frame, shell: &shell, errors, fields, snippets }))
}

#[cfg(test)]
mod tests {
    use super::is_place;

    #[test]
    fn a_place_is_a_host_or_a_host_and_a_port() {
        for (text, has_port, is) in [
            ("reports.example.com", false, true),
            ("reports.example.com:443", false, false),
            ("127.0.0.1:9000", true, true),
            ("127.0.0.1", true, false),
            ("127.0.0.1:0", true, false),
            ("a; return 200", false, false),
            ("", false, false),
            (":80", true, false),
        ] {
            assert_eq!(is_place(text, has_port), is, "{text}");
        }
    }
}
