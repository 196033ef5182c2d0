//! What policies can speak of, so that a misspelt name is found when a policy is read and not when it should
//! have forbidden something.

use super::Params;

/// Methods that change nothing (RFC 9110 9.2.1).
const READ: [&str; 5] = ["GET", "HEAD", "OPTIONS", "QUERY", "PROPFIND"];
/// The others that are in use.
const WRITE: [&str; 12] = [
    "POST",
    "PUT",
    "PATCH",
    "DELETE",
    "MKCOL",
    "COPY",
    "MOVE",
    "LOCK",
    "UNLOCK",
    "PROPPATCH",
    "REPORT",
    "MERGE",
];

/// Every method that a policy can name: those in use, and those of its rule.
pub(super) fn methods(own: &[String]) -> impl Iterator<Item = (&str, &'static str)> {
    let known = READ.iter().map(|name| (*name, "read")).chain(WRITE.iter().map(|name| (*name, "write")));
    let is_other = |name: &&String| !READ.contains(&name.as_str()) && !WRITE.contains(&name.as_str());
    known.chain(own.iter().filter(is_other).map(|name| (name.as_str(), "write")))
}

/// The schema of one rule.
pub(super) fn of(own_methods: &[String], params: &Params) -> String {
    let mut params: Vec<String> = params
        .iter()
        .map(|(name, is_certain)| format!("{name}{}: String", if *is_certain { "" } else { "?" }))
        .collect();
    params.sort();
    let mut actions: Vec<(&str, &str)> = methods(own_methods).collect();
    actions.sort_unstable();
    actions.dedup();
    let mut text = format!(
        r#"
        entity Role;
        entity Organization;
        entity User, Service, Agent, Anonymous in [Role, Organization] = {{
            subject: String,
            kind: String,
            credential: String,
            scopes: Set<String>,
            roles: Set<String>,
            permissions: Set<String>,
            workspaces: Set<String>,
            audience: Set<String>,
            role?: String,
            organization?: String,
            organization_role?: String,
            email?: String,
            client?: String,
            agent?: String,
            session?: String,
            token?: String,
            issuer?: String,
        }};
        entity Route = {{
            name: String,
            host: String,
            path: String,
            params: {{ {} }},
        }};
        action "read", "write";
        "#,
        params.join(", ")
    );
    for (method, group) in actions {
        text.push_str(&format!(
            r#"action "{method}" in ["{group}"] appliesTo {{
                principal: [User, Service, Agent, Anonymous],
                resource: [Route],
                context: {{ method: String, address: ipaddr, now: datetime, proof: Set<String> }},
            }};
            "#
        ));
    }
    text
}
