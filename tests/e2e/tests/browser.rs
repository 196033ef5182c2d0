//! A real browser meets the real program.

use std::path::Path;

use doorward_e2e::{Options, Server, program::free_port, scripts};

#[test]
fn a_person_travels_from_the_sign_up_mail_to_an_application_and_out() {
    let server = Server::start(Options::default());
    scripts::node(&server, "journey.test.mjs");
}

#[test]
fn every_page_is_accessible() {
    let server = Server::start(Options::default());
    scripts::node(&server, "pages.test.mjs");
}

#[test]
fn an_account_is_kept_with_a_keyboard() {
    let server = Server::start(Options::default());
    scripts::node(&server, "keyboard.test.mjs");
}

#[test]
fn a_page_opens_websockets_through_a_guarded_host() {
    let behind = free_port().to_string();
    let route = |more: &str| format!(r#"{{"upstream": "http://127.0.0.1:{behind}", {more}}}"#);
    let routes = [
        r#""name": "live", "hosts": ["live.localhost"]"#,
        r#""name": "public", "hosts": ["live.localhost"], "paths": ["/public/**"], "mode": "disabled""#,
        r#""name": "writing", "hosts": ["live.localhost"], "paths": ["/writing"], "scopes": ["reports:write"]"#,
        r#""name": "limited", "hosts": ["live.localhost"], "paths": ["/limited"], "rate_limit": "2/day""#,
        r#""name": "open", "hosts": ["open.localhost"], "mode": "disabled""#,
    ];
    let routes = format!("[{}]", routes.map(route).join(","));
    let server =
        Server::start(Options { env: vec![("DOORWARD_GATEWAY_ROUTES", routes)], ..Options::default() });
    scripts::node_told(&server, "sockets.test.mjs", &[("DOORWARD_UPSTREAM", Path::new(&behind))]);
}

#[test]
fn people_join_switch_and_leave_organisations() {
    let server = Server::start(Options::default());
    scripts::node(&server, "organizations.test.mjs");
}

#[test]
fn the_console_makes_service_tokens_and_ends_them() {
    let server = Server::start(Options::default());
    scripts::node(&server, "console.test.mjs");
}

#[test]
fn from_nothing_to_a_chart_and_through_the_whole_console() {
    let route = r#"[{"name": "reports", "hosts": ["reports.localhost"]}]"#;
    let env = vec![("DOORWARD_GATEWAY_ROUTES", route.to_owned())];
    let server = Server::start(Options { env, ..Options::default() });
    scripts::node(&server, "walk.test.mjs");
}

/// A second Doorward and others on loopback stand for the places where people have accounts.
#[test]
fn people_sign_in_with_what_they_have() {
    let upstream = Server::start(Options { host: Some("127.0.0.1"), ..Options::default() });
    let dns = free_port().to_string();
    let env = vec![
        ("DOORWARD_ALLOW_PRIVATE_FETCH", "true".to_owned()),
        ("DOORWARD_DNS_RESOLVER", format!("127.0.0.1:{dns}")),
    ];
    let server = Server::start(Options { env, ..Options::default() });
    let told = [("DOORWARD_UPSTREAM", Path::new(&upstream.issuer)), ("DOORWARD_DNS", Path::new(&dns))];
    scripts::node_told(&server, "upstream.test.mjs", &told);
}

#[test]
fn a_provider_that_lies_or_hangs_signs_nobody_in() {
    let strict = Server::start(Options::default());
    let env = vec![("DOORWARD_ALLOW_PRIVATE_FETCH", "true".to_owned())];
    let server = Server::start(Options { env, ..Options::default() });
    scripts::node_told(&server, "upstream-lies.test.mjs", &[("DOORWARD_STRICT", Path::new(&strict.issuer))]);
}
