//! The description of the API (`OpenAPI` 3.1), made from the list of endpoints and the types they read and
//! answer. Only what works is in it.

use std::collections::BTreeMap;

use doorward_core::{apis::catalog, outcome::Result};
use serde::Serialize;
use serde_json::{Map, Value as Json, json};
use utoipa::ToSchema;

use super::{
    confirmation,
    endpoint::{Access, Endpoint, Shape},
};

const ABOUT: &str = "Manages people, applications, APIs, keys and sessions of a Doorward server. \
    Lists are paged by `limit` and `cursor`; `Idempotency-Key` is honoured on every POST for 24 hours; \
    `ETag` and `If-Match` guard changes; times are RFC 3339 in UTC. Refusals are RFC 9457 problem details.";

/// A refusal (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
struct Problem {
    /// The kind of problem: `/problems/…`.
    #[serde(rename = "type")]
    kind: String,
    /// The kind in a few words.
    title: String,
    /// The HTTP status.
    status: u16,
    /// What is wrong here.
    detail: String,
    /// The code that `doorward explain` knows.
    code: String,
    /// The kind in a few words.
    message: String,
    /// The reference of the request, as in the log.
    request_id: String,
    /// The input at fault.
    field: Option<String>,
    /// The scope that is missing.
    scope: Option<String>,
    /// Seconds after which another try makes sense.
    retry_after: Option<u32>,
}

/// The whole document.
///
/// # Errors
/// A fault when a schema cannot be written as JSON, which the tests rule out.
pub fn document() -> Result<Json> {
    let mut schemas = BTreeMap::new();
    let mut problem = Vec::new();
    Problem::schemas(&mut problem);
    problem.push((Problem::name().into_owned(), <Problem as utoipa::PartialSchema>::schema()));
    for (name, schema) in problem {
        schemas.insert(name, serde_json::to_value(schema)?);
    }
    let mut paths: BTreeMap<&'static str, Map<String, Json>> = BTreeMap::new();
    for endpoint in super::endpoints() {
        for shape in [&endpoint.takes, &endpoint.answers].into_iter().flatten() {
            schemas.insert(shape.name.clone(), serde_json::to_value(&shape.schema)?);
            for (name, schema) in &shape.referenced {
                schemas.insert(name.clone(), serde_json::to_value(schema)?);
            }
        }
        let item = paths.entry(endpoint.path).or_default();
        item.insert(endpoint.method.as_str().to_ascii_lowercase(), operation(&endpoint));
    }
    let scopes: BTreeMap<&str, &str> = catalog::announced().collect();
    Ok(json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Doorward",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": { "Problem": {
                "description": "Refused",
                "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
            } },
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An access token or a service token",
                    "x-scopes": scopes,
                },
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": "__Host-doorward",
                    "description": "The signed-in browser: one's own account, and an administrator's rights",
                },
            },
        },
    }))
}

/// What is said of what cannot be undone.
const GRAVE: &str = "A signed-in browser has to have signed in within the last ten minutes.";

fn operation(endpoint: &Endpoint) -> Json {
    let mut operation = json!({
        "operationId": operation_id(endpoint),
        "tags": [endpoint.area()],
        "summary": endpoint.summary,
        "parameters": parameters(endpoint),
        "responses": {
            endpoint.status.as_str(): answer(endpoint),
            "default": { "$ref": "#/components/responses/Problem" },
        },
    });
    let security = match endpoint.access {
        Access::Anyone => None,
        Access::Scope(scope) => Some(json!([{ "token": [scope] }])),
        Access::Account(scope) | Access::Org(scope) => Some(json!([{ "token": [scope] }, { "session": [] }])),
    };
    let Some(members) = operation.as_object_mut() else { return operation };
    if let Some(security) = security {
        members.insert("security".to_owned(), security);
    }
    if endpoint.confirms.is_some() {
        members.insert("description".to_owned(), confirmation::ABOUT.into());
    } else if endpoint.is_grave {
        members.insert("description".to_owned(), GRAVE.into());
    }
    if let Some(shape) = &endpoint.takes {
        let kind = if endpoint.method == http::Method::PATCH {
            "application/merge-patch+json"
        } else {
            "application/json"
        };
        let body = json!({ "required": true, "content": { kind: { "schema": reference(shape) } } });
        members.insert("requestBody".to_owned(), body);
    }
    operation
}

/// `clients.create`, `clients.rotate`: the area and what is done there.
fn operation_id(endpoint: &Endpoint) -> String {
    let rest = endpoint.path.trim_start_matches("/api/").trim_start_matches("v1/");
    let words: Vec<&str> = rest.split('/').filter(|part| !part.starts_with('{')).collect();
    let is_one = endpoint.path.ends_with('}');
    // Of other systems' paths, which lead with a word of theirs.
    let is_theirs = matches!(words.as_slice(), ["admin", _]) && !is_one;
    let lists = is_theirs || endpoint.answers.as_ref().is_some_and(|shape| shape.is_page);
    let verb = match endpoint.method.as_str() {
        "GET" if lists => "list",
        "GET" => "show",
        "PATCH" => "update",
        "DELETE" if is_one => "delete",
        "DELETE" => "clear",
        _ if is_one || is_theirs || words.len() == 1 => "create",
        _ => return words.join(".").replace('-', "_"),
    };
    format!("{}.{verb}", words.join(".")).replace('-', "_")
}

