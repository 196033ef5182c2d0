//! What a gateway is asked, and what its applications are.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use anyhow::{Context as _, Result};
use hyper::header::{AUTHORIZATION, HOST};
use tokio::task::JoinSet;

use super::{
    http::{Connection, Template},
    scenario::{Scenario, granted, token_request},
};
use crate::plan::Plan;

/// How many different credentials are "many".
const MANY: usize = 10_000;
/// More new tokens than a window has time for.
const FIRST: usize = 40_000;
/// Connections over which tokens are got beforehand: a commit is shared by those that wait for it.
const ASKING: usize = 64;

/// The questions of one load, asked in turn by all of its connections.
pub(super) struct Questions {
    many: usize,
    first: usize,
    templates: RefCell<Vec<Template>>,
    next: Cell<usize>,
    is_prepared: Cell<bool>,
    /// Each may be asked once only.
    ends: Cell<bool>,
}

impl Default for Questions {
    fn default() -> Self {
        Self::of(MANY, FIRST)
    }
}

impl Questions {
    /// With this many credentials where they are many, and where each is new.
    pub(super) fn of(many: usize, first: usize) -> Self {
        let (templates, next) = (RefCell::default(), Cell::default());
        Self { many, first, templates, next, is_prepared: Cell::new(false), ends: Cell::new(false) }
    }

    /// Gets the credentials that the questions show, for the first connection that asks.
    pub(super) async fn prepare(&self, scenario: Scenario, plan: &Plan) -> Result<()> {
        if self.is_prepared.replace(true) {
            return Ok(());
        }
        let tokens = match scenario {
            Scenario::ValidateToken => vec![plan.guarded.token.clone()],
            Scenario::ValidateMany => jwts(plan, self.many).await?,
            Scenario::ValidateFirst => jwts(plan, self.first).await?,
            _ => jwts(plan, 1).await?,
        };
        self.ends.set(scenario == Scenario::ValidateFirst);
        let question =
            |token: &String| Template::get("/validate").with(AUTHORIZATION, &format!("Bearer {token}"));
        let templates: Vec<Template> = tokens.iter().map(question).collect::<Result<_>>()?;
        if scenario == Scenario::ValidateMany {
            // Nobody is new in the window.
            let mut connection = Connection::open(plan).await?;
            for template in &templates {
                connection.send(template).await?.expect_ok()?;
            }
        }
        *self.templates.borrow_mut() = templates;
        Ok(())
    }

    pub(super) fn next(&self) -> Result<Template> {
        let templates = self.templates.borrow();
        let place = self.next.get();
        self.next.set(place + 1);
        let place = if self.ends.get() { place } else { place % templates.len().max(1) };
        templates.get(place).cloned().context("every token has been shown")
    }
}

/// Access tokens of a machine, each another one.
async fn jwts(plan: &Plan, count: usize) -> Result<Vec<String>> {
    let left = Rc::new(Cell::new(count));
    let mut asking = JoinSet::new();
    for _ in 0..ASKING.min(count) {
        let ask = token_request(&plan.clients.machine_es256, &[("grant_type", "client_credentials")])?;
        let mut connection = Connection::open(plan).await?;
        let left = left.clone();
        asking.spawn_local(async move {
            let mut tokens = Vec::new();
            while let Some(rest) = left.get().checked_sub(1) {
                left.set(rest);
                tokens.push(granted(&connection.send(&ask).await?)?.access);
            }
            anyhow::Ok(tokens)
        });
    }
    let mut tokens = Vec::with_capacity(count);
    while let Some(found) = asking.join_next().await {
        tokens.extend(found??);
    }
    Ok(tokens)
}

/// A request for the application behind a gateway.
pub(super) fn request(plan: &Plan) -> Result<Template> {
    let guarded = &plan.guarded;
    Template::get(&guarded.path)
        .with(HOST, &guarded.host)?
        .with(AUTHORIZATION, &format!("Bearer {}", guarded.token))
}
