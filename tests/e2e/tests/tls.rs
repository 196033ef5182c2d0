//! The server's own TLS, without a proxy in front.

use std::path::Path;

use doorward_e2e::{Options, Server, certificates, program::free_port, scripts};

fn start(folder: &tempfile::TempDir) -> Server {
    Server::start(Options { certificates: Some(folder.path().to_owned()), ..Options::default() })
}

#[test]
fn versions_headers_and_renewed_certificates() {
    let folder = certificates::make();
    scripts::python(&start(&folder), "tls.py");
}

#[test]
fn pypi_authlib_signs_in_over_tls() {
    let folder = certificates::make();
    scripts::python(&start(&folder), "authlib_client.py");
}

#[test]
fn a_websocket_opens_over_tls() {
    let folder = certificates::make();
    let behind = free_port().to_string();
    let routes = format!(
        r#"[
        {{"name": "live", "hosts": ["app.localhost"], "upstream": "http://127.0.0.1:{behind}"}},
        {{"name": "quiet", "hosts": ["app.localhost"], "paths": ["/quiet/**"], "mode": "disabled",
            "websocket": false, "upstream": "http://127.0.0.1:{behind}"}}
    ]"#
    );
    let env = vec![("DOORWARD_GATEWAY_ROUTES", routes)];
    let certificates = Some(folder.path().to_owned());
    let server = Server::start(Options { env, certificates, ..Options::default() });
    scripts::python_told(&server, "secure_sockets.py", &[("DOORWARD_UPSTREAM", Path::new(&behind))]);
}

#[test]
fn http2_goes_through_a_guarded_host_to_an_application_behind_https() {
    let folder = certificates::make();
    let ports = [(); 4].map(|()| free_port());
    let paths = ["/**", "/old/**", "/stranger/**", "/elsewhere/**"];
    let routes = ports.iter().zip(paths).enumerate().map(|(number, (port, path))| {
        format!(
            r#"{{"name": "to-{number}", "hosts": ["app.localhost"], "paths": ["{path}"], "scopes": ["files:read"],
                "websocket": false, "upstream": "https://localhost:{port}"}}"#
        )
    });
    let env = vec![
        ("DOORWARD_GATEWAY_ROUTES", format!("[{}]", routes.collect::<Vec<_>>().join(","))),
        ("SSL_CERT_FILE", folder.path().join("authority.pem").display().to_string()),
    ];
    let certificates = Some(folder.path().to_owned());
    let server = Server::start(Options { env, certificates, ..Options::default() });
    let behind = ports.map(|port| port.to_string()).join(",");
    scripts::node_told(&server, "http2.test.mjs", &[("DOORWARD_BEHIND", Path::new(&behind))]);
}
