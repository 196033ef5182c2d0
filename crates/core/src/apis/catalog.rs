//! Scopes that Doorward knows by name: its own, and those of systems it is often put in front of.

/// Scopes with what they allow.
pub type Set = &'static [(&'static str, &'static str)];

/// The standard scopes of OpenID Connect Core 5.4 and 11.
pub const OPENID: Set = &[
    ("openid", "Sign you in"),
    ("profile", "Your name, picture and other profile data"),
    ("email", "Your mail address"),
    ("phone", "Your telephone number"),
    ("address", "Your postal address"),
    ("offline_access", "Stay connected while you are away"),
];

/// One's own account.
pub const ACCOUNT: Set = &[
    ("me:read", "See your account, its sessions and connected applications"),
    ("me:write", "Change your account, end its sessions and disconnect applications"),
];

/// Administration of this server.
pub const MANAGEMENT: Set = &[
    ("admin:*", "Everything"),
    ("admin:users:read", "See people"),
    ("admin:users:write", "Create, change and end people's accounts"),
    ("admin:users:import", "Create people with password hashes from elsewhere"),
    ("admin:clients:read", "See applications"),
    ("admin:clients:write", "Register, change and end applications"),
    ("admin:apis:read", "See APIs and their scopes"),
    ("admin:apis:write", "Create, change and end APIs and their scopes"),
    ("admin:keys:read", "See signing keys"),
    ("admin:keys:write", "Rotate and retire signing keys"),
    ("admin:sessions:read", "See who is signed in"),
    ("admin:sessions:write", "End sessions"),
    ("admin:audit:read", "Read the audit trail"),
    ("admin:mail:read", "See outgoing mail"),
    ("admin:mail:write", "Send outgoing mail again"),
    ("admin:settings:read", "See how the server is set"),
    ("admin:tokens:read", "See service tokens"),
    ("admin:tokens:write", "Create, rotate and revoke service tokens"),
];

/// Orcheo's scopes.
pub const ORCHEO: Set = &[
    ("workflows:read", "List and view workflow definitions"),
    ("workflows:write", "Create, update, and delete workflows"),
    ("workflows:execute", "Trigger workflow executions"),
    ("vault:read", "Access credential vault (read-only)"),
    ("vault:write", "Manage credentials in vault"),
    ("admin:tokens:read", "View service tokens"),
    ("admin:tokens:write", "Create, rotate, and revoke service tokens"),
];

/// The sets that an API can be created with, by name.
pub const SETS: &[(&str, Set)] = &[("orcheo", ORCHEO)];

/// Whether a scope is about this server itself, so that only who holds it may hand it on.
pub fn is_management(scope: &str) -> bool {
    scope.starts_with("admin:")
}

/// Whether a scope is one of the standard ones, about a person and the connection to them.
pub fn is_standard(scope: &str) -> bool {
    OPENID.iter().any(|(known, _)| *known == scope)
}

/// Whether the issuer itself knows the scope.
pub fn is_own(scope: &str) -> bool {
    OPENID.iter().chain(ACCOUNT).chain(MANAGEMENT).any(|(known, _)| *known == scope)
}

/// Whether a scope is about a person's own account at this server.
pub fn is_account(scope: &str) -> bool {
    scope.starts_with("me:")
}

/// The set of that name.
pub fn set(name: &str) -> Option<Set> {
    SETS.iter().find(|(known, _)| *known == name).map(|(_, set)| *set)
}
