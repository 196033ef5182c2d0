//! What an operator may set, as the rules see it. The binary maps its configuration to this.

use std::time::Duration;

const MINUTE: u64 = 60;
const DAY: u64 = 24 * 60 * MINUTE;

/// The settings of one realm.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Lifetimes of codes and tokens.
    pub tokens: Tokens,
    /// Signing keys.
    pub keys: Keys,
    /// Sessions.
    pub session: Session,
    /// Who may register.
    pub sign_up: SignUp,
    /// What a password must be.
    pub password: Password,
    /// Outgoing mail.
    pub mail: Mail,
    /// How long audit events are kept.
    pub audit: Audit,
    /// How long usage is kept.
    pub usage: Usage,
    /// Personal keys and API keys.
    pub api_keys: ApiKeys,
    /// Service tokens.
    pub service_tokens: ServiceTokens,
    /// Organisations.
    pub orgs: Orgs,
    /// What a flood may have kept.
    pub bounds: Bounds,
}

/// What people may do with organisations of their own.
#[derive(Debug, Clone)]
pub struct Orgs {
    /// Whether anybody with an account may make one.
    pub people_may_create: bool,
    /// Permissions that organisations may put into their roles beside the scopes of their own APIs; a `*` at
    /// the end stands for anything.
    pub permissions: Vec<String>,
    /// How long an invitation is open.
    pub invitation_ttl: Duration,
}

impl Default for Orgs {
    fn default() -> Self {
        Self {
            people_may_create: true,
            permissions: Vec::new(),
            invitation_ttl: Duration::from_secs(7 * DAY),
        }
    }
}

/// Lifetimes of codes and tokens; clients and APIs may override some.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// Authorization codes.
    pub code_ttl: Duration,
    /// Access tokens.
    pub access_ttl: Duration,
    /// ID tokens.
    pub id_ttl: Duration,
    /// A refresh token that is not used for this long ends.
    pub refresh_ttl: Duration,
    /// A family of refresh tokens ends after this, used or not.
    pub refresh_absolute: Duration,
    /// A consumed refresh token answers with the same successor for this long.
    pub refresh_reuse_window: Duration,
}

impl Default for Tokens {
    fn default() -> Self {
        Self {
            code_ttl: Duration::from_secs(60),
            access_ttl: Duration::from_secs(10 * MINUTE),
            id_ttl: Duration::from_secs(10 * MINUTE),
            refresh_ttl: Duration::from_secs(30 * DAY),
            refresh_absolute: Duration::from_secs(90 * DAY),
            refresh_reuse_window: Duration::from_secs(45),
        }
    }
}

/// How signing keys come and go.
#[derive(Debug, Clone)]
pub struct Keys {
    /// A key signs for this long.
    pub rotation: Duration,
    /// A retired key stays published for this long.
    pub overlap: Duration,
    /// A key is published this long before it signs.
    pub publish_ahead: Duration,
}

impl Default for Keys {
    fn default() -> Self {
        Self {
            rotation: Duration::from_secs(90 * DAY),
            overlap: Duration::from_secs(30 * DAY),
            publish_ahead: Duration::from_secs(DAY),
        }
    }
}

/// How long people stay signed in.
#[derive(Debug, Clone)]
pub struct Session {
    /// Without use.
    pub idle: Duration,
    /// In all.
    pub absolute: Duration,
}

impl Default for Session {
    fn default() -> Self {
        Self { idle: Duration::from_secs(7 * DAY), absolute: Duration::from_secs(30 * DAY) }
    }
}

/// Who may register.
#[derive(Debug, Clone)]
pub struct SignUp {
    /// Open or closed.
    pub mode: SignUpMode,
    /// When not empty, only these mail domains (folded).
    pub allowed_domains: Vec<String>,
    /// The slug or id of an organisation that newcomers join.
    pub default_org: Option<String>,
    /// How long somebody without an account is kept who is not seen.
    pub anonymous_kept: Duration,
}

