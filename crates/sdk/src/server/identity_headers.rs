//! The headers that say who was let through: to a reverse proxy in the answer to its question, and to the
//! application behind one.
//!
//! Whoever reads them has to know that nobody else could have set them: a proxy removes what came in under
//! these names, in every spelling, before it sets its own.

use std::{borrow::Cow, collections::BTreeSet, sync::LazyLock};

use doorward_judge::{Identity, Principal};
use http::{HeaderMap, HeaderName, HeaderValue};

/// Every name under which an identity travels, in lower case with dashes.
pub const NAMES: [&str; 15] = [
    "x-user-id",
    "x-org-id",
    "x-permissions",
    "x-organization-id",
    "x-user-permissions",
    "x-user-email",
    "x-user-role",
    "x-auth-type",
    "x-client-id",
    "x-agent-id",
    "x-workspace-ids",
    "x-quota",
    "x-auth-status",
    "x-auth-redirect",
    "x-doorward-assertion",
];

/// Those that proxies are told to copy from an answer: each is in every one, if only empty.
pub static COPIED: [HeaderName; 10] = [
    HeaderName::from_static("x-doorward-assertion"),
    HeaderName::from_static("x-user-id"),
    HeaderName::from_static("x-organization-id"),
    HeaderName::from_static("x-user-permissions"),
    HeaderName::from_static("x-user-email"),
    HeaderName::from_static("x-user-role"),
    HeaderName::from_static("x-client-id"),
    HeaderName::from_static("x-agent-id"),
    HeaderName::from_static("x-workspace-ids"),
    HeaderName::from_static("x-quota"),
];

/// Scopes that are words of the sign-in protocol, and no permissions.
const PROTOCOL_SCOPES: [&str; 6] = ["openid", "profile", "email", "phone", "address", "offline_access"];

/// What is said where nobody was asked for.
pub static NOBODY: LazyLock<HeaderMap> = LazyLock::new(|| of(None));

/// Says who somebody is. Where nobody was asked for, `X-Auth-Type: anonymous` stands alone.
pub fn of(principal: Option<&Principal>) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(16);
    let Some(principal) = principal else {
        set(&mut headers, "x-auth-type", "anonymous");
        return headers;
    };
    let identity = &principal.identity;
    let permissions = permissions(identity);
    set(&mut headers, "x-user-id", &identity.subject);
    for name in ["x-org-id", "x-organization-id"] {
        set(&mut headers, name, identity.organization.as_deref().unwrap_or_default());
    }
    for name in ["x-permissions", "x-user-permissions"] {
        set(&mut headers, name, &permissions);
    }
    set(&mut headers, "x-user-email", identity.email.as_deref().unwrap_or_default());
    set(&mut headers, "x-user-role", identity.role.as_deref().unwrap_or_default());
    set(&mut headers, "x-auth-type", principal.credential.name());
    set(&mut headers, "x-client-id", identity.client_id.as_deref().unwrap_or_default());
    set(&mut headers, "x-agent-id", identity.agent_id.as_deref().unwrap_or_default());
    let workspaces: Vec<&str> = identity.workspaces.iter().collect();
    set(&mut headers, "x-workspace-ids", &workspaces.join(","));
    headers
}

/// Permissions and scopes, sorted, with commas between them. None of them holds a comma.
fn permissions(identity: &Identity) -> String {
    let scopes = identity.scopes.iter().filter(|scope| !PROTOCOL_SCOPES.contains(&scope.as_str()));
    let all: BTreeSet<&str> = identity.permissions.iter().chain(scopes).map(String::as_str).collect();
    all.into_iter().filter(|name| !name.contains(',')).collect::<Vec<_>>().join(",")
}

/// A name in the one spelling by which it is judged: applications read `X_User_Id` and `x-user-id` as one.
pub fn plain(name: &HeaderName) -> Cow<'_, str> {
    let name = name.as_str();
    if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return Cow::Borrowed(name);
    }
    Cow::Owned(name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect())
}

