//! The commands that the API's own description makes: an area per resource, a verb per endpoint, a flag
//! per member of the body. A new endpoint is a new command without a line here.

use http::Method;
use serde_json::Value as Json;

/// `client`, with everything that can be done to clients.
#[derive(Debug, Clone)]
pub(super) struct Area {
    pub(super) name: String,
    pub(super) verbs: Vec<Verb>,
}

/// `client create`.
#[derive(Debug, Clone)]
pub(super) struct Verb {
    pub(super) name: String,
    pub(super) about: String,
    pub(super) method: Method,
    /// `/api/v1/clients/{id}/rotate`.
    pub(super) path: String,
    /// What varies in the path.
    pub(super) places: Vec<String>,
    /// Members of the body.
    pub(super) fields: Vec<Field>,
    /// Parameters of a list, `cursor` and `limit` apart.
    pub(super) filters: Vec<(String, String)>,
    pub(super) is_list: bool,
}

impl Verb {
    /// Whether it can go on from the number of what came last.
    pub(super) fn can_follow(&self) -> bool {
        self.is_list && self.filters.iter().any(|(name, _)| name == "after")
    }
}

/// A member of a body, as a flag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) member: String,
    pub(super) flag: String,
    /// Another name of the flag.
    pub(super) also: Option<&'static str>,
    pub(super) about: String,
    pub(super) kind: Kind,
    pub(super) is_required: bool,
    /// Whether it must not stand in a list of processes.
    pub(super) is_secret: bool,
}

impl Field {
    /// Keeps the member apart from the flags that every command has.
    pub(super) fn id(&self) -> String {
        format!("member {}", self.member)
    }
}

/// How a member is written on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
    Bool,
    /// Given several times.
    Texts,
    /// As JSON.
    Json,
}

const PREFIX: &str = "/api/v1/";
/// Where the command is not the area's word without its plural.
const NAMES: [(&str, &str); 7] = [
    ("analytics", "analytics"),
    ("api-keys", "key"),
    ("service-tokens", "token"),
    ("keys", "keys"),
    ("settings", "settings"),
    ("usage", "usage"),
    ("audit", "audit"),
];
/// Parts of paths that only group.
const SILENT: [&str; 1] = ["events"];
/// One's own account is not managed from the command line.
const LEFT_OUT: [&str; 1] = ["me"];

/// What has a flag of its own, and the form of the answer, which `--output` says.
const NO_FILTERS: [&str; 3] = ["cursor", "limit", "format"];
/// Their groups are no things that could be listed: they are shown.
const REPORTS: [&str; 2] = ["/api/v1/analytics", "/api/v1/usage"];

/// Every area that the description names.
pub(super) fn areas(document: &Json) -> Vec<Area> {
    let mut areas: Vec<Area> = Vec::new();
    let paths = document.get("paths").and_then(Json::as_object).into_iter().flatten();
    for (path, item) in paths {
        let Some(rest) = path.strip_prefix(PREFIX) else { continue };
        let words: Vec<&str> = rest.split('/').filter(|part| !part.starts_with('{')).collect();
        let Some((area, words)) = words.split_first() else { continue };
        if LEFT_OUT.contains(area) {
            continue;
        }
        let name = NAMES.iter().find(|(long, _)| long == area).map_or_else(
            || area.strip_suffix('s').unwrap_or(area).to_owned(),
            |(_, short)| (*short).to_owned(),
        );
        let words: Vec<&str> = words.iter().copied().filter(|word| !SILENT.contains(word)).collect();
        for (method, operation) in item.as_object().into_iter().flatten() {
            let Ok(method) = Method::from_bytes(method.to_ascii_uppercase().as_bytes()) else { continue };
            let verb = verb(document, path, &words, method, operation);
            match areas.iter_mut().find(|area| area.name == name) {
                Some(area) => area.verbs.push(verb),
                None => areas.push(Area { name: name.clone(), verbs: vec![verb] }),
            }
        }
    }
    areas
}

fn verb(document: &Json, path: &str, words: &[&str], method: Method, operation: &Json) -> Verb {
    let places: Vec<String> = path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(str::to_owned)
        .collect();
    let parameters: Vec<&Json> =
        operation.get("parameters").and_then(Json::as_array).into_iter().flatten().collect();
    let in_query: Vec<(String, String)> = parameters
        .iter()
        .filter(|parameter| text(parameter, "in") == "query")
        .map(|parameter| (text(parameter, "name"), text(parameter, "description")))
        .collect();
    let is_list = in_query.iter().any(|(name, _)| name == "cursor");
    let is_many = is_list || answers_items(document, operation);
    let filters = in_query.into_iter().filter(|(name, _)| !NO_FILTERS.contains(&name.as_str())).collect();
    let is_many = is_many && !REPORTS.contains(&path);
    Verb {
        name: name(words, &method, is_many, Nested::of(path, words, operation)),
        about: text(operation, "summary"),
        path: path.to_owned(),
        places,
        fields: fields(document, operation),
        filters,
        is_list,
        method,
    }
}

/// What a path is about within a thing: `/orgs/{org}/members/{user}`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Nested {
    /// One of several.
    Item,
    /// A new one of several.
    NewItem,
    /// All of them, an action, or nothing within.
    Other,
}

impl Nested {
    fn of(path: &str, words: &[&str], operation: &Json) -> Self {
        if words.is_empty() {
            return Self::Other;
        }
        let is_made = operation.pointer("/responses/201").is_some();
        match path.ends_with('}') {
            true => Self::Item,
            false if is_made => Self::NewItem,
            false => Self::Other,
        }
    }
}

