//! Every version in every state: looked for, narrowed down, a page at a time; or all of them as a table for
//! a spreadsheet. What is asked for stands in the address.

use std::collections::{HashMap, hash_map::Entry};

use askama::Template;
use axum::{extract::Path, response::Response};
use doorward_core::{
    orgs as all_orgs,
    outcome::{Code, Refusal, Result as Outcome},
    page::PageAsk,
    service_tokens::{ListAsk, State, Token},
};
use doorward_proto::{
    form::Params,
    id::{Id, ServiceToken},
};
use url::form_urlencoded::Serializer;

use super::{AREA, At, READ, Row, Site, Standing, WRITE, keep};
use crate::{
    edge::BODY_LIMIT,
    pages::{
        console::{
            Operator, Shell, orgs,
            part::sheet::{BATCH, MOST, Sheet},
        },
        form::Errors,
        frame::Frame,
    },
    surface::Failure,
};

const LIMIT: u32 = 50;
/// Columns of an export.
const COLUMNS: [&str; 16] = [
    "name",
    "version",
    "id",
    "status",
    "scopes",
    "workspace_ids",
    "owner",
    "purpose",
    "issued_at",
    "expires_at",
    "ends_at",
    "revoked_at",
    "revocation_reason",
    "last_used_at",
    "use_count",
    "org_id",
];
const LONGEST: usize = 256;

/// What is asked for.
#[derive(Debug, Clone, Default)]
struct Filters {
    /// The beginning of a name, or an id.
    query: String,
    /// Only this state.
    state: Option<State>,
    /// Only this owner's.
    owner: String,
    /// Those after this one.
    after: Option<Id<ServiceToken>>,
}

impl Filters {
    fn read(query: &str) -> Outcome<Self> {
        let wrong = |field: &'static str| Refusal::new(Code::RequestInvalid).field(field);
        let params = Params::parse(query.as_bytes(), BODY_LIMIT)
            .map_err(|error| Refusal::new(Code::RequestInvalid).hint(error.to_string()))?;
        let one = |name: &'static str| {
            let value = params.one(name).map_err(|_| wrong(name))?.unwrap_or_default().trim();
            if value.len() > LONGEST { Err(wrong(name)) } else { Ok(value.to_owned()) }
        };
        let state = match one("status")?.as_str() {
            "" => None,
            word => {
                let known = State::ALL.into_iter().find(|state| state.name() == word);
                Some(known.ok_or_else(|| wrong("status").hint("There is no such state"))?)
            }
        };
        let after = match one("after")?.as_str() {
            "" => None,
            id => Some(id.parse().map_err(|_| wrong("after").hint("The page before ended elsewhere"))?),
        };
        Ok(Self { query: one("query")?, state, owner: one("owner")?, after })
    }

    fn ask(&self, limit: u32) -> ListAsk {
        let after = self.after.map(|id| id.to_string());
        let query = Some(self.query.clone()).filter(|query| !query.is_empty());
        ListAsk {
            page: PageAsk { after, limit, query },
            owner: Some(self.owner.clone()).filter(|owner| !owner.is_empty()),
            state: self.state,
            ..ListAsk::default()
        }
    }

    fn address(&self, path: &str, after: Option<&str>) -> String {
        let mut query = Serializer::new(String::new());
        let state = self.state.map_or("", State::name);
        let pairs = [("query", self.query.as_str()), ("status", state), ("owner", &self.owner)];
        query.extend_pairs(pairs.iter().filter(|(_, value)| !value.is_empty()));
        query.extend_pairs(after.map(|after| ("after", after)));
        let query = query.finish();
        if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
    }

    fn is_narrow(&self) -> bool {
        !self.query.is_empty() || self.state.is_some() || !self.owner.is_empty()
    }
}

/// The page.
#[derive(Template)]
#[template(path = "console/service_tokens/list.html")]
struct Page<'a> {
    frame: &'a Frame,
    shell: &'a Shell<'a>,
    path: String,
    of_org: bool,
    may_make: bool,
    filters: Filters,
    rows: Vec<Row>,
    next: Option<String>,
}

impl<'a> Page<'a> {
    /// The page; `next` is where the one after it begins.
    fn new(
        shell: &'a Shell<'a>,
        site: &Site,
        filters: Filters,
        (rows, next): (Vec<Row>, Option<&str>),
    ) -> Self {
        let path = site.list().to_owned();
        let next = next.map(|after| filters.address(&path, Some(after)));
        let (of_org, may_make) = (site.org().is_some(), site.may_make(WRITE));
        Self { frame: shell.frame, shell, path, of_org, may_make, filters, rows, next }
    }

