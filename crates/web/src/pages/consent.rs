//! Consent: who asks, for what, on whose behalf, for how long, and where the browser goes afterwards.

use askama::Template;

use super::frame::{Asker, Frame, initials};
use super::text::Text;

/// One thing that the application may do.
#[derive(Debug, Clone)]
pub struct Wish {
    /// What it means for the person.
    pub title: String,
    /// More about it; may be empty.
    pub detail: String,
}

impl Wish {
    /// A scope in words: the standard ones from the catalogue, an API's own with its description, and
    /// one that nobody described by its name.
    pub fn of_scope(text: Text, scope: &str, description: Option<&str>) -> Self {
        let key = match scope {
            "openid" => "scope-openid",
            "profile" => "scope-profile",
            "email" => "scope-email",
            "phone" => "scope-phone",
            "address" => "scope-address",
            "offline_access" => "scope-offline",
            _ => {
                let title = description.unwrap_or(scope).to_owned();
                let detail = if description.is_some() { scope.to_owned() } else { String::new() };
                return Self { title, detail };
            }
        };
        Self { title: text.get(key), detail: String::new() }
    }
}

/// The question.
#[derive(Template)]
#[template(path = "consent.html")]
pub struct Page<'a> {
    /// What is around it.
    pub frame: &'a Frame,
    /// Who asks.
    pub asker: Asker,
    /// Whether an administrator of this server vouches for the application.
    pub is_verified: bool,
    /// Where the form goes; carries the draft.
    pub action: String,
    /// The person's mail address.
    pub email: String,
    /// The organisation on whose behalf, where it is not the person's own.
    pub organisation: Option<String>,
    /// What it asks for.
    pub wishes: Vec<Wish>,
    /// The APIs it wants to reach, by name.
    pub apis: Vec<String>,
    /// Where the browser goes next: the redirect URI's host or scheme.
    pub returns_to: String,
    /// To another account.
    pub other: String,
}

impl Page<'_> {
    fn initials(&self) -> String {
        initials(&self.email, 1)
    }
}