fn name(words: &[&str], method: &Method, is_many: bool, nested: Nested) -> String {
    let standard = match *method {
        Method::GET if is_many => "list",
        Method::GET => "show",
        Method::POST => "create",
        Method::DELETE => "delete",
        _ => "update",
    };
    if nested != Nested::Other {
        let one = words.join("-");
        return format!("{standard}-{}", one.strip_suffix('s').unwrap_or(&one));
    }
    match (words, method) {
        // `/orgs/{org}/domains/{domain}/verify`
        ([many, action], &Method::POST) => format!("{action}-{}", many.strip_suffix('s').unwrap_or(many)),
        ([], _) => standard.to_owned(),
        (words, &(Method::POST | Method::GET)) => words.join("-"),
        (words, _) => format!("{standard}-{}", words.join("-")),
    }
}

/// Whether the answer is a list, though a short one without pages.
fn answers_items(document: &Json, operation: &Json) -> bool {
    let schema = operation.pointer("/responses/200/content/application~1json/schema");
    schema.is_some_and(|schema| resolved(document, schema).pointer("/properties/items").is_some())
}

fn text(json: &Json, member: &str) -> String {
    json.get(member).and_then(Json::as_str).unwrap_or_default().to_owned()
}

fn fields(document: &Json, operation: &Json) -> Vec<Field> {
    let content = operation.pointer("/requestBody/content").and_then(Json::as_object);
    let schema = content.and_then(|content| content.values().next()?.get("schema"));
    let Some(schema) = schema.map(|schema| resolved(document, schema)) else { return Vec::new() };
    let is_patch = content.is_some_and(|content| content.keys().any(|kind| kind.contains("merge-patch")));
    let required: Vec<&str> = schema
        .get("required")
        .and_then(Json::as_array)
        .into_iter()
        .flatten()
        .filter_map(Json::as_str)
        .collect();
    schema
        .get("properties")
        .and_then(Json::as_object)
        .into_iter()
        .flatten()
        .map(|(member, property)| {
            let kind = kind(document, property);
            // `--scope` several times, unless a member of that name exists (`role` beside `roles`).
            let is_free = |name: &&str| schema.pointer(&format!("/properties/{name}")).is_none();
            let one = Some(member).filter(|_| kind == Kind::Texts).and_then(|many| singular(many));
            Field {
                flag: flag(one.filter(is_free).unwrap_or(member), kind),
                also: ALSO.iter().find(|(name, _)| name == member).map(|(_, short)| *short),
                about: about(property),
                is_secret: text(resolved(document, property), "format") == "password",
                is_required: required.contains(&member.as_str()) && !is_patch,
                member: member.clone(),
                kind,
            }
        })
        .collect()
}

/// One of many: `address` of `addresses`, `audience` of `audiences`.
fn singular(many: &str) -> Option<&str> {
    if many.ends_with("sses") { many.strip_suffix("es") } else { many.strip_suffix('s') }
}

/// What the commands for service tokens call these members: whoever has learnt it there need not look it up.
const ALSO: [(&str, &str); 4] = [
    ("allowed_addresses", "allowed-ip"),
    ("expires_in_seconds", "expires-in"),
    ("overlap_seconds", "overlap"),
    ("rate_limit_override", "rate-limit"),
];

/// Flags that every command has already.
const TAKEN: [&str; 10] =
    ["url", "token-file", "profile", "output", "config", "set", "limit", "cursor", "all", "unset"];

fn flag(member: &str, kind: Kind) -> String {
    let flag = member.replace('_', "-");
    let kind = if kind == Kind::Json { "json" } else { "value" };
    if TAKEN.contains(&flag.as_str()) { format!("{flag}-{kind}") } else { flag }
}

/// What a member is, which one that may be `null` says in its other alternative.
fn about(property: &Json) -> String {
    let parts = property.get("oneOf").and_then(Json::as_array).into_iter().flatten();
    let mut said = std::iter::once(property).chain(parts).map(|part| text(part, "description"));
    said.find(|text| !text.is_empty()).unwrap_or_default()
}

/// A schema behind its references and its `null` alternative.
fn resolved<'a>(document: &'a Json, schema: &'a Json) -> &'a Json {
    if let Some(target) = schema.get("$ref").and_then(Json::as_str) {
        let found = target.strip_prefix('#').and_then(|pointer| document.pointer(pointer));
        return found.map_or(schema, |found| resolved(document, found));
    }
    for either in ["oneOf", "anyOf", "allOf"] {
        let parts = schema.get(either).and_then(Json::as_array).into_iter().flatten();
        let mut parts = parts.filter(|part| text(part, "type") != "null");
        if let Some(part) = parts.next() {
            return resolved(document, part);
        }
    }
    schema
}

fn kind(document: &Json, property: &Json) -> Kind {
    let schema = resolved(document, property);
    let word = match schema.get("type") {
        Some(Json::String(word)) => word.as_str(),
        Some(Json::Array(words)) => {
            words.iter().filter_map(Json::as_str).find(|word| *word != "null").unwrap_or_default()
        }
        _ => "",
    };
    match word {
        "string" => Kind::Text,
        "boolean" => Kind::Bool,
        "integer" | "number" => Kind::Number,
        "array" => {
            let item = schema.get("items").map(|item| kind(document, item));
            if item == Some(Kind::Text) { Kind::Texts } else { Kind::Json }
        }
        _ => Kind::Json,
    }
}
