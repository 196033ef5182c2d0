//! Secrets that travelled through the server are nowhere afterwards: not in the log at its most talkative,
//! not in what commands print, not in the files of the database.

#![expect(clippy::expect_used, reason = "a test that cannot go on ends there")]

use std::{collections::BTreeMap, fs, path::Path};

use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER};
use doorward_e2e::{Options, Server, program::free_port, scripts};

/// What prints something about the server, for whoever administers it.
const COMMANDS: &[&[&str]] = &[
    &["config", "show"],
    &["config", "env"],
    &["config", "check"],
    &["doctor"],
    &["audit", "list", "--output", "json"],
    &["audit", "verify"],
    &["user", "list", "--output", "json"],
    &["client", "list", "--output", "json"],
    &["token", "list", "--output", "json"],
    &["token", "show", "watched"],
    &["provider", "list", "--output", "json"],
    &["session", "list", "--output", "json"],
    &["mail", "list", "--output", "json"],
    &["keys", "list", "--output", "json"],
    &["settings", "show", "--output", "json"],
];

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    let (Some(first), true) = (needle.first(), needle.len() <= haystack.len()) else { return false };
    let starts = haystack.iter().enumerate().filter(|(_, byte)| *byte == first);
    starts.map(|(at, _)| at).any(|at| haystack.get(at..at + needle.len()) == Some(needle))
}

/// The ways in which a secret may be written.
fn spellings(secret: &[u8]) -> Vec<Vec<u8>> {
    let text = [BASE64.encode(secret), BASE64URL_NOPAD.encode(secret), HEXLOWER.encode(secret)];
    let escaped = serde_json::to_string(&String::from_utf8_lossy(secret)).expect("a text");
    let escaped = escaped.trim_matches('"').as_bytes().to_vec();
    [secret.to_vec(), escaped].into_iter().chain(text.map(String::into_bytes)).collect()
}

#[test]
fn secrets_are_in_no_log_no_command_and_no_file() {
    let told = tempfile::NamedTempFile::new().expect("a file");
    let (metrics, mail) = (free_port(), free_port());
    let mail_url = format!("smtp://mailer:recognisable%20mail-server%20password@127.0.0.1:{mail}");
    let env = vec![
        ("DOORWARD_LOG_LEVEL", "trace".to_owned()),
        ("DOORWARD_LOG_STEPS", "true".to_owned()),
        ("DOORWARD_METRICS_LISTEN", format!("127.0.0.1:{metrics}")),
        ("DOORWARD_MAIL_URL", mail_url),
    ];
    let mut server = Server::start(Options { env, ..Options::default() });
    let (metrics, mail) = (format!("http://127.0.0.1:{metrics}/metrics"), mail.to_string());
    let more = [
        ("DOORWARD_SECRETS", told.path()),
        ("DOORWARD_METRICS", Path::new(&metrics)),
        ("DOORWARD_MAIL_PORT", Path::new(&mail)),
    ];
    scripts::python_told(&server, "leaks.py", &more);

    let told = fs::read(told.path()).expect("the secrets");
    let mut secrets: BTreeMap<String, Vec<u8>> = serde_json::from_slice::<BTreeMap<String, String>>(&told)
        .expect("a map")
        .into_iter()
        .map(|(what, secret)| (what, secret.into_bytes()))
        .collect();
    assert!(secrets.len() > 30, "only {} secrets were seen", secrets.len());
    secrets.insert("the master key".to_owned(), fs::read(server.data().join("master.key")).expect("the key"));

    let mut places: Vec<(String, Vec<u8>)> = Vec::new();
    for args in COMMANDS {
        let said = server.command(args);
        assert!(!said.stdout.is_empty(), "{args:?}: {}", String::from_utf8_lossy(&said.stderr));
        places.push((args.join(" "), [said.stdout, said.stderr].concat()));
    }
    for name in ["doorward.db", "doorward.db-wal"] {
        places.push((name.to_owned(), fs::read(server.data().join(name)).unwrap_or_default()));
    }
    assert!(server.stop(), "it ends well");
    places.push((
        "doorward.db after the end".to_owned(),
        fs::read(server.data().join("doorward.db")).expect("it"),
    ));
    let log = server.log();
    assert!(log.contains("TRACE") || log.contains("DEBUG"), "the log is talkative");
    places.push(("the log".to_owned(), log.into_bytes()));

    let mut found = Vec::new();
    for (what, secret) in &secrets {
        for spelling in spellings(secret) {
            for (place, content) in &places {
                if contains(content, &spelling) {
                    found.push(format!("{what} in {place}"));
                }
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}
