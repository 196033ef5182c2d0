//! One version: its facts, its other versions, and what can be done with it.

use askama::Template;
use axum::{extract::Path, response::Response};
use doorward_core::{
    outcome::Result as Outcome,
    page::PageAsk,
    service_tokens::{ListAsk, State, Token, list},
};

use super::{Row, Standing, trail, version};
use crate::{
    pages::{
        console::{Administrator, Area, Shell},
        form::Errors,
        frame::Frame,
        visit::Visit,
    },
    surface::Failure,
};

/// Versions on the page at the most.
const MOST: u32 = 50;

/// What is known of a version.
#[derive(Debug, Clone)]
pub struct Facts {
    /// As in lists.
    pub row: Row,
    /// Its id.
    pub id: String,
    /// The first version: who acts, whichever version is used.
    pub lineage: String,
    /// Whether it may be replaced.
    pub is_live: bool,
    /// Whether it may be ended before its time.
    pub is_revocable: bool,
    /// Where it may do what it may do.
    pub workspaces: Vec<String>,
    /// From where it may be used.
    pub addresses: Vec<String>,
    /// Its own rate.
    pub rate: Option<String>,
    /// What it is for.
    pub purpose: Option<String>,
    /// What people should know.
    pub description: Option<String>,
    /// Who made it.
    pub made_by: String,
    /// From where it was used last.
    pub used_from: Option<String>,
    /// How often it was used.
    pub uses: String,
    /// By whom it was revoked, and why.
    pub revoked: Option<(String, String)>,
}

impl Facts {
    /// Of a version.
    pub fn of(visit: &Visit, token: &Token) -> Self {
        let state = token.state(visit.call.now);
        let notes = &token.notes;
        Self {
            row: Row::of(visit, token),
            id: token.id.to_string(),
            lineage: token.lineage.to_string(),
            is_live: state == State::Active,
            is_revocable: state != State::Revoked,
            workspaces: token.workspace_ids.clone(),
            addresses: notes.allowed_addresses.iter().map(ToString::to_string).collect(),
            rate: notes.rate_limit_override.map(|rate| rate.to_string()),
            purpose: notes.purpose.clone(),
            description: notes.description.clone(),
            made_by: token.created_by.clone(),
            used_from: token.last_used_address.clone(),
            uses: grouped(token.use_count),
            revoked: token.revocation.as_ref().map(|it| (it.by.clone(), it.reason.clone())),
        }
    }
}

/// A number with thin spaces between thousands.
fn grouped(number: i64) -> String {
    let digits = number.max(0).to_string();
    let mut text = String::with_capacity(digits.len() * 2);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// The page.
#[derive(Template)]
#[template(path = "console/service_tokens/show.html")]
pub struct Page<'a> {
    frame: &'a Frame,
    shell: &'a Shell<'a>,
    facts: Facts,
    versions: Vec<Row>,
}

impl<'a> Page<'a> {
    /// The page; `versions` are those of the same name.
    pub fn new(shell: &'a Shell<'a>, facts: Facts, versions: Vec<Row>) -> Self {
        Self { frame: shell.frame, shell, facts, versions }
    }

    fn standing(&self) -> &Standing {
        &self.facts.row.standing
    }
}

async fn versions(visit: &Visit, token: &Token) -> Outcome<Vec<Row>> {
    let ask = ListAsk {
        page: PageAsk { limit: MOST, ..PageAsk::default() },
        org: Some(token.org),
        name: Some(token.name.clone()),
        ..ListAsk::default()
    };
    let found = list(&visit.call, ask).await?;
    Ok(found.items.iter().rev().map(|token| Row::of(visit, token)).collect())
}

pub(super) async fn look(Path(id): Path<String>, administrator: Administrator) -> Result<Response, Failure> {
    let visit = &administrator.visit;
    let token = version(visit, &id).await?;
    let versions = versions(visit, &token).await?;
    let (frame, errors) = (visit.frame(), Errors::none());
    let mut shell = administrator.shell(&frame, Area::ServiceTokens, token.name.clone(), &errors);
    shell.trail = vec![trail(&administrator)];
    Ok(administrator.show(&Page::new(&shell, Facts::of(visit, &token), versions)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        for (number, text) in
            [(0, "0"), (999, "999"), (1000, "1\u{202f}000"), (1_234_567, "1\u{202f}234\u{202f}567")]
        {
            assert_eq!(grouped(number), text);
        }
    }
}
