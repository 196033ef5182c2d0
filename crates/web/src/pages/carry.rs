//! What pages carry along while somebody signs in: the authorization in progress, or the page that was
//! asked for. Never an address outside this server: a page to return to is a path.

use doorward_proto::id::{Draft, Id};
use url::form_urlencoded::{Serializer, parse};

/// Where an authorization in progress goes on.
const RESUME: &str = "/oauth2/authorize/resume?draft=";

/// What is carried along.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Carry {
    draft: Option<Id<Draft>>,
    return_to: Option<String>,
    wants_other: bool,
    client_id: Option<String>,
}

impl Carry {
    /// Reads a query. Also answers its `ui_locales`.
    pub fn read(query: &str) -> (Option<String>, Self) {
        let mut carry = Self::default();
        let mut ui_locales = None;
        for (name, value) in parse(query.as_bytes()) {
            match name.as_ref() {
                "draft" => carry.draft = value.parse().ok(),
                "return_to" if is_path(&value) => carry.return_to = Some(value.into_owned()),
                "client_id" if is_client_id(&value) => carry.client_id = Some(value.into_owned()),
                "other" => carry.wants_other = true,
                "ui_locales" => ui_locales = Some(value.into_owned()),
                _ => {}
            }
        }
        (ui_locales, carry)
    }

    /// Coming back to one of our own pages.
    pub fn back_to(path: &str) -> Self {
        Self { return_to: is_path(path).then(|| path.to_owned()), ..Self::default() }
    }

    /// Coming back to where somebody was who went to read mail: [`Carry::asked`] in the other direction.
    pub fn of(next: Option<&str>) -> Self {
        let resumed = next.and_then(|next| next.strip_prefix(RESUME)).and_then(|draft| draft.parse().ok());
        match resumed {
            Some(draft) => Self { draft: Some(draft), ..Self::default() },
            None => next.map(Self::back_to).unwrap_or_default(),
        }
    }

    /// The authorization in progress.
    pub const fn draft(&self) -> Option<Id<Draft>> {
        self.draft
    }

    /// The application whose brand the pages wear while nothing is in progress. It decides nothing.
    pub fn client_id(&self) -> Option<&str> {
        self.client_id.as_deref()
    }

    /// Whether somebody was on the way to one of our own pages.
    pub const fn is_coming_back(&self) -> bool {
        self.return_to.is_some()
    }

    /// Whether the person asked for another account than the one in use.
    pub const fn wants_other(&self) -> bool {
        self.wants_other
    }

    /// The address of a page with all that is carried.
    pub fn on(&self, path: &str) -> String {
        let mut query = Serializer::new(String::new());
        if let Some(draft) = self.draft {
            query.append_pair("draft", &draft.to_string());
        }
        if let Some(path) = &self.return_to {
            query.append_pair("return_to", path);
        }
        if let Some(client_id) = &self.client_id {
            query.append_pair("client_id", client_id);
        }
        let query = query.finish();
        let sign = if path.contains('?') { '&' } else { '?' };
        if query.is_empty() { path.to_owned() } else { format!("{path}{sign}{query}") }
    }

    /// Where to go when everything here is done; nothing where nothing was asked for.
    pub fn asked(&self) -> Option<String> {
        self.draft.map(|draft| format!("{RESUME}{draft}")).or_else(|| self.return_to.clone())
    }

    /// Where to go when everything here is done.
    pub fn onward(&self) -> String {
        self.asked().unwrap_or_else(|| "/account".to_owned())
    }
}

/// What may be the public name of an application; one that is an address is too long to carry along.
fn is_client_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

/// A path on this server, and nothing that a browser would read as another host.
fn is_path(text: &str) -> bool {
    text.starts_with('/')
        && !text.starts_with("//")
        && text.len() <= 2048
        && text.bytes().all(|b| b.is_ascii_graphic() && b != b'\\')
}

#[cfg(test)]
mod tests;
