//! What may be written for a mail, and what becomes of it.

use super::*;
use crate::outcome::Error;

fn instance() -> Place {
    Place { org: "org_00000000000000000000000000".parse().unwrap(), name: None }
}

fn team() -> Place {
    Place { name: Some("Acme".to_owned()), ..instance() }
}

fn edited(subject: &str, text: &str, html: Option<&str>) -> Edited {
    Edited { subject: subject.to_owned(), text: text.to_owned(), html: html.map(str::to_owned), version: 0 }
}

/// The field and the hint of the refusal.
fn refused(place: &Place, template: Template, edited: &Edited) -> (String, String) {
    match edited.check(place, template) {
        Err(Error::Refused(refusal)) => {
            (refusal.field.unwrap_or_default().into_owned(), refusal.hint.into_owned())
        }
        other => panic!("{edited:?}: {other:?}"),
    }
}

fn values(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn written(template: Template, edited: &Edited, pairs: &[(&str, &str)]) -> Rendered {
    let words = catalogue::Words::of("en").unwrap();
    let own = edited.check(&instance(), template).unwrap();
    render::render(&words, (template, "en"), &values(pairs), (&Dress::default(), &[own])).unwrap()
}

/// Our own words, as somebody finds them to begin with, are taken again and say the same.
#[test]
fn our_own_words_can_be_sent_back() {
    for template in instance().templates() {
        for (locale, _) in LANGUAGES {
            let ours = ours(template, locale).unwrap();
            assert!(ours.check(&instance(), template).is_ok(), "{template:?} {ours:?}");
            if template.is_of_organization() {
                assert!(ours.check(&team(), template).is_ok(), "{ours:?}");
            }
        }
    }
    let pairs = [("link", "https://id.example/x"), ("minutes", "60"), ("issuer", "https://id.example")];
    let ours = ours(Template::ResetPassword, "en").unwrap();
    let words = catalogue::Words::of("en").unwrap();
    let (values, dress) = (values(&pairs), Dress::default());
    let built_in = render::render(&words, (Template::ResetPassword, "en"), &values, (&dress, &[])).unwrap();
    assert_eq!(written(Template::ResetPassword, &ours, &pairs), built_in);
}

#[test]
fn every_value_is_escaped_and_makes_no_markup() {
    let own = edited(
        "Join {{org}}",
        "# {{org}}\n\n{{inviter}} asks you.\n\n{{link}}",
        Some("<h1>{{org}}</h1><p>{{inviter}} &amp; <em>we</em><br>ask</p><a href=\"{{link}}\">Look</a>"),
    );
    let pairs = [
        ("org", "<script>alert(1)</script>\n\n# x"),
        ("inviter", "\"Ada\" & co"),
        ("link", "https://id.example/i?a=1&b=<2>"),
        ("issuer", "https://id.example"),
    ];
    for own in [own.clone(), Edited { html: None, ..own }] {
        let mail = written(Template::Invitation, &own, &pairs);
        assert!(!mail.html.contains("<script") && !mail.html.contains("<2>"), "{}", mail.html);
        assert!(mail.html.contains("&quot;Ada&quot; &amp; co"), "{}", mail.html);
        assert!(mail.html.contains("href=\"https://id.example/i?a=1&amp;b=&lt;2&gt;\""), "{}", mail.html);
        assert!(!mail.subject.contains('\n') && mail.text.contains("https://id.example/i?a=1&b=<2>"));
        assert!(
            mail.text.contains("Nobody there will ever ask")
                && mail.html.contains("Nobody there will ever ask")
        );
    }
}

/// A mail is always sent: words that lack a value give way to ours.
#[test]
fn words_without_a_value_give_way() {
    let own = edited("Soon", "{{name}} {{when}} in {{days}} days", None);
    let mail = written(
        Template::ServiceTokenEnds,
        &own,
        &[("name", "n"), ("when", "w"), ("days", "3"), ("issuer", "i")],
    );
    assert!(mail.text.starts_with("n w in 3 days\n"), "{}", mail.text);
    let own = edited("New", "{{address}} {{issuer}}", None);
    let words = catalogue::Words::of("en").unwrap();
    let given = values(&[("address", "a@example.com"), ("issuer", "i")]);
    let lacking = edited("New", "{{address}} {{when}}", None).read().unwrap();
    let own = own.read().unwrap();
    let mail =
        render::render(&words, (Template::EmailChanged, "en"), &given, (&Dress::default(), &[lacking, own]));
    assert!(mail.unwrap().text.starts_with("a@example.com i\n"));
}

#[test]
fn what_may_not_be_sent_is_refused_by_its_field() {
    let link = "Set it: {{link}}";
    for (subject, text, html, field, words) in [
        ("", link, None, "subject", "1 to 150"),
        ("a\nb", link, None, "subject", "one line"),
        ("a\u{202e}b", link, None, "subject", "cannot be seen"),
        ("{{link}}", link, None, "subject", "not in the subject"),
        ("S", "Set it", None, "text", "no use without {{link}}"),
        ("S", "{{link}} {{nothing}}", None, "text", "There are {{link}} {{minutes}} {{issuer}}"),
        ("S", "{{link}} {{", None, "text", "ends with }}"),
        ("S", "{{link}} {{A b}}", None, "text", "There is no variable"),
        ("{{secret}}", link, None, "subject", "There is no variable {{secret}}"),
        ("S", link, Some("<p>{{link}}</p>"), "html", "no use without {{link}}"),
        ("S", link, Some("<a href=\"{{link}}\">x</a><script>1</script>"), "html", "<script> cannot be used"),
        (
            "S",
            link,
            Some("<a href=\"{{link}}\">x</a><img src=\"https://x.example\">"),
            "html",
            "<img> cannot be used",
        ),
        ("S", link, Some("<a href=\"{{link}}\" onclick=\"x\">x</a>"), "html", "A link is written"),
        ("S", link, Some("<a href=\"javascript:{{link}}\">x</a>"), "html", "A link is written"),
        ("S", link, Some("<a href=\"http://x.example\">x</a>"), "html", "A link is written"),
        ("S", link, Some("<a href='{{link}}'>x</a>"), "html", "A link is written"),
        ("S", link, Some("<p style=\"x\">a</p>"), "html", "<p> has no attributes"),
        ("S", link, Some("<p><a href=\"{{link}}\">x</p></a>"), "html", "ends nothing"),
        ("S", link, Some("<a href=\"{{link}}\">x"), "html", "<a> does not end"),
        ("S", link, Some("<a href=\"{{link}}\">x</a> <"), "html", "does not end"),
        ("S", link, Some("<a href=\"{{link}}\">x</a> & &copy;"), "html", "&amp;"),
        ("S", link, Some("<a href=\"{{link}}\">x</a><!-- c -->"), "html", "cannot be used"),
        ("S", link, Some("<a href=\"{{link}}\">{{who}}</a>"), "html", "There is no variable {{who}}"),
    ] {
        let (of, hint) = refused(&instance(), Template::ResetPassword, &edited(subject, text, html));
        assert!(of == field && hint.contains(words), "{subject:?} {text:?} {html:?}: {of} {hint}");
    }
    let fine = "<a href=\"{{link}}\">x</a> <a href=\"https://help.example/a\">Help</a>";
    assert!(
        edited("S", "{{link}} https://help.example", Some(fine))
            .check(&instance(), Template::ResetPassword)
            .is_ok()
    );
}

/// Nobody's own address travels in a mail that comes from this server.
#[test]
fn an_organisations_words_lead_nowhere_else() {
    let text =
        |more: &str| edited("Join {{org}}", &format!("{{{{org}}}} asks you. {more}\n\n{{{{link}}}}"), None);
    assert!(text("It is at nine, in room 3. Come!").check(&team(), Template::Invitation).is_ok());
    for bad in [
        "https://evil.example",
        "evil.example",
        "www.evil",
        "//evil",
        "me@evil",
        "evil\u{3002}example",
        "{{org}}.example",
        "evil.{{org}}",
        "http:/{{org}}",
        "{{org}}/x",
        "{{org}}{{role}}",
        "evil.\u{fe0f}example",
        "1.2",
    ] {
        let (field, hint) = refused(&team(), Template::Invitation, &text(bad));
        assert!(field == "text" && hint.contains("no addresses"), "{bad}: {hint}");
    }
    for unseen in ["evil.\u{2060}example", "evil.\u{ad}example", "evil.\u{200d}example"] {
        let (field, hint) = refused(&team(), Template::Invitation, &text(unseen));
        assert!(field == "text" && hint.contains("cannot be seen"), "{unseen:?}: {hint}");
    }
    let dressed = |more: &str| {
        let html = format!("<p>{{{{org}}}}</p><p>{more}</p><a href=\"{{{{link}}}}\">Look</a>");
        Edited { html: Some(html), ..text("") }
    };
    for bad in [
        "http:/<em>/evil.</em>example",
        "evil<em>.</em>example",
        "me<strong>@</strong>x",
        "{{org}}<em>.x</em>",
    ] {
        let (field, hint) = refused(&team(), Template::Invitation, &dressed(bad));
        assert!(field == "html" && hint.contains("no addresses"), "{bad}: {hint}");
    }
    let apart = dressed("<em>Come.</em></p><p>Bring {{inviter}}.<br>Be <strong>there</strong>.");
    assert!(apart.check(&team(), Template::Invitation).is_ok(), "a block ends a sentence");
    let html = "<p>{{org}}</p><a href=\"{{link}}\">Look</a><a href=\"https://evil.example\">more</a>";
    let (field, hint) =
        refused(&team(), Template::Invitation, &Edited { html: Some(html.to_owned()), ..text("") });
    assert!(field == "html" && hint.contains("lead to {{link}}"), "{hint}");
    let of_account = team().templates().any(|template| template != Template::Invitation);
    assert!(!of_account, "never what is about an account");
}