impl Default for SignUp {
    fn default() -> Self {
        Self {
            mode: SignUpMode::Open,
            allowed_domains: Vec::new(),
            default_org: None,
            anonymous_kept: Duration::from_hours(90 * 24),
        }
    }
}

/// Who may register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SignUpMode {
    /// Anybody.
    #[default]
    Open,
    /// Who is invited to an organisation.
    Invited,
    /// Nobody.
    Closed,
}

/// What a password must be.
#[derive(Debug, Clone)]
pub struct Password {
    /// Characters at least.
    pub min_length: usize,
    /// zxcvbn score at least, 0 to 4.
    pub min_strength: u8,
    /// Whether known passwords are refused.
    pub breach_check: BreachCheck,
    /// The k-anonymous range API's address, `…/range/` (the first five SHA-1 digits are appended).
    pub breach_api: Option<url::Url>,
    /// What happens when the range API does not answer.
    pub breach_failure: BreachFailure,
}

impl Default for Password {
    fn default() -> Self {
        Self {
            min_length: 8,
            min_strength: 3,
            breach_check: BreachCheck::Offline,
            breach_api: None,
            breach_failure: BreachFailure::Open,
        }
    }
}

/// Where known passwords are looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BreachCheck {
    /// Nowhere.
    Off,
    /// In the list that ships with Doorward.
    #[default]
    Offline,
    /// In that list and at the range API.
    RangeApi,
}

/// What happens when the range API does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BreachFailure {
    /// The offline list decides, and the event is recorded.
    #[default]
    Open,
    /// The password is refused until it answers.
    Closed,
}

/// Outgoing mail.
#[derive(Debug, Clone)]
pub struct Mail {
    /// The sender: `Doorward <no-reply@localhost>`.
    pub from: String,
    /// How long links in mails work.
    pub link_ttl: Duration,
}

impl Default for Mail {
    fn default() -> Self {
        Self { from: "Doorward <no-reply@localhost>".to_owned(), link_ttl: Duration::from_secs(60 * MINUTE) }
    }
}

/// What anybody may have kept on one node before proving anything; no operator has to set it.
#[derive(Debug, Clone)]
pub struct Bounds {
    /// Bytes of authorizations that are not finished.
    pub drafts: u64,
    /// DPoP proofs from one address, for one application.
    pub proofs: u64,
}

impl Default for Bounds {
    /// A gibibyte, of authorizations that are a kibibyte each in honest use; and for each address more
    /// proofs than two hundred a second.
    fn default() -> Self {
        Self { drafts: 1 << 30, proofs: 100_000 }
    }
}

/// Personal keys and API keys.
#[derive(Debug, Clone)]
pub struct ApiKeys {
    /// The longest life of a key.
    pub max_lifetime: Duration,
    /// What people may let their own keys do, beside the own account.
    pub personal_scopes: Vec<String>,
}

impl Default for ApiKeys {
    fn default() -> Self {
        Self { max_lifetime: Duration::from_secs(365 * DAY), personal_scopes: Vec::new() }
    }
}

/// How often somebody is reminded of a service token.
#[derive(Debug, Clone)]
pub struct ServiceTokens {
    /// A review is due after this; zero for never.
    pub review_every: Duration,
    /// A token that does not end by itself should be rotated after this; zero for never.
    pub rotate_every: Duration,
}

impl Default for ServiceTokens {
    fn default() -> Self {
        Self { review_every: Duration::from_secs(90 * DAY), rotate_every: Duration::from_secs(60 * DAY) }
    }
}

/// How long audit events are kept.
#[derive(Debug, Clone)]
pub struct Audit {
    /// Months that are older are dropped whole, behind a signed checkpoint.
    pub retention: Duration,
}

impl Default for Audit {
    fn default() -> Self {
        Self { retention: Duration::from_secs(730 * DAY) }
    }
}

/// How long usage is kept.
#[derive(Debug, Clone)]
pub struct Usage {
    /// Hours that are older are dropped.
    pub retention: Duration,
}

impl Default for Usage {
    fn default() -> Self {
        Self { retention: Duration::from_secs(400 * DAY) }
    }
}
