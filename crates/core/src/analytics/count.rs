//! What an event of the audit trail counts as.

use std::collections::{BTreeMap, BTreeSet};

use doorward_proto::time::Time;
use serde::Deserialize;

use super::{Figure, Mark, Width};
use crate::usage::hour_of;

/// What is counted of an event.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Happened<'e> {
    pub(crate) at: Time,
    pub(crate) code: &'e str,
    pub(crate) org: &'e str,
    pub(crate) subject: &'e str,
    pub(crate) facts: &'e str,
}

/// Counts that are to be written together.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    /// By organisation (none: the whole server), hour and stored number.
    pub(super) sums: BTreeMap<(String, Time, i64), i64>,
    /// Who was there.
    pub(crate) marks: BTreeSet<Mark>,
}

/// What stands for refusals that were not recorded one by one.
#[derive(Deserialize)]
struct Counted {
    event: String,
    minute: String,
    more: i64,
}

fn figure(code: &str) -> Option<Figure> {
    Some(match code {
        "user.signed_in" => Figure::SignIns,
        "user.sign_in_refused" | "user.sign_in_slowed" | "user.connect_refused" => Figure::SignInsFailed,
        "grant.created" => Figure::AppSignIns,
        "token.issued" => Figure::Tokens,
        // What refused below one of these doors is an event of its own and is not counted twice.
        "gateway.refused" | "api.refused" | "oauth.refused" => Figure::Denials,
        _ => return None,
    })
}

impl Tally {
    /// Of people who were there, and nothing else.
    pub(crate) fn of_people(marks: BTreeSet<Mark>) -> Self {
        Self { marks, ..Self::default() }
    }

    /// Counts an event.
    pub(crate) fn count(&mut self, event: Happened<'_>) {
        if event.code == "refusals.counted" {
            let Ok(counted) = serde_json::from_str::<Counted>(event.facts) else { return };
            if let (Some(figure), Ok(minute)) = (figure(&counted.event), counted.minute.parse()) {
                self.add(event.org, minute, (figure, counted.more));
            }
            return;
        }
        let Some(figure) = figure(event.code) else { return };
        self.add(event.org, event.at, (figure, 1));
        let is_there = matches!(figure, Figure::SignIns | Figure::AppSignIns | Figure::Tokens);
        if is_there && event.subject.starts_with("usr_") {
            self.marks.extend(Mark::both(event.org, hour_of(event.at), event.subject));
        }
    }

    /// Counts for the server, and for the organisation.
    fn add(&mut self, org: &str, at: Time, (figure, times): (Figure, i64)) {
        let (hour, number) = (hour_of(at), figure.number(Width::Hour));
        for org in std::iter::once("").chain(Some(org).filter(|org| !org.is_empty())) {
            let sum = self.sums.entry((org.to_owned(), hour, number)).or_default();
            *sum = sum.saturating_add(times);
        }
    }
}
