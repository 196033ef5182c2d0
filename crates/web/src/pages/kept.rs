//! What somebody typed into a form that could not be taken, because the session had ended or the page was
//! older than the browser's cookie: it waits in a cookie of this browser until the form is shown again,
//! filled in, and has to be sent once more by hand. Nothing secret is ever kept.

use std::time::Duration;

use axum::response::Response;
use data_encoding::BASE64URL_NOPAD;
use url::form_urlencoded::{Serializer, parse};

use super::{
    questions,
    visit::{Visit, to},
};
use crate::cookies::Cookie;

/// Fields that may be kept. No password, and no secret of a link.
const FIELDS: [&str; 30] = [
    "name",
    "email",
    "identifier",
    "news",
    "scopes",
    "workspaces",
    "addresses",
    "owner",
    "purpose",
    "days",
    "reason",
    "only",
    "minutes",
    "username",
    "role",
    "roles",
    "locale",
    "zone",
    "slug",
    "issuer",
    "client_id",
    "domains",
    "team_id",
    "key_id",
    "redirect_uris",
    "signed_out",
    "org",
    "client",
    "api",
    "expression",
];
/// A cookie holds no more.
const LONGEST: usize = 2048;
/// As long as somebody needs to sign in again.
const LASTS: Duration = Duration::from_mins(10);

fn may_keep(name: &str) -> bool {
    FIELDS.contains(&name) || name.starts_with(questions::START)
}

/// What was typed on one page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kept {
    page: String,
    fields: Vec<(String, String)>,
}

impl Kept {
    /// What may be kept of a form that belongs to `page`.
    pub fn of(page: &str, body: &[u8]) -> Self {
        let fields = parse(body).into_owned().filter(|(name, _)| may_keep(name));
        Self { page: page.to_owned(), fields: fields.collect() }
    }

    /// Reads a cookie's value.
    pub fn read(value: &str) -> Option<Self> {
        let bytes = BASE64URL_NOPAD.decode(value.as_bytes()).ok()?;
        let mut pairs = parse(&bytes).into_owned();
        let page = pairs.next().filter(|(name, _)| name == "page")?.1;
        Some(Self { page, fields: pairs.filter(|(name, _)| may_keep(name)).collect() })
    }

    /// As it stands in the cookie: the same for the same fields.
    pub fn value(&self) -> String {
        let mut text = Serializer::new(String::new());
        let text = text.append_pair("page", &self.page).extend_pairs(&self.fields).finish();
        BASE64URL_NOPAD.encode(text.as_bytes())
    }

    /// Whether it belongs to this page.
    pub fn is_for(&self, page: &str) -> bool {
        self.page == page
    }

    /// What was typed into a field.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find_map(|(key, value)| (key == name).then_some(value.as_str()))
    }

    /// Puts it into the browser's cookie, if there is anything.
    pub fn put_some(&self, visit: &Visit, response: Response) -> Response {
        if self.fields.is_empty() { response } else { self.put(visit, response) }
    }

    /// Puts it into the browser's cookie; what is too long is not kept.
    pub fn put(&self, visit: &Visit, response: Response) -> Response {
        let value = self.value();
        if value.len() > LONGEST {
            return response;
        }
        visit.with_cookie(response, Cookie::Kept, &value, Some(LASTS))
    }
}

/// The page that shows the form posted to `path`.
pub fn page_of(path: &str) -> &str {
    const ROOMS: [(&str, &str); 10] = [
        ("/choose-organization/", "/choose-organization"),
        ("/account/organizations", "/account/organizations"),
        ("/account/invitations", "/account/organizations"),
        ("/invitation/", "/invitation"),
        ("/account/security", "/account/security"),
        ("/account/sessions", "/account/sessions"),
        ("/account/applications", "/account/applications"),
        ("/account/keys", "/account/keys"),
        ("/account/delete", "/account/data"),
        ("/account/", "/account"),
    ];
    if path.starts_with("/account/organizations/") && path.ends_with("/profile") {
        return path;
    }
    ROOMS.iter().find(|(start, _)| path.starts_with(start)).map_or(path, |(_, page)| page)
}

/// Back to the form, with what was typed. A form behind a link of ours goes back behind that link.
pub fn back(visit: &Visit, path: &str, body: &[u8]) -> Response {
    let page = page_of(path);
    let link =
        parse(body).find(|(name, value)| matches!(name.as_ref(), "token" | "after") && !value.is_empty());
    let address = match link {
        Some((name, value)) => {
            let query = Serializer::new(String::new()).append_pair(&name, &value).finish();
            visit.carry.on(&format!("{page}?{query}"))
        }
        None => visit.carry.on(page),
    };
    Kept::of(page, body).put(visit, to(&address))
}

#[cfg(test)]
mod tests;
