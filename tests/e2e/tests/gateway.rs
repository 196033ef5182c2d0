//! Applications without authentication, guarded.

use std::{
    net::{IpAddr, UdpSocket},
    path::Path,
};

use doorward_e2e::{Options, Server, certificates, program::free_port, scripts};

const ROUTES: &str = r#"[
    {"name": "reports", "paths": ["/reports/**"], "scopes": ["reports:read"],
        "upstream": "https://reports.example"}
]"#;

#[test]
fn the_plain_block_of_nginx_guards() {
    let upstream = free_port().to_string();
    let env = vec![
        ("DOORWARD_GATEWAY_ROUTES", ROUTES.to_owned()),
        ("DOORWARD_AUTH_AUDIENCE", "https://reports.example".to_owned()),
        ("DOORWARD_TRUSTED_PROXIES", "127.0.0.0/8".to_owned()),
    ];
    let server = Server::start(Options { env, ..Options::default() });
    scripts::python_told(&server, "guarded.py", &[("DOORWARD_UPSTREAM", Path::new(&upstream))]);
}

#[test]
fn behind_every_proxy_everything_works() {
    doors(&[]);
}

#[test]
fn behind_every_proxy_everything_works_by_https() {
    let folder = certificates::make();
    let authority = folder.path().join("authority.pem");
    doors(&[("DOORWARD_AUTHORITY", folder.path()), ("REQUESTS_CA_BUNDLE", &authority)]);
}

