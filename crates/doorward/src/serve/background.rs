//! The loops that run beside requests, each in one line here. All end when the server stops.

use std::{sync::Arc, time::Duration};

use doorward_core::{call::Call, realm::Realm};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{pause, tls::Certificate};

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

    /// Sends mails, runs jobs, cleans: what is due, every second.
    pub(super) fn run_jobs(&self, realm: &Arc<Realm>) {
        let realm = Arc::clone(realm);
        self.every(Duration::from_secs(1), move || {
            let call = Call::system(&realm);
            async move {
                if let Err(error) = Realm::run_due_jobs(&call).await {
                    tracing::error!(?error, "background work failed");
                }
            }
        });
    }

    /// Reads the certificate again when its files change.
    pub(super) fn watch_certificate(&self, certificate: Arc<Certificate>) {
        self.every(Duration::from_secs(5), move || {
            let certificate = Arc::clone(&certificate);
            async move {
                match tokio::task::spawn_blocking(move || certificate.reload()).await {
                    Ok(Ok(true)) => tracing::info!("a new TLS certificate is in use"),
                    Ok(Ok(false)) | Err(_) => {}
                    Ok(Err(error)) => {
                        tracing::error!("the new TLS certificate is not used: {error:#}");
                    }
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
