//! One version: its facts, its other versions, and what can be done with it.

use askama::Template;
use axum::{extract::Path, response::Response};
use doorward_core::service_tokens::{State, Token, newest_versions};

use super::{Row, Standing, organisation, trail, version};
use crate::{
    pages::{
        console::{Administrator, Area, Shell},
        form::Errors,
        frame::Frame,
        visit::Visit,
        when::When,
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
    /// The organisation that it belongs to: its name, and its id.
    pub org: (String, String),
    /// Whether its end lies behind it: a version that was replaced works until the overlap is over.
    pub has_ended: bool,
    /// Whether it may be replaced.
    pub is_live: bool,
    /// When somebody looked after it last.
    pub reviewed: When,
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
    /// Of a version of an organisation of this name.
    pub fn of(visit: &Visit, token: &Token, org: String) -> Self {
        let (state, now) = (token.state(visit.call.now), visit.call.now);
        let notes = &token.notes;
        Self {
            row: Row::of(visit, token),
            id: token.id.to_string(),
            lineage: token.lineage.to_string(),
            org: (org, token.org.to_string()),
            has_ended: token.revocation.is_some() || token.end().is_some_and(|end| end <= now),
            is_live: state == State::Active,
            reviewed: When::new(visit.text, token.reviewed_at, now),
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
    versions_what: String,
}

impl<'a> Page<'a> {
    /// The page; `versions` are the newest of the same name, and there may be more.
    pub fn new(shell: &'a Shell<'a>, facts: Facts, (versions, has_more): (Vec<Row>, bool)) -> Self {
        let frame = shell.frame;
        let versions_what = if has_more {
            frame.tv("tokens-versions-newest", "count", &versions.len().to_string())
        } else {
            frame.t("tokens-versions-what")
        };
        Self { frame, shell, facts, versions, versions_what }
    }

    fn standing(&self) -> &Standing {
        &self.facts.row.standing
    }
}

pub(super) async fn look(Path(id): Path<String>, administrator: Administrator) -> Result<Response, Failure> {
    let visit = &administrator.visit;
    let token = version(visit, &id).await?;
    let org = organisation(visit, &token).await?;
    let (versions, has_more) = newest_versions(&visit.call, token.lineage, MOST).await?;
    let versions = versions.iter().map(|token| Row::of(visit, token)).collect();
    let (frame, errors) = (visit.frame(), Errors::none());
    let mut shell = administrator.shell(&frame, Area::ServiceTokens, token.name.clone(), &errors);
    shell.trail = vec![trail(&administrator)];
    Ok(administrator.show(&Page::new(&shell, Facts::of(visit, &token, org), (versions, has_more))))
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
