//! The audit trail: `/api/v1/audit/events`, what of it is an organisation's own, and whether its chain holds. Read
//! only.

use std::net::IpAddr;

use axum::extract::Path;
use doorward_core::{
    audit::{self, Broken, Entry, Filter, Outcome, Report, of_org},
    outcome::{Code, Refusal, Result},
    page::{Page, PageAsk},
};
use doorward_proto::time::Time;
use serde::Serialize;
use serde_json::{Map, Value as Json};
use utoipa::ToSchema;

use super::{
    answer::{Answer, Listing, found, page, wrong},
    caller::{Caller, Entered},
    endpoint::Endpoint,
};

const READ: &str = "admin:audit:read";
const FILTERS: [&str; 11] = [
    "actor",
    "subject",
    "client_id",
    "org_id",
    "code",
    "outcome",
    "since",
    "until",
    "request_id",
    "address",
    "after",
];
/// The organisation is in the path, and where somebody came from is for the server's administrators.
const FILTERS_OF_ORG: [&str; 8] =
    ["actor", "subject", "client_id", "code", "outcome", "since", "until", "after"];

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/api/v1/audit/events", list).scope(READ).lists::<EventView>(&FILTERS).says(
            "Lists events, the newest first; with after=SEQ the sealed ones that follow, the oldest first",
        ),
        Endpoint::get("/api/v1/audit/events/{id}", show)
            .scope(READ)
            .answers::<EventView>()
            .says("Shows an event"),
        Endpoint::get("/api/v1/audit/verify", verify)
            .scope(READ)
            .answers::<ReportView>()
            .says("Checks every link and signature of the trail"),
        Endpoint::get("/api/v1/orgs/{org}/audit", list_of)
            .org(of_org::READ)
            .lists::<EventView>(&FILTERS_OF_ORG)
            .says("Lists what has happened in an organisation, the newest first; without what is personal"),
        Endpoint::get("/api/v1/orgs/{org}/audit/{event}", show_of)
            .org(of_org::READ)
            .answers::<EventView>()
            .says("Shows an event of an organisation, without what is personal"),
    ]
}

/// Something that happened.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Event)]
pub(crate) struct EventView {
    /// Its number in the chain, once it is sealed.
    seq: Option<i64>,
    /// Its id.
    id: String,
    /// When it happened.
    #[schema(format = DateTime)]
    at: String,
    /// What happened: `user.signed_in`, `client.created`.
    code: String,
    /// `granted` or `refused`.
    outcome: &'static str,
    /// Who did it: an id, or `anonymous`, `bootstrap`, `local`, `system`.
    actor: String,
    /// Whom or what it happened to.
    subject: String,
    /// The application it happened through.
    client_id: String,
    /// The organisation it belongs to.
    org_id: String,
    /// The request it happened in.
    request_id: String,
    /// What stays for ever: ids, counts, names of states.
    #[schema(value_type = Object)]
    facts: Map<String, Json>,
    /// What is personal; null once it was erased.
    #[schema(value_type = Option<Object>)]
    detail: Option<Map<String, Json>>,
}

/// What a verification found.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditReport)]
struct ReportView {
    /// Whether nothing is broken.
    ok: bool,
    /// The first event that was verified.
    first: Option<i64>,
    /// The last event that was verified.
    last: Option<i64>,
    /// Events whose link holds.
    events: u64,
    /// Events among them whose personal detail was erased.
    erased: u64,
    /// Checkpoints whose signature holds.
    checkpoints: u64,
    /// The last event that a signature covers.
    signed_through: Option<i64>,
    /// Events that wait for the sealer.
    unsealed: i64,
    /// Where the chain breaks first, if it does.
    broken: Option<BrokenView>,
}

/// Where the chain breaks.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BrokenLink)]
struct BrokenView {
    /// The number of the event or checkpoint.
    seq: i64,
    /// The event, where there is one.
    event: Option<String>,
    /// What is wrong.
    what: &'static str,
}

/// As the API shows it.
pub(crate) fn view(entry: &Entry) -> EventView {
    EventView {
        seq: entry.seq,
        id: entry.id.clone(),
        at: entry.at.to_string(),
        code: entry.code.clone(),
        outcome: match entry.outcome {
            Outcome::Granted => "granted",
            Outcome::Refused => "refused",
        },
        actor: entry.actor.clone(),
        subject: entry.subject.clone(),
        client_id: entry.client.clone(),
        org_id: entry.org.clone(),
        request_id: entry.request_id.clone(),
        facts: entry.facts.clone(),
        detail: entry.detail.clone(),
    }
}

fn time(listing: &mut Listing, name: &'static str) -> Result<Option<Time>> {
    let parsed = listing.filter(name).map(|text| text.parse()).transpose();
    parsed.map_err(|_| wrong(name, "Times are written as in 2026-11-22T10:00:00Z").into())
}

