//! The corpus in HTTP/2: what HTTP/1.1 would say differently to the application.

use super::{
    Case,
    Expect::{self, Once, Refused},
    Sent,
};
use crate::frames::Part::{self, Data, Fields};

/// A request over HTTP/2 with these fields after, or in place of, those that it needs.
fn two(fields: &[(&'static str, &str)], rest: &[Part], expect: Expect) -> Case {
    let owned = |fields: &[(&'static str, &str)]| -> Vec<(&'static str, String)> {
        fields.iter().map(|(name, value)| (*name, (*value).to_owned())).collect()
    };
    let usual = [(":method", "POST"), (":scheme", "http"), (":authority", "raw.localhost"), (":path", "/#")];
    let mut all: Vec<_> = owned(&usual);
    all.retain(|(name, _)| !fields.iter().any(|(other, _)| other == name));
    // Pseudo-header fields come first unless that is what is tried.
    let late = fields.iter().position(|(name, _)| !name.starts_with(':')).unwrap_or(fields.len());
    let (first, then) = fields.split_at(late);
    all.extend(owned(first).into_iter().filter(|(_, value)| !value.is_empty()));
    all.extend(owned(then));
    let parts = [&[Fields(all)], rest].concat();
    Case { sent: Sent::Two(parts), expect, answers: 1 }
}

pub(super) fn all() -> Vec<Case> {
    [lengths(), fields()].into_iter().flatten().collect()
}

fn lengths() -> Vec<Case> {
    let body = [Data("body")];
    let mut cases = vec![
        two(&[], &body, Once("body")),
        two(&[("content-length", "4")], &body, Once("body")),
        two(&[("content-length", "4"), ("content-length", "4")], &body, Once("body")),
        two(&[("host", "raw.localhost")], &body, Once("body")),
        two(&[("content-length", "0")], &[], Once("")),
        two(&[("x-user-id", "forged"), ("x_user_id", "forged")], &body, Once("body")),
        two(
            &[],
            &[Data("body"), Fields(vec![("x-user-id", "forged".to_owned()), ("x-sum", "1".to_owned())])],
            Once("body"),
        ),
    ];
    for (length, parts) in [
        ("3", &body[..]),
        ("5", &body),
        ("4", &[]),
        ("51", &[]),
        ("+4", &body),
        ("4, 4", &body),
        ("", &body),
        ("0x4", &body),
        ("18446744073709551620", &body),
    ] {
        cases.push(two(&[("content-length", length)], parts, Refused));
    }
    cases.push(two(&[("content-length", "0"), ("content-length", "51")], &[], Refused));
    cases.push(two(&[("content-length", "4"), ("content-length", "51")], &body, Refused));
    cases
}

fn fields() -> Vec<Case> {
    let (body, mut cases) = ([Data("body")], Vec::new());
    for field in [
        ("transfer-encoding", "chunked"),
        ("connection", "x-user-id"),
        ("proxy-connection", "close"),
        ("keep-alive", "1"),
        ("upgrade", "websocket"),
        ("te", "gzip"),
        ("x", "a\r\ntransfer-encoding: chunked"),
        ("x", "a\nb"),
        ("x", "a\rb"),
        ("x", "a\u{0}b"),
        ("x\r\ntransfer-encoding", "chunked"),
        ("x: y\r\nx", "a"),
        ("x y", "a"),
        ("X-Upper", "a"),
        ("", "a"),
        ("host", "other.localhost"),
        (":path", "/# HTTP/1.1\r\nhost: other.localhost\r\n\r\n"),
        (":path", "/# x"),
        (":path", "/#\r\n"),
        (":path", "#"),
        (":path", "*"),
        (":path", "http://other.localhost/#"),
        (":path", "/#/../closed/x"),
        (":path", "/#\u{0}"),
        (":path", ""),
        (":method", "GET /smuggled HTTP/1.1\r\nx: "),
        (":method", "GET\t"),
        (":method", "CONNECT"),
        (":method", ""),
        (":authority", "raw.localhost\r\nx: y"),
        (":authority", "raw.localhost/closed"),
        (":authority", "other.localhost@raw.localhost"),
        (":authority", ""),
        (":scheme", "http://other.localhost/?x="),
        (":scheme", ""),
        (":status", "200"),
        (":x", "y"),
        (":protocol", "websocket"),
    ] {
        cases.push(two(&[field], &body, Refused));
    }
    for (name, value) in
        [(":path", "/#"), (":method", "GET"), (":authority", "other.localhost"), (":scheme", "http")]
    {
        // After another field, and twice.
        cases.push(two(&[("x", "y"), (name, value)], &body, Refused));
        cases.push(two(&[(name, value), (name, value)], &body, Refused));
    }
    for (name, value) in [("transfer-encoding", "chunked"), ("x", "a\r\nb"), ("x y", "z")] {
        let trailers = Fields(vec![(name, value.to_owned())]);
        cases.push(two(&[], &[Data("body"), trailers], Refused));
    }
    cases
}
