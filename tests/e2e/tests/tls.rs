//! The server's own TLS, without a proxy in front.

use doorward_e2e::{Options, Server, certificates, scripts};

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
