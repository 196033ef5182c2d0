//! What of each table a person is handed, and what not: the one place that says so.

use crate::moving::format::{Form, Member, bytes, flag, int, json, text, time, word};

/// Whose a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// This column holds the person's id.
    Person(&'static str),
    /// This column holds a proven address of the person's, folded.
    Address(&'static str),
}

/// A table that the person has rows in.
#[derive(Debug, Clone, Copy)]
pub struct Held {
    /// The member of the file.
    pub name: &'static str,
    /// Where it is kept.
    pub table: &'static str,
    /// Whose a row is.
    pub whose: Whose,
    /// What it is, for the documentation.
    pub about: &'static str,
    /// What is written.
    pub members: &'static [Member],
    /// Columns that are not, and why.
    pub left_out: &'static [(&'static str, &'static str)],
}

const FOLDED: &str = "the same in lower case, to be found by";
const HASH: &str = "a hash, of use to nobody but who guesses";
const OURS: &str = "says nothing of the person";

const USER: &str = "user_id";

/// Every table with rows of a person, in the order of the file.
pub const HELD: &[Held] = &[
    Held {
        name: "profile",
        table: "users",
        whose: Whose::Person("id"),
        about: "Who you are: names, profile, language, zone, roles, consent to news.",
        members: &[
            text("id"),
            text("name"),
            text("username"),
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
        left_out: &[("name_folded", FOLDED), ("username_folded", FOLDED)],
    },
    Held {
        name: "standing",
        table: "principals",
        whose: Whose::Person("id"),
        about: "Whether you may sign in, your personal organisation, and when everything issued to you was last ended.",
        members: &[
            text("id"),
            text("org_id"),
            word("status", &["active", "suspended", "ended", "held"]),
            time("epoch_at"),
            time("created_at"),
        ],
        left_out: &[("kind", OURS), ("epoch", OURS)],
    },
    Held {
        name: "picture",
        table: "pictures",
        whose: Whose::Person(USER),
        about: "The picture that you uploaded, in base64url.",
        members: &[
            text("name"),
            bytes("picture"),
            text("format"),
            int("width"),
            int("height"),
            time("created_at"),
        ],
        left_out: &[(USER, OURS)],
    },
    Held {
        name: "addresses",
        table: "emails",
        whose: Whose::Person(USER),
        about: "Mail addresses, and when each was proven.",
        members: &[text("address"), flag("is_primary"), time("verified_at"), time("created_at")],
        left_out: &[("folded", FOLDED), (USER, OURS)],
    },
    Held {
        name: "password",
        table: "passwords",
        whose: Whose::Person(USER),
        about: "When the password was changed last.",
        members: &[time("updated_at")],
        left_out: &[(USER, OURS), ("phc", HASH), ("scheme", OURS)],
    },
    Held {
        name: "passkeys",
        table: "passkeys",
        whose: Whose::Person(USER),
        about: "Passkeys by their names.",
        members: &[text("name"), time("created_at"), time("last_used_at")],
        left_out: &[
            ("credential_id", "a credential"),
            (USER, OURS),
            ("passkey", "a credential: its private half is with you"),
        ],
    },
    Held {
        name: "authenticators",
        table: "totps",
        whose: Whose::Person(USER),
        about: "The authenticator app: when it was set up.",
        members: &[time("confirmed_at"), time("created_at")],
        left_out: &[(USER, OURS), ("sealed", "a secret"), ("last_step", OURS)],
    },
    Held {
        name: "recovery_codes",
        table: "recovery_codes",
        whose: Whose::Person(USER),
        about: "Recovery codes: when each was made and used.",
        members: &[time("created_at"), time("consumed_at")],
        left_out: &[(USER, OURS), ("hash", HASH)],
    },
    Held {
        name: "connections",
        table: "identities",
        whose: Whose::Person(USER),
        about: "Where you sign in from elsewhere, and as whom.",
        members: &[
            text("provider_id"),
            text("subject"),
            text("email"),
            time("linked_at"),
            time("last_used_at"),
            int("uses"),
        ],
        left_out: &[(USER, OURS)],
    },
    Held {
        name: "sessions",
        table: "sessions",
        whose: Whose::Person(USER),
        about: "Where you are and were signed in: address, browser, times.",
        members: &[
            text("id"),
            text("org_id"),
            time("auth_time"),
            text("acr"),
            text("amr"),
            text("address"),
            text("user_agent"),
            time("created_at"),
            time("seen_at"),
            time("expires_at"),
            time("ended_at"),
            text("end_reason"),
        ],
        left_out: &[("browser_id", OURS), (USER, OURS), ("noticed_at", OURS)],
    },
    Held {
        name: "consents",
        table: "consents",
        whose: Whose::Person(USER),
        about: "What you have allowed applications.",
        members: &[
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
        left_out: &[(USER, OURS)],
    },
    Held {
        name: "grants",
        table: "grants",
        whose: Whose::Person("principal_id"),
        about: "What applications were given: for what, by which session, on which device, until when.",
        members: &[
            text("id"),
            text("org_id"),
            text("client_id"),
            text("session_id"),
            text("scope"),
            json("resource"),
            json("authorization_details"),
            text("agent_id"),
            text("delegation_id"),
            text("actor_path"),
            flag("is_offline"),
            json("facts"),
            text("device"),
            time("created_at"),
            time("expires_at"),
            time("ended_at"),
            text("end_reason"),
        ],
        left_out: &[("principal_id", OURS)],
    },
    Held {
        name: "organizations",
        table: "memberships",
        whose: Whose::Person(USER),
        about: "Organisations that you belong to, and as what.",
        members: &[text("org_id"), text("role"), time("created_at")],
        left_out: &[(USER, OURS)],
    },
    Held {
        name: "answers",
        table: "org_values",
        whose: Whose::Person(USER),
        about: "What you have answered to what organisations ask.",
        members: &[text("org_id"), text("field"), json("value"), time("updated_at")],
        left_out: &[(USER, OURS)],
    },
    Held {
        name: "workspaces",
        table: "workspace_members",
        whose: Whose::Person(USER),
        about: "Workspaces that you were put into, and as what.",
        members: &[text("org_id"), text("workspace_id"), text("role"), time("created_at")],
        left_out: &[(USER, OURS)],
    },
    Held {
        name: "invitations",
        table: "invitations",
        whose: Whose::Address("email_folded"),
        about: "Invitations to your proven addresses.",
        members: &[
            text("org_id"),
            text("id"),
            text("email"),
            text("role"),
            time("created_at"),
            time("expires_at"),
            time("accepted_at"),
            time("revoked_at"),
        ],
        left_out: &[
            ("email_folded", FOLDED),
            ("hash", HASH),
            ("is_mailed", OURS),
            ("invited_by", "somebody else"),
            ("accepted_by", OURS),
        ],
    },
    Held {
        name: "keys",
        table: "api_keys",
        whose: Whose::Person(USER),
        about: "Keys that you made for programs, by their names, and what each may do.",
        members: &[
            text("id"),
            text("org_id"),
            text("name"),
            text("shown"),
            text("scopes"),
            json("permissions"),
            json("workspace_ids"),
            json("allowed_addresses"),
            json("metadata"),
            text("rate_limit"),
            flag("is_own"),
            flag("is_enabled"),
            time("created_at"),
            time("expires_at"),
            time("revoked_at"),
            text("revocation_reason"),
            time("last_used_at"),
            text("last_used_address"),
            int("use_count"),
        ],
        left_out: &[
            ("principal_id", OURS),
            ("epoch", OURS),
            (USER, OURS),
            ("name_folded", FOLDED),
            ("hash", HASH),
            ("hash_key", OURS),
            ("created_by", "perhaps somebody else"),
            ("revoked_by", "perhaps somebody else"),
            ("revision", OURS),
        ],
    },
    Held {
        name: "joined_by_applications",
        table: "org_joined",
        whose: Whose::Person(USER),
        about: "The organisations that you joined by signing in to an application, by which, and when, and those \
                that you have left: no application makes you a member of them any more.",
        members: &[text("org_id"), text("client_id"), time("joined_at")],
        left_out: &[(USER, OURS)],
    },
    Held {
        name: "announcements_left",
        table: "announcement_leavers",
        whose: Whose::Person(USER),
        about: "The organisations whose announcements you took yourself off, and when.",
        members: &[text("org_id"), time("left_at")],
        left_out: &[(USER, OURS)],
    },
    Held {
        name: "mails",
        table: "mails",
        whose: Whose::Person(USER),
        about: "What was mailed to you: when, where to, and what kind of mail; as long as the outbox keeps it.",
        members: &[
            text("id"),
            text("recipient"),
            text("template"),
            text("locale"),
            word("status", &["waiting", "sent", "given_up"]),
            text("org_id"),
            text("client_id"),
            time("sent_at"),
            time("created_at"),
        ],
        left_out: &[
            (USER, OURS),
            ("parameters", "sealed: they hold links"),
            ("attempts", OURS),
            ("priority", OURS),
            ("due_at", OURS),
            ("claimed_until", OURS),
            ("last_error", OURS),
            ("expires_at", OURS),
        ],
    },
];

/// What else is in the file, read by its own area: the member, its tables, what it is.
pub const READ: &[(&str, &[&str], &str)] = &[
    ("usage", &["usage_hours"], "How often you did something, by the hour, application and route."),
    (
        "events",
        &["event_intake", "events"],
        "What you did, as the audit trail has it, with addresses and browsers.",
    ),
    (
        "events_by_others",
        &["event_intake", "events"],
        "What others did that was about you; without their addresses.",
    ),
];

/// Tables that name people and are not in the file, and why.
pub const LEFT_OUT: &[(&str, &str)] = &[
    ("access_tokens", "hashes of what `grants` tells of; they live for minutes"),
    ("active_marks", "counts of people, kept for days: `sessions` and `usage` tell when somebody was there"),
    ("active_users", "the last of what `sessions` and `usage` tell"),
    ("announcements", "were said to many by an organisation, and belong to it"),
    ("claim_mappings", "belong to an organisation, not to who wrote them"),
    ("clients", "applications belong to organisations, not to people"),
    ("codes", "hashes; they live for a minute"),
    ("drafts", "a sign-in in progress: it lives for ten minutes"),
    ("idempotency", "answers that are sealed under the credential; they live for a day"),
    ("links", "hashes and sealed payloads; they live for hours"),
    ("mail_templates", "words of an organisation or of the server, not of who wrote them"),
    ("refresh_tokens", "hashes of what `grants` tells of"),
    ("routes", "belong to the server"),
    ("service_tokens", "belong to an organisation, not to who made them"),
];

impl Held {
    /// How a column is written; nothing where it is not.
    pub(super) fn form_of(&self, column: &str) -> Option<(&'static str, Form)> {
        let found = self.members.iter().find(|member| member.column == column)?;
        Some((found.name, found.form))
    }
}