fn filtered(by: &str) -> &'static str {
    match by {
        "since" => "Only those from this time on (RFC 3339)",
        "until" => "Only those before this time (RFC 3339)",
        "from" => "From this hour on (RFC 3339); the last 30 days unless set",
        "to" => "Before this hour (RFC 3339); up to now unless set",
        "by" => {
            "By what it is put together: some of `hour`, `day`, `org`, `user`, `client`, `agent`, `route`, \
            `status`, with commas between"
        }
        "kind" => "What is counted: `request` (unless set), `sign_in` or `token`",
        "interval" => "`day` (unless set) or `hour`, in UTC",
        "figure" => {
            "Only one of `sign_ins`, `sign_ins_failed`, `app_sign_ins`, `tokens`, `denials`, `active_users`"
        }
        "format" => "`json`, or `csv` for all of it as a table",
        "after" => "Only those that follow the one of this number, the oldest first",
        _ => "Only those with this value",
    }
}

fn parameters(endpoint: &Endpoint) -> Vec<Json> {
    let parameter = |place: &str, name: &str, what: &str, schema: Json| json!({ "name": name, "in": place, "required": place == "path", "description": what, "schema": schema });
    let text = || json!({ "type": "string" });
    let mut all: Vec<Json> = endpoint
        .path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| parameter("path", name, "Its id or public name", text()))
        .collect();
    if let Some(filters) = endpoint.filters {
        let limit = json!({ "type": "integer", "minimum": 1, "maximum": 500, "default": 50 });
        all.push(parameter("query", "limit", "Items on a page", limit));
        all.push(parameter("query", "cursor", "The `next_cursor` of the page before", text()));
        all.push(parameter("query", "query", "The beginning of a name, or an id", text()));
        all.extend(filters.iter().map(|name| parameter("query", name, filtered(name), text())));
    }
    all.extend(endpoint.asked.iter().map(|name| parameter("query", name, filtered(name), text())));
    if endpoint.method == http::Method::POST {
        let what = "Answers the same request again, for 24 hours, as the first time";
        all.push(parameter("header", "Idempotency-Key", what, text()));
    }
    if endpoint.is_guarded {
        all.push(parameter("header", "If-Match", "Only if its `ETag` is still this", text()));
    }
    all
}

fn answer(endpoint: &Endpoint) -> Json {
    match &endpoint.answers {
        None => json!({ "description": "Done" }),
        Some(shape) => json!({
            "description": "Granted",
            "content": { "application/json": { "schema": reference(shape) } },
        }),
    }
}

fn reference(shape: &Shape) -> Json {
    let item = json!({ "$ref": format!("#/components/schemas/{}", shape.name) });
    if !shape.is_page {
        return item;
    }
    json!({
        "type": "object",
        "required": ["items", "next_cursor"],
        "properties": {
            "items": { "type": "array", "items": item },
            "next_cursor": { "type": ["string", "null"] },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_leads_somewhere_and_every_operation_has_its_own_name() {
        let document = document().unwrap();
        let text = document.to_string();
        for reference in text.split("\"$ref\":\"#/").skip(1) {
            let path = reference.split('"').next().unwrap();
            assert!(document.pointer(&format!("/{path}")).is_some(), "{path}");
        }
        let endpoints = super::super::endpoints();
        let mut names: Vec<String> = endpoints.iter().map(operation_id).collect();
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count, "{names:?}");
    }

    #[test]
    fn every_scope_that_is_announced_is_asked_for() {
        // Within endpoints, of who sends a hash instead of a password or makes an administrator; and what
        // stands for every organisation, or for everything in one.
        const WITHIN: [&str; 5] =
            ["admin:users:import", "admin:*", "admin:orgs:read", "admin:orgs:write", "org:*"];
        let endpoints = super::super::endpoints();
        let is_asked_for = |name: &str| {
            endpoints.iter().any(|endpoint| match endpoint.access {
                Access::Scope(scope) | Access::Account(scope) | Access::Org(scope) => scope == name,
                Access::Anyone => false,
            })
        };
        for (name, _) in catalog::announced() {
            assert!(WITHIN.contains(&name) || is_asked_for(name), "{name} opens nothing");
        }
    }

    #[test]
    fn every_scope_of_an_endpoint_is_in_the_catalogue() {
        for endpoint in super::super::endpoints() {
            if let Access::Scope(scope) | Access::Account(scope) | Access::Org(scope) = endpoint.access {
                let known = catalog::announced().any(|(name, _)| name == scope);
                assert!(known, "{} {} needs {scope}", endpoint.method, endpoint.path);
                assert!(!endpoint.summary.is_empty(), "{} says nothing", endpoint.path);
            }
        }
    }
}
