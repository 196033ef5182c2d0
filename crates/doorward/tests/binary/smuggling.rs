//! Requests that two servers could read differently, through the real proxy to an application that is a bare
//! socket: each is refused, or arrives as the one request that it is.

mod cases;
mod http2;

use std::{collections::BTreeMap, io::Read as _, io::Write as _};

use crate::{
    behind::{Behind, Met, Seen},
    frames::{self, Part},
    support::{Server, doorward},
};

/// What has to come of a request.
#[derive(Debug, Clone, Copy)]
enum Expect {
    /// 400 or another of its class, or the end of the connection; the application gets no whole request.
    Refused,
    /// The application gets one request with this body.
    Once(&'static str),
}

/// What is sent on one connection. `#` stands for the number of the case in the path.
#[derive(Debug, Clone)]
struct Case {
    sent: Sent,
    expect: Expect,
    /// Answers at the most: what follows on the connection may be a request of its own.
    answers: usize,
}

#[derive(Debug, Clone)]
enum Sent {
    One(String),
    Two(Vec<Part>),
}

impl Case {
    /// Sends it, and says what is wrong with the answer.
    fn run(&self, server: &Server, number: usize) -> Result<(), String> {
        let mut stream = server.connect();
        let text = match &self.sent {
            Sent::One(text) => text.replace('#', &number.to_string()),
            Sent::Two(parts) => {
                let is_answered = frames::is_answered(&mut stream, &numbered(parts, number));
                let is_right = is_answered == matches!(self.expect, Expect::Once(_));
                return is_right.then_some(()).ok_or_else(|| format!("answered: {is_answered}"));
            }
        };
        let _ = stream.write_all(text.as_bytes());
        let mut answer = Vec::new();
        if stream.read_to_end(&mut answer).is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
        {
            return Err(format!("the connection stays open after {:?}", String::from_utf8_lossy(&answer)));
        }
        let answer = String::from_utf8_lossy(&answer);
        let status = answer.split(' ').nth(1).unwrap_or_default();
        let is_right = match self.expect {
            Expect::Refused => status.is_empty() || status.starts_with('4'),
            Expect::Once(_) => status == "200",
        };
        if is_right && answer.matches("HTTP/1.1 ").count() <= self.answers {
            return Ok(());
        }
        Err(format!("answered {answer:?}"))
    }
}

fn numbered(parts: &[Part], number: usize) -> Vec<Part> {
    let mut parts = parts.to_vec();
    for part in &mut parts {
        if let Part::Fields(fields) = part {
            for (_, value) in fields {
                *value = value.replace('#', &number.to_string());
            }
        }
    }
    parts
}

const ROUTES: &str = r#"[
    {"name": "raw", "hosts": ["raw.localhost"], "mode": "disabled", "upstream": "http://BEHIND"},
    {"name": "other", "hosts": ["other.localhost"], "mode": "disabled", "upstream": "http://BEHIND"},
    {"name": "closed", "hosts": ["raw.localhost"], "paths": ["/closed/**"], "upstream": "http://BEHIND"}
]"#;

/// What nobody may say of himself, and whatever was hidden in a request, are in no case what arrives.
fn unwanted(met: &Met) -> Option<&'static str> {
    let headers = ["forged", "x-hop", "\r\nte:", "\r\ntrailer:", "\r\nupgrade:"];
    let found = headers.into_iter().find(|what| met.head.contains(what));
    found.or_else(|| met.target.contains("smuggled").then_some("smuggled"))
}

#[test]
fn a_request_of_two_minds_is_refused_or_arrives_as_one() {
    let behind = Behind::start();
    let home = tempfile::tempdir().unwrap();
    let args = ["serve", "--listen", "127.0.0.1:0", "--set", "log.format=json"];
    let routes = ROUTES.replace("BEHIND", &behind.address.to_string());
    let mut command = doorward(home.path(), &args);
    let server = Server::spawn(home.path(), command.env("DOORWARD_GATEWAY_ROUTES", routes));
    let cases = [cases::all(), http2::all()].concat();
    let mut wrong = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        if let Err(why) = case.run(&server, number) {
            wrong.push(format!("{case:?}: {why}"));
        }
        let after = server.ask("GET /after HTTP/1.1\r\nhost: raw.localhost\r\n", "");
        assert_eq!((after.status, after.body.as_str()), (200, "ok"), "after {case:?}");
    }
    server.stop();
    let mut arrived: BTreeMap<usize, Vec<Met>> = BTreeMap::new();
    for seen in behind.all() {
        match seen {
            Seen::Whole(met) if met.target == "/after" && met.body.is_empty() => {}
            Seen::Whole(met) => {
                if let Some(what) = unwanted(&met) {
                    wrong.push(format!("{what} arrived: {met:?}"));
                }
                arrived.entry(number(&met.target)).or_default().push(met);
            }
            Seen::Begun(text) => {
                let number = number(text.split(' ').nth(1).unwrap_or_default());
                if !matches!(cases.get(number).map(|case| &case.expect), Some(Expect::Refused)) {
                    wrong.push(format!("broken off: {text:?}"));
                }
            }
            Seen::Odd(text) => wrong.push(format!("no request: {text:?}")),
        }
    }
    for (number, case) in cases.iter().enumerate() {
        let bodies: Vec<&str> =
            arrived.get(&number).into_iter().flatten().map(|met| met.body.as_str()).collect();
        let expect = match case.expect {
            Expect::Refused => vec![],
            Expect::Once(body) => vec![body],
        };
        if bodies != expect {
            wrong.push(format!("{case:?}: arrived with {bodies:?}"));
        }
    }
    wrong.extend(arrived.range(cases.len()..).map(|(_, met)| format!("nobody asked for {met:?}")));
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// The case to which a path belongs; one beyond all of them for what belongs to none.
fn number(target: &str) -> usize {
    target
        .trim_start_matches('/')
        .split(['?', '/'])
        .next()
        .and_then(|name| name.parse().ok())
        .unwrap_or(usize::MAX)
}
