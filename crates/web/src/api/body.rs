//! Bodies of requests: JSON, bounded in size and depth, without repeated or unknown members.
//!
//! A refusal names the member at fault and never repeats its value, which may be a secret.

use axum::{
    body::Body,
    extract::{FromRequest, Request},
};
use doorward_core::outcome::{Code, Refusal, Result};
use doorward_proto::json::{self, JsonError, Limits};
use http::{HeaderMap, header};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value as Json};

use crate::{app::App, body::whole, edge::BODY_LIMIT, surface::Failure};

const LIMITS: Limits = Limits { bytes: BODY_LIMIT, depth: 16 };

/// A body that was read as `T`.
pub(super) struct Input<T>(pub(super) T);

/// A body that was read as the members of an object.
pub(super) struct Members(pub(super) Map<String, Json>);

impl<T: DeserializeOwned> FromRequest<App> for Input<T> {
    type Rejection = Failure;

    async fn from_request(request: Request<Body>, app: &App) -> std::result::Result<Self, Failure> {
        let Members(members) = Members::from_request(request, app).await?;
        Ok(Self(typed(Json::Object(members))?))
    }
}

impl FromRequest<App> for Members {
    type Rejection = Failure;

    async fn from_request(request: Request<Body>, _: &App) -> std::result::Result<Self, Failure> {
        if !is_json(request.headers()) {
            return Err(Code::MediaTypeUnsupported.into());
        }
        let bytes = whole(request.into_body()).await?;
        let members = json::parse_object(&bytes, LIMITS).map_err(|error| match error {
            JsonError::TooLarge => Refusal::new(Code::RequestTooLarge),
            JsonError::TooDeep => invalid("The JSON is nested too deeply"),
            JsonError::Malformed => invalid("The body has to be one JSON object that names no member twice"),
        })?;
        Ok(Self(members))
    }
}

fn invalid(hint: &'static str) -> Refusal {
    Refusal::new(Code::RequestInvalid).hint(hint)
}

/// Whether the body says that it is JSON.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    matches!(kind.as_str(), "application/json" | "application/merge-patch+json")
}

/// Reads a value as `T`; the refusal names the member at fault.
pub(super) fn typed<T: DeserializeOwned>(value: Json) -> Result<T> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let said = error.inner().to_string();
        refusal(&path, &said).into()
    })
}

/// Serde's own words, without the value that it quotes.
fn refusal(path: &str, said: &str) -> Refusal {
    let named = ["unknown field `", "missing field `"].iter().find_map(|start| said.strip_prefix(start));
    let member = named.and_then(|rest| rest.split('`').next());
    let field = match (member, path) {
        (Some(member), "." | "?") => member.to_owned(),
        (Some(member), path) if path.ends_with(member) => path.to_owned(),
        (Some(member), path) => format!("{path}.{member}"),
        (None, path) => path.to_owned(),
    };
    let hint = if said.starts_with("unknown field") {
        format!("There is no member {field}")
    } else if said.starts_with("missing field") {
        format!("The member {field} is missing")
    } else {
        let expected = said.rsplit_once("expected ").map_or("another value", |(_, expected)| expected);
        format!("The member {field} cannot be read; expected {}", plainly(expected))
    };
    Refusal::new(Code::RequestInvalid).field(field).hint(hint)
}

/// What serde expected, in words of JSON.
fn plainly(expected: &str) -> &str {
    match expected {
        "a sequence" => "an array",
        "a map" => "an object",
        "a boolean" => "true or false",
        number if ["u8", "u16", "u32", "u64", "usize"].contains(&number) => "a whole number, 0 or more",
        number if ["i8", "i16", "i32", "i64", "isize"].contains(&number) => "a whole number",
        structure if structure.starts_with("struct ") => "an object",
        other => other,
    }
}

/// Applies a merge patch (RFC 7396) to a resource and reads the outcome as the resource again, so that
/// unknown and wrong members are refused as at creation.
pub(super) fn patched<T: Serialize + DeserializeOwned>(resource: &T, patch: &Map<String, Json>) -> Result<T> {
    let mut value = serde_json::to_value(resource)?;
    merge(&mut value, &Json::Object(patch.clone()));
    typed(value)
}

/// RFC 7396 2.
fn merge(target: &mut Json, patch: &Json) {
    let Json::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Json::Object(Map::new());
    }
    let Some(members) = target.as_object_mut() else { return };
    for (name, value) in patch {
        if value.is_null() {
            members.remove(name);
        } else {
            merge(members.entry(name.clone()).or_insert(Json::Null), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_core::outcome::Error;
    use serde_json::json;

    #[test]
    fn merge_patch_follows_the_cases_of_rfc_7396_appendix_a() {
        let cases = [
            (json!({"a":"b"}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"b"}), json!({"b":"c"}), json!({"a":"b","b":"c"})),
            (json!({"a":"b"}), json!({"a":null}), json!({})),
            (json!({"a":"b","b":"c"}), json!({"a":null}), json!({"b":"c"})),
            (json!({"a":["b"]}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"c"}), json!({"a":["b"]}), json!({"a":["b"]})),
            (json!({"a":{"b":"c"}}), json!({"a":{"b":"d","c":null}}), json!({"a":{"b":"d"}})),
            (json!({"a":[{"b":"c"}]}), json!({"a":[1]}), json!({"a":[1]})),
            (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
            (json!({"a":"b"}), json!(["c"]), json!(["c"])),
            (json!({"a":"foo"}), json!(null), json!(null)),
            (json!({"a":"foo"}), json!("bar"), json!("bar")),
            (json!({"e":null}), json!({"a":1}), json!({"e":null,"a":1})),
            (json!([1, 2]), json!({"a":"b","c":null}), json!({"a":"b"})),
            (json!({}), json!({"a":{"bb":{"ccc":null}}}), json!({"a":{"bb":{}}})),
        ];
        for (mut target, patch, expected) in cases {
            merge(&mut target, &patch);
            assert_eq!(target, expected, "patch {patch}");
        }
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read")]
    struct Sample {
        password: String,
        count: Option<u32>,
    }

    #[test]
    fn a_refusal_names_the_member_and_never_its_value() {
        let said = |value: Json| match typed::<Sample>(value) {
            Err(Error::Refused(refusal)) => (refusal.field.unwrap().into_owned(), refusal.hint.into_owned()),
            other => panic!("{other:?}"),
        };
        assert_eq!(said(json!({"password":"x","pasword":"s3cret"})).0, "pasword");
        assert_eq!(said(json!({"count":1})).0, "password");
        let (field, hint) = said(json!({"password":"x","count":"s3cret"}));
        assert_eq!(field, "count");
        assert_eq!(hint, "The member count cannot be read; expected a whole number, 0 or more");
        let (field, hint) = said(json!({"password":{"s3cret":1}}));
        assert_eq!(field, "password");
        assert!(!hint.contains("s3cret"), "{hint}");
    }
}
