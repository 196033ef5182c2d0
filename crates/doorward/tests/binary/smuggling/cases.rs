//! The corpus in HTTP/1.1: lengths, codings, chunks, lines, targets, and what follows a refusal.

use super::{
    Case,
    Expect::{self, Once, Refused},
    Sent,
};

const POST: &str = "POST /# HTTP/1.1\r\nhost: raw.localhost\r\n";
const GET: &str = "GET /# HTTP/1.1\r\nhost: raw.localhost\r\n";
const CHUNKED: &str = "POST /# HTTP/1.1\r\nhost: raw.localhost\r\ntransfer-encoding: chunked\r\n";
/// Must not be taken for a request wherever it stands.
const HIDDEN: &str = "GET /smuggled HTTP/1.1\r\nhost: raw.localhost\r\n\r\n";

pub(super) fn all() -> Vec<Case> {
    [lengths(), codings(), chunks(), trailers(), lines(), targets(), refused_first()]
        .into_iter()
        .flatten()
        .collect()
}

fn one(sent: String, expect: Expect) -> Case {
    Case { sent: Sent::One(sent), expect, answers: 1 }
}

fn lengths() -> Vec<Case> {
    let length = HIDDEN.len();
    let mut cases = vec![
        one(
            format!("{POST}connection: close\r\ncontent-length: 4\r\ncontent-length: 4\r\n\r\nbody"),
            Once("body"),
        ),
        one(format!("{POST}connection: close\r\ncontent-length: 04\r\n\r\nbody"), Once("body")),
        one(format!("{GET}connection: close\r\ncontent-length: 4\r\n\r\nbody"), Once("body")),
        one(format!("{GET}connection: close\r\ncontent-length: 0\r\n\r\n{HIDDEN}"), Once("")),
        one(format!("{POST}connection: close\r\n\r\n{HIDDEN}"), Once("")),
        one(
            format!("{POST}content-length: 6\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nG{HIDDEN}"),
            Once(""),
        ),
        one(
            format!(
                "{POST}transfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n1\r\nx\r\n0\r\n\r\n{HIDDEN}"
            ),
            Once("x"),
        ),
        one(format!("{CHUNKED}content-length: 4\r\n\r\n{length:x}\r\n{HIDDEN}\r\n0\r\n\r\n"), Once(HIDDEN)),
        one(format!("{POST}content-length: 4\r\ncontent-length: 5\r\n\r\nbody{HIDDEN}"), Refused),
        one(format!("{POST}content-length: 0\r\ncontent-length: 51\r\n\r\n{HIDDEN}"), Refused),
    ];
    let values = [
        "4, 4",
        "4, 5",
        "4,",
        "+4",
        "-4",
        "0x4",
        "4 4",
        "4;",
        "4.0",
        "4e0",
        "",
        "four",
        "18446744073709551620",
        "99999999999999999999999",
        "\u{664}",
    ];
    cases.extend(
        values.map(|value| one(format!("{POST}content-length: {value}\r\n\r\nbody{HIDDEN}"), Refused)),
    );
    cases
}

fn codings() -> Vec<Case> {
    let values = [
        "xchunked",
        "x",
        "identity",
        "chunked, identity",
        "identity, chunked",
        "gzip, chunked",
        "chunked, chunked",
        "chunked,",
        ",chunked",
        "chunked;q=1",
        "\"chunked\"",
        "'chunked'",
        "chunked\u{b}",
        "\u{b}chunked",
        "chunk ed",
        "chunkedx",
        "",
    ];
    let mut cases: Vec<Case> = values
        .into_iter()
        .flat_map(|value| ["", "content-length: 51\r\n"].map(|more| (value, more)))
        .map(|(value, more)| {
            one(format!("{POST}{more}transfer-encoding: {value}\r\n\r\n0\r\n\r\n{HIDDEN}"), Refused)
        })
        .collect();
    for line in [
        "transfer-encoding : chunked",
        "transfer-encoding\t: chunked",
        "transfer-encoding\u{b}: chunked",
        " transfer-encoding: chunked",
        "\ttransfer-encoding: chunked",
        "x: y\r\n transfer-encoding: chunked",
        "transfer-encoding:\r\n chunked",
        "transfer-encoding: chunked\r\ntransfer-encoding: identity",
        "transfer-encoding: identity\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked\r\ntransfer-encoding: chunked",
        "x: y\rtransfer-encoding: chunked",
        "\rtransfer-encoding: chunked",
        "\u{0}transfer-encoding: chunked",
        "transfer-encoding: chunked\u{0}",
        "content-length : 5",
        "content-length: 5\r\n content-length: 0",
    ] {
        cases.push(one(format!("{POST}content-length: 0\r\n{line}\r\n\r\n0\r\n\r\n{HIDDEN}"), Refused));
    }
    cases.extend([
        one(format!("{POST}transfer-encoding: CHUNKED\r\n\r\n4\r\nbody\r\n0\r\n\r\n{HIDDEN}"), Once("body")),
        one(format!("{POST}transfer-encoding:\tchunked \r\n\r\n4\r\nbody\r\n0\r\n\r\n{HIDDEN}"), Once("body")),
        one(format!("{GET}transfer-encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n{HIDDEN}"), Once("body")),
        one(format!("{POST}connection: close\r\ntransfer_encoding: chunked\r\ncontent-length: 4\r\n\r\nbody"), Once("body")),
        one(format!("{POST}connection: close\r\ncontent_length: 9\r\ncontent-length: 4\r\n\r\nbody"), Once("body")),
        one(format!("{POST}connection: transfer-encoding, close\r\ntransfer-encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n"), Once("body")),
        one("POST /# HTTP/1.0\r\nhost: raw.localhost\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n".to_owned(), Refused),
        one("POST /# HTTP/1.0\r\nhost: raw.localhost\r\ncontent-length: 4\r\n\r\nbody".to_owned(), Once("body")),
    ]);
    cases
}