/// Every block of `docs/gateway.md`, in the real programs: for people in browsers and for machines.
fn doors(more: &[(&str, &Path)]) {
    let [behind, front] = [(); 2].map(|()| free_port().to_string());
    let read =
        r#""paths": ["/reports/**"], "scopes": ["reports:read"], "audiences": ["https://reports.example"]"#;
    let write = read.replace("read", "write");
    let own = format!(r#""mode": "disabled", "upstream": "http://127.0.0.1:{behind}""#);
    let routes = [
        ("public", "front", r#""paths": ["/public/**"], "mode": "disabled""#),
        ("lounge", "front", r#""paths": ["/lounge"], "mode": "optional""#),
        ("reports", "front", read),
        ("writing", "front", &format!(r#""methods": ["POST"], {write}"#)),
        ("staff", "front", r#""paths": ["/staff/**"], "roles": ["staff"]"#),
        ("limited", "front", r#""paths": ["/limited/**"], "rate_limit": "3/day""#),
        ("people", "front", r#""paths": ["/**"]"#),
        ("own", "own", &own),
    ]
    .map(|(name, host, more)| format!(r#"{{"name": "{name}", "hosts": ["{host}.localhost"], {more}}}"#));
    let env = vec![
        ("DOORWARD_GATEWAY_ROUTES", format!("[{}]", routes.join(", "))),
        ("DOORWARD_GATEWAY_PORTS", front.clone()),
        // An issuer that does not answer.
        ("DOORWARD_AUTH_ISSUER", "http://127.0.0.1:1".to_owned()),
        ("DOORWARD_AUTH_JWKS_URL", "http://127.0.0.1:1/keys".to_owned()),
        // What Envoy writes after the client's address over HTTP.
        ("DOORWARD_TRUSTED_PROXIES", format!("127.0.0.1/32,{}/32", own_address())),
    ];
    let server = Server::start(Options { env, ..Options::default() });
    let ports = [("DOORWARD_UPSTREAM", Path::new(&behind)), ("DOORWARD_FRONT", Path::new(&front))];
    scripts::python_told(&server, "doors.py", &[more, &ports].concat());
}

/// The address of this machine, as it would show itself to others; nothing is sent.
fn own_address() -> IpAddr {
    let socket = UdpSocket::bind("0.0.0.0:0").expect("a socket");
    let named = socket.connect("192.0.2.1:9").and_then(|()| socket.local_addr());
    named.map_or(IpAddr::from([127, 0, 0, 1]), |address| address.ip())
}

#[test]
fn the_own_proxy_lets_through_who_may() {
    let [behind, live, nowhere] = [free_port(), free_port(), free_port()].map(|port| port.to_string());
    let routes = format!(
        r#"[
        {{"name": "reports", "hosts": ["app.localhost"], "paths": ["/reports/**"], "scopes": ["reports:read"],
            "upstream": "http://127.0.0.1:{behind}"}},
        {{"name": "secret", "hosts": ["app.localhost"], "paths": ["/reports/secret"], "scopes": ["reports:write"],
            "upstream": "http://127.0.0.1:{behind}"}},
        {{"name": "public", "hosts": ["app.localhost"], "paths": ["/public/**"], "mode": "disabled",
            "upstream": "http://127.0.0.1:{behind}"}},
        {{"name": "gone", "hosts": ["app.localhost"], "paths": ["/gone/**"],
            "upstream": "http://127.0.0.1:{nowhere}"}},
        {{"name": "slow", "hosts": ["slow.localhost"], "timeout": 1, "upstream": "http://127.0.0.1:{behind}"}},
        {{"name": "live", "hosts": ["live.localhost"], "upstream": "http://127.0.0.1:{live}"}}
    ]"#
    );
    let env = vec![
        ("DOORWARD_GATEWAY_ROUTES", routes),
        ("DOORWARD_AUTH_AUDIENCE", "https://reports.example".to_owned()),
    ];
    let server = Server::start(Options { env, ..Options::default() });
    let more = [("DOORWARD_UPSTREAM", Path::new(&behind)), ("DOORWARD_LIVE", Path::new(&live))];
    scripts::python_told(&server, "through.py", &more);
}

#[test]
fn a_websocket_opens_with_a_credential_wherever_it_can_stand() {
    let behind = free_port().to_string();
    let routes = format!(
        r#"[
        {{"name": "live", "hosts": ["live.localhost"], "upstream": "http://127.0.0.1:{behind}"}},
        {{"name": "writing", "hosts": ["live.localhost"], "paths": ["/writing"], "scopes": ["reports:write"],
            "upstream": "http://127.0.0.1:{behind}"}},
        {{"name": "by-query", "hosts": ["live.localhost"], "paths": ["/by-query"], "websocket_query": true,
            "upstream": "http://127.0.0.1:{behind}"}}
    ]"#
    );
    let env = vec![
        ("DOORWARD_GATEWAY_ROUTES", routes),
        ("DOORWARD_AUTH_AUDIENCE", "https://reports.example".to_owned()),
    ];
    let server = Server::start(Options { env, ..Options::default() });
    scripts::python_told(&server, "sockets.py", &[("DOORWARD_UPSTREAM", Path::new(&behind))]);
}

#[test]
fn applications_are_reached_as_they_are_built() {
    let [one, two, other, discreet, grpc] = [(); 5].map(|()| free_port());
    let routes = format!(
        r#"[
        {{"name": "calls", "hosts": ["calls.localhost"], "upstream": "http://127.0.0.1:{grpc}",
            "upstream_protocol": "h2c"}},
        {{"name": "many", "hosts": ["many.localhost"],
            "upstreams": ["http://127.0.0.1:{one}", "http://127.0.0.1:{two}"]}},
        {{"name": "healthy", "hosts": ["healthy.localhost"], "health": "/healthz",
            "upstreams": ["http://127.0.0.1:{one}", "http://127.0.0.1:{two}"]}},
        {{"name": "one", "hosts": ["one.localhost"], "upstream": "http://127.0.0.1:{other}"}},
        {{"name": "discreet", "hosts": ["discreet.localhost"], "upstream": "http://127.0.0.1:{discreet}",
            "strip_headers": ["X-Internal"], "strip_fields": ["user_id"]}}
    ]"#
    );
    let server =
        Server::start(Options { env: vec![("DOORWARD_GATEWAY_ROUTES", routes)], ..Options::default() });
    let behind = format!("{one},{two},{other},{discreet}");
    let grpc = grpc.to_string();
    let more = [("DOORWARD_BEHIND", Path::new(&behind)), ("DOORWARD_GRPC", Path::new(&grpc))];
    scripts::python_told(&server, "applications.py", &more);
}

#[test]
fn routes_change_under_load() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let env = vec![("DOORWARD_CONFIG", file.path().display().to_string())];
    let server = Server::start(Options { env, ..Options::default() });
    let pid = server.pid().to_string();
    let more = [("DOORWARD_PID", Path::new(&pid)), ("DOORWARD_CONFIG_FILE", file.path())];
    scripts::python_told(&server, "reload.py", &more);
}

#[test]
fn applications_restart_under_load() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let env = vec![("DOORWARD_CONFIG", file.path().display().to_string())];
    let server = Server::start(Options { env, ..Options::default() });
    let pid = server.pid().to_string();
    let more = [("DOORWARD_PID", Path::new(&pid)), ("DOORWARD_CONFIG_FILE", file.path())];
    scripts::python_told(&server, "restarts.py", &more);
}

#[test]
fn a_key_says_who_it_is_upstream() {
    let behind = free_port().to_string();
    let routes = format!(
        r#"[{{"name": "sandbox", "hosts": ["app.localhost"], "paths": ["/run_code"],
            "permissions": ["code:execute"], "upstream": "http://127.0.0.1:{behind}"}}]"#
    );
    let env = vec![("DOORWARD_GATEWAY_ROUTES", routes)];
    let server = Server::start(Options { env, ..Options::default() });
    scripts::python_told(&server, "keyed.py", &[("DOORWARD_UPSTREAM", Path::new(&behind))]);
}

#[test]
fn a_policy_lets_everybody_at_what_is_theirs() {
    let behind = free_port().to_string();
    let routes = format!(
        r#"[{{"name": "notes", "hosts": ["notes.localhost"], "paths": ["/notes/{{owner}}/**"], "policy":
            "permit(principal is User, action, resource) when {{ principal.subject == resource.params.owner }};
            forbid(principal, action == Action::\"DELETE\", resource);",
            "upstream": "http://127.0.0.1:{behind}"}}]"#
    );
    let routes = routes.replace('\n', " ");
    let env = vec![("DOORWARD_GATEWAY_ROUTES", routes)];
    let server = Server::start(Options { env, ..Options::default() });
    scripts::python_told(&server, "policies.py", &[("DOORWARD_UPSTREAM", Path::new(&behind))]);
}

