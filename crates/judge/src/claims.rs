//! What a token says of its holder, told in one way whoever issued it.
//!
//! Issuers name and shape the same things differently: scopes as a text, a list or an object, under `scope`,
//! `scopes` or `scp`, or below a member of the application's own. Here they become one [`Identity`]. The
//! table of examples is `vectors/claims.json`, which the SDKs of all languages share.
//!
//! Nothing is guessed: a value of a shape that is not known counts for nothing, and a name that could not
//! stand in a header is left out.

use std::collections::BTreeSet;

use doorward_proto::scope::is_scope_name;
use serde::Deserialize;
use serde_json::{Map, Value};

/// Members below which an application's own claims may stand.
const NESTED: [&str; 2] = ["doorward", "orcheo"];
/// Lists within lists are followed this deep.
const DEPTH: usize = 6;
/// Names of one kind at the most; a token with more is not what it seems.
const MOST: usize = 1_000;
/// The longest name that counts.
const LONGEST: usize = 256;

/// What a holder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdentityType {
    /// A person.
    #[default]
    User,
    /// An application or a service.
    Service,
    /// An agent.
    Agent,
}

impl IdentityType {
    /// `user`, `service` or `agent`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Service => "service",
            Self::Agent => "agent",
        }
    }
}

/// The workspaces that a credential opens. None at all unless they are named, or all by `*`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Workspaces(BTreeSet<String>);

impl Workspaces {
    /// From names as they come: trimmed, in lower case.
    pub fn from_names<'n>(names: impl IntoIterator<Item = &'n str>) -> Self {
        let names = names.into_iter().map(|name| name.trim().to_lowercase());
        Self(names.filter(|name| is_plain(name)).take(MOST).collect())
    }

    /// Whether the workspace is among them.
    pub fn contains(&self, workspace: &str) -> bool {
        self.0.contains("*") || self.0.contains(&workspace.trim().to_lowercase())
    }

    /// The names, sorted; `*` for all.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether it opens none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Who somebody is, and what they may do, as far as a credential says so.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Identity {
    /// `sub`: the person, application, service or agent.
    pub subject: String,
    /// What the subject is.
    pub kind: IdentityType,
    /// What the credential allows.
    pub scopes: BTreeSet<String>,
    /// Permissions.
    pub permissions: BTreeSet<String>,
    /// Roles.
    pub roles: BTreeSet<String>,
    /// Where.
    pub workspaces: Workspaces,
    /// The platform's word for the subject: `admin`, `user`, `agent` or `service`.
    pub role: Option<String>,
    /// The organisation it acts in.
    pub organization: Option<String>,
    /// The role there.
    pub organization_role: Option<String>,
    /// A mail address, where the issuer tells one.
    pub email: Option<String>,
    /// The application that it came through.
    pub client_id: Option<String>,
    /// The session it belongs to.
    pub session_id: Option<String>,
    /// The credential's own public name.
    pub token_id: Option<String>,
    /// Who vouches for it.
    pub issuer: Option<String>,
    /// The agent that acts, when one does (RFC 8693 4.1).
    pub agent_id: Option<String>,
    /// Whether the person has no account yet.
    pub is_anonymous: bool,
}

impl Identity {
    /// Reads the claims of a token that has been verified.
    pub fn of(claims: &Map<String, Value>) -> Self {
        let kind = identity_type(claims);
        let actor = claims.get("act").and_then(|act| text(act.get("sub")?));
        let subject = claims.get("sub").and_then(text).unwrap_or_default();
        let agent_id = match kind {
            IdentityType::Agent => actor.or_else(|| Some(subject.clone()).filter(|it| !it.is_empty())),
            _ => actor,
        };
        Self {
            kind,
            scopes: names(claims, &["scope", "scopes", "scp"], "scopes")
                .filter(|it| is_scope_name(it))
                .collect(),
            permissions: names(claims, &["permissions"], "permissions")
                .filter(|it| is_scope_name(it))
                .collect(),
            roles: names(claims, &["roles"], "roles").filter(|it| is_plain(it)).collect(),
            workspaces: workspaces(claims),
            role: first(claims, &["role"]),
            organization: first(claims, &["tenant_id", "org_id"]),
            organization_role: first(claims, &["org_role"]),
            email: first(claims, &["email"]),
            client_id: first(claims, &["client_id", "azp"]),
            session_id: first(claims, &["sid"]),
            token_id: first(claims, &["jti"]),
            issuer: first(claims, &["iss"]),
            agent_id,
            is_anonymous: claims.get("is_anonymous").and_then(Value::as_bool).unwrap_or(false),
            subject,
        }
    }

