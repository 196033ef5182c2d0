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
    ("admin:usage:read", "See who has used what, and how much"),
    ("admin:usage:write", "Set what usage costs"),
    ("admin:mail:read", "See outgoing mail"),
    ("admin:mail:write", "Send outgoing mail again"),
    ("admin:announcements:read", "See what was announced, and who has agreed to be written to"),
    ("admin:announcements:write", "Write to everybody who has agreed to be written to"),
    ("admin:orgs:read", "See organisations and who belongs to them"),
    ("admin:orgs:write", "Create, change and end organisations, their roles and memberships"),
    ("admin:settings:read", "See how the server is set"),
    ("admin:settings:write", "Change what the server's pages and mails look like and say"),
    ("admin:ratelimits:write", "Forget what limits have counted"),
    ("admin:tokens:read", "See service tokens"),
    ("admin:tokens:write", "Create, rotate and revoke service tokens"),
    ("admin:api-keys:read", "See keys of people and of organisations"),
    ("admin:api-keys:write", "Create, change and revoke keys"),
    ("admin:api-keys:verify", "Ask whether a key is good"),
    ("admin:routes:read", "See routes of the gateway"),
    ("admin:routes:write", "Create, change and remove routes of the gateway"),
    ("admin:providers:read", "See where people sign in elsewhere"),
    ("admin:providers:write", "Add, change and remove places where people sign in"),
    ("admin:access:read", "Ask whether the gateway would let somebody do something"),
];

/// Administration of one organisation by its own people and tokens.
pub const ORGANIZATION: Set = &[
    ("org:*", "Everything in your organisation"),
    ("org:settings:read", "See your organisation"),
    ("org:settings:write", "Change your organisation's name and settings"),
    ("org:settings:end", "End your organisation with everything in it"),
    ("org:members:read", "See who belongs to your organisation"),
    ("org:members:write", "Invite people to your organisation, change their roles, remove them"),
    ("org:domains:read", "See which domains are your organisation's"),
    ("org:domains:write", "Add, prove and remove your organisation's domains"),
    ("org:connections:read", "See at which identity providers your organisation's people sign in"),
    ("org:connections:write", "Add, change and remove identity providers of your organisation"),
    ("org:branding:read", "See what your organisation's pages and mails look like and say"),
    ("org:branding:write", "Change what your organisation's pages and mails look like and say"),
    ("org:announcements:read", "See what was announced to your organisation"),
    ("org:announcements:write", "Write to members of your organisation who have agreed to be written to"),
    ("org:usage:read", "See how much is used in your organisation's name"),
    ("org:clients:read", "See your organisation's applications"),
    ("org:clients:write", "Register, change and end your organisation's applications"),
    ("org:apis:read", "See your organisation's APIs and their scopes"),
    ("org:apis:write", "Create, change and end your organisation's APIs"),
    ("org:tokens:read", "See your organisation's service tokens"),
    ("org:tokens:write", "Create, rotate and revoke your organisation's service tokens"),
    ("org:audit:read", "See what has happened in your organisation"),
    ("org:roles:read", "See your organisation's roles"),
    ("org:roles:write", "Create, change and remove your organisation's roles"),
    ("org:claims:read", "See which custom claims your organisation's tokens have"),
    ("org:claims:write", "Change which custom claims your organisation's tokens have"),
    ("org:workspaces:read", "See your organisation's workspaces and who is in them"),
    (
        "org:workspaces:write",
        "Create, change and remove your organisation's workspaces, and say who is in them",
    ),
];

/// The scopes that this server itself asks for, with what they allow.
pub fn announced() -> impl Iterator<Item = (&'static str, &'static str)> {
    ACCOUNT.iter().chain(MANAGEMENT).chain(ORGANIZATION).copied()
}

/// Scopes of a system that Doorward is often put in front of.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    /// What an API is created with.
    pub name: &'static str,
    /// The system.
    pub system: &'static str,
    /// Its scopes.
    pub scopes: Set,
}

/// The sets that an API can be created with. The words are those of the consent page: what somebody may
/// do who was allowed this.
pub const SETS: &[Known] = &[
    Known {
        name: "orcheo",
        system: "Orcheo",
        scopes: &[
            ("workflows:read", "List and view workflow definitions"),
            ("workflows:write", "Create, update, and delete workflows"),
            ("workflows:execute", "Trigger workflow executions"),
            ("vault:read", "Access credential vault (read-only)"),
            ("vault:write", "Manage credentials in vault"),
            ("admin:tokens:read", "View service tokens"),
            ("admin:tokens:write", "Create, rotate, and revoke service tokens"),
        ],
    },
    Known {
        name: "mcp",
        system: "MCP servers",
        scopes: &[
            ("mcp:read", "Use tools and resources that only read"),
            ("mcp:write", "Use tools that change something"),
            ("files:read", "Read files"),
            ("files:write", "Create, change and delete files"),
        ],
    },
    Known {
        name: "chroma",
        system: "Chroma",
        scopes: &[
            ("system:reset", "Erase the whole database server"),
            ("tenant:create_tenant", "Create tenants"),
            ("tenant:get_tenant", "See tenants"),
            ("db:create_database", "Create databases"),
            ("db:get_database", "See databases"),
            ("db:delete_database", "Delete databases"),
            ("db:list_databases", "List databases"),
            ("db:list_collections", "List collections"),
            ("db:count_collections", "Count collections"),
            ("db:create_collection", "Create collections"),
            ("db:get_or_create_collection", "Open collections, and create those that are missing"),
            ("collection:get_collection", "See collections"),
            ("collection:delete_collection", "Delete collections"),
            ("collection:update_collection", "Rename collections and change their settings"),
            ("collection:add", "Add records"),
            ("collection:delete", "Delete records"),
            ("collection:get", "Read records"),
            ("collection:query", "Search records"),
            ("collection:count", "Count records"),
            ("collection:update", "Change records"),
            ("collection:upsert", "Add and change records"),
        ],
    },
    Known {
        name: "prims",
        system: "PRIMS",
        scopes: &[
            ("prims:execute", "Run code in your sandbox, and use its files"),
            ("code:execute", "Run code"),
        ],
    },
];

/// Whether a scope is about the whole instance.
pub fn is_platform(scope: &str) -> bool {
    scope.starts_with("admin:")
}

/// Whether a scope is about this server itself, the instance or one organisation, so that only who holds it
/// may hand it on.
pub fn is_management(scope: &str) -> bool {
    is_platform(scope) || scope.starts_with("org:")
}

/// Whether a scope is one of the standard ones, about a person and the connection to them.
pub fn is_standard(scope: &str) -> bool {
    OPENID.iter().any(|(known, _)| *known == scope)
}

/// Whether the issuer itself knows the scope.
pub fn is_own(scope: &str) -> bool {
    OPENID.iter().chain(ACCOUNT).chain(MANAGEMENT).chain(ORGANIZATION).any(|(known, _)| *known == scope)
}

/// Whether a scope is about a person's own account at this server.
pub fn is_account(scope: &str) -> bool {
    scope.starts_with("me:")
}

/// The set of that name.
pub fn set(name: &str) -> Option<Set> {
    SETS.iter().find(|known| known.name == name).map(|known| known.scopes)
}

/// What a scope allows, where it is known by name.
pub fn describe(scope: &str) -> Option<&'static str> {
    let own = [OPENID, ACCOUNT, MANAGEMENT, ORGANIZATION].into_iter();
    let mut all = own.chain(SETS.iter().map(|known| known.scopes)).flatten();
    all.find(|(name, _)| *name == scope).map(|(_, what)| *what)
}

#[cfg(test)]
mod tests;