    fn first(&self) -> Option<String> {
        self.filters.after.map(|_| self.filters.address(&self.path, None))
    }

    fn caption(&self) -> String {
        self.frame.t(if self.filters.is_narrow() { "tokens-caption-some" } else { "tokens-caption" })
    }

    fn export(&self) -> String {
        self.filters.address(&format!("{}.csv", self.path), None)
    }

    fn states(&self) -> Vec<(&'static str, String, bool)> {
        let option = |state: State| {
            (state.name(), Standing::of(self.frame.text, state).word, Some(state) == self.filters.state)
        };
        State::ALL.into_iter().map(option).collect()
    }
}

/// Whoever administers no more than organisations is led to the tokens of one.
pub(super) async fn look(Path(at): Path<At>, operator: Operator) -> Result<Response, Failure> {
    if at.org.is_none() && !operator.is_administrator() {
        return orgs::lead(&operator, AREA, "service-tokens", READ).await;
    }
    let visit = &operator.visit;
    let site = Site::enter(&operator, AREA, (at.org.as_deref(), READ)).await?;
    let filters = Filters::read(visit.query())?;
    let found = keep::list(&visit.call, &site, filters.ask(LIMIT)).await?;
    let mut names = HashMap::new();
    let mut rows = Vec::with_capacity(found.items.len());
    for token in &found.items {
        let mut row = Row::of(visit, &site, token);
        if site.org().is_none() {
            if let Entry::Vacant(free) = names.entry(token.org) {
                free.insert(all_orgs::get(&visit.call, token.org).await?.name);
            }
            row.org = names.get(&token.org).cloned();
        }
        rows.push(row);
    }
    let (frame, errors) = (visit.frame(), Errors::none());
    let shell = site.shell(&operator, &frame, (site.title(&frame, "tokens-of"), &errors));
    Ok(operator.show(&Page::new(&shell, &site, filters, (rows, found.next.as_deref()))))
}

/// The same list, whole, as comma-separated values (RFC 4180).
pub(super) async fn export(Path(at): Path<At>, operator: Operator) -> Result<Response, Failure> {
    let visit = &operator.visit;
    let site = Site::enter(&operator, AREA, (at.org.as_deref(), READ)).await?;
    let mut filters = Filters { after: None, ..Filters::read(visit.query())? };
    let mut sheet = Sheet::new(&COLUMNS);
    let mut has_more = false;
    for _ in 0..MOST / BATCH as usize {
        let found = keep::list(&visit.call, &site, filters.ask(BATCH)).await?;
        for token in &found.items {
            sheet.line(&line(token, token.state(visit.call.now)));
        }
        has_more = found.next.is_some();
        filters.after = match found.next {
            Some(id) => id.parse().ok(),
            None => break,
        };
    }
    if has_more {
        sheet.cut();
    }
    Ok(sheet.answer("service-tokens"))
}

fn line(token: &Token, state: State) -> [String; COLUMNS.len()] {
    let time = |time: Option<doorward_proto::time::Time>| time.map_or_else(String::new, |at| at.to_string());
    let notes = &token.notes;
    let revocation = token.revocation.as_ref();
    [
        token.name.clone(),
        token.version.to_string(),
        token.id.to_string(),
        state.name().to_owned(),
        token.scopes.as_str().to_owned(),
        token.workspace_ids.join(" "),
        notes.owner.clone().unwrap_or_default(),
        notes.purpose.clone().unwrap_or_default(),
        token.issued_at.to_string(),
        time(token.expires_at),
        time(token.ends_at),
        time(revocation.map(|revocation| revocation.at)),
        revocation.map_or_else(String::new, |revocation| revocation.reason.clone()),
        time(token.last_used_at),
        token.use_count.to_string(),
        token.org.to_string(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_what_is_asked_for() {
        let filters = Filters::read("query=ci&status=rotated&owner=Ada+L").unwrap();
        assert_eq!(filters.address("/x", None), "/x?query=ci&status=rotated&owner=Ada+L");
        assert_eq!(Filters::read("").unwrap().address("/x", None), "/x");
        for wrong in ["status=dead", "after=x", "query=%00", "query=a&query=b", "owner=%ff"] {
            assert!(Filters::read(wrong).is_err(), "{wrong}");
        }
    }
}