/// Removes what a client wrote under these names, in every spelling.
pub fn remove(headers: &mut HeaderMap) {
    let is_ours = |name: &HeaderName| NAMES.contains(&plain(name).as_ref());
    let ours: Vec<HeaderName> = headers.keys().filter(|name| is_ours(name)).cloned().collect();
    for name in ours {
        headers.remove(name);
    }
}

/// The same for these names.
pub(crate) fn remove_those(headers: &mut HeaderMap, names: &[HeaderName]) {
    let is_one = |name: &HeaderName| names.iter().any(|one| plain(name) == plain(one));
    let doomed: Vec<HeaderName> = headers.keys().filter(|name| is_one(name)).cloned().collect();
    for name in doomed {
        headers.remove(name);
    }
}

/// Nothing is said with an empty value. What no header can hold (a mail address beyond ASCII) is left out.
fn set(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value)
        && !value.is_empty()
    {
        headers.insert(HeaderName::from_static(name), value);
    }
}

#[cfg(test)]
mod tests {
    use doorward_judge::CredentialKind;
    use serde_json::json;

    use super::*;

    #[test]
    fn headers_say_who_it_is_and_nothing_else() {
        let claims = json!({
            "sub": "usr_1", "tenant_id": "org_1", "scope": "openid files:read a,b", "permissions": ["code:execute"],
            "email": "ada@example.com", "role": "user", "client_id": "shop", "workspace_ids": ["WS-B", "ws-a"],
        });
        let principal =
            Principal::new(Identity::of(claims.as_object().unwrap()), CredentialKind::AccessToken);
        let headers = of(Some(&principal));
        let shown: Vec<_> =
            headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        assert_eq!(
            shown,
            [
                ("x-user-id", "usr_1"),
                ("x-org-id", "org_1"),
                ("x-organization-id", "org_1"),
                ("x-permissions", "a,b,code:execute,files:read"),
                ("x-user-permissions", "a,b,code:execute,files:read"),
                ("x-user-email", "ada@example.com"),
                ("x-user-role", "user"),
                ("x-auth-type", "access_token"),
                ("x-client-id", "shop"),
                ("x-workspace-ids", "ws-a,ws-b"),
            ]
        );
        assert!(headers.keys().all(|name| NAMES.contains(&name.as_str())));
        assert_eq!(of(None).len(), 1);
    }

    /// `docs/attacks.md` shows it.
    #[test]
    fn what_a_client_wrote_is_removed_in_every_spelling() {
        let corpus = include_str!("../../../../vectors/attacks/headers.json");
        let corpus: serde_json::Value = serde_json::from_str(corpus).unwrap();
        let mut names = BTreeSet::from(NAMES);
        for case in corpus["cases"].as_array().unwrap() {
            let mut headers = HeaderMap::new();
            let name = HeaderName::from_bytes(case["name"].as_str().unwrap().as_bytes()).unwrap();
            for value in ["admin", "root"] {
                headers.append(name.clone(), HeaderValue::from_static(value));
            }
            remove(&mut headers);
            let answer = if headers.is_empty() { "removed" } else { "kept" };
            assert_eq!(case["answer"], answer, "{name}");
            names.remove(plain(&name).as_ref());
        }
        assert!(names.is_empty(), "not in the corpus: {names:?}");
    }

    #[test]
    fn nothing_breaks_out_of_a_header() {
        let claims =
            json!({ "sub": "a\r\nx-user-role: admin", "email": "ü@example.com", "tenant_id": "o\0" });
        let principal = Principal::new(Identity::of(claims.as_object().unwrap()), CredentialKind::Jwt);
        let headers = of(Some(&principal));
        assert_eq!(
            headers.keys().map(HeaderName::as_str).collect::<Vec<_>>(),
            ["x-user-email", "x-auth-type"]
        );
    }
}
