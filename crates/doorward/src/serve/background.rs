//! The loops that run beside requests, each in one line here. All end when the server stops.

use std::{sync::Arc, time::Duration};

use doorward_core::{
    api_keys,
    audit::{self, Sealer},
    call::Call,
    jobs, keys,
    orgs::domains,
    outcome::Result,
    realm::{Attendance, Realm},
    service_tokens, usage,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    gateway::Book,
    pause,
    tls::{Certificate, Mutual},
};

/// How often the outbox, the jobs and the audit intake are looked at.
const LOOK: Duration = Duration::from_millis(500);
/// How often changes of other nodes are looked for among those that were heard of.
const SOON: Duration = Duration::from_millis(200);
const SECOND: Duration = Duration::from_secs(1);
const OFTEN: Duration = Duration::from_secs(15);
const MINUTELY: Duration = Duration::from_mins(1);
const HOURLY: Duration = Duration::from_hours(1);

/// Everything that runs in the background.
pub(super) struct Background {
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Background {
    /// Nothing runs yet.
    pub(super) fn new(stop: CancellationToken) -> Self {
        Self { tasks: TaskTracker::new(), stop }
    }

    /// Runs `work` again and again, `every` so often, until the server stops. Work that has begun is
    /// finished.
    pub(super) fn every<F, W>(&self, every: Duration, work: F)
    where
        F: Fn() -> W + Send + 'static,
        W: Future<Output = ()> + Send + 'static,
    {
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            while stop.run_until_cancelled(pause(every)).await.is_some() {
                work().await;
            }
        });
    }

    /// Mails, jobs, cleaning, the uses of service tokens and keys, usage, reminders, the rotation of signing keys, and the audit trail's
    /// upkeep.
    pub(super) fn work_for(&self, realm: &Arc<Realm>) -> Result<()> {
        self.keep(realm, LOOK, "jobs", |call| async move { run_due(&call).await });
        self.keep(realm, MINUTELY, "cleaning", |call| async move { jobs::run_due(&call).await.map(drop) });
        self.keep(
            realm,
            MINUTELY,
            "refusals",
            |call| async move { audit::count_refusals(&call, false).await },
        );
        self.keep(realm, SECOND, "uses", |call| async move { service_tokens::flush(&call).await });
        self.keep(realm, SECOND, "uses of keys", |call| async move { api_keys::flush(&call).await });
        self.keep(realm, SECOND, "usage", |call| async move { usage::flush(&call).await });
        self.keep(realm, MINUTELY, "reminders", |call| async move {
            service_tokens::remind(&call).await?;
            service_tokens::remind_of_age(&call).await.map(drop)
        });
        self.keep(realm, HOURLY, "domains", |call| async move { domains::recheck(&call).await.map(drop) });
        self.keep(realm, HOURLY, "keys", |call| async move { keys::maintain(&call).await });
        self.keep(realm, HOURLY, "retention", |call| async move { audit::retain(&call).await.map(drop) });
        self.tasks.spawn(seal(Sealer::new(realm)?, Arc::clone(realm), self.stop.clone()));
        Ok(())
    }

    /// Work of the realm, in the name of Doorward itself; a failure is logged and tried again next time.
    fn keep<F, W>(&self, realm: &Arc<Realm>, every: Duration, what: &'static str, work: F)
    where
        F: Fn(Call) -> W + Send + 'static,
        W: Future<Output = Result<()>> + Send + 'static,
    {
        let realm = Arc::clone(realm);
        self.every(every, move || {
            let work = work(Call::system(&realm));
            async move { report(what, work.await) }
        });
    }

    /// Says again and again that this node serves.
    pub(super) fn attend(&self, attendance: Attendance) {
        self.every(OFTEN, move || {
            let attendance = attendance.clone();
            async move { report("attendance", attendance.renew().await) }
        });
    }

    /// Has the stored routes read again soon after another node has changed them.
    pub(super) fn follow(&self, book: Arc<Book>) {
        self.every(SOON, move || {
            let book = Arc::clone(&book);
            async move { book.follow().await }
        });
    }

    /// Reads the certificate again when its files change.
    pub(super) fn watch_certificate(&self, certificate: Arc<Certificate>) {
        self.watch_file("TLS certificate", move || certificate.reload());
    }

    /// Reads again whose client certificates are accepted when the files that say so change.
    pub(super) fn watch_authorities(&self, mutual: Arc<Mutual>) {
        self.watch_file("list of client authorities", move || mutual.reload());
    }

    fn watch_file(
        &self,
        what: &'static str,
        reload: impl Fn() -> anyhow::Result<bool> + Clone + Send + 'static,
    ) {
        self.every(Duration::from_secs(5), move || {
            let reload = reload.clone();
            async move {
                match tokio::task::spawn_blocking(reload).await {
                    Ok(Ok(true)) => tracing::info!("a new {what} is in use"),
                    Ok(Ok(false)) | Err(_) => {}
                    Ok(Err(error)) => tracing::error!("the new {what} is not used: {error:#}"),
                }
            }
        });
    }

    /// Waits until what has begun is finished.
    pub(super) async fn finish(self) {
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// Does what is due; asks first, so that nothing is written while nothing waits.
async fn run_due(call: &Call) -> Result<()> {
    let is_due = jobs::next_due(call).await?.is_some_and(|due| due <= call.now);
    while is_due && jobs::run_due(call).await?.has_more() {}
    Ok(())
}

/// Links audit events into the chain until the server stops; writes what was counted and signs the end of
/// the chain then.
async fn seal(mut sealer: Sealer, realm: Arc<Realm>, stop: CancellationToken) {
    while stop.run_until_cancelled(pause(LOOK)).await.is_some() {
        report("sealing", sealer.round().await.map(drop));
    }
    report("uses", service_tokens::flush(&Call::system(&realm)).await);
    report("uses of keys", api_keys::flush(&Call::system(&realm)).await);
    report("usage", usage::flush(&Call::system(&realm)).await);
    report("refusals", audit::count_refusals(&Call::system(&realm), true).await);
    report("sealing", sealer.finish().await.map(drop));
}

fn report(what: &'static str, outcome: Result<()>) {
    if let Err(error) = outcome {
        let error = crate::data::fault(error);
        tracing::error!(what, "background work failed: {error:#}");
    }
}
