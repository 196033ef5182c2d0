//! How the server is set: `/api/v1/settings`. Read only: settings come from the configuration.

use doorward_core::{
    bootstrap,
    page::Page,
    settings::{BreachCheck, SignUpMode},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    answer::{Answer, found, page},
    caller::Caller,
    endpoint::Endpoint,
};
use crate::{app::App, in_force::Setting};
use axum::extract::State;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/api/v1/settings", show)
            .scope("admin:settings:read")
            .answers::<SettingsView>()
            .says("Shows how the server is set; lifetimes in seconds"),
        Endpoint::get("/api/v1/settings/keys", keys)
            .scope("admin:settings:read")
            .lists_all::<SettingView>()
            .says("Lists every setting with its value and where that came from; secrets are not told"),
    ]
}

/// How the server is set. Lifetimes are in seconds.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Settings)]
struct SettingsView {
    /// The issuer.
    issuer: String,
    /// The instance's organisation.
    instance_org_id: String,
    /// Lifetimes of codes and tokens.
    tokens: Lifetimes,
    /// Signing keys.
    keys: KeyTimes,
    /// Sessions.
    session: SessionTimes,
    /// Who may register.
    sign_up: SignUp,
    /// What a password must be.
    password: Password,
    /// The bootstrap token: a root credential that is best removed after use.
    bootstrap: Option<BootstrapUse>,
}

/// One setting.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Setting)]
struct SettingView {
    /// Its name in the configuration.
    key: &'static str,
    /// The environment variable that sets it.
    variable: String,
    /// Its value; a secret is not told, and of tables how many there are. Null when unset.
    value: Option<String>,
    /// `default`, `file`, `environment` or `flag`.
    from: &'static str,
    /// Which file and line, or which variable.
    place: Option<String>,
    /// What it is when nobody sets it.
    default: Option<&'static str>,
    /// What it is for.
    about: String,
    /// Whether a change counts only after a restart.
    needs_restart: bool,
}

async fn keys(State(app): State<App>, _caller: Caller) -> Answer {
    let view = |setting: &Setting| {
        let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        SettingView {
            key: setting.name,
            variable: setting.variable.clone(),
            value: text(&setting.value),
            from: setting.from.name(),
            place: text(setting.from.place()),
            default: Some(setting.default).filter(|text| !text.is_empty()),
            about: setting.about.clone(),
            needs_restart: !setting.is_live,
        }
    };
    let items = app.settings.in_force.all();
    page(&Page { items, next: None }, |setting| Ok(view(setting)))
}

/// Lifetimes of codes and tokens.
#[derive(Debug, Serialize, ToSchema)]
struct Lifetimes {
    code_ttl: u64,
    access_ttl: u64,
    id_ttl: u64,
    refresh_ttl: u64,
    refresh_absolute: u64,
    refresh_reuse_window: u64,
}

/// When keys come and go.
#[derive(Debug, Serialize, ToSchema)]
struct KeyTimes {
    rotation: u64,
    overlap: u64,
    publish_ahead: u64,
}

/// How long people stay signed in.
#[derive(Debug, Serialize, ToSchema)]
struct SessionTimes {
    idle: u64,
    absolute: u64,
}

/// Who may register.
#[derive(Debug, Serialize, ToSchema)]
struct SignUp {
    /// `open` or `closed`.
    mode: &'static str,
    /// When not empty, only these mail domains.
    allowed_domains: Vec<String>,
}

/// What a password must be.
#[derive(Debug, Serialize, ToSchema)]
struct Password {
    min_length: usize,
    min_strength: u8,
    /// `off`, `offline` or `range-api`.
    breach_check: &'static str,
}

/// What is known of the configured bootstrap token.
#[derive(Debug, Serialize, ToSchema)]
struct BootstrapUse {
    /// When a server first started with it.
    #[schema(format = DateTime)]
    first_seen_at: Option<String>,
    /// When it was presented last.
    #[schema(format = DateTime)]
    last_used_at: Option<String>,
    /// How often it was presented.
    uses: u64,
}

async fn show(State(app): State<App>, caller: Caller) -> Answer {
    let settings = &app.realm.settings;
    let (tokens, keys) = (&settings.tokens, &settings.keys);
    let bootstrap = match &app.settings.bootstrap {
        None => None,
        Some(configured) => {
            let memory = bootstrap::memory(&caller.call, &configured.token).await?;
            Some(BootstrapUse {
                first_seen_at: memory.map(|memory| memory.first_seen_at.to_string()),
                last_used_at: memory.and_then(|memory| memory.last_used_at).map(|at| at.to_string()),
                uses: memory.map_or(0, |memory| memory.uses),
            })
        }
    };
    found(&SettingsView {
        issuer: app.realm.issuer.clone(),
        instance_org_id: app.realm.instance_org.to_string(),
        tokens: Lifetimes {
            code_ttl: tokens.code_ttl.as_secs(),
            access_ttl: tokens.access_ttl.as_secs(),
            id_ttl: tokens.id_ttl.as_secs(),
            refresh_ttl: tokens.refresh_ttl.as_secs(),
            refresh_absolute: tokens.refresh_absolute.as_secs(),
            refresh_reuse_window: tokens.refresh_reuse_window.as_secs(),
        },
        keys: KeyTimes {
            rotation: keys.rotation.as_secs(),
            overlap: keys.overlap.as_secs(),
            publish_ahead: keys.publish_ahead.as_secs(),
        },
        session: SessionTimes {
            idle: settings.session.idle.as_secs(),
            absolute: settings.session.absolute.as_secs(),
        },
        sign_up: SignUp {
            mode: match settings.sign_up.mode {
                SignUpMode::Open => "open",
                SignUpMode::Invited => "invited",
                SignUpMode::Closed => "closed",
            },
            allowed_domains: settings.sign_up.allowed_domains.clone(),
        },
        password: Password {
            min_length: settings.password.min_length,
            min_strength: settings.password.min_strength,
            breach_check: match settings.password.breach_check {
                BreachCheck::Off => "off",
                BreachCheck::Offline => "offline",
                BreachCheck::RangeApi => "range-api",
            },
        },
        bootstrap,
    })
}
