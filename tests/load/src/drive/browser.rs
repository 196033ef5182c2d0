//! A person with a browser, reduced to following redirects and filling in forms.
//!
//! It knows no page by name: it fills in the mail address and the password wherever a form asks for
//! them, so it walks through any sign-in that a person could.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use hyper::header::{COOKIE, HeaderName, ORIGIN, SET_COOKIE};

use super::{
    html::{self, Form},
    http::{Answer, Connection, Template},
};
use crate::plan::{Person, Site};

/// How many pages and redirects a sign-in may take.
const PATIENCE: usize = 16;

/// The cookies of one browser.
#[derive(Clone, Default)]
pub(crate) struct Jar(BTreeMap<String, String>);

impl Jar {
    fn absorb(&mut self, answer: &Answer) {
        for cookie in answer.headers.get_all(SET_COOKIE).iter().filter_map(|v| v.to_str().ok()) {
            let (pair, attributes) = cookie.split_once(';').unwrap_or((cookie, ""));
            let Some((name, value)) = pair.split_once('=') else { continue };
            let ended = attributes.split(';').any(|a| a.trim().eq_ignore_ascii_case("max-age=0"));
            if ended || value.is_empty() {
                self.0.remove(name);
            } else {
                self.0.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    /// The jar as a header.
    pub(crate) fn header(&self) -> String {
        self.0.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }
}

/// When a journey is over.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    /// The browser is sent back to the application.
    Application,
    /// The password was accepted.
    SignedIn,
}

/// Walks from `start` to the end; the address where it ended.
pub(crate) async fn journey(
    connection: &mut Connection,
    site: Site<'_>,
    jar: &mut Jar,
    person: &Person,
    (start, until): (&str, Until),
) -> Result<String> {
    let mut at = local(site, start);
    let mut next = Template::get(&at);
    let mut password_sent = false;
    for _ in 0..PATIENCE {
        if !jar.0.is_empty() {
            next = next.with(COOKIE, &jar.header())?;
        }
        let answer = connection.send(&next).await?;
        jar.absorb(&answer);
        if let Some(to) = answer.location().filter(|_| answer.status.is_redirection()) {
            if to.starts_with(site.redirect_uri) || (password_sent && until == Until::SignedIn) {
                return Ok(to.to_owned());
            }
            at = local(site, to);
            next = Template::get(&at);
            continue;
        }
        answer.expect_ok()?;
        let page = String::from_utf8_lossy(&answer.body);
        let form = choose(html::forms(&page)).with_context(|| format!("no form at {at}"))?;
        if form.has("password") {
            if password_sent {
                bail!("the password was not accepted at {at}");
            }
            password_sent = true;
        }
        if !form.action.is_empty() {
            at = local(site, &form.action);
        }
        next = fill(&form, &at, person)?
            .with(ORIGIN, site.origin)?
            .with(HeaderName::from_static("sec-fetch-site"), "same-origin")?;
    }
    bail!("a sign-in of more than {PATIENCE} steps, now at {at}")
}

/// The part of an address that a request line takes.
fn local(site: Site<'_>, address: &str) -> String {
    address.strip_prefix(site.origin).unwrap_or(address).to_owned()
}

/// The form a person would fill in: the one with a password, else with a mail address, else the first.
fn choose(forms: Vec<Form>) -> Option<Form> {
    let rank = |form: &Form| (!form.has("password"), !form.fields.iter().any(asks_who));
    forms.into_iter().min_by_key(rank)
}

fn asks_who(field: &html::Field) -> bool {
    field.kind == "email" || matches!(field.name.as_str(), "email" | "identifier" | "username" | "login")
}

fn fill(form: &Form, action: &str, person: &Person) -> Result<Template> {
    let mut fields: Vec<(&str, &str)> = Vec::new();
    let mut pressed = false;
    for field in &form.fields {
        let value = match field.kind.as_str() {
            "password" => &person.password,
            "checkbox" | "radio" => continue,
            "submit" if pressed => continue,
            "submit" => {
                pressed = true;
                &field.value
            }
            "hidden" => &field.value,
            _ if asks_who(field) => &person.email,
            _ => &field.value,
        };
        fields.push((&field.name, value));
    }
    Template::form(action, &fields)
}
