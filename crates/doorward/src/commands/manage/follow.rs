//! `--follow`: a list that goes on as things happen.
//!
//! It asks for what comes after the last number it has printed, so that a server which is started anew
//! in between costs time and nothing else: nothing comes twice, nothing is left out.

use std::{
    convert::Infallible,
    io::{self, Write as _},
    time::Duration,
};

use anyhow::{Context as _, Result};
use serde_json::Value as Json;

use super::{
    connect::{Api, Ask},
    output::{Format, Lines},
    profile::Connection,
    target::{self, Locality},
};
use crate::{
    commands::{Common, Exit, Failure, is_closed},
    serve::pause,
};

/// Between two looks.
const REST: Duration = Duration::from_secs(1);
/// What one look brings at the most.
const PAGE: usize = 500;
/// With filters, every so many looks it begins further on: what was passed over need not be read again.
const STRIDE: u32 = 30;

/// What is followed.
pub(super) struct Follow<'a> {
    pub(super) common: &'a Common,
    pub(super) connection: &'a Connection,
    pub(super) path: String,
    /// As a query, `after` left out.
    pub(super) filters: String,
    /// The number after which it begins; without it, from now on.
    pub(super) after: Option<i64>,
    pub(super) format: Format,
    pub(super) area: &'a str,
}

impl Follow<'_> {
    /// Prints until it is interrupted.
    pub(super) async fn run(self) -> Result<Exit> {
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted.map(|()| Exit::Done).map_err(Into::into),
            ended = self.go_on() => match ended {
                // Whoever read the lines has read enough.
                Err(error) if is_closed(&error) => Ok(Exit::Done),
                ended => ended.map(|never| match never {}),
            },
        }
    }

    async fn open(&self) -> Result<Api> {
        target::open(self.common, self.connection, Locality::Remote).await
    }

    async fn go_on(&self) -> Result<Infallible> {
        let mut api = self.open().await?;
        let mut lines = Lines::new(self.format, self.area);
        let mut after = match self.after {
            Some(after) => after,
            None => self.tip(&api).await?,
        };
        let mut looks = 0_u32;
        let (mut is_away, mut is_rejected) = (false, false);
        loop {
            looks = looks.wrapping_add(1);
            match self.look(&api, after, looks).await {
                Ok((items, next)) => {
                    (is_away, is_rejected) = (false, false);
                    let mut out = io::stdout().lock();
                    for item in &items {
                        out.write_all(lines.next(item).as_bytes())?;
                    }
                    out.flush()?;
                    after = next;
                    if items.len() >= PAGE {
                        continue;
                    }
                }
                Err(error) => match error.downcast_ref::<Failure>().map(|failure| failure.exit) {
                    Some(Exit::Unreachable) if is_away => {}
                    Some(Exit::Unreachable) => {
                        is_away = true;
                        writeln!(io::stderr(), "doorward: {error:#}; waiting for it")?;
                    }
                    // A credential that has come to its end may have a successor.
                    Some(Exit::NotSignedIn) if !is_rejected => {
                        is_rejected = true;
                        api = self.open().await?;
                        continue;
                    }
                    _ => return Err(error),
                },
            }
            pause(REST).await;
        }
    }

    /// What came after that number, and the number to go on from.
    async fn look(&self, api: &Api, after: i64, looks: u32) -> Result<(Vec<Json>, i64)> {
        // Asked first: what is sealed between the two questions comes with the next look.
        let strides = !self.filters.is_empty() && looks.is_multiple_of(STRIDE);
        let tip = if strides { self.tip(api).await? } else { after };
        let and = if self.filters.is_empty() { "" } else { "&" };
        let path = format!("{}?after={after}&limit={PAGE}{and}{}", self.path, self.filters);
        let mut page = api.send(Ask::get(path)).await?;
        let items = page.get_mut("items").map(Json::take);
        let Some(Json::Array(items)) = items else { anyhow::bail!("the answer is not a list") };
        let last = match items.last() {
            Some(item) => number(item).context("an event without its number")?,
            None => after,
        };
        let next = if items.len() < PAGE { last.max(tip) } else { last };
        Ok((items, next))
    }

    /// The newest number there is.
    async fn tip(&self, api: &Api) -> Result<i64> {
        let mut more = String::new();
        loop {
            let page = api.send(Ask::get(format!("{}?limit=100{more}", self.path))).await?;
            let items = page.get("items").and_then(Json::as_array).into_iter().flatten();
            if let Some(newest) = items.filter_map(number).max() {
                return Ok(newest);
            }
            match page.get("next_cursor").and_then(Json::as_str) {
                Some(cursor) => {
                    let cursor: String = url::form_urlencoded::byte_serialize(cursor.as_bytes()).collect();
                    more = format!("&cursor={cursor}");
                }
                None => return Ok(0),
            }
        }
    }
}

/// The number of an event in the chain; one that is not sealed yet has none.
fn number(event: &Json) -> Option<i64> {
    event.get("seq").and_then(Json::as_i64)
}
