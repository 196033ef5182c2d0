//! A mail's subject, text and HTML: from the words that somebody has written for it, else from the catalogue's.
//!
//! The layout is one plain column that any client shows, with colours that hold in light and dark, and nothing
//! that is loaded from anywhere: a logo travels with the mail. Every value is escaped. Who has sent the mail
//! stands below it, whatever anybody has written above.

use std::{collections::BTreeMap, fmt::Write as _, sync::Arc};

use doorward_proto::id::{Client, Id, Org};

use super::{
    Mail, Template,
    catalogue::Words,
    place,
    templates::{self, Written},
};
use crate::{
    branding::{self, Brand, COLOR, Picture, Source, Wearer},
    call::Call,
    orgs,
    outcome::Result,
};

/// The name of the logo among the parts of a mail (RFC 2392).
pub const LOGO: &str = "logo";

/// A mail in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The subject.
    pub subject: String,
    /// The body as text.
    pub text: String,
    /// The body as HTML; its logo is `cid:logo`.
    pub html: String,
    /// The logo that the HTML shows.
    pub logo: Option<Picture>,
    /// Where its reader says that they want no more of these.
    pub way_out: Option<String>,
}

/// What a mail wears, and in whose name it is sent.
#[derive(Debug, Clone, Default)]
pub(super) struct Dress {
    pub(super) brand: Option<Arc<Brand>>,
    pub(super) logo: Option<Picture>,
    /// The organisation in whose name it is sent.
    pub(super) org: Option<String>,
}

impl Dress {
    /// That of the application that asked, else of the organisation in whose name the mail is sent, else of the
    /// instance.
    pub(super) async fn of(
        call: &Call,
        (client, org): (Option<Id<Client>>, Option<Id<Org>>),
    ) -> Result<Self> {
        let wearer = match (client, org) {
            (Some(client), _) => Wearer::Client(client),
            (None, Some(org)) => Wearer::Org(org),
            (None, None) => Wearer::Instance,
        };
        let brand = branding::brand(call, wearer).await?;
        let logo = match brand.logo() {
            Some(logo) => branding::picture(call, &logo.hash).await?,
            None => None,
        };
        let org = match org.filter(|org| *org != call.realm.instance_org) {
            Some(org) => orgs::find(call, &org.to_string()).await?.map(|org| org.name),
            None => None,
        };
        Ok(Self { brand: Some(brand), logo, org })
    }

    /// The name above the words: only where somebody chose one. One that is not the instance's leads nowhere.
    fn name(&self) -> Option<String> {
        let brand = self.brand.as_deref().filter(|brand| brand.is_named())?;
        let is_instance = brand.source(|look| look.name.is_some()) == Source::Instance;
        Some(if is_instance { brand.name().to_owned() } else { templates::broken(brand.name()) })
    }

    /// How buttons look.
    fn button(&self) -> String {
        let chosen = self.brand.as_deref().and_then(Brand::primary);
        let color = chosen.map_or_else(|| COLOR.to_owned(), |color| color.to_string());
        format!("background:{color};color:#ffffff")
    }

    /// Who has sent the mail.
    fn footer(&self, words: &Words, parameters: &BTreeMap<String, String>) -> Result<String> {
        let Some(org) = &self.org else { return words.get("footer", parameters) };
        let mut parameters = parameters.clone();
        parameters.insert("sender".to_owned(), templates::broken(org));
        words.get("footer-org", &parameters)
    }

    fn head(&self) -> String {
        let name = self.name();
        if self.logo.is_none() && name.is_none() {
            return String::new();
        }
        let mut head = format!("<p style=\"{HEAD}\">");
        if let Some(logo) = &self.logo {
            let (width, height) = logo.size;
            let width = (width.saturating_mul(32) / height.max(1)).clamp(8, 240);
            let alt = if name.is_none() { self.brand.as_deref().map_or("", Brand::name) } else { "" };
            let alt = escape(alt);
            let _ = write!(
                head,
                "<img src=\"cid:{LOGO}\" alt=\"{alt}\" width=\"{width}\" height=\"32\" \
                 style=\"vertical-align:middle;border:0\"> "
            );
        }
        let _ = writeln!(head, "{}</p>", name.as_deref().map(escape).unwrap_or_default());
        head
    }
}

