//! A mail's subject, text and HTML from the words of the catalogue.
//!
//! The layout is one plain column that any client shows, with colours that hold in light and dark, no
//! pictures and nothing loaded from anywhere. Every value is escaped.

use std::collections::BTreeMap;

use super::{Mail, catalogue::Words, place};
use crate::{call::Call, outcome::Result};

/// A mail in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The subject.
    pub subject: String,
    /// The body as text.
    pub text: String,
    /// The body as HTML.
    pub html: String,
}

/// Opens a mail's parameters and writes it.
pub(super) fn open(call: &Call, mail: &Mail, sealed: &[u8]) -> Result<Rendered> {
    let plain = call.realm.vault.open(&place(mail.id), sealed)?;
    let mut parameters: BTreeMap<String, String> = serde_json::from_slice(&plain)?;
    parameters.insert("issuer".to_owned(), call.realm.issuer.clone());
    render(&Words::of(&mail.locale)?, mail.template.name(), &mail.locale, &parameters)
}

/// Writes a mail. `link` among the parameters becomes its button.
pub(super) fn render(
    words: &Words,
    template: &str,
    language: &str,
    parameters: &BTreeMap<String, String>,
) -> Result<Rendered> {
    let part = |name: &str| words.find(&format!("{template}-{name}"), parameters);
    let subject = words.get(&format!("{template}-subject"), parameters)?;
    let subject: String = subject.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let heading = words.get(&format!("{template}-heading"), parameters)?;
    let (body, after) = (words.get(&format!("{template}-body"), parameters)?, part("after"));
    let footer = words.get("footer", parameters)?;
    let button = part("button").zip(parameters.get("link").cloned());
    let parts = Parts { heading, body, button, after, footer };
    let text = parts.text();
    let html = parts.html(&subject, &words.get("link-hint", parameters)?, language);
    Ok(Rendered { subject, text, html })
}

struct Parts {
    heading: String,
    body: String,
    /// Label and address.
    button: Option<(String, String)>,
    after: Option<String>,
    footer: String,
}

impl Parts {
    fn text(&self) -> String {
        let mut blocks = vec![self.heading.clone(), self.body.clone()];
        if let Some((label, link)) = &self.button {
            blocks.push(format!("{label}:\n{link}"));
        }
        blocks.extend(self.after.clone());
        blocks.push(format!("-- \n{}", self.footer));
        let mut text = blocks.join("\n\n");
        text.push('\n');
        text
    }

    fn html(&self, subject: &str, link_hint: &str, language: &str) -> String {
        let mut body = vec![format!("<h1 style=\"{HEADING}\">{}</h1>\n", escape(&self.heading))];
        body.push(paragraphs(&self.body, TEXT));
        if let Some((label, link)) = &self.button {
            let (label, link, hint) = (escape(label), escape(link), escape(link_hint));
            body.push(format!(
                "<p style=\"margin:28px 0\"><a style=\"{BUTTON}\" href=\"{link}\">{label}</a></p>\n\
                 <p style=\"{SMALL}\">{hint}<br>\
                 <a style=\"color:inherit;word-break:break-all\" href=\"{link}\">{link}</a></p>\n"
            ));
        }
        body.extend(self.after.as_deref().map(|after| paragraphs(after, TEXT)));
        body.push("<hr style=\"border:0;border-top:1px solid #8883;margin:28px 0 16px\">\n".to_owned());
        body.push(paragraphs(&self.footer, SMALL));
        format!(
            "<!doctype html>\n<html lang=\"{language}\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n<title>{}</title>\n</head>\n\
             <body style=\"{PAGE}\">\n<div style=\"max-width:480px;margin:0 auto;padding:32px 24px\">\n\
             {}</div>\n</body>\n</html>\n",
            escape(subject),
            body.concat()
        )
    }
}

const PAGE: &str = "margin:0;font-family:system-ui,-apple-system,'Segoe UI',Roboto,sans-serif";
const HEADING: &str = "font-size:20px;line-height:28px;font-weight:600;margin:0 0 16px";
const TEXT: &str = "font-size:16px;line-height:24px;margin:0 0 16px";
const SMALL: &str = "font-size:13px;line-height:20px;margin:0 0 12px;opacity:.75";
const BUTTON: &str = "display:inline-block;padding:12px 20px;border-radius:6px;background:#2b4acb;\
    color:#ffffff;font-size:16px;line-height:20px;font-weight:600;text-decoration:none";

fn paragraphs(text: &str, style: &str) -> String {
    let blocks = text.split("\n\n").map(|block| {
        let lines = escape(block).replace('\n', "<br>\n");
        format!("<p style=\"{style}\">{lines}</p>\n")
    });
    blocks.collect::<Vec<_>>().concat()
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}