#[test]
fn routes_are_made_by_the_api_under_load() {
    let behind = free_port().to_string();
    let routes = r#"[{"name": "fixed", "hosts": ["fixed.localhost"], "scopes": ["files:read"]}]"#.to_owned();
    let env = vec![("DOORWARD_GATEWAY_ROUTES", routes)];
    let server = Server::start(Options { env, ..Options::default() });
    scripts::python_told(&server, "routed.py", &[("DOORWARD_UPSTREAM", Path::new(&behind))]);
}

#[test]
fn a_real_mcp_session_goes_through() {
    let behind = free_port().to_string();
    let routes = format!(
        r#"[{{"name": "mcp", "hosts": ["mcp.localhost"], "scopes": ["mcp:use"],
            "upstream": "http://127.0.0.1:{behind}"}}]"#
    );
    let env = vec![("DOORWARD_GATEWAY_ROUTES", routes)];
    let server = Server::start(Options { env, ..Options::default() });
    scripts::python_told(&server, "mcp_guarded.py", &[("DOORWARD_UPSTREAM", Path::new(&behind))]);
}

/// `correct horse`, by `htpasswd -B`.
const ADA: &str = "ada:$2b$05$NEBLovV6ek2PYubso5j86ebNqh69ApYDM7u5rQw7vmXk1bxUTCcJy\n";

