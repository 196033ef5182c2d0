//! The access line of a guarded request: who asked for what, and what was said; and the figures of it.

use serde_json::Value as Json;

use crate::support::{Server, doorward, run};

const ROUTES: &str = r#"[{"name": "reports", "hosts": ["reports.localhost"], "scopes": ["reports:read"]}]"#;

/// Makes a token; answers who acts by it, and the secret.
fn token(home: &std::path::Path, name: &str, scope: &str) -> (String, String) {
    let made = run(&mut doorward(home, &["token", "create", "--id", name, "-s", scope, "--output", "json"]));
    assert_eq!(made.code, 0, "{}", made.err);
    let made: Json = serde_json::from_str(&made.out).unwrap();
    (made["lineage"].as_str().unwrap().to_owned(), made["secret"].as_str().unwrap().to_owned())
}

/// Asks; answers the status, and the access line.
fn ask(server: &Server, path: &str, credential: &str) -> (u16, Json) {
    let head = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n{credential}");
    let status = server.ask(&head, "").status;
    loop {
        let line = server.wait_for("request");
        if line["path"] == path.split('?').next().unwrap() {
            return (status, line);
        }
    }
}

#[test]
fn a_guarded_request_says_who_asked_for_what() {
    let home = tempfile::tempdir().unwrap();
    let args = ["serve", "--listen", "127.0.0.1:0", "--set", "log.format=json"];
    let mut command = doorward(home.path(), &args);
    command.args(["--set", "metrics.listen=127.0.0.1:0"]).env("DOORWARD_GATEWAY_ROUTES", ROUTES);
    let mut server = Server::spawn_after(home.path(), &mut command, "metrics are served");
    let metrics = server.address.clone();
    server.wait_for("listening")["address"].as_str().unwrap().clone_into(&mut server.address);
    let (reader, may) = token(home.path(), "reader", "reports:read");
    let (other, may_not) = token(home.path(), "other", "reports:write");
    let bearer = |secret: &str| format!("authorization: Bearer {secret}\r\n");
    let at = "/validate?route=reports";
    for (credential, status, subject, decision) in [
        (bearer(&may), 200, Some(&reader), "allowed"),
        (bearer(&may_not), 403, Some(&other), "auth.missing_scope"),
        (String::new(), 401, None, "auth.missing_token"),
        (bearer("dw_st_garbage"), 401, None, "auth.invalid_token"),
    ] {
        let (told, line) = ask(&server, at, &credential);
        assert_eq!((told, line["route"].as_str()), (status, Some("reports")), "{line}");
        assert_eq!(
            (line["decision"].as_str(), line["subject"].as_str()),
            (Some(decision), subject.map(String::as_str))
        );
        assert_eq!(line["credential"].as_str(), subject.map(|_| "service_token"), "{line}");
        assert!(!line.to_string().contains("dw_st_"), "{line}");
    }
    let (_, line) = ask(&server, "/validate?route=nowhere", &bearer(&may));
    assert_eq!(
        (line["decision"].as_str(), line["route"].as_str()),
        (Some("gateway.route_unknown"), None),
        "{line}"
    );
    let (_, own) = ask(&server, "/sign-in", "");
    assert!(
        own.get("decision").is_none() && own.get("subject").is_none(),
        "nothing of a page of ours: {own}"
    );

    server.address = metrics;
    let page = server.get("/metrics").body;
    for (route, outcome, count) in [
        ("reports", "allowed", 1),
        ("reports", "forbidden", 1),
        ("reports", "unauthenticated", 2),
        ("none", "malformed", 1),
    ] {
        let line =
            format!("doorward_gateway_decisions_total{{route=\"{route}\",outcome=\"{outcome}\"}} {count}");
        assert!(page.lines().any(|found| found == line), "{line} in\n{page}");
    }
    let documented = include_str!("../../../../docs/operating.md");
    assert!(documented.contains("`doorward_gateway_decisions_total`"));
}
