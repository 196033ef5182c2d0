//! What a file holds: each kind of record, its table, and how each column is written.

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A text or an id.
    Text,
    /// A whole number.
    Int,
    /// RFC 3339, UTC.
    Time,
    /// `true` or `false`.
    Flag,
    /// A JSON value.
    Json,
    /// One of these words, by the number that is stored.
    Word(&'static [&'static str]),
    /// Base64url without padding.
    Bytes,
    /// What is sealed at rest: base64url, sealed anew under the file's key for `TABLE/KEY`.
    Sealed,
    /// Not written: the member of this name in lower case.
    Folded(&'static str),
    /// Not written: the mail address in the member of this name, folded.
    FoldedEmail(&'static str),
    /// Not written: how the hash in the member of this name was made.
    Scheme(&'static str),
}

/// A column, and the member of a record that it is written as.
#[derive(Debug, Clone, Copy)]
pub struct Member {
    /// Of the record.
    pub name: &'static str,
    /// Of the table.
    pub column: &'static str,
    /// How it is written.
    pub form: Form,
}

/// A kind of record.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// What `record` says.
    pub name: &'static str,
    /// Where it is kept.
    pub table: &'static str,
    /// What it is, for the documentation.
    pub about: &'static str,
    /// Whether it holds a keyed hash and is of no use without its key.
    pub is_keyed: bool,
    /// Its members, and the columns that follow from them.
    pub members: &'static [Member],
}

pub(crate) const fn member(name: &'static str, form: Form) -> Member {
    Member { name, column: name, form }
}
pub(crate) const fn text(name: &'static str) -> Member {
    member(name, Form::Text)
}
pub(crate) const fn int(name: &'static str) -> Member {
    member(name, Form::Int)
}
pub(crate) const fn time(name: &'static str) -> Member {
    member(name, Form::Time)
}
pub(crate) const fn flag(name: &'static str) -> Member {
    member(name, Form::Flag)
}
pub(crate) const fn json(name: &'static str) -> Member {
    member(name, Form::Json)
}
pub(crate) const fn bytes(name: &'static str) -> Member {
    member(name, Form::Bytes)
}
pub(crate) const fn word(name: &'static str, words: &'static [&'static str]) -> Member {
    member(name, Form::Word(words))
}
const fn folded(column: &'static str, of: &'static str) -> Member {
    member(column, Form::Folded(of))
}
const fn kind(
    name: &'static str,
    table: &'static str,
    about: &'static str,
    members: &'static [Member],
) -> Kind {
    Kind { name, table, about, is_keyed: false, members }
}
const fn keyed(
    name: &'static str,
    table: &'static str,
    about: &'static str,
    members: &'static [Member],
) -> Kind {
    Kind { name, table, about, is_keyed: true, members }
}

/// Every kind, in the order in which a file holds them: each after those that it refers to.
pub const KINDS: &[Kind] = &[
    kind(
        "organization",
        "orgs",
        "An organisation: the instance's, a person's own, or a team.",
        &[
            text("id"),
            word("kind", &["instance", "personal", "team"]),
            text("slug"),
            text("name"),
            folded("name_folded", "name"),
            word("status", &["active", "suspended", "ended"]),
            word("joined_by", &["invitation", "domain", "everybody"]),
            json("allowed_addresses"),
            int("version"),
            time("created_at"),
            time("updated_at"),
        ],
    ),
    kind(
        "organization_role",
        "org_roles",
        "A role that an organisation has made.",
        &[
            text("org_id"),
            text("name"),
            text("description"),
            text("permissions"),
            int("version"),
            time("created_at"),
            time("updated_at"),
        ],
    ),
    kind(
        "organization_domain",
        "org_domains",
        "A domain that an organisation says is its own.",
        &[
            text("org_id"),
            text("domain"),
            text("token"),
            time("verified_at"),
            time("created_at"),
            time("checked_at"),
            time("missed_at"),
            int("misses"),
        ],
    ),
    kind(
        "workspace",
        "workspaces",
        "A part of an organisation. Its id is what tokens say.",
        &[
            text("org_id"),
            text("id"),
            text("slug"),
            text("name"),
            text("everybody"),
            int("version"),
            time("created_at"),
            time("updated_at"),
        ],
    ),
    kind(
        "organization_field",
        "org_fields",
        "What an organisation asks of its people.",
        &[
            text("org_id"),
            text("name"),
            word("kind", &["text", "number", "boolean", "choice", "date", "url"]),
            text("label"),
            json("options"),
            flag("is_required"),
            flag("in_claims"),
            int("position"),
            int("version"),
            time("created_at"),
            time("updated_at"),
        ],
    ),
    kind(
        "brand",
        "brands",
        "What pages look like: of an organisation, or of an application.",
        &[
            text("org_id"),
            text("client_id"),
            text("name"),
            bytes("logo"),
            text("logo_hash"),
            text("logo_format"),
            int("logo_width"),
            int("logo_height"),
            text("primary_color"),
            text("accent_color"),
            text("background_color"),
            text("support_uri"),
            text("terms_uri"),
            text("privacy_uri"),
            int("version"),
            time("updated_at"),
        ],
    ),
    kind(
        "mail_template",
        "mail_templates",
        "What somebody has written in place of our words for a kind of mail.",
        &[
            text("org_id"),
            text("template"),
            text("locale"),
            text("subject"),
            text("body"),
            text("html"),
            int("version"),
            time("updated_at"),
        ],
    ),
    kind(
        "principal",
        "principals",
        "What stands under a person, an application, an agent or a service: whether it may do anything.",
        &[
            text("id"),
            word("kind", &["user", "client", "agent", "service"]),
            text("org_id"),
            word("status", &["active", "suspended", "ended", "held"]),
            int("epoch"),
            time("epoch_at"),
            time("created_at"),
        ],
    ),
    kind(
        "user",
        "users",
        "A person: name, profile, roles, consent to news. Its id is the `sub` of tokens.",
        &[
            text("id"),
            text("name"),
            folded("name_folded", "name"),
            text("username"),
            folded("username_folded", "username"),
            word("platform_role", &["user", "administrator"]),
            json("roles"),
            json("profile"),
            text("locale"),
            text("zone"),
            time("marketing_consent_at"),
            text("marketing_consent_text"),
            time("anonymous_seen_at"),
            int("version"),
            time("created_at"),
            time("updated_at"),
        ],
    ),
    kind(
        "email",
        "emails",
        "A mail address of a person.",
        &[
            text("user_id"),
            text("address"),
            member("folded", Form::FoldedEmail("address")),
            flag("is_primary"),
            time("verified_at"),
            time("created_at"),
        ],
    ),
    kind(
        "picture",
        "pictures",
        "A picture that a person has handed in; `profile` of the person has its address.",
        &[
            text("user_id"),
            text("name"),
            bytes("picture"),
            text("format"),
            int("width"),
            int("height"),
            time("created_at"),
        ],
    ),
    kind(
        "password",
        "passwords",
        "The hash of a person's password: PHC (Argon2, scrypt, PBKDF2) or bcrypt.",
        &[
            text("user_id"),
            Member { name: "hash", column: "phc", form: Form::Text },
            member("scheme", Form::Scheme("hash")),
            time("updated_at"),
        ],
    ),
    kind(
        "passkey",
        "passkeys",
        "A passkey: its public key. It works under the host name that it was made for.",
        &[
            bytes("credential_id"),
            text("user_id"),
            text("name"),
            json("passkey"),
            time("created_at"),
            time("last_used_at"),
        ],
    ),
    kind(
        "totp",
        "totps",
        "The seed of a person's one-time codes.",
        &[
            text("user_id"),
            member("sealed", Form::Sealed),
            int("last_step"),
            time("confirmed_at"),
            time("created_at"),
        ],
    ),
    keyed(
        "recovery_code",
        "recovery_codes",
        "The keyed hash of a recovery code.",
        &[text("user_id"), bytes("hash"), time("created_at"), time("consumed_at")],
    ),
    kind(
        "membership",
        "memberships",
        "Who belongs to an organisation, and as what.",
        &[text("org_id"), text("user_id"), text("role"), time("created_at")],
    ),
    kind(
        "workspace_member",
        "workspace_members",
        "Who works in a workspace, and as what.",
        &[text("org_id"), text("workspace_id"), text("user_id"), text("role"), time("created_at")],
    ),
    kind(
        "organization_value",
        "org_values",
        "What a person has answered there.",
        &[text("org_id"), text("user_id"), text("field"), json("value"), time("updated_at")],
    ),
    kind(
        "announcement_leaver",
        "announcement_leavers",
        "Who does not want to hear what an organisation says.",
        &[text("org_id"), text("user_id"), time("left_at")],
    ),
    keyed(
        "invitation",
        "invitations",
        "Who was asked to join an organisation; the link's secret as its keyed hash.",
        &[
            text("org_id"),
            text("id"),
            text("email"),
            member("email_folded", Form::FoldedEmail("email")),
            text("role"),
            bytes("hash"),
            flag("is_mailed"),
            text("invited_by"),
            time("created_at"),
            time("expires_at"),
            time("accepted_at"),
            text("accepted_by"),
            time("revoked_at"),
        ],
    ),
    kind(
        "provider",
        "providers",
        "Where people sign in elsewhere; the secret that we have there only under a passphrase.",
        &[
            text("id"),
            text("org_id"),
            text("slug"),
            flag("is_enabled"),
            json("settings"),
            Member { name: "secret", column: "sealed", form: Form::Sealed },
            int("version"),
            time("created_at"),
            time("updated_at"),
        ],
    ),
    kind(
        "identity",
        "identities",
        "Whom a provider means by a subject.",
        &[
            text("provider_id"),
            text("subject"),
            text("user_id"),
            text("email"),
            time("linked_at"),
            time("last_used_at"),
            int("uses"),
        ],
    ),
    kind(
        "client",
        "clients",
        "An application. `metadata`: the members of RFC 7591 and our settings.",
        &[
            text("id"),
            text("client_id"),
            text("org_id"),
            text("name"),
            folded("name_folded", "name"),
            flag("is_confidential"),
            flag("is_first_party"),
            json("metadata"),
            int("version"),
            time("created_at"),
            time("updated_at"),
        ],
    ),
    kind(
        "organization_join_client",
        "org_join_clients",
        "An application by which people join an organisation.",
        &[text("org_id"), text("client_id"), time("created_at")],
    ),
    kind(
        "organization_joined",
        "org_joined",
        "Who has joined an organisation by an application, which happens once.",
        &[text("org_id"), text("user_id"), text("client_id"), time("joined_at")],
    ),
    keyed(
        "client_secret",
        "client_secrets",
        "The keyed hash of an application's secret.",
        &[
            text("client_id"),
            bytes("hash"),
            text("hash_key"),
            time("created_at"),
            time("expires_at"),
            time("revoked_at"),
        ],
    ),
    keyed(
        "service_token",
        "service_tokens",
        "A version of a service token: its keyed hash, what it may do, how it ends.",
        SERVICE_TOKEN,
    ),
    keyed(
        "api_key",
        "api_keys",
        "A key of a person or an organisation: its keyed hash and its rights.",
        API_KEY,
    ),
    kind(
        "api",
        "apis",
        "A protected resource; `identifier` is the audience of its tokens.",
        &[
            text("id"),
            text("org_id"),
            text("identifier"),
            text("name"),
            folded("name_folded", "name"),
            text("signing_alg"),
            word("token_format", &["jwt", "opaque"]),
            int("access_ttl"),
            int("version"),
            time("created_at"),
            time("updated_at"),
        ],
    ),
    kind(
        "api_scope",
        "api_scopes",
        "A scope of an API.",
        &[text("api_id"), text("scope"), text("description")],
    ),
    kind(
        "claim",
        "claim_mappings",
        "A custom claim of an organisation (no owner), of its application or of its API: a CEL expression.",
        &[
            text("org_id"),
            text("id"),
            text("owner"),
            text("name"),
            text("expression"),
            text("targets"),
            int("version"),
            time("created_at"),
            time("updated_at"),
        ],
    ),
    kind(
        "consent",
        "consents",
        "What a person has allowed an application for good.",
        &[
            text("user_id"),
            text("client_id"),
            text("org_id"),
            text("resource"),
            text("agent_id"),
            text("delegation_id"),
            text("scope"),
            json("authorization_details"),
            text("actor_path"),
            time("granted_at"),
            time("revoked_at"),
        ],
    ),
    kind(
        "route",
        "routes",
        "A route of the gateway, as it is written.",
        &[
            text("id"),
            text("name"),
            json("spec"),
            int("version"),
            time("created_at"),
            text("created_by"),
            time("updated_at"),
            text("updated_by"),
        ],
    ),
];

const SERVICE_TOKEN: &[Member] = &[
    text("id"),
    text("lineage"),
    text("org_id"),
    text("name"),
    folded("name_folded", "name"),
    int("version"),
    int("epoch"),
    bytes("hash"),
    text("hash_key"),
    text("sha256"),
    text("imported_from"),
    text("scopes"),
    json("workspace_ids"),
    text("description"),
    text("owner"),
    text("purpose"),
    json("allowed_addresses"),
    text("rate_limit_override"),
    int("lifetime"),
    time("issued_at"),
    time("expires_at"),
    time("ends_at"),
    time("revoked_at"),
    text("revoked_by"),
    text("revocation_reason"),
    text("created_by"),
    text("rotated_to"),
    text("rotated_from"),
    time("last_used_at"),
    text("last_used_address"),
    int("use_count"),
    int("reminded"),
    time("reviewed_at"),
    time("review_from"),
    time("rotation_from"),
    int("revision"),
];

const API_KEY: &[Member] = &[
    text("id"),
    text("principal_id"),
    int("epoch"),
    text("org_id"),
    text("user_id"),
    text("name"),
    folded("name_folded", "name"),
    text("shown"),
    bytes("hash"),
    text("hash_key"),
    text("scopes"),
    json("permissions"),
    json("workspace_ids"),
    json("allowed_addresses"),
    json("metadata"),
    text("rate_limit"),
    flag("is_own"),
    flag("is_enabled"),
    text("created_by"),
    time("created_at"),
    time("expires_at"),
    time("revoked_at"),
    text("revoked_by"),
    text("revocation_reason"),
    time("last_used_at"),
    text("last_used_address"),
    int("use_count"),
    int("revision"),
];

/// What use alone changes: two records that differ in nothing else are the same.
pub(super) const OF_USE: &[&str] =
    &["last_used_at", "last_used_address", "use_count", "reminded", "last_step"];

/// Tables that are not in a file, and why.
pub const LEFT_OUT: &[(&str, &str)] = &[
    ("access_tokens", "tokens of the former server end with it: applications ask for new ones"),
    ("announcements", "were said by the former server"),
    ("browsers", "people sign in anew"),
    ("active_marks", "stays with the server that counted it"),
    ("active_users", "stays with the server that counted it"),
    ("changes", "each database counts its own"),
    ("codes", "live for a minute"),
    ("drafts", "live for ten minutes"),
    ("event_checkpoints", "the audit trail stays with the server that signed it"),
    ("event_details", "the audit trail stays with the server that signed it"),
    ("event_intake", "the audit trail stays with the server that signed it"),
    ("events", "the audit trail stays with the server that signed it"),
    ("figure_hours", "stays with the server that counted it"),
    ("grants", "end with their sessions: consent is moved instead, so nobody is asked again"),
    ("idempotency", "lives for a day"),
    ("jobs", "work of the former server"),
    ("leases", "of running nodes"),
    ("links", "live for hours"),
    ("mails", "the former server's outbox"),
    ("migrations", "each database has its own"),
    ("password_schemes", "follow from the passwords"),
    ("prices", "stay with the usage that they are of"),
    ("pushed_requests", "live for minutes"),
    ("refresh_tokens", "end with the grants"),
    ("replays", "live for minutes"),
    ("revoked_jtis", "of tokens that the new server's keys do not verify"),
    ("sessions", "people sign in anew"),
    ("settings", "facts of one installation: its master key, its bootstrap token"),
    ("signing_keys", "the new server signs with its own"),
    ("throttles", "live for hours"),
    ("usage_hours", "stays with the server that counted it"),
    ("usage_writers", "of running nodes"),
];
