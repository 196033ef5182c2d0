//! `authorization_details` (RFC 9396): an array of objects, each with a `type`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    json::{self, Limits},
    oauth_error::{ErrorCode, Problem},
};

const NAME: &str = "authorization_details";
const LIMITS: Limits = Limits { bytes: 16 * 1024, depth: 8 };
const MAX_DETAILS: usize = 20;

/// What is to be authorized, beyond scopes; at least one object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AuthorizationDetails(pub Vec<Map<String, Value>>);

impl AuthorizationDetails {
    /// Reads the parameter.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let bad = |why| Problem::new(ErrorCode::InvalidAuthorizationDetails, NAME, why);
        let value = json::parse_value(text.as_bytes(), LIMITS).map_err(|_| bad("is not acceptable JSON"))?;
        let details = match value {
            Value::Array(items) if (1..=MAX_DETAILS).contains(&items.len()) => items,
            _ => return Err(bad("is not a short array")),
        };
        let object = |item| match item {
            Value::Object(members) if members.get("type").is_some_and(Value::is_string) => Ok(members),
            _ => Err(bad("has an element without a type")),
        };
        details.into_iter().map(object).collect::<Result<_, _>>().map(Self)
    }

    /// The types named, in order.
    pub fn types(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|detail| detail.get("type").and_then(Value::as_str))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_of_typed_objects() {
        let details =
            AuthorizationDetails::parse(r#"[{"type":"pay","sum":{"eur":5}},{"type":"read"}]"#).unwrap();
        assert_eq!(details.types().collect::<Vec<_>>(), ["pay", "read"]);
        let stored = serde_json::to_string(&details).unwrap();
        assert_eq!(AuthorizationDetails::parse(&stored), Ok(details));
        let many = format!("[{}]", vec![r#"{"type":"a"}"#; 21].join(","));
        for bad in ["", "{}", "[]", "[1]", "[{}]", r#"[{"type":1}]"#, r#"[{"type":"a","type":"a"}]"#, &many] {
            let problem = AuthorizationDetails::parse(bad).unwrap_err();
            assert_eq!(problem.error, ErrorCode::InvalidAuthorizationDetails, "{bad}");
        }
    }
}
