//! Mail to a server that wants TLS, by both ways of asking for it.

use std::path::Path;

use doorward_e2e::{Options, Server, certificates, program::free_port, scripts};

/// `address` has the port and the authority still to be filled in.
fn deliver(scheme: &str, more: &str, way: &str) {
    let folder = certificates::make();
    let authority = folder.path().join("authority.pem");
    let port = free_port();
    let url = format!("{scheme}://mailer:p%40ss%20word@localhost:{port}?ca={}{more}", authority.display());
    // Mail programs unsubscribe by themselves only over https.
    let certificates = Some(folder.path().to_owned());
    let env = vec![("DOORWARD_MAIL_URL", url)];
    let server = Server::start(Options { env, certificates, ..Options::default() });
    let port = port.to_string();
    scripts::python_told(
        &server,
        "mail.py",
        &[
            ("DOORWARD_MAIL_CERTIFICATES", folder.path()),
            ("DOORWARD_MAIL_TLS", Path::new(way)),
            ("DOORWARD_MAIL_PORT", Path::new(&port)),
        ],
    );
}

#[test]
fn by_starttls_or_not_at_all() {
    deliver("smtp", "&tls=required", "starttls");
}

#[test]
fn by_tls_from_the_first_byte_or_not_at_all() {
    deliver("smtps", "", "implicit");
}