/// As `docs/gateway.md` has it: a tenant is an organisation, a database a workspace.
const CHROMA_TENANTS: &str = r#"
    {"name": "chroma-open", "hosts": ["tenants.localhost"], "methods": ["GET"], "mode": "disabled",
        "paths": ["/api/v2", "/api/v2/heartbeat", "/api/v2/version", "/api/v1", "/api/v1/heartbeat", "/api/v1/version"],
        "upstream": "BEHIND"},
    {"name": "chroma-start", "hosts": ["tenants.localhost"], "methods": ["GET"], "errors": "chroma",
        "paths": ["/api/v2/auth/identity", "/api/v2/pre-flight-checks"],
        "audiences": ["https://chroma.example"], "upstream": "BEHIND"},
    {"name": "chroma-tenants", "hosts": ["tenants.localhost"], "errors": "chroma",
        "paths": ["/api/v2/tenants/{tenant}/**"], "audiences": ["https://chroma.example"], "upstream": "BEHIND",
        "policy": "permit(principal, action in Action::\"read\", resource);"},
    {"name": "chroma-databases", "hosts": ["tenants.localhost"], "errors": "chroma",
        "paths": ["/api/v2/tenants/{tenant}/databases/{database}/**"],
        "audiences": ["https://chroma.example"], "upstream": "BEHIND",
        "policy": "permit(principal, action, resource) when { principal.scopes.contains(\"chroma:use\") }; permit(principal, action, resource) when { principal.workspaces.contains(resource.params.database) };"},
    {"name": "chroma-rest", "hosts": ["tenants.localhost"], "errors": "chroma", "scopes": ["chroma:admin"],
        "any_tenant": true,        "audiences": ["https://chroma.example"], "upstream": "BEHIND"}
"#;

#[test]
fn a_real_chroma_is_guarded() {
    let behind = free_port().to_string();
    let routes = ["", r#""methods": ["DELETE"], "permissions": ["chroma:delete"], "#].map(|more| {
        format!(
            r#"{{"name": "chroma-{}", "hosts": ["chroma.localhost"], "errors": "chroma", "any_tenant": true, {more}
                "upstream": "http://127.0.0.1:{behind}"}}"#,
            more.len()
        )
    });
    let own =
        r#"{"name": "chroma-own", "hosts": ["own.localhost"], "errors": "chroma", "upstream": "BEHIND"}"#;
    let tenants = format!("{own},{CHROMA_TENANTS}").replace("BEHIND", &format!("http://127.0.0.1:{behind}"));
    let people = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(people.path(), ADA).expect("it is written");
    let env = vec![
        ("DOORWARD_GATEWAY_ROUTES", format!("[{},{tenants}]", routes.join(","))),
        ("DOORWARD_AUTH_BASIC_FILE", people.path().display().to_string()),
    ];
    let server = Server::start(Options { env, ..Options::default() });
    scripts::python_told(&server, "chroma_guarded.py", &[("DOORWARD_UPSTREAM", Path::new(&behind))]);
}

#[test]
fn a_gateway_alone_needs_no_database() {
    let server = Server::start(Options::default());
    scripts::python(&server, "alone.py");
}

#[test]
fn haproxy_says_whose_connections_it_hands_on() {
    let server = Server::start(Options::default());
    scripts::python(&server, "announced.py");
}

#[test]
fn a_gateway_alone_signs_people_in_at_its_issuer() {
    let server = Server::start(Options::default());
    scripts::python(&server, "alone_signed_in.py");
}

#[test]
fn an_issuer_that_does_not_answer_holds_nobody_up() {
    let program = doorward_e2e::program::binary().display().to_string();
    scripts::python_with(&[("DOORWARD_PROGRAM", &program)], "slow_keys.py");
}

#[test]
fn managed_proxies_in_front_say_who_it_is() {
    let program = doorward_e2e::program::binary().display().to_string();
    scripts::python_with(&[("DOORWARD_PROGRAM", &program)], "fronts.py");
}