fn filter(listing: &mut Listing) -> Result<Filter> {
    let outcome = match listing.filter("outcome").as_deref() {
        None => None,
        Some("granted") => Some(Outcome::Granted),
        Some("refused") => Some(Outcome::Refused),
        Some(_) => return Err(wrong("outcome", "It is granted or refused").into()),
    };
    Ok(Filter {
        actor: listing.filter("actor"),
        subject: listing.filter("subject"),
        client: listing.filter("client_id"),
        org: listing.filter("org_id"),
        code: listing.filter("code"),
        outcome,
        since: time(listing, "since")?,
        until: time(listing, "until")?,
        request_id: listing.filter("request_id"),
        address: address(listing)?,
    })
}

fn address(listing: &mut Listing) -> Result<Option<IpAddr>> {
    let parsed = listing.filter("address").map(|text| text.parse()).transpose();
    parsed.map_err(|_| wrong("address", "Addresses are written as 192.0.2.1 or 2001:db8::1").into())
}

/// Which events, and behind which number where they are followed.
struct Asked {
    filter: Filter,
    after: Option<i64>,
    page: PageAsk,
}

impl Asked {
    /// What a listing asks for; of an organisation, without what its people do not ask for.
    fn read(mut listing: Listing, is_of_org: bool) -> Result<Self> {
        if is_of_org
            && let Some(other) =
                FILTERS.into_iter().find(|name| !FILTERS_OF_ORG.contains(name) && listing.has(name))
        {
            return Err(wrong(other, "There is no such parameter").into());
        }
        let mut filter = filter(&mut listing)?;
        let after = match listing.filter("after") {
            None => None,
            Some(text) => {
                let number = text.parse::<i64>().ok().filter(|number| *number >= 0);
                Some(number.ok_or_else(|| wrong("after", "It is the number of an event, or 0"))?)
            }
        };
        let page = listing.ask()?;
        if let Some(query) = &page.query {
            // An id names the subject; a word is the beginning of what happened.
            match query.contains('_') && !query.contains('.') {
                true => filter.subject = Some(query.clone()),
                false if query.contains('.') => filter.code = Some(query.clone()),
                false => filter.code = Some(format!("{query}.")),
            }
        }
        Ok(Self { filter, after, page })
    }
}

async fn list(caller: Caller, listing: Listing) -> Answer {
    let (realm, Asked { filter, after, page: ask }) = (&caller.call.realm, Asked::read(listing, false)?);
    if let Some(after) = after {
        let limit = usize::try_from(ask.limit).unwrap_or(50);
        let items = audit::follow(realm, filter, after, limit).await?;
        return page(&Page { items, next: None }, |entry| Ok(view(entry)));
    }
    let rows = usize::try_from(ask.rows()).unwrap_or(50);
    let items = audit::list(realm, filter, ask.after.clone(), rows).await?;
    page(&ask.page(items, |entry: &Entry| entry.id.clone()), |entry| Ok(view(entry)))
}

async fn list_of(caller: Caller, Entered(scope): Entered, listing: Listing) -> Answer {
    let Asked { filter, after, page: ask } = Asked::read(listing, true)?;
    if let Some(after) = after {
        let limit = usize::try_from(ask.limit).unwrap_or(50);
        let items = of_org::follow(&caller.call, &scope, (filter, after, limit)).await?;
        return page(&Page { items, next: None }, |entry| Ok(view(entry)));
    }
    let rows = usize::try_from(ask.rows()).unwrap_or(50);
    let items = of_org::list(&caller.call, &scope, (filter, ask.after.clone(), rows)).await?;
    page(&ask.page(items, |entry: &Entry| entry.id.clone()), |entry| Ok(view(entry)))
}

async fn show_of(
    caller: Caller,
    Entered(scope): Entered,
    Path((_, event)): Path<(String, String)>,
) -> Answer {
    let id = event.parse().map_err(|_| Refusal::new(Code::NotFound))?;
    found(&view(&of_org::find(&caller.call, &scope, id).await?))
}

async fn show(caller: Caller, Path(id): Path<String>) -> Answer {
    let id = id.parse().map_err(|_| Refusal::new(Code::NotFound))?;
    match audit::find(&caller.call.realm, id).await? {
        Some(entry) => found(&view(&entry)),
        None => Err(Code::NotFound.into()),
    }
}

async fn verify(caller: Caller) -> Answer {
    let report: Report = audit::verify(&caller.call.realm).await?;
    let broken = report.broken.map(|Broken { seq, event, what }| BrokenView { seq, event, what });
    found(&ReportView {
        ok: broken.is_none(),
        first: report.first,
        last: report.last,
        events: report.events,
        erased: report.erased,
        checkpoints: report.checkpoints,
        signed_through: report.signed_through,
        unsealed: report.unsealed,
        broken,
    })
}
