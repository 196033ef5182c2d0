//! For whom tokens count where they are shown: nobody needs to be asked about those of others.

use std::{
    collections::BTreeSet,
    sync::{PoisonError, RwLock},
};

use doorward_judge::{Refusal, Why};

/// What is known of it. Every place that shares the issuers adds its own names.
#[derive(Default)]
pub(super) struct Meant(RwLock<Names>);

#[derive(Default)]
enum Names {
    /// No place has said anything.
    #[default]
    Unknown,
    These(BTreeSet<String>),
    /// At one place at least tokens count whoever they are for.
    Anybody,
}

impl Meant {
    /// Adds the names of one place; none where tokens count whoever they are for.
    pub(super) fn extend(&self, names: &BTreeSet<String>) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        match &mut *known {
            _ if names.is_empty() => *known = Names::Anybody,
            Names::Anybody => {}
            Names::Unknown => *known = Names::These(names.clone()),
            Names::These(these) => these.extend(names.iter().cloned()),
        }
    }

    /// Whether a token for these could count at any place.
    ///
    /// # Errors
    /// `InvalidAudience` when it could not.
    pub(super) fn admit(&self, audience: &[String]) -> Result<(), Refusal> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        match &*known {
            Names::These(these) if !audience.iter().any(|name| these.contains(name)) => {
                let accepted: Vec<&str> = these.iter().map(String::as_str).collect();
                Err(Refusal::new(Why::InvalidAudience)
                    .hint(format!("Accepted here: {}", accepted.join(", "))))
            }
            _ => Ok(()),
        }
    }
}