fn chunks() -> Vec<Case> {
    let bad = [
        "0x4\r\nbody\r\n0\r\n\r\n",
        "+4\r\nbody\r\n0\r\n\r\n",
        "-4\r\nbody\r\n0\r\n\r\n",
        "4_\r\nbody\r\n0\r\n\r\n",
        "\r\nbody\r\n0\r\n\r\n",
        "g\r\nbody\r\n0\r\n\r\n",
        ";a\r\nbody\r\n0\r\n\r\n",
        "10000000000000004\r\nbody\r\n0\r\n\r\n",
        "ffffffffffffffffffffffff\r\nbody\r\n0\r\n\r\n",
        "4\nbody\r\n0\r\n\r\n",
        "4\rbody\r\n0\r\n\r\n",
        "4;a\nbody\r\n0\r\n\r\n",
        "4;a\n\r\nbody\r\n0\r\n\r\n",
        "4;a\rb\r\nbody\r\n0\r\n\r\n",
        "4;\n\r\nbody\r\n0\r\n\r\n",
        "4 a\r\nbody\r\n0\r\n\r\n",
        "4\r\nbody0\r\n\r\n",
        "4\r\nbody\n0\r\n\r\n",
        "4\r\nbody\r0\r\n\r\n",
        "4\r\nbodyXX0\r\n\r\n",
        "4\r\nbody\r\n0\n\r\n",
        "4\r\nbody\r\n0\r\nX\r\n\r\n",
    ];
    let mut cases: Vec<Case> = bad.map(|body| one(format!("{CHUNKED}\r\n{body}{HIDDEN}"), Refused)).into();
    let good = [
        "4\r\nbody\r\n0\r\n\r\n",
        "0004\r\nbody\r\n000\r\n\r\n",
        "4;name=value\r\nbody\r\n0;last\r\n\r\n",
        "1\r\nb\r\n3\r\nody\r\n0\r\n\r\n",
    ];
    cases.extend(good.map(|body| one(format!("{CHUNKED}\r\n{body}{HIDDEN}"), Once("body"))));
    cases
}

/// What comes after a body was never judged.
fn trailers() -> Vec<Case> {
    let more = "X-User-Id: forged\r\nX_Doorward_Assertion: forged\r\nContent-Length: 7\r\nHost: forged\r\nX-Sum: 1\r\n";
    ["", "trailer: x-user-id, x-doorward-assertion, content-length, x-sum\r\nte: trailers\r\n"]
        .map(|head| one(format!("{CHUNKED}{head}\r\n4\r\nbody\r\n0\r\n{more}\r\n{HIDDEN}"), Once("body")))
        .into()
}