#[test]
fn ingress_nginx_asks_by_its_annotations() {
    let program = doorward_e2e::program::binary().display().to_string();
    // The proxies' module reads the issuer's address; nobody is asked there.
    let environment = [("DOORWARD_PROGRAM", program.as_str()), ("DOORWARD_ISSUER", "http://127.0.0.1:1")];
    scripts::python_with(&environment, "ingress.py");
}

#[test]
fn limits_are_held_and_told() {
    let behind = free_port().to_string();
    let file = tempfile::NamedTempFile::new().expect("a file");
    let env = vec![
        ("DOORWARD_CONFIG", file.path().display().to_string()),
        ("DOORWARD_TRUSTED_PROXIES", "127.0.0.0/8".to_owned()),
        ("ORCHEO_AUTH_RATE_LIMIT_IP", "10".to_owned()),
        ("ORCHEO_AUTH_RATE_LIMIT_IDENTITY", "5".to_owned()),
        ("ORCHEO_AUTH_RATE_LIMIT_INTERVAL", "600".to_owned()),
    ];
    let server = Server::start(Options { env, ..Options::default() });
    let pid = server.pid().to_string();
    let more = [
        ("DOORWARD_PID", Path::new(&pid)),
        ("DOORWARD_CONFIG_FILE", file.path()),
        ("DOORWARD_UPSTREAM", Path::new(&behind)),
    ];
    scripts::python_told(&server, "limits.py", &more);
}

/// One process in memory, and two that share a Redis, which comes and goes under load.
#[test]
fn limits_are_exact_at_one_process_and_at_two_on_redis() {
    let behind = free_port().to_string();
    let route = |name: &str, limits: &str| {
        format!(
            r#"{{"name": "{name}", "hosts": ["{name}.localhost"], "upstream": "http://127.0.0.1:{behind}", {limits}}}"#
        )
    };
    let routes = [
        route("rate", r#""rate_limit": {"limit": 70, "per": "day"}"#),
        route("quota", r#""quota": {"limit": 80, "per": "month"}"#),
        route(
            "both",
            r#""rate_limit": {"limit": 90, "per": "day"}, "quota": {"limit": 50, "per": "month", "by": "route"}"#,
        ),
        route("load", r#""rate_limit": {"limit": 40, "per": "day"}"#),
    ];
    let routes = format!("[{}]", routes.join(","));
    let secret = "a secret of more than thirty-two bytes";
    let folder = tempfile::tempdir().expect("a folder");
    let socket = folder.path().join("redis");
    let env = vec![
        ("DOORWARD_GATEWAY_ROUTES", routes.clone()),
        ("DOORWARD_AUTH_JWT_SECRET", secret.to_owned()),
        ("DOORWARD_AUTH_ISSUER", "elsewhere".to_owned()),
        ("DOORWARD_AUTH_AUDIENCE", "api".to_owned()),
        ("DOORWARD_REDIS_URL", format!("unix://{}", socket.display())),
        // Two hundred requests at once keep a busy machine longer than Redis.
        ("DOORWARD_REDIS_TIMEOUT", "3".to_owned()),
    ];
    let server = Server::start(Options { env, ..Options::default() });
    let more = [
        ("DOORWARD_UPSTREAM", Path::new(&behind)),
        ("DOORWARD_ROUTES", Path::new(&routes)),
        ("DOORWARD_SECRET", Path::new(secret)),
        ("DOORWARD_REDIS_SOCKET", &socket),
    ];
    scripts::python_told(&server, "counted.py", &more);
}

#[test]
fn tokens_that_are_bound_to_a_key_need_proofs() {
    let behind = free_port().to_string();
    let routes = format!(
        r#"[{{"name": "reports", "hosts": ["app.localhost"], "paths": ["/reports/**"],
            "scopes": ["reports:read"], "upstream": "http://127.0.0.1:{behind}"}}]"#
    );
    let env = vec![
        ("DOORWARD_GATEWAY_ROUTES", routes),
        ("DOORWARD_AUTH_AUDIENCE", "https://reports.example".to_owned()),
    ];
    let server = Server::start(Options { env, ..Options::default() });
    scripts::python_told(&server, "bound.py", &[("DOORWARD_UPSTREAM", Path::new(&behind))]);
}

