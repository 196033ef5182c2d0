//! Mail addresses: what is one, and when two are the same.

use proptest::prelude::*;

use super::Email;

#[test]
fn two_spellings_of_one_mailbox_are_one() {
    let same = [
        ("Alice@Example.ORG", "alice@example.org"),
        ("  alice@example.org ", "alice@example.org"),
        ("alice@bücher.example", "alice@xn--bcher-kva.example"),
        ("ÅSA@example.org", "åsa@example.org"),
        ("o'neil+tag@localhost", "o'neil+tag@localhost"),
    ];
    for (written, folded) in same {
        let email = Email::parse(written).unwrap();
        assert_eq!(email.folded(), folded);
        assert_eq!(email.address(), written.trim());
    }
    assert_eq!(Email::parse("a@B.Example").unwrap().domain(), "b.example");
}

#[test]
fn what_no_mail_server_takes_is_refused() {
    let long = format!("{}@example.org", "x".repeat(65));
    let refused = [
        "",
        "alice",
        "@example.org",
        "alice@",
        "a@b@example.org",
        "alice @example.org",
        "alice@exa mple.org",
        ".alice@example.org",
        "alice.@example.org",
        "al..ice@example.org",
        "\"alice\"@example.org",
        "alice@127.0.0.1",
        "alice@[::1]",
        "alice@example.org.",
        "alice@example.org\r\nBcc: bob@example.org",
        "alice\0@example.org",
        "<alice@example.org>",
        "alice@exam,ple.org",
        "alice@exam\u{ff0c}ple.org",
        "alice@ex%61mple.org",
        &long,
    ];
    for text in refused {
        assert!(Email::parse(text).is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn folding_is_stable_and_never_panics(text in ".{0,80}") {
        if let Ok(email) = Email::parse(&text) {
            let again = Email::parse(email.folded()).unwrap();
            prop_assert_eq!(again.folded(), email.folded());
            prop_assert!(!email.address().contains(['\r', '\n', '\0']));
        }
    }
}
