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
        Scenario::ClientCredentialsEs256 | Scenario::ClientCredentialsRs256 => Some((0.60, Against::Ceiling)),
        Scenario::Userinfo => Some((0.45, Against::Ceiling)),
        Scenario::RefreshRs256 => Some((0.85, Against::Ceiling)),
        Scenario::Introspect | Scenario::RefreshEs256 | Scenario::RefreshNone => {
            Some((0.50, Against::Ceiling))
        }
        Scenario::CodeSessionRs256 => Some((0.80, Against::Ceiling)),
        Scenario::SignIn => Some((0.90, Against::Argon2)),
        Scenario::Jwks | Scenario::CodeSessionEs256 | Scenario::CodePassword => None,
    }
}