    /// Whether the credential allows it, by a permission or by a scope of that name.
    pub fn may(&self, permission: &str) -> bool {
        self.permissions.contains(permission) || self.scopes.contains(permission)
    }
}

/// `client` is another word for a service; what is none of the words tells nothing.
fn identity_type(claims: &Map<String, Value>) -> IdentityType {
    let mut said = ["token_use", "type", "typ"].into_iter().filter_map(|name| claims.get(name)?.as_str());
    said.find_map(|word| match word.to_ascii_lowercase().as_str() {
        "user" => Some(IdentityType::User),
        "service" | "client" => Some(IdentityType::Service),
        "agent" => Some(IdentityType::Agent),
        _ => None,
    })
    .unwrap_or_default()
}

fn workspaces(claims: &Map<String, Value>) -> Workspaces {
    let own = ["workspace_ids", "workspaces", "workspace_id", "workspace"];
    let all: Vec<String> = names(claims, &own, "workspace_ids").collect();
    Workspaces::from_names(all.iter().map(String::as_str))
}

/// The names that stand under any of these members, and under one member of the nested objects.
fn names(
    claims: &Map<String, Value>,
    members: &[&str],
    nested: &str,
) -> impl Iterator<Item = String> + use<> {
    let mut found = BTreeSet::new();
    for value in members.iter().filter_map(|member| claims.get(*member)) {
        collect(value, DEPTH, &mut found);
    }
    for value in NESTED.iter().filter_map(|member| claims.get(*member)?.get(nested)) {
        collect(value, DEPTH, &mut found);
    }
    found.into_iter().take(MOST)
}

fn collect(value: &Value, depth: usize, found: &mut BTreeSet<String>) {
    if depth == 0 {
        return;
    }
    match value {
        Value::String(text) => collect_text(text, depth, found),
        Value::Array(items) => items.iter().for_each(|item| collect(item, depth - 1, found)),
        // A name that is switched on or off, or a group of names.
        Value::Object(members) => members.iter().for_each(|(name, value)| match value {
            Value::Bool(true) => insert(name, found),
            other => collect(other, depth - 1, found),
        }),
        Value::Number(number) => insert(&number.to_string(), found),
        Value::Bool(_) | Value::Null => {}
    }
}

/// Names with spaces or commas between them, or a list that was written into a text.
fn collect_text(text: &str, depth: usize, found: &mut BTreeSet<String>) {
    let text = text.trim();
    if text.starts_with(['[', '{'])
        && let Ok(inner) = serde_json::from_str::<Value>(text)
    {
        return collect(&inner, depth - 1, found);
    }
    text.split(|c: char| c == ',' || c.is_whitespace()).for_each(|name| insert(name, found));
}

fn insert(name: &str, found: &mut BTreeSet<String>) {
    let name = name.trim();
    if !name.is_empty() && name.len() <= LONGEST {
        found.insert(name.to_owned());
    }
}

fn first(claims: &Map<String, Value>, members: &[&str]) -> Option<String> {
    members.iter().find_map(|member| claims.get(*member).and_then(text))
}

fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

/// What can stand among others in a header, with commas between them.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.len() <= LONGEST && !name.contains(|c: char| c == ',' || c.is_control())
}

#[cfg(test)]
mod tests;
