//! The last decisions of this process, for who looks at them now: in memory, and only while somebody looks.

use std::{
    collections::VecDeque,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use doorward_gateway::Metered;
use doorward_judge::{CredentialKind, Why};
use doorward_proto::time::Time;
use doorward_web::routing::{Seen, Watched};

/// Decisions that are kept.
const KEPT: usize = 200;
/// Who has not looked for this long has gone.
const PATIENCE: Duration = Duration::from_secs(60);

/// See the module.
#[derive(Debug, Default)]
pub(in crate::serve) struct Watch {
    /// Until when somebody looks, in microseconds: all that a request costs while nobody does.
    until: AtomicI64,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    newest: u64,
    seen: VecDeque<Seen>,
}

impl Watch {
    /// Somebody looks: what was decided after the one of this number, the newest last.
    pub(super) fn look(&self, after: Option<u64>, now: Time) -> Watched {
        let was_looked_at = self.until.swap((now + PATIENCE).as_micros(), Ordering::AcqRel);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if was_looked_at < now.as_micros() {
            // Between what is left of an earlier look and now there is a gap.
            kept.seen.clear();
        }
        // A number that was never given is another process's.
        let after = after.filter(|after| *after <= kept.newest).unwrap_or_default();
        let seen = kept.seen.iter().filter(|one| one.number > after).cloned().collect();
        Watched { seen, newest: kept.newest }
    }

    /// Keeps a decision, if somebody looks.
    pub(super) fn note(&self, metered: &Metered<'_>) {
        if !metered.is_request || metered.at.as_micros() > self.until.load(Ordering::Relaxed) {
            return;
        }
        let decision = metered.decision;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.newest += 1;
        let seen = Seen {
            number: kept.newest,
            at: metered.at,
            route: decision.route.clone(),
            who: decision.subject.clone(),
            credential: decision.credential.map(CredentialKind::name),
            is_let_in: !metered.is_denied,
            code: decision.refused.map(Why::code),
            status: metered.status.map(|status| status.as_u16()),
            took: metered.took,
        };
        kept.seen.push_back(seen);
        if kept.seen.len() > KEPT {
            kept.seen.pop_front();
        }
    }
}
