//! One version: its facts, its other versions, and what can be done with it.

use askama::Template;
use axum::{extract::Path, response::Response};
use doorward_core::service_tokens::{State, newest_versions};

use super::{At, Keeper, Row, Standing, WRITE};
use crate::{
    pages::{
        console::{Operator, Shell},
        form::Errors,
        frame::Frame,
        when::When,
    },
    surface::Failure,
};

/// Versions on the page at the most.
const MOST: u32 = 50;

/// What is known of a version.
#[derive(Debug, Clone)]
struct Facts {
    /// As in lists.
    row: Row,
    /// Its id.
    id: String,
    /// The first version: who acts, whichever version is used.
    lineage: String,
    /// The organisation that it belongs to: its name, and its id.
    org: (String, String),
    /// Whether its end lies behind it: a version that was replaced works until the overlap is over.
    has_ended: bool,
    /// Whether it may be replaced.
    is_live: bool,
    /// When somebody looked after it last.
    reviewed: When,
    /// Whether a review is noted here.
    is_reviewed: bool,
    /// Whether it may be ended before its time.
    is_revocable: bool,
    /// Where it may do what it may do.
    workspaces: Vec<String>,
    /// From where it may be used.
    addresses: Vec<String>,
    /// Its own rate.
    rate: Option<String>,
    /// What it is for.
    purpose: Option<String>,
    /// What people should know.
    description: Option<String>,
    /// Who made it.
    made_by: String,
    /// From where it was used last.
    used_from: Option<String>,
    /// How often it was used.
    uses: String,
    /// By whom it was revoked, and why.
    revoked: Option<(String, String)>,
}

impl Facts {
    /// Of a version, for who looks at it.
    fn of(keeper: &Keeper<'_>) -> Self {
        let (visit, token) = (keeper.visit(), &keeper.token);
        let (state, now) = (token.state(visit.call.now), visit.call.now);
        let (notes, may_change) = (&token.notes, keeper.site.may(WRITE));
        Self {
            row: Row::of(visit, &keeper.site, token),
            id: token.id.to_string(),
            lineage: token.lineage.to_string(),
            org: (keeper.org.clone(), token.org.to_string()),
            has_ended: token.revocation.is_some() || token.end().is_some_and(|end| end <= now),
            is_live: may_change && state == State::Active,
            is_reviewed: keeper.site.org().is_none() && state == State::Active,
            reviewed: When::new(visit.text, token.reviewed_at, now),
            is_revocable: may_change && state != State::Revoked,
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
struct Page<'a> {
    frame: &'a Frame,
    shell: &'a Shell<'a>,
    facts: Facts,
    versions: Vec<Row>,
    versions_what: String,
}

impl<'a> Page<'a> {
    /// The page; `versions` are the newest of the same name, and there may be more.
    fn new(shell: &'a Shell<'a>, facts: Facts, (versions, has_more): (Vec<Row>, bool)) -> Self {
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

pub(super) async fn look(Path(at): Path<At>, operator: Operator) -> Result<Response, Failure> {
    let keeper = Keeper::seeing(&operator, &at).await?;
    let (visit, token) = (keeper.visit(), &keeper.token);
    let (versions, has_more) = newest_versions(&visit.call, token.lineage, MOST).await?;
    let versions = versions.iter().map(|token| Row::of(visit, &keeper.site, token)).collect();
    let (frame, errors) = (visit.frame(), Errors::none());
    let shell = keeper.site.below(&operator, &frame, (token.name.clone(), &errors));
    Ok(operator.show(&Page::new(&shell, Facts::of(&keeper), (versions, has_more))))
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
