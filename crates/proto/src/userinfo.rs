//! Standard claims about a person, by scope (OpenID Connect Core 5.1, 5.4).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::scope::ScopeSet;

/// The scopes that stand for claims, and the claims they stand for.
pub const SCOPES: &[(&str, &[&str])] = &[
    (
        "profile",
        &[
            "name",
            "family_name",
            "given_name",
            "middle_name",
            "nickname",
            "preferred_username",
            "profile",
            "picture",
            "website",
            "gender",
            "birthdate",
            "zoneinfo",
            "locale",
            "updated_at",
        ],
    ),
    ("email", &["email", "email_verified"]),
    ("address", &["address"]),
    ("phone", &["phone_number", "phone_number_verified"]),
];

/// The claims a scope stands for; none for all others.
pub fn claims_of_scope(scope: &str) -> &'static [&'static str] {
    SCOPES.iter().find(|(name, _)| *name == scope).map_or(&[], |(_, claims)| claims)
}

/// Whether a scope of the set stands for the claim.
pub fn is_covered(claim: &str, scopes: &ScopeSet) -> bool {
    scopes.iter().any(|scope| claims_of_scope(scope).contains(&claim))
}

/// What is known of a person; absent members are left out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StandardClaims {
    /// The whole name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Family name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family_name: Option<String>,
    /// Given name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given_name: Option<String>,
    /// Middle name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub middle_name: Option<String>,
    /// What friends say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nickname: Option<String>,
    /// A name for signing in; neither unique nor stable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_username: Option<String>,
    /// A page about the person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// A picture's URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
    /// The person's own page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub website: Option<String>,
    /// Gender.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gender: Option<String>,
    /// `YYYY-MM-DD`, `0000-MM-DD` or `YYYY`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub birthdate: Option<String>,
    /// A time zone's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zoneinfo: Option<String>,
    /// A BCP 47 tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// When any of this was last changed, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<i64>,
    /// The mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Whether the person has shown that it is theirs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_verified: Option<bool>,
    /// The postal address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
    /// E.164.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
    /// Whether the person has shown that it is theirs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number_verified: Option<bool>,
}

/// A postal address (OpenID Connect Core 5.1.1).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Address {
    /// As on a label, with line breaks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub formatted: Option<String>,
    /// Street and number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub street_address: Option<String>,
    /// City.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locality: Option<String>,
    /// State or region.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Postal code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    /// Country.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
}

impl StandardClaims {
    /// The claims for which the question is answered yes, ready to be put into a token or an answer.
    pub fn select(&self, wanted: impl Fn(&str) -> bool) -> Map<String, Value> {
        let Ok(Value::Object(mut claims)) = serde_json::to_value(self) else { return Map::new() };
        claims.retain(|name, _| wanted(name));
        claims
    }

    /// The claims the scopes stand for.
    pub fn by_scope(&self, scopes: &ScopeSet) -> Map<String, Value> {
        self.select(|claim| is_covered(claim, scopes))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn person() -> StandardClaims {
        StandardClaims {
            name: Some("Ada".into()),
            email: Some("ada@example.org".into()),
            email_verified: Some(true),
            address: Some(Address { country: Some("AT".into()), ..Address::default() }),
            phone_number: Some("+43".into()),
            ..StandardClaims::default()
        }
    }

    #[test]
    fn scopes_stand_for_claims() {
        let cases = [
            ("", json!({})),
            ("openid", json!({})),
            ("openid profile", json!({"name": "Ada"})),
            ("email", json!({"email": "ada@example.org", "email_verified": true})),
            ("address phone", json!({"address": {"country": "AT"}, "phone_number": "+43"})),
        ];
        for (scope, expect) in cases {
            assert_eq!(Value::Object(person().by_scope(&scope.parse().unwrap())), expect, "{scope}");
        }
        assert_eq!(person().select(|name| name == "name").len(), 1);
        assert_eq!(
            serde_json::from_value::<StandardClaims>(serde_json::to_value(person()).unwrap()).unwrap(),
            person()
        );
    }

    #[test]
    fn every_claim_of_the_list_exists_in_the_type() {
        for (_, claims) in SCOPES {
            for claim in *claims {
                let value = match *claim {
                    "updated_at" => json!(1),
                    "address" => json!({}),
                    name if name.ends_with("_verified") => json!(true),
                    _ => json!("x"),
                };
                let person: StandardClaims = serde_json::from_value(json!({ *claim: value })).unwrap();
                assert_eq!(person.select(|name| name == *claim).len(), 1, "{claim}");
            }
        }
    }
}
