//! The audit trail and usage.

use std::time::Duration;

use anyhow::Result;
use doorward_core::{
    audit::{Body, Chain},
    db::month_of,
};
use doorward_proto::{id::Event, time::Time};

use super::{
    Plan, TRAIL,
    draw::{self, For},
    store::{Cell, Store},
};

/// What happens, and how many times in a hundred.
const CODES: [(&str, u64); 8] = [
    ("token.issued", 45),
    ("user.signed_in", 25),
    ("user.sign_in_refused", 12),
    ("session.ended", 8),
    ("user.updated", 4),
    ("client.updated", 3),
    ("service_token.created", 2),
    ("org.member_added", 1),
];
/// Hours of a day in which an organisation is at work, each with a row for each route and caller.
const CALLERS: u64 = 40;
const ROUTES: [&str; 4] = ["api", "reports", "search", "upload"];
/// Organisations with usage, besides the largest.
const METERED: u64 = 1_000;
const HOUR: i64 = 3600;

type Row = Vec<Cell>;

impl Plan {
    fn happened(&self, number: u64) -> Time {
        draw::at(number, self.sizes.events, (self.until, TRAIL))
    }

    /// One of a hundred things is done by the administrator's likes: the owner of the largest organisation.
    fn body(&self, number: u64) -> Body {
        let (at, drawn) = (self.happened(number), draw::bits(For::Event, number));
        let mut left = drawn % 100;
        let code = CODES.iter().find(|(_, share)| {
            let is_it = left < *share;
            left = left.saturating_sub(*share);
            is_it
        });
        let code = code.map_or("token.issued", |(code, _)| *code);
        let somebody = self.user(self.somebody(number)).to_string();
        let actor = if drawn.is_multiple_of(97) { self.first.owner.clone() } else { somebody.clone() };
        let client = match self.sizes.clients {
            0 => String::new(),
            count => self.client(draw::one_of(For::Client, number, count)).to_string(),
        };
        Body {
            id: draw::id::<Event>(For::Event, number, at).to_string(),
            at,
            code: code.to_owned(),
            outcome: i64::from(code == "user.sign_in_refused"),
            org: self.some_org(number),
            actor,
            subject: somebody,
            client,
            request_id: format!("req-{drawn:016x}"),
            facts: r#"{"scope":"openid profile"}"#.to_owned(),
        }
    }

    fn events(&self) -> impl Iterator<Item = Row> + '_ {
        let mut chain = Chain::empty();
        (0..self.sizes.events).map(move |number| {
            let body = self.body(number);
            let hash = chain.append(&body, &draw::salt(number), &detail(number));
            vec![
                chain.seq.into(),
                body.id.into(),
                month_of(body.at).into(),
                body.at.into(),
                body.code.into(),
                body.outcome.into(),
                body.org.into(),
                body.actor.into(),
                body.subject.into(),
                body.client.into(),
                body.request_id.into(),
                body.facts.into(),
                hash.to_vec().into(),
                chain.link.to_vec().into(),
            ]
        })
    }

    fn details(&self) -> impl Iterator<Item = Row> + '_ {
        (0..self.sizes.events).map(|number| {
            vec![
                i64::try_from(number + 1).unwrap_or(i64::MAX).into(),
                month_of(self.happened(number)).into(),
                draw::salt(number).to_vec().into(),
                detail(number).into(),
                address(number).into(),
            ]
        })
    }

    /// The last months, the present one with them.
    fn months(&self) -> Vec<i64> {
        let mut at = self.until - TRAIL;
        let mut months = vec![month_of(self.until)];
        while at < self.until {
            months.push(month_of(at));
            at = at + Duration::from_secs(3600 * 24);
        }
        months.sort_unstable();
        months.dedup();
        months
    }

    /// Every hour in the largest organisation, an hour a day in many.
    fn usage(&self) -> impl Iterator<Item = Row> + '_ {
        let hours = i64::try_from(self.sizes.usage_days * 24).unwrap_or(0);
        let hour_of = move |hour: i64| {
            let end = self.until.as_seconds().div_euclid(HOUR) * HOUR;
            Time::from_seconds(end - (hours - hour) * HOUR)
        };
        let row = |org: String, hour: Time, principal: String, number: u64| {
            let route = ROUTES.get(usize::try_from(number % 4).unwrap_or(0)).copied().unwrap_or("api");
            let requests = i64::try_from(draw::one_of(For::Choice, number, 900)).unwrap_or(0) + 1;
            vec![
                org.into(),
                hour.into(),
                principal.into(),
                "".into(),
                "".into(),
                route.into(),
                0.into(),
                2.into(),
                requests.into(),
                0.into(),
                (requests * 120).into(),
                (requests * 900).into(),
                (requests * 450).into(),
            ]
        };
        let largest = (0..hours).flat_map(move |hour| {
            (0..CALLERS.min(self.sizes.users)).map(move |caller| {
                let number = caller + u64::try_from(hour).unwrap_or(0) * CALLERS;
                row(self.first.largest.clone(), hour_of(hour), self.user(caller).to_string(), number)
            })
        });
        let others = (0..hours / 24).flat_map(move |day| {
            (0..METERED.min(self.sizes.orgs)).map(move |team| {
                let user = self.user(team % self.sizes.users.max(1)).to_string();
                row(self.team(team).to_string(), hour_of(day * 24 + 9), user, team)
            })
        });
        largest.chain(others)
    }
}

fn address(number: u64) -> String {
    format!("198.51.100.{}", number % 250)
}

fn detail(number: u64) -> String {
    format!(r#"{{"address":"{}","user_agent":"Seeded/1.0"}}"#, address(number))
}

/// Puts them in.
pub(super) async fn load(plan: &Plan, store: &Store) -> Result<Vec<(&'static str, u64)>> {
    let events = [
        "seq",
        "id",
        "month",
        "at",
        "code",
        "outcome",
        "org_id",
        "actor",
        "subject",
        "client_id",
        "request_id",
        "facts",
        "detail_hash",
        "link",
    ];
    let usage = [
        "org_id",
        "hour",
        "principal",
        "client_id",
        "agent_id",
        "route",
        "kind",
        "status",
        "requests",
        "denied",
        "request_bytes",
        "response_bytes",
        "micros",
    ];
    store.open_months(["events", "event_details"], &plan.months()).await?;
    Ok(vec![
        ("events", store.load("events", &events, plan.events()).await?),
        (
            "event_details",
            store
                .load("event_details", &["seq", "month", "salt", "detail", "address"], plan.details())
                .await?,
        ),
        ("usage_hours", store.load("usage_hours", &usage, plan.usage()).await?),
    ])
}
