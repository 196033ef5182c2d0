//! From the configuration to what the rules see.

use doorward_core::settings as core;

use super::{
    Config,
    values::{BreachCheck, BreachFailure, OrgMakers, SignUpMode},
};

/// The part of the configuration that the rules of the domain know.
pub fn core_settings(config: &Config) -> core::Settings {
    let (tokens, password) = (&config.tokens, &config.password);
    core::Settings {
        tokens: core::Tokens {
            code_ttl: tokens.code_ttl.0,
            access_ttl: tokens.access_ttl.0,
            id_ttl: tokens.id_ttl.0,
            refresh_ttl: tokens.refresh_ttl.0,
            refresh_absolute: tokens.refresh_absolute.0,
            refresh_reuse_window: tokens.refresh_reuse_window.0,
        },
        keys: core::Keys {
            rotation: config.keys.rotation.0,
            overlap: config.keys.overlap.0,
            publish_ahead: config.keys.publish_ahead.0,
        },
        session: core::Session { idle: config.session.idle.0, absolute: config.session.absolute.0 },
        sign_up: core::SignUp {
            mode: match config.sign_up.mode {
                SignUpMode::Open => core::SignUpMode::Open,
                SignUpMode::Invited => core::SignUpMode::Invited,
                SignUpMode::Closed => core::SignUpMode::Closed,
            },
            allowed_domains: config
                .sign_up
                .allowed_domains
                .iter()
                .map(|domain| domain.to_lowercase())
                .collect(),
            default_org: config.sign_up.default_org.clone(),
            anonymous_kept: config.sign_up.anonymous_kept.0,
        },
        password: core::Password {
            min_length: password.min_length,
            min_strength: password.min_strength.min(4),
            breach_check: match password.breach_check {
                BreachCheck::Off => core::BreachCheck::Off,
                BreachCheck::Offline => core::BreachCheck::Offline,
                BreachCheck::RangeApi => core::BreachCheck::RangeApi,
            },
            breach_api: password.breach_api.as_ref().map(|api| api.0.clone()),
            breach_failure: match password.breach_failure {
                BreachFailure::Open => core::BreachFailure::Open,
                BreachFailure::Closed => core::BreachFailure::Closed,
            },
        },
        mail: core::Mail { from: config.mail.from.clone(), link_ttl: config.mail.link_ttl.0 },
        audit: core::Audit { retention: config.audit.retention.0 },
        usage: core::Usage { retention: config.usage.retention.0 },
        api_keys: core::ApiKeys {
            max_lifetime: config.api_keys.max_lifetime.0,
            personal_scopes: config.api_keys.personal_scopes.clone(),
        },
        service_tokens: core::ServiceTokens {
            review_every: config.service_tokens.review_every.0,
            rotate_every: config.service_tokens.rotate_every.0,
        },
        orgs: core::Orgs {
            people_may_create: config.orgs.create == OrgMakers::People,
            permissions: config.orgs.permissions.clone(),
            invitation_ttl: config.orgs.invitation_ttl.0,
        },
        bounds: core::Bounds::default(),
    }
}
