//! The configuration that is in force, for people to read. The binary, which has read it, says what there is; what must
//! not be shown is not in it.

use std::sync::{Arc, PoisonError, RwLock};

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Its key: `tokens.access_ttl`.
    pub name: &'static str,
    /// The environment variable that sets it.
    pub variable: String,
    /// Its value as it may be shown; empty when unset.
    pub value: String,
    /// Where that came from.
    pub from: Source,
    /// What it is when nobody sets it; empty where there is none.
    pub default: &'static str,
    /// What it is for.
    pub about: String,
    /// Whether a change counts when the configuration is read again (SIGHUP), without a restart.
    pub is_live: bool,
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Nobody set it.
    Default,
    /// A file, with its line.
    File(String),
    /// An environment variable.
    Environment(String),
    /// A flag of the command.
    Flag,
}

impl Source {
    /// `default`, `file`, `environment` or `flag`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::File(_) => "file",
            Self::Environment(_) => "environment",
            Self::Flag => "flag",
        }
    }

    /// Which file and line, or which variable; empty for the others.
    pub fn place(&self) -> &str {
        match self {
            Self::File(place) | Self::Environment(place) => place,
            Self::Default | Self::Flag => "",
        }
    }
}

/// Every setting, as it is now.
#[derive(Debug, Clone, Default)]
pub struct InForce(Arc<RwLock<Vec<Setting>>>);

impl InForce {
    /// These settings.
    pub fn new(settings: Vec<Setting>) -> Self {
        Self(Arc::new(RwLock::new(settings)))
    }

    /// Every setting, in the order of the reference.
    pub fn all(&self) -> Vec<Setting> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// After the configuration was read again: what counts without a restart is as it says now.
    pub fn read_again(&self, read: Vec<Setting>) {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for setting in all.iter_mut().filter(|setting| setting.is_live) {
            if let Some(now) = read.iter().find(|now| now.name == setting.name) {
                setting.clone_from(now);
            }
        }
    }
}
