//! Tickets for the handshakes of `WebSocket`s: good once on every node of a server, or on one gateway that has
//! no database.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use data_encoding::BASE64URL_NOPAD;
use doorward_core::{call::Call, env::Env, realm::Realm, tokens};
use doorward_gateway::Tickets;
use doorward_judge::{Refusal, Why};
use doorward_proto::time::Time;
use futures_util::future::BoxFuture;
use http::{HeaderName, HeaderValue};

use super::providers::refusal;

/// Tickets of this realm. One stands for a header: its name, a line feed, and its value.
pub(super) struct OwnTickets(pub(super) Arc<Realm>);

impl Tickets for OwnTickets {
    fn issue(&self, (name, value): (&HeaderName, &HeaderValue), now: Time) -> Option<(String, u64)> {
        let call = Call { now, ..Call::system(&self.0) };
        let content = [name.as_str().as_bytes(), b"\n", value.as_bytes()].concat();
        let ticket = tokens::ticket(&call, &content).map_err(crate::data::fault);
        let ticket =
            ticket.inspect_err(|error| tracing::error!(%error, "a ticket could not be made")).ok()?;
        Some((ticket, tokens::TICKET_LIFETIME.as_secs()))
    }

    fn redeem<'a>(
        &'a self,
        ticket: &'a str,
        now: Time,
    ) -> BoxFuture<'a, Result<(HeaderName, HeaderValue), Refusal>> {
        Box::pin(async move {
            let call = Call { now, ..Call::system(&self.0) };
            let content = tokens::redeem_ticket(&call, ticket).await.map_err(refusal)?;
            read(&content).ok_or_else(|| Why::InvalidToken.into())
        })
    }
}

fn read(content: &[u8]) -> Option<(HeaderName, HeaderValue)> {
    let end = content.iter().position(|byte| *byte == b'\n')?;
    let (name, value) = content.split_at_checked(end)?;
    let mut value = HeaderValue::from_bytes(value.get(1..)?).ok()?;
    value.set_sensitive(true);
    Some((HeaderName::from_bytes(name).ok()?, value))
}

/// Tickets that only this process knows.
pub(crate) struct LocalTickets {
    env: Env,
    made: Mutex<HashMap<String, Made>>,
}

struct Made {
    until: Time,
    header: (HeaderName, HeaderValue),
}

/// Tickets that are kept at once; beyond that none is made until one ends.
const CAPACITY: usize = 10_000;

impl LocalTickets {
    /// None yet.
    pub(crate) fn new(env: Env) -> Self {
        Self { env, made: Mutex::default() }
    }
}

impl Tickets for LocalTickets {
    fn issue(&self, (name, value): (&HeaderName, &HeaderValue), now: Time) -> Option<(String, u64)> {
        let random: [u8; 32] = self.env.bytes().ok()?;
        let ticket = format!("{}{}", tokens::TICKET_PREFIX, BASE64URL_NOPAD.encode(&random));
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.retain(|_, made| now < made.until);
        if made.len() >= CAPACITY {
            tracing::warn!("too many tickets are out; another one is made when one of them ends");
            return None;
        }
        let header = (name.clone(), value.clone());
        made.insert(ticket.clone(), Made { until: now + tokens::TICKET_LIFETIME, header });
        Some((ticket, tokens::TICKET_LIFETIME.as_secs()))
    }

    fn redeem<'a>(
        &'a self,
        ticket: &'a str,
        now: Time,
    ) -> BoxFuture<'a, Result<(HeaderName, HeaderValue), Refusal>> {
        Box::pin(async move {
            let found = self.made.lock().unwrap_or_else(PoisonError::into_inner).remove(ticket);
            let live = found.filter(|found| now < found.until);
            live.map(|live| live.header).ok_or_else(|| Why::TokenExpired.into())
        })
    }
}