fn lines() -> Vec<Case> {
    let mut cases = vec![
        // One line feed ends a line for some (RFC 9112 2.2); what arrives has both.
        one(
            "POST /# HTTP/1.1\nhost: raw.localhost\ncontent-length: 4\nconnection: close\n\nbody".to_owned(),
            Once("body"),
        ),
        one(
            format!(
                "{POST}connection: close\r\ncontent-length: 4\r\nx: a\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n{HIDDEN}"
            ),
            Once(""),
        ),
        one(format!("\r\n{GET}connection: close\r\n\r\n"), Once("")),
        one(
            format!(
                "{GET}connection: close, x-user-id, x-hop, host, x-forwarded-for, authorization\r\nconnection: content-length\r\nx-user-id: forged\r\nx-hop: 1\r\ncontent-length: 4\r\n\r\nbody"
            ),
            Once("body"),
        ),
        one(
            format!(
                "{GET}connection: close\r\nx-user-id: forged\r\nX_USER_ID: forged\r\nx-doorward-assertion: forged\r\nx.user.id: forged\r\n\r\n"
            ),
            Once(""),
        ),
        one(
            format!(
                "{GET}connection: close\r\nte: trailers, gzip\r\nproxy-connection: x\r\nkeep-alive: 5\r\n\r\n"
            ),
            Once(""),
        ),
        one(format!("{GET}connection: close\r\nhost: other.localhost\r\n\r\n"), Refused),
        one("GET /# HTTP/1.1\r\nhost: raw.localhost, other.localhost\r\n\r\n".to_owned(), Refused),
        one("GET /# HTTP/1.1\r\nconnection: close\r\n\r\n".to_owned(), Refused),
    ];
    let bad = [
        "x: a\rb",
        "x: a\r\r\nb",
        "x: a\u{0}b",
        "x: a\u{7f}b",
        "x: a\u{1}b",
        "x\u{0}: a",
        "x y: a",
        "x\r: a",
        ": a",
        "x",
        "(x): a",
        "x: a\r\n b",
        "x: a\r\n\tb",
        " x: a",
    ];
    cases.extend(bad.map(|line| one(format!("{GET}connection: close\r\n{line}\r\n\r\n{HIDDEN}"), Refused)));
    cases
}

fn targets() -> Vec<Case> {
    let rest = "HTTP/1.1\r\nhost: raw.localhost\r\nconnection: close\r\n\r\n";
    let bad = [
        "GET http://other.localhost/#",
        "GET http://raw.localhost@other.localhost/#",
        "GET http://other.localhost@raw.localhost/#",
        "GET http://raw.localhost:81/#",
        "GET raw.localhost:80",
        "GET *",
        "GET #",
        "GET /#\u{0}",
        "GET /#\tx",
        "GET /# x",
        "GET /#\rHTTP/1.1\r",
        "GET\t/#",
        "GET  /#",
        "GET /#\u{b}",
        "GET /#%0d%0ahost:other.localhost",
        "GET /#%00",
        "GET /#/..%2fclosed/",
        "GET /#\\..\\closed",
        "POST\r /#",
        "CONNECT raw.localhost:80",
        " GET /#",
    ];
    let mut cases: Vec<Case> = bad.map(|line| one(format!("{line} {rest}"), Refused)).into();
    cases.extend([
        one(format!("GET http://raw.localhost/# {rest}"), Once("")),
        one(format!("GET http://RAW.localhost/#?a=http://x/%0d%0a {rest}"), Once("")),
        one(format!("GET /# HTTP/1.1\rx: HTTP/1.1\r\nhost: raw.localhost\r\n\r\n{HIDDEN}"), Refused),
        one(format!("GET /# HTTP/1.1 HTTP/1.1\r\nhost: raw.localhost\r\n\r\n{HIDDEN}"), Refused),
        one(format!("GET /# HTTP/1.2\r\nhost: raw.localhost\r\n\r\n{HIDDEN}"), Refused),
        one(format!("GET /#\r\nhost: raw.localhost\r\n\r\n{HIDDEN}"), Refused),
    ]);
    cases
}

/// A body that nobody reads is not the next request.
fn refused_first() -> Vec<Case> {
    let closed = "POST /closed/# HTTP/1.1\r\nhost: raw.localhost\r\n";
    let length = HIDDEN.len();
    let mut cases: Vec<Case> = [
        format!("{closed}connection: close\r\ncontent-length: {length}\r\n\r\n{HIDDEN}"),
        format!(
            "{closed}connection: close\r\nexpect: 100-continue\r\ncontent-length: {length}\r\n\r\n{HIDDEN}"
        ),
        format!("{closed}transfer-encoding: chunked\r\n\r\n{length:x}\r\n{HIDDEN}\r\n0\r\n\r\n{HIDDEN}"),
        format!("{closed}content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n{HIDDEN}"),
        format!("{closed}content-length: 1\r\ncontent-length: 0\r\n\r\n{HIDDEN}"),
    ]
    .map(|sent| one(sent, Refused))
    .into();
    // What follows the body is a request of its own, which is refused as well or not read any more.
    let next = "GET /closed/next HTTP/1.1\r\nhost: raw.localhost\r\nconnection: close\r\n\r\n";
    for sent in [
        format!("{closed}content-length: {length}\r\n\r\n{HIDDEN}{next}"),
        format!("{closed}expect: 100-continue\r\ncontent-length: {length}\r\n\r\n{HIDDEN}{next}"),
        format!("GET /closed/# HTTP/1.1\r\nhost: raw.localhost\r\n\r\n{next}"),
    ] {
        cases.push(Case { sent: Sent::One(sent), expect: Refused, answers: 2 });
    }
    cases
}
