//! A route's `max_body`, from the configuration and by command, before an application that is a bare socket.

use std::{io::Read as _, io::Write as _};

use crate::{
    behind::{Behind, Seen},
    frames::{self, Part},
    support::{Server, doorward, run},
};

const ROUTES: &str = r#"[
    {"name": "filed", "hosts": ["filed.localhost"], "mode": "disabled", "max_body": 8, "upstream": "http://BEHIND"},
    {"name": "open", "hosts": ["open.localhost"], "mode": "disabled", "upstream": "http://BEHIND"}
]"#;

/// The status and the body of the answer to what is sent to this host.
fn posted(server: &Server, host: &str, rest: &str) -> (u16, String) {
    let mut stream = server.connect();
    let head = format!("POST /{host} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
    stream.write_all(format!("{head}{rest}").as_bytes()).unwrap();
    // The connection may stay until the rest of the body has come, the answer does not wait for it.
    let (mut answer, mut byte) = (String::new(), [0]);
    loop {
        stream.read_exact(&mut byte).unwrap_or_else(|error| panic!("{error} after {answer:?}"));
        answer.push(char::from(byte[0]));
        let Some((head, body)) = answer.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        if length.parse::<usize>().unwrap() == body.len() {
            return (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned());
        }
    }
}

/// What an application gets of bodies that are long enough, and of those that are too long.
fn check(server: &Server, host: &str) {
    let chunked = "transfer-encoding: chunked\r\n\r\n";
    for rest in [
        "content-length: 8\r\n\r\n12345678".to_owned(),
        format!("{chunked}8\r\n12345678\r\n0\r\n\r\n"),
        format!("{chunked}4\r\n1234\r\n4\r\n5678\r\n0\r\n\r\n"),
    ] {
        assert_eq!(posted(server, host, &rest), (200, "ok".to_owned()), "{host} {rest:?}");
    }
    for rest in [
        "content-length: 9\r\n\r\n".to_owned(),
        "content-length: 9\r\n\r\n123456789".to_owned(),
        format!("{chunked}9\r\n123456789\r\n0\r\n\r\n"),
        format!("{chunked}8\r\n12345678\r\n1\r\n9\r\n0\r\n\r\n"),
        // The rest is not waited for.
        format!("{chunked}5\r\n12345\r\n5\r\n67890\r\n"),
    ] {
        let (status, body) = posted(server, host, &rest);
        assert_eq!(status, 413, "{host} {rest:?}: {body}");
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["code"], "request.too_large");
    }
    let fields = |more: &[(&'static str, &str)]| {
        let usual = [(":method", "POST"), (":scheme", "http"), (":authority", host), (":path", "/two")];
        Part::Fields(usual.iter().chain(more).map(|(name, value)| (*name, (*value).to_owned())).collect())
    };
    let is_answered = |parts: &[Part]| frames::is_answered(&mut server.connect(), parts);
    assert!(is_answered(&[fields(&[]), Part::Data("1234"), Part::Data("5678")]));
    assert!(!is_answered(&[fields(&[]), Part::Data("1234"), Part::Data("56789")]));
    assert!(!is_answered(&[fields(&[("content-length", "9")]), Part::Data("123456789")]));
}

#[test]
fn a_body_is_no_longer_than_its_route_takes() {
    let behind = Behind::start();
    let upstream = format!("http://{}", behind.address);
    let home = tempfile::tempdir().unwrap();
    let args = ["serve", "--listen", "127.0.0.1:0", "--set", "log.format=json"];
    let routes = ROUTES.replace("http://BEHIND", &upstream);
    let mut command = doorward(home.path(), &args);
    let server = Server::spawn(home.path(), command.env("DOORWARD_GATEWAY_ROUTES", routes));
    check(&server, "filed.localhost");
    let cli = |args: &[&str]| run(&mut doorward(home.path(), args));
    let host = "made.localhost";
    let made =
        ["--name", "made", "--host", host, "--mode", "disabled", "--upstream", &upstream, "--max-body", "8"];
    let made = cli(&[&["route", "create"][..], &made].concat());
    assert_eq!(made.code, 0, "{}", made.err);
    check(&server, host);
    assert_eq!(cli(&["route", "update", "made", "--max-body", "9"]).code, 0);
    assert_eq!(posted(&server, host, "content-length: 9\r\n\r\n123456789").0, 200);
    let long = "x".repeat(1 << 20);
    let sent = format!("content-length: {}\r\n\r\n{long}", long.len());
    assert_eq!(posted(&server, "open.localhost", &sent).0, 200, "without one, as long as it is");
    server.stop();
    let whole = behind.all().into_iter().filter_map(|seen| match seen {
        Seen::Whole(met) => Some(met),
        Seen::Begun(_) => None,
        Seen::Odd(text) => panic!("{text}"),
    });
    let lengths: Vec<usize> = whole.map(|met| met.body.len()).collect();
    assert_eq!(lengths, [8, 8, 8, 8, 8, 8, 8, 8, 9, 1 << 20], "nothing that was refused arrived whole");
}
