//! Verification: recomputes every link and checks every signature, and names the first that is broken.

use doorward_proto::time::Time;

use super::{
    chain::{self, Checkpoint, GENESIS, Notary},
    sql::{self, Stored},
};
use crate::{db::ReadTx, outcome::Result, realm::Realm};

/// Rows held at once.
const PAGE: i64 = 1_000;

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Report {
    /// The first event that was verified; what came before was cut by retention.
    pub first: Option<i64>,
    /// The last event that was verified.
    pub last: Option<i64>,
    /// Events whose link holds.
    pub events: u64,
    /// Events among them whose personal detail was erased.
    pub erased: u64,
    /// Checkpoints whose signature holds.
    pub checkpoints: u64,
    /// The last event that a signature covers; a later end could be cut off unseen.
    pub signed_through: Option<i64>,
    /// Events that wait for the sealer.
    pub unsealed: i64,
    /// The oldest of them.
    pub unsealed_from: Option<String>,
    /// What is wrong first, if anything is.
    pub broken: Option<Broken>,
}

/// Where the chain breaks.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Broken {
    /// The number of the event or checkpoint.
    pub seq: i64,
    /// The event, where there is one.
    pub event: Option<String>,
    /// What is wrong.
    pub what: &'static str,
}

/// Verifies the whole trail as it stands at one moment.
///
/// # Errors
/// A fault when the database does not answer; a broken chain is in the report.
pub async fn verify(realm: &Realm) -> Result<Report> {
    let notary = Notary::of(realm)?;
    realm
        .db
        .scan("audit.verify", notary, |tx, notary| Box::pin(async move { Walk::new(notary).run(tx).await }))
        .await
}

/// A walk along the chain.
struct Walk<'n> {
    notary: &'n Notary,
    /// Checkpoints ahead, nearest first.
    points: std::collections::VecDeque<Checkpoint>,
    points_after: i64,
    seq: i64,
    link: Vec<u8>,
    report: Report,
}

impl<'n> Walk<'n> {
    fn new(notary: &'n Notary) -> Self {
        let report = Report {
            first: None,
            last: None,
            events: 0,
            erased: 0,
            checkpoints: 0,
            signed_through: None,
            unsealed: 0,
            unsealed_from: None,
            broken: None,
        };
        Self {
            notary,
            points: std::collections::VecDeque::new(),
            points_after: -1,
            seq: 0,
            link: GENESIS.to_vec(),
            report,
        }
    }

    async fn run(mut self, tx: &mut ReadTx<'_>) -> Result<Report> {
        tx.hold_months().await?;
        (self.report.unsealed, self.report.unsealed_from) = sql::unsealed(tx).await?;
        self.report.broken = self.walk(tx).await?;
        Ok(self.report)
    }

    async fn walk(&mut self, tx: &mut ReadTx<'_>) -> Result<Option<Broken>> {
        if let Some(broken) = self.start_behind_the_last_cut(tx).await? {
            return Ok(Some(broken));
        }
        loop {
            let page = sql::chain(tx, self.seq, PAGE).await?;
            if page.is_empty() {
                break;
            }
            for event in page {
                if let Some(what) = self.step(&event) {
                    return Ok(Some(Broken { seq: event.seq, event: Some(event.body.id), what }));
                }
                if let Some(broken) = self.pass_checkpoints(tx).await? {
                    return Ok(Some(broken));
                }
            }
        }
        self.fill(tx).await?;
        let beyond = self.points.front().map(|point| point.seq);
        if let Some(seq) = beyond {
            return Ok(Some(Broken { seq, event: None, what: "events up to this checkpoint are missing" }));
        }
        let reached = self.notary.before().reached();
        let what = "events from before the master key changed are missing";
        Ok((self.seq < reached).then_some(Broken { seq: reached, event: None, what }))
    }

    /// What a signed retention checkpoint covers may be gone, or on its way out.
    async fn start_behind_the_last_cut(&mut self, tx: &mut ReadTx<'_>) -> Result<Option<Broken>> {
        let mut after = -1;
        loop {
            let page = sql::checkpoints(tx, after, PAGE).await?;
            let Some(end) = page.last().map(|point| point.seq) else { return Ok(None) };
            after = end;
            for point in page.into_iter().filter(|point| point.reason == "retention") {
                if let Some(what) = self.notary.refute(&point) {
                    return Ok(Some(Broken { seq: point.seq, event: None, what }));
                }
                self.seq = point.seq;
                self.points_after = point.seq;
                self.report.checkpoints += 1;
                self.report.signed_through = Some(point.seq);
                self.link = point.link;
            }
        }
    }

    fn step(&mut self, event: &Stored) -> Option<&'static str> {
        if event.seq != self.seq + 1 {
            return Some("events before this one are missing");
        }
        let link = chain::link(&self.link, event.seq, &event.body, &event.detail_hash);
        if link.as_slice() != event.link {
            return Some("the event or its link was changed");
        }
        if !self.notary.before().allow(event.seq, &link) {
            return Some("the chain is not the one that the master key before has left");
        }
        match (&event.salt, &event.detail, event.erased_at) {
            (Some(salt), Some(detail), None) => {
                if chain::detail_hash(salt, detail).as_slice() != event.detail_hash {
                    return Some("the event's detail was changed");
                }
            }
            (Some(salt), Some(detail), Some(_)) if salt.is_empty() && detail.is_empty() => {
                self.report.erased += 1;
            }
            (None, None, None) => return Some("the event's detail is missing"),
            _ => return Some("the event's detail was erased by half"),
        }
        self.seq = event.seq;
        self.link = link.to_vec();
        self.report.events += 1;
        self.report.first.get_or_insert(event.seq);
        self.report.last = Some(event.seq);
        None
    }

    async fn fill(&mut self, tx: &mut ReadTx<'_>) -> Result<()> {
        if self.points.is_empty() && self.points_after < i64::MAX {
            self.points = sql::checkpoints(tx, self.points_after, PAGE).await?.into();
            self.points_after = self.points.back().map_or(i64::MAX, |point| point.seq);
        }
        Ok(())
    }

    /// Checks the checkpoints up to the event that was just passed.
    async fn pass_checkpoints(&mut self, tx: &mut ReadTx<'_>) -> Result<Option<Broken>> {
        self.fill(tx).await?;
        while let Some(point) = self.points.pop_front_if(|point| point.seq <= self.seq) {
            let wrong = self.notary.refute(&point);
            let differs = point.seq == self.seq && point.link != self.link;
            if let Some(what) = wrong.or(differs.then_some("the chain is not the one that was signed")) {
                return Ok(Some(Broken { seq: point.seq, event: None, what }));
            }
            self.report.checkpoints += 1;
            self.report.signed_through = Some(point.seq);
            self.fill(tx).await?;
        }
        Ok(None)
    }
}

/// The instant of the newest checkpoint, for the health page.
pub async fn last_checkpoint_at(realm: &Realm) -> Result<Option<Time>> {
    let point = realm
        .db
        .read("audit.checkpoint", (), |tx, ()| Box::pin(async move { sql::last_checkpoint(tx).await }))
        .await?;
    Ok(point.map(|point| point.at))
}
