//! The `claims` parameter: single claims asked for by name (OpenID Connect Core 5.5).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::json::{self, JsonError, Limits};

const LIMITS: Limits = Limits { bytes: 8 * 1024, depth: 6 };
const MAX_CLAIMS: usize = 64;

/// Claims asked for, by where they are to be delivered.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ClaimsRequest {
    /// From the userinfo endpoint.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub userinfo: BTreeMap<String, ClaimAsk>,
    /// In the ID token.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub id_token: BTreeMap<String, ClaimAsk>,
}

/// How one claim is asked for; `null` on the wire is the default.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ClaimAsk {
    /// The application cannot do without it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub essential: bool,
    /// The one value that is wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// The values that are wanted, the preferred first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<Value>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde calls")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

impl ClaimAsk {
    /// Whether a value satisfies what was asked: any does where none was named.
    pub fn accepts(&self, value: &Value) -> bool {
        match &self.value {
            Some(wanted) => wanted == value,
            None => self.values.is_empty() || self.values.contains(value),
        }
    }
}

impl ClaimsRequest {
    /// Reads the parameter. Members that are not understood are ignored, as the specification asks.
    pub fn parse(text: &str) -> Result<Self, JsonError> {
        let members = json::parse_object(text.as_bytes(), LIMITS)?;
        Ok(Self { userinfo: section(&members, "userinfo")?, id_token: section(&members, "id_token")? })
    }
}

fn section(members: &Map<String, Value>, name: &str) -> Result<BTreeMap<String, ClaimAsk>, JsonError> {
    let claims = match members.get(name) {
        None | Some(Value::Null) => return Ok(BTreeMap::new()),
        Some(Value::Object(claims)) if claims.len() <= MAX_CLAIMS => claims,
        Some(_) => return Err(JsonError::Malformed),
    };
    claims.iter().map(|(name, how)| Ok((name.clone(), ask(how)?))).collect()
}

fn ask(how: &Value) -> Result<ClaimAsk, JsonError> {
    match how {
        Value::Null => Ok(ClaimAsk::default()),
        Value::Object(_) => ClaimAsk::deserialize(how).map_err(|_| JsonError::Malformed),
        _ => Err(JsonError::Malformed),
    }
}

#[cfg(test)]
mod tests;
