//! What was promised, on SQLite.

use crate::drive::Scenario;

/// What a figure is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Against {
    Ceiling,
    /// The bare hash with its memory reused.
    Argon2,
}

/// `GET /healthz` while passwords are hashed, 99th percentile in milliseconds.
pub(crate) const HEALTH_P99: f64 = 25.0;
/// What the proxy adds to an answer at one connection, microseconds.
pub(crate) const ADDED: f64 = 120.0;
/// Ten thousand credentials beside one, of its operations per CPU second.
pub(crate) const MANY: f64 = 0.85;
/// A service token beside a JWT; below one by no more than two equal runs differ.
pub(crate) const TOKEN: f64 = 1.0 / 1.15;
/// The 99th percentile of `/validate` beside its median.
pub(crate) const TAIL: f64 = 3.0;
/// Start to first answer on an existing data folder, milliseconds.
pub(crate) const START: f64 = 300.0;
/// A first start, which makes keys, milliseconds.
pub(crate) const FIRST_START: f64 = 1500.0;
/// Resident memory a minute after the last sign-in, MiB.
pub(crate) const MEMORY: f64 = 50.0;

/// The share of operations per CPU second that a scenario must reach, where one was promised.
pub(crate) const fn share(scenario: Scenario) -> Option<(f64, Against)> {
    match scenario {
        Scenario::Floor => Some((0.70, Against::Ceiling)),
        Scenario::ClientCredentialsEs256
        | Scenario::ClientCredentialsRs256
        | Scenario::ValidateToken
        | Scenario::ValidateJwt
        | Scenario::Proxy => Some((0.60, Against::Ceiling)),
        Scenario::Userinfo => Some((0.45, Against::Ceiling)),
        Scenario::RefreshRs256 => Some((0.85, Against::Ceiling)),
        Scenario::Introspect | Scenario::RefreshEs256 | Scenario::RefreshNone | Scenario::ValidateFirst => {
            Some((0.50, Against::Ceiling))
        }
        Scenario::CodeSessionRs256 => Some((0.80, Against::Ceiling)),
        Scenario::SignIn => Some((0.90, Against::Argon2)),
        Scenario::ValidateMany
        | Scenario::Layer
        | Scenario::Jwks
        | Scenario::CodeSessionEs256
        | Scenario::CodePassword => None,
    }
}
