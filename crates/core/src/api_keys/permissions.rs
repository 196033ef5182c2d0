//! What a key may do, resource by resource. Pure.

use std::collections::{BTreeMap, BTreeSet};

use doorward_proto::scope::is_scope_name;
use serde::{Deserialize, Serialize};

use crate::outcome::{Code, Refusal, Result};

/// The longest name of a resource or an action.
const LONGEST: usize = 64;
/// Permissions of one key at the most.
const MOST: usize = 200;

/// Resources, each with the actions that are allowed on it. A permission's name is `resource:action`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Permissions(BTreeMap<String, BTreeSet<String>>);

impl Permissions {
    /// Reads them; each name is a word that can stand in a header among others.
    ///
    /// # Errors
    /// `RequestInvalid`.
    pub fn read(given: BTreeMap<String, Vec<String>>) -> Result<Self> {
        let wrong = |hint: &'static str| Refusal::new(Code::RequestInvalid).field("permissions").hint(hint);
        let is_word = |word: &str| word.len() <= LONGEST && is_scope_name(word) && !word.contains(',');
        let mut all = BTreeMap::new();
        for (resource, actions) in given {
            if !is_word(&resource) || !actions.iter().all(|action| is_word(action)) {
                return Err(wrong("Resources and actions are words of 1 to 64 letters").into());
            }
            if !actions.is_empty() {
                all.insert(resource, actions.into_iter().collect::<BTreeSet<String>>());
            }
        }
        if all.values().map(BTreeSet::len).sum::<usize>() > MOST {
            return Err(wrong("There are too many permissions").into());
        }
        Ok(Self(all))
    }

    /// `resource:action`, each.
    pub fn names(&self) -> Vec<String> {
        let all = self.0.iter();
        all.flat_map(|(resource, actions)| actions.iter().map(move |action| format!("{resource}:{action}")))
            .collect()
    }

    /// Whether all of these are among them.
    pub fn include(&self, wanted: &Self) -> bool {
        wanted
            .0
            .iter()
            .all(|(resource, actions)| self.0.get(resource).is_some_and(|allowed| actions.is_subset(allowed)))
    }

    /// Those whose name passes.
    #[must_use]
    pub fn kept(&self, is_kept: impl Fn(&str) -> bool) -> Self {
        let mut all = self.0.clone();
        for (resource, actions) in &mut all {
            actions.retain(|action| is_kept(&format!("{resource}:{action}")));
        }
        all.retain(|_, actions| !actions.is_empty());
        Self(all)
    }
}