/// Opens a mail's parameters and writes it.
pub(super) async fn open(call: &Call, mail: &Mail, sealed: &[u8]) -> Result<Rendered> {
    let plain = call.realm.vault.open(&place(mail.id), sealed)?;
    let mut parameters: BTreeMap<String, String> = serde_json::from_slice(&plain)?;
    parameters.insert("issuer".to_owned(), call.realm.issuer.clone());
    let dress = Dress::of(call, (mail.client, mail.org)).await?;
    let written = templates::in_use(call, mail).await?;
    let words = Words::of(&mail.locale)?;
    render(&words, (mail.template, &mail.locale), &parameters, (&dress, &written))
}

/// Writes a mail. The first of `written` that has a value for each of its variables is taken, else the catalogue's
/// words; `link` among the parameters becomes the button.
pub(super) fn render(
    words: &Words,
    (template, language): (Template, &str),
    parameters: &BTreeMap<String, String>,
    (dress, written): (&Dress, &[Written]),
) -> Result<Rendered> {
    let name = template.name();
    if template == Template::Announcement {
        return said(words, language, parameters, dress);
    }
    let parted = template.is_of_organization().then(|| without_links(parameters));
    let parameters = parted.as_ref().unwrap_or(parameters);
    let label = words.find(&format!("{name}-button"), parameters);
    let own = written.iter().find_map(|own| {
        let subject = own.subject.filled(parameters)?;
        let html = match &own.html {
            Some(html) => Some(html.filled(parameters, &dress.button())?),
            None => None,
        };
        Some((subject, Parts::read(&own.text, label.as_deref(), parameters)?, html))
    });
    let (subject, parts, html) = match own {
        Some(own) => own,
        None => {
            (words.get(&format!("{name}-subject"), parameters)?, Parts::ours(words, name, parameters)?, None)
        }
    };
    let is_test = parameters.contains_key(templates::TEST);
    let subject: String = subject.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let subject = if is_test { format!("[Test] {subject}") } else { subject };
    let footer = dress.footer(words, parameters)?;
    let text = parts.text(dress.name(), &footer);
    let body = match html {
        Some(html) => html,
        None => parts.html(&words.get("link-hint", parameters)?, &dress.button()),
    };
    let html = page((&subject, language), &dress.head(), &body, &footer);
    Ok(Rendered { subject, text, html, logo: dress.logo.clone(), way_out: None })
}

/// What stands in a mail of an organisation: names that people chose lead nowhere; where the server's own link leads
/// and who the server is stay as they are.
fn without_links(parameters: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let parted = |(name, value): (&String, &String)| {
        let is_ours = matches!(name.as_str(), "link" | "issuer" | "when");
        (name.clone(), if is_ours { value.clone() } else { templates::broken(value) })
    };
    parameters.iter().map(parted).collect()
}

/// Writes what is said to many: its words are its own, and below them stands how to hear no more.
fn said(
    words: &Words,
    language: &str,
    parameters: &BTreeMap<String, String>,
    dress: &Dress,
) -> Result<Rendered> {
    let given = |name: &str| parameters.get(name).cloned().unwrap_or_default();
    let (subject, link) = (given("subject"), given("link"));
    let mut parts = Parts::plain(&given("text"));
    parts.0.push(Part::Leave(words.get("announcement-stop", parameters)?, link.clone()));
    let footer = dress.footer(words, parameters)?;
    let text = parts.text(dress.name(), &footer);
    let body = parts.html("", &dress.button());
    let html = page((&subject, language), &dress.head(), &body, &footer);
    Ok(Rendered { subject, text, html, logo: dress.logo.clone(), way_out: Some(link) })
}

/// A part of the words.
enum Part {
    Heading(String),
    Text(String),
    /// Label and address.
    Button(Option<String>, String),
    /// How to hear no more, and where.
    Leave(String, String),
}

struct Parts(Vec<Part>);

impl Parts {
    /// The catalogue's.
    fn ours(words: &Words, name: &str, parameters: &BTreeMap<String, String>) -> Result<Self> {
        let part = |end: &str| words.find(&format!("{name}-{end}"), parameters);
        let mut parts = vec![
            Part::Heading(words.get(&format!("{name}-heading"), parameters)?),
            Part::Text(words.get(&format!("{name}-body"), parameters)?),
        ];
        if let Some((label, link)) = part("button").zip(parameters.get("link").cloned()) {
            parts.push(Part::Button(Some(label), link));
        }
        parts.extend(part("after").map(Part::Text));
        Ok(Self(parts))
    }

