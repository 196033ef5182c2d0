//! The standard claims of a person (OpenID Connect Core 5.1), apart from name, mail, language and zone,
//! which have columns of their own.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::outcome::{Code, Refusal, Result};

const LONGEST: usize = 512;

/// The standard claims.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Profile {
    /// First name or names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given_name: Option<String>,
    /// Last name or names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family_name: Option<String>,
    /// Middle names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub middle_name: Option<String>,
    /// What friends say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nickname: Option<String>,
    /// The address of a profile page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The address of a picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
    /// A web site.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub website: Option<String>,
    /// Gender.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gender: Option<String>,
    /// `YYYY-MM-DD`, `0000-MM-DD` or `YYYY`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub birthdate: Option<String>,
    /// A telephone number, best in E.164.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
    /// Whether the number was proven.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number_verified: Option<bool>,
    /// A postal address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
}

/// A postal address (OpenID Connect Core 5.1.1).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Address {
    /// Everything, as it would be written on a letter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub formatted: Option<String>,
    /// Street and number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub street_address: Option<String>,
    /// City.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locality: Option<String>,
    /// State or province.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Postal code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    /// Country.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
}

impl Profile {
    /// The profile after a merge patch (RFC 7396): a null removes, another value replaces.
    ///
    /// # Errors
    /// Refused when a member is unknown, of another type, too long, or not what it should be.
    pub(super) fn merged(&self, patch: &Map<String, Json>) -> Result<Self> {
        let mut whole = serde_json::to_value(self)?;
        merge(&mut whole, patch);
        let Ok(merged) = serde_json::from_value::<Self>(whole) else {
            return Err(refused("A claim is unknown or of another type"));
        };
        merged.check()?;
        // Another number was proven by nobody.
        let is_said = patch.contains_key("phone_number_verified");
        if merged.phone_number != self.phone_number && !is_said {
            return Ok(Self { phone_number_verified: None, ..merged });
        }
        Ok(merged)
    }

    /// Refuses what may not be stored.
    pub(super) fn check(&self) -> Result<()> {
        let address = self.address.clone().unwrap_or_default();
        let texts = [
            &self.given_name,
            &self.family_name,
            &self.middle_name,
            &self.nickname,
            &self.gender,
            &self.phone_number,
            &address.formatted,
            &address.street_address,
            &address.locality,
            &address.region,
            &address.postal_code,
            &address.country,
        ];
        if texts.into_iter().flatten().any(|text| text.len() > LONGEST) {
            return Err(refused("A claim is longer than 512 bytes"));
        }
        let links = [("profile", &self.profile), ("picture", &self.picture), ("website", &self.website)];
        for (member, link) in links {
            if link.as_deref().is_some_and(|link| !is_web_address(link)) {
                let hint = "profile, picture and website are http or https addresses";
                return Err(Refusal::new(Code::RequestInvalid).field(member).hint(hint).into());
            }
        }
        if self.phone_number.as_deref().is_some_and(|number| !is_phone_number(number)) {
            let hint = "A telephone number has 3 to 20 digits, best as +49 30 123456";
            return Err(Refusal::new(Code::RequestInvalid).field("phone_number").hint(hint).into());
        }
        if self.birthdate.as_deref().is_some_and(|date| !is_date(date)) {
            return Err(refused("birthdate is YYYY-MM-DD or YYYY"));
        }
        Ok(())
    }
}

fn refused(hint: &'static str) -> crate::outcome::Error {
    Refusal::new(Code::RequestInvalid).field("profile").hint(hint).into()
}

fn is_web_address(text: &str) -> bool {
    text.len() <= 2048 && url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}

/// As people write them, with what they put between the digits.
fn is_phone_number(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let rest = text.strip_prefix('+').unwrap_or(text);
    (3..=20).contains(&digits)
        && text.len() <= 40
        && rest.chars().all(|c| c.is_ascii_digit() || " ()-./".contains(c))
}

fn is_date(text: &str) -> bool {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    matches!(shape.as_str(), "0000" | "0000-00-00")
}

/// RFC 7396.
fn merge(target: &mut Json, patch: &Map<String, Json>) {
    if !target.is_object() {
        *target = Json::Object(Map::new());
    }
    let Some(members) = target.as_object_mut() else { return };
    for (name, value) in patch {
        match value {
            Json::Null => {
                members.remove(name);
            }
            Json::Object(inner) => merge(members.entry(name.clone()).or_insert(Json::Null), inner),
            other => {
                members.insert(name.clone(), other.clone());
            }
        }
    }
}
