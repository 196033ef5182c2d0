//! Applications without authentication, guarded.

use doorward_e2e::{Options, Server, scripts};

const ROUTES: &str = r#"[
    {"name": "public", "paths": ["/public/**"], "mode": "disabled"},
    {"name": "lounge", "paths": ["/lounge"], "mode": "optional"},
    {"name": "reports", "paths": ["/reports/**"], "scopes": ["reports:read"],
        "upstream": "https://reports.example"},
    {"name": "writing", "paths": ["/reports/**"], "methods": ["POST"], "scopes": ["reports:write"],
        "upstream": "https://reports.example"}
]"#;

#[test]
fn real_proxies_ask_before_they_let_through() {
    let env = vec![
        ("DOORWARD_GATEWAY_ROUTES", ROUTES.to_owned()),
        ("DOORWARD_AUTH_AUDIENCE", "https://reports.example".to_owned()),
    ];
    let server = Server::start(Options { env, ..Options::default() });
    scripts::python(&server, "guarded.py");
}