#[test]
fn people_sign_in_at_applications_that_know_nothing_of_it() {
    let behind = free_port().to_string();
    let routes = format!(
        r#"[
        {{"name": "app", "hosts": ["app.localhost"], "upstream": "http://127.0.0.1:{behind}"}},
        {{"name": "other", "hosts": ["other.localhost"], "upstream": "http://127.0.0.1:{behind}"}},
        {{"name": "wild", "hosts": ["*.wild.localhost"], "upstream": "http://127.0.0.1:{behind}"}}
    ]"#
    );
    let front = free_port().to_string();
    let env = vec![
        ("DOORWARD_GATEWAY_ROUTES", routes),
        ("DOORWARD_GATEWAY_PORTS", front.clone()),
        ("DOORWARD_TRUSTED_PROXIES", "127.0.0.0/8".to_owned()),
    ];
    let server = Server::start(Options { env, ..Options::default() });
    let more = [("DOORWARD_UPSTREAM", Path::new(&behind)), ("DOORWARD_FRONT", Path::new(&front))];
    scripts::python_told(&server, "signed_in.py", &more);
}

#[test]
fn client_certificates_are_asked_for_and_believed() {
    let folder = certificates::make();
    let server = Server::start(Options::default());
    scripts::python_told(&server, "mutual.py", &[("DOORWARD_CERTIFICATES", folder.path())]);
}

#[test]
fn nothing_passes_once_it_is_taken_back() {
    let behind = free_port().to_string();
    let server = Server::start(Options { env: scripts::storm_env(&behind), ..Options::default() });
    scripts::python_told(&server, "storm.py", &[("DOORWARD_UPSTREAM", Path::new(&behind))]);
}

/// Nothing that was counted is lost when the server is stopped and started again.
#[test]
fn what_is_used_is_told_exactly() {
    let behind = free_port().to_string();
    let routes = format!(
        r#"[{{"name": "app", "hosts": ["app.localhost"], "scopes": ["reports:read"], "audiences": ["https://reports.example"],
            "upstream": "http://127.0.0.1:{behind}"}}]"#
    );
    let env =
        vec![("DOORWARD_GATEWAY_ROUTES", routes), ("DOORWARD_TRUSTED_PROXIES", "127.0.0.0/8".to_owned())];
    let mut server = Server::start(Options { env, ..Options::default() });
    let kept = tempfile::NamedTempFile::new().expect("a file");
    for phase in ["first", "second"] {
        let more = [
            ("DOORWARD_UPSTREAM", Path::new(&behind)),
            ("DOORWARD_KEPT", kept.path()),
            ("DOORWARD_PHASE", Path::new(phase)),
        ];
        scripts::python_told(&server, "metered.py", &more);
        assert!(server.stop(), "it ends well");
        server.restart();
    }
}

#[test]
fn an_organisation_is_used_from_where_it_may_be() {
    let behind = free_port().to_string();
    let routes = format!(
        r#"[{{"name": "reports", "hosts": ["app.localhost"], "paths": ["/reports"], "scopes": ["reports:read"],
            "upstream": "http://127.0.0.1:{behind}"}}]"#
    );
    let env =
        vec![("DOORWARD_GATEWAY_ROUTES", routes), ("DOORWARD_TRUSTED_PROXIES", "127.0.0.1/32".to_owned())];
    let server = Server::start(Options { env, ..Options::default() });
    scripts::python_told(&server, "places.py", &[("DOORWARD_UPSTREAM", Path::new(&behind))]);
}
