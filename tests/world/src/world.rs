//! A whole Doorward without a socket: a realm over a fresh database, with a clock that stands still.

use std::{sync::Arc, time::Duration};

use doorward_core::{
    call::{Actor, Call, Origin},
    db::Db,
    env::{Env, Fetch, no_fetch},
    mail::Transport,
    realm::{Parts, Realm},
    settings::Settings,
    vault::Vault,
};

use crate::{
    place::Fresh,
    run::{BEGINNING, Fixture},
};

/// The issuer of every test realm.
pub const ISSUER: &str = "https://id.example";

/// A realm over a database of its own. Time stands at [`BEGINNING`] until a test moves it, and every
/// random value follows from one seed.
#[derive(Clone)]
pub struct World {
    /// The realm.
    pub realm: Arc<Realm>,
    place: Fresh,
}

impl World {
    /// A realm with these settings and recorded answers for outbound requests.
    pub async fn new(place: &Fresh, settings: Settings, fetch: Fetch) -> Self {
        Self::with_mail(place, settings, fetch, None).await
    }

    /// The same, with somewhere to hand mails to.
    pub async fn with_mail(
        place: &Fresh,
        settings: Settings,
        fetch: Fetch,
        mail_transport: Option<Transport>,
    ) -> Self {
        let db = Db::make(place).await;
        let env = Env::fixed(BEGINNING, 1, fetch);
        let vault = Vault::new(&[7; 32]).expect("keys are derived");
        let parts = Parts { issuer: ISSUER.to_owned(), db, env, vault, settings, mail_transport };
        let realm = Realm::open(parts).await.expect("a realm opens over a fresh database");
        Self { realm, place: place.clone() }
    }

    /// The same place under other settings: a second realm over the same database. On SQLite the first
    /// one must be gone by then (one process per file).
    pub fn place(&self) -> &Fresh {
        &self.place
    }

    /// Ends it, as a server ends: then another may open its place. What an operation carried is let go a moment
    /// after its answer.
    pub async fn end(self) {
        while Arc::strong_count(&self.realm) > 1 {
            tokio::task::yield_now().await;
        }
    }

    /// A request by nobody in particular, from one public address.
    pub fn call(&self) -> Call {
        Call {
            realm: Arc::clone(&self.realm),
            now: self.realm.env.now(),
            actor: Actor::Anonymous,
            origin: Origin {
                address: [203, 0, 113, 7].into(),
                request_id: "req-test".to_owned(),
                user_agent: Some("Test/1.0".to_owned()),
                trace: None,
            },
            asked_by: None,
        }
    }

    /// A request by the operator on the server's own machine.
    pub fn local(&self) -> Call {
        self.call().by(Actor::LocalAdministrator)
    }

    /// Moves the clock.
    pub fn advance(&self, by: Duration) {
        self.realm.env.advance(by);
    }
}

impl Fixture for World {
    async fn make(place: &Fresh) -> Self {
        Self::new(place, Settings::default(), no_fetch()).await
    }
}