    /// Text as it is: nothing in it stands for anything else.
    fn plain(text: &str) -> Self {
        let blocks = text.split("\n\n").map(str::trim).filter(|block| !block.is_empty());
        Self(
            blocks
                .map(|block| match block.strip_prefix("# ") {
                    Some(heading) => Part::Heading(heading.trim().to_owned()),
                    None => Part::Text(block.to_owned()),
                })
                .collect(),
        )
    }

    /// Somebody's: a block for each empty line; one that begins with `# ` is a heading, and one that is the link
    /// alone is the button. What a value holds makes neither. `None` where a variable has no value.
    fn read(
        words: &templates::Words,
        label: Option<&str>,
        parameters: &BTreeMap<String, String>,
    ) -> Option<Self> {
        let mut parts = Vec::new();
        for block in words.blocks() {
            let text = block.filled(parameters)?;
            let text = text.trim();
            if block.is_only("link") {
                parts.push(Part::Button(label.map(str::to_owned), text.to_owned()));
            } else if block.is_heading() {
                parts.push(Part::Heading(text.trim_start_matches('#').trim().to_owned()));
            } else if !text.is_empty() {
                parts.push(Part::Text(text.to_owned()));
            }
        }
        Some(Self(parts))
    }

    fn text(&self, name: Option<String>, footer: &str) -> String {
        let mut blocks: Vec<String> = name.into_iter().collect();
        blocks.extend(self.0.iter().map(|part| match part {
            Part::Heading(text) | Part::Text(text) => text.clone(),
            Part::Button(Some(label), link) => format!("{label}:\n{link}"),
            Part::Button(None, link) => link.clone(),
            Part::Leave(words, link) => format!("{words}\n{link}"),
        }));
        blocks.push(format!("-- \n{footer}"));
        let mut text = blocks.join("\n\n");
        text.push('\n');
        text
    }

    fn html(&self, link_hint: &str, button: &str) -> String {
        let part = |part: &Part| match part {
            Part::Heading(text) => format!("<h1 style=\"{HEADING}\">{}</h1>\n", escape(text)),
            Part::Text(text) => paragraphs(text, TEXT),
            Part::Leave(words, link) => {
                let (words, link) = (escape(words), escape(link));
                format!(
                    "<p style=\"{SMALL}\">{words}<br>\n\
                     <a style=\"color:inherit;word-break:break-all\" href=\"{link}\">{link}</a></p>\n"
                )
            }
            Part::Button(label, link) => {
                let (link, hint) = (escape(link), escape(link_hint));
                let label = label.as_deref().map_or_else(|| link.clone(), escape);
                format!(
                    "<p style=\"margin:28px 0\"><a style=\"{BUTTON};{button}\" href=\"{link}\">{label}</a></p>\n\
                     <p style=\"{SMALL}\">{hint}<br>\
                     <a style=\"color:inherit;word-break:break-all\" href=\"{link}\">{link}</a></p>\n"
                )
            }
        };
        self.0.iter().map(part).collect()
    }
}

fn page((subject, language): (&str, &str), head: &str, body: &str, footer: &str) -> String {
    let rule = "<hr style=\"border:0;border-top:1px solid #8883;margin:28px 0 16px\">\n";
    format!(
        "<!doctype html>\n<html lang=\"{language}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{}</title>\n</head>\n\
         <body style=\"{PAGE}\">\n<div style=\"max-width:480px;margin:0 auto;padding:32px 24px\">\n\
         {head}{body}{rule}{}</div>\n</body>\n</html>\n",
        escape(subject),
        paragraphs(footer, SMALL),
    )
}

const PAGE: &str = "margin:0;font-family:system-ui,-apple-system,'Segoe UI',Roboto,sans-serif";
const HEAD: &str = "font-size:16px;line-height:32px;font-weight:600;margin:0 0 24px";
pub(super) const HEADING: &str = "font-size:20px;line-height:28px;font-weight:600;margin:0 0 16px";
pub(super) const TEXT: &str = "font-size:16px;line-height:24px;margin:0 0 16px";
const SMALL: &str = "font-size:13px;line-height:20px;margin:0 0 12px;opacity:.75";
pub(super) const BUTTON: &str = "display:inline-block;padding:12px 20px;border-radius:6px;\
    font-size:16px;line-height:20px;font-weight:600;text-decoration:none";

fn paragraphs(text: &str, style: &str) -> String {
    let blocks = text.split("\n\n").map(|block| {
        let lines = escape(block).replace('\n', "<br>\n");
        format!("<p style=\"{style}\">{lines}</p>\n")
    });
    blocks.collect::<Vec<_>>().concat()
}

pub(super) fn escape(text: &str) -> String {
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
