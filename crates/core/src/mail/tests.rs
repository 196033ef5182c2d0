//! The words: complete in every language, escaped, and with the link in both bodies.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    LANGUAGES, Template,
    catalogue::Words,
    language_for,
    render::{Dress, render},
};
use crate::branding::{Brand, Look, Source};

fn parameters() -> BTreeMap<String, String> {
    [
        ("link", "https://id.example/verify?token=a&b=<c>"),
        ("minutes", "60"),
        ("when", "2030-01-01 00:00:00 UTC"),
        ("address", "new@example.org"),
        ("name", "nightly-tests"),
        ("days", "14"),
        ("way", "ask"),
        ("issuer", "https://id.example"),
        ("org", "Analytical Engine"),
        ("inviter", "Ada <c>"),
        ("role", "author"),
        ("domain", "acme.example"),
        ("record", "_doorward.acme.example"),
        ("value", "doorward-domain=0123"),
        ("subject", "News"),
        ("text", "# News\n\nFor <c> & all, 60 of them."),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect()
}

#[test]
fn every_mail_can_be_written_in_every_language() {
    let dress = Dress::default();
    let plain = (&dress, [].as_slice());
    for (language, _) in LANGUAGES {
        let words = Words::of(language).unwrap();
        for template in Template::ALL {
            let mail = render(&words, (template, language), &parameters(), plain).unwrap();
            assert!(!mail.subject.is_empty() && mail.subject.len() < 78, "{}", mail.subject);
            for text in [&mail.text, &mail.html] {
                assert!(!text.contains("{ $"), "{text}");
                assert!(text.contains("https://id.example"));
            }
            assert!(!mail.html.contains("<c>"));
            assert!(mail.html.contains(&format!("<html lang=\"{language}\">")));
        }
        let verify = render(&words, (Template::VerifySignUp, language), &parameters(), plain).unwrap();
        let dress = Dress { org: Some("Acme & <c>".to_owned()), ..Dress::default() };
        let sent = render(&words, (Template::Invitation, language), &parameters(), (&dress, &[])).unwrap();
        assert!(sent.text.contains("Acme & <c>") && sent.html.contains("Acme &amp; &lt;c&gt;"));
        assert!(verify.text.contains("\nhttps://id.example/verify?token=a&b=<c>\n"));
        assert!(verify.html.contains("href=\"https://id.example/verify?token=a&amp;b=&lt;c&gt;\""));
        assert!(verify.text.contains("60 "));
    }
}

/// What an organisation is called leads nowhere, in any part of the mail; the server's own link does.
#[test]
fn a_name_in_a_mail_of_an_organisation_is_no_link() {
    let id = "org_00000000000000000000000000".parse().unwrap();
    let named = |from| {
        let look = Look { name: Some("www.evil.example".to_owned()), ..Look::default() };
        Dress {
            brand: Some(Arc::new(Brand::of(id, vec![(from, look)]))),
            org: Some("https://evil.example".to_owned()),
            ..Dress::default()
        }
    };
    let mut given = parameters();
    for (name, value) in
        [("org", "https://evil.example"), ("inviter", "me@evil.example"), ("role", "evil.example")]
    {
        given.insert(name.to_owned(), value.to_owned());
    }
    for (language, _) in LANGUAGES {
        let words = Words::of(language).unwrap();
        let write =
            |dress: &Dress| render(&words, (Template::Invitation, language), &given, (dress, &[])).unwrap();
        let mail = write(&named(Source::Org));
        for part in [&mail.subject, &mail.text, &mail.html] {
            assert!(part.contains("evil. example"), "{part}");
            for link in ["evil.example", "//evil", "me@", "www.evil"] {
                assert!(!part.contains(link), "{link}: {part}");
            }
        }
        assert!(mail.text.contains("https://id.example/verify?token=a&b=<c>"));
        let own = write(&named(Source::Instance));
        assert!(
            own.text.starts_with("www.evil.example\n"),
            "the instance says its name as it is: {}",
            own.text
        );
    }
}

/// What a language lacks would be said in English; ours lack nothing.
#[test]
fn every_language_has_every_message() {
    let names = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()));
        let mut names: Vec<String> =
            lines.filter_map(|line| Some(line.split_once(" =")?.0.to_owned())).collect();
        names.sort();
        names
    };
    let (_, english) = LANGUAGES[0];
    for (language, text) in LANGUAGES {
        assert_eq!(names(text), names(english), "{language}");
    }
}

#[test]
fn the_nearest_language_is_taken() {
    for (wanted, ours) in
        [(Some("de-AT"), "de"), (Some("en-GB"), "en"), (Some("xx"), "en"), (Some("?"), "en"), (None, "en")]
    {
        assert_eq!(language_for(wanted), ours);
    }
}
