//! Counters of the gateway's limits: `/api/v1/ratelimits`. They are kept by whoever serves, in memory or in
//! Redis; here they are only cleared.

use std::net::IpAddr;

use axum::extract::State;
use doorward_core::audit::{self, Event};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    answer::{Answer, found, wrong},
    body::Input,
    caller::Caller,
    endpoint::Endpoint,
};
use crate::app::{App, WhichCounters};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post("/api/v1/ratelimits/clear", clear)
            .scope("admin:ratelimits:write")
            .takes::<ClearBody>()
            .answers::<Cleared>()
            .says("Forgets what limits have counted: failed tries, rates and quotas"),
    ]
}

/// Whose counters; those that all of these are true of, and every one where nothing is said.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ClearRateLimits)]
struct ClearBody {
    /// Of this address (IPv6: of its /64).
    ip: Option<String>,
    /// Of this person, application or service token.
    identity: Option<String>,
    /// Of this route.
    route: Option<String>,
}

/// What was done.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ClearedRateLimits)]
struct Cleared {
    /// How many counters there were.
    cleared: u64,
}

async fn clear(caller: Caller, State(app): State<App>, Input(body): Input<ClearBody>) -> Answer {
    let address: Option<IpAddr> = body
        .ip
        .as_ref()
        .map(|text| text.parse())
        .transpose()
        .map_err(|_| wrong("ip", "This is no address"))?;
    let which = WhichCounters { address, identity: body.identity.clone(), route: body.route.clone() };
    let event = Event::new(&caller.call, "ratelimits.cleared")?.fact("route", body.route);
    // Who was slowed down is a person, perhaps.
    audit::note(&caller.call, event.detail("ip", body.ip).detail("identity", body.identity)).await?;
    let cleared = match &app.settings.counters {
        Some(counters) => counters.clear(which).await,
        None => 0,
    };
    found(&Cleared { cleared })
}
