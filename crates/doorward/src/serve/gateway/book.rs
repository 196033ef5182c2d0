//! The routes that are in force: those of the configuration, and those that were made through the API.
//!
//! The configuration goes first: a stored route whose name it takes waits. A stored route that would not be
//! safe any more, because the configuration around it has changed, closes what it was for and opens nothing.

use std::{
    collections::BTreeSet,
    fmt,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicI64, Ordering},
    },
};

use anyhow::Result;
use doorward_core::{
    call::Call,
    outcome::{Code, Error, Refusal, Result as Outcome},
    realm::Realm,
    routes::{self, Route},
};
use doorward_gateway::{DEFAULT, RouteSpec};
use doorward_judge::{Mode, path::NormalPath};
use doorward_proto::time::Time;
use doorward_sdk::fetch::is_nobodys;
use doorward_web::{
    Routing,
    in_force::Setting,
    routing::{Decision, Question, Spec, Watched},
};
use futures_util::future::BoxFuture;
use http::Uri;
use serde_json::Value as Json;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use super::{Guard, decide::decide, idle, mode, rules};
use crate::{
    config::{Config, Loaded, concerns},
    serve::described::described,
};

/// See the module.
pub(in crate::serve) struct Book {
    realm: Arc<Realm>,
    guard: Guard,
    /// As it was read last.
    config: RwLock<Arc<Config>>,
    /// What was last read of the database. Held while routes take the place of others.
    stored: Mutex<Vec<Route>>,
    /// The stored ones that are in force as they are written.
    in_force: RwLock<BTreeSet<String>>,
    /// The changes that have been heard of.
    heard: AtomicI64,
}

impl fmt::Debug for Book {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Book")
    }
}

impl Book {
    /// Opens the gateway with every route.
    ///
    /// # Errors
    /// A route of the configuration that makes no sense; or when the database does not answer.
    pub(in crate::serve) async fn open(
        realm: &Arc<Realm>,
        config: &Config,
        stop: CancellationToken,
    ) -> Result<Arc<Self>> {
        let heard = realm.db.changes();
        let stored = routes::all(&Call::system(realm)).await.map_err(crate::data::fault)?;
        let (merged, in_force) = merged(config, &stored);
        Ok(Arc::new(Self {
            realm: Arc::clone(realm),
            guard: Guard::open(realm, &merged, stop).await?,
            config: RwLock::new(Arc::new(config.clone())),
            stored: Mutex::new(stored),
            in_force: RwLock::new(in_force),
            heard: AtomicI64::new(heard),
        }))
    }

    /// Whose answers these are.
    pub(in crate::serve) const fn guard(&self) -> &Guard {
        &self.guard
    }

    fn config(&self) -> Arc<Config> {
        Arc::clone(&self.config.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the configuration again, and answers what it says now. What makes no sense, or would not be safe to start,
    /// changes nothing.
    pub(in crate::serve) async fn reload(&self, loaded: &Loaded) -> Option<Vec<Setting>> {
        let stored = self.stored.lock().await;
        let read = || -> Result<Vec<Setting>> {
            let loaded = loaded.again()?;
            crate::serve::refuse_unsafe(&loaded.config)?;
            let settings = described(&loaded);
            self.install(Arc::new(loaded.config), &stored)?;
            Ok(settings)
        };
        match read() {
            Ok(settings) => {
                tracing::info!("the routes were read again");
                Some(settings)
            }
            Err(error) => {
                tracing::error!("the routes stay as they are: {error:#}");
                None
            }
        }
    }

    fn install(&self, config: Arc<Config>, stored: &[Route]) -> Result<()> {
        let (merged, in_force) = merged(&config, stored);
        self.guard.reopen(&self.realm, &merged)?;
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = config;
        *self.in_force.write().unwrap_or_else(PoisonError::into_inner) = in_force;
        Ok(())
    }

    /// Reads the stored routes again when anything has changed anywhere.
    pub(in crate::serve) async fn follow(&self) {
        if self.heard.load(Ordering::Acquire) == self.realm.db.changes() {
            return;
        }
        if let Err(error) = self.read().await {
            let error = crate::data::fault(error);
            tracing::error!("the stored routes could not be read: {error:#}");
        }
    }

    async fn read(&self) -> Outcome<()> {
        let mut stored = self.stored.lock().await;
        let heard = self.realm.db.changes();
        let read = routes::all(&Call::system(&self.realm)).await?;
        if *stored != read {
            self.install(self.config(), &read).map_err(|error| Error::fault(format!("{error:#}")))?;
            *stored = read;
            tracing::info!("the stored routes were read again");
        }
        self.heard.store(heard, Ordering::Release);
        Ok(())
    }
}

impl Routing for Book {
    fn fixed(&self) -> Vec<Spec> {
        self.config().gateway.routes.1.clone()
    }

    fn order(&self) -> Vec<String> {
        self.guard.now().order()
    }

    fn otherwise(&self) -> Spec {
        let members = [("name", DEFAULT), ("mode", mode(&self.config()).name())];
        members.into_iter().map(|(member, value)| (member.to_owned(), value.into())).collect()
    }

    fn check(&self, spec: &Spec) -> std::result::Result<(), Refusal> {
        check(&self.config(), spec).map(drop)
    }

    fn is_in_force(&self, name: &str) -> bool {
        self.in_force.read().unwrap_or_else(PoisonError::into_inner).contains(name)
    }

    fn refresh(&self) -> BoxFuture<'_, Outcome<()>> {
        Box::pin(self.read())
    }

    fn find(&self, method: &str, target: &str) -> std::result::Result<Option<String>, Refusal> {
        let wrong = || {
            let hint = "Write it as https://app.example.com/reports/1";
            Refusal::new(Code::RequestInvalid).field("target").hint(hint)
        };
        let target: Uri = target.parse().map_err(|_| wrong())?;
        let host = target.authority().ok_or_else(wrong)?.as_str();
        let path = NormalPath::read(target.path()).map_err(|_| Refusal::new(Code::PathAmbiguous))?;
        Ok(self.guard.now().route_for(host, method, &path))
    }

    fn watch(&self, after: Option<u64>, now: Time) -> Watched {
        self.guard.watch().look(after, now)
    }

    fn decide<'a>(&'a self, call: &'a Call, question: &'a Question) -> BoxFuture<'a, Outcome<Decision>> {
        Box::pin(async move { decide(&self.guard.now(), call, question).await })
    }
}

/// The configuration with the stored routes, and which of them are in force as they are written.
fn merged(config: &Config, stored: &[Route]) -> (Config, BTreeSet<String>) {
    let (mut merged, mut in_force) = (config.clone(), BTreeSet::new());
    for route in stored {
        if config.gateway.routes.0.iter().any(|fixed| fixed.rule.name == route.name) {
            tracing::warn!(
                route = route.name,
                "the configuration has a route of this name; the stored one waits"
            );
            continue;
        }
        match check(config, &route.spec) {
            Ok(spec) => {
                in_force.insert(route.name.clone());
                merged.gateway.routes.0.push(spec);
            }
            Err(refusal) => {
                tracing::error!(route = route.name, why = %refusal.hint, "a stored route is closed");
                merged.gateway.routes.0.extend(closed(&route.spec));
            }
        }
    }
    for (idle, first) in idle(&merged) {
        if in_force.remove(&idle) {
            tracing::warn!(
                route = idle,
                first,
                "a stored route is for nothing that another is not for before it"
            );
        }
    }
    (merged, in_force)
}

/// The same requests, for who may do everything.
fn closed(spec: &Spec) -> Option<RouteSpec> {
    let mut spec = spec.clone();
    spec.retain(|member, _| matches!(member.as_str(), "name" | "hosts" | "paths" | "methods"));
    let mut closed: RouteSpec = serde_json::from_value(Json::Object(spec)).ok()?;
    closed.rule.mode = Mode::Required;
    closed.rule.scopes = vec!["admin:*".to_owned()];
    Some(closed)
}

/// Reads a route as the configuration would, with the safety of a start.
fn check(config: &Config, spec: &Spec) -> std::result::Result<RouteSpec, Refusal> {
    let wrong = |field: String, what: String| Refusal::new(Code::RequestInvalid).field(field).hint(what);
    let route: RouteSpec = serde_json::from_value(Json::Object(spec.clone())).map_err(|error| {
        let alone = |(member, value): (&String, &Json)| {
            let one = Spec::from_iter([(member.clone(), value.clone())]);
            let read = serde_json::from_value::<RouteSpec>(Json::Object(one));
            read.err().map(|error| (member.clone(), error.to_string()))
        };
        let (field, what) = spec.iter().find_map(alone).unwrap_or_else(|| (String::new(), error.to_string()));
        wrong(field, what)
    })?;
    for upstream in route.route.upstream.iter().chain(&route.route.upstreams) {
        may_be_named(upstream).map_err(|what| wrong("upstream".to_owned(), what))?;
    }
    let mut config = config.clone();
    config.gateway.routes.0 = vec![route.clone()];
    rules(&config).map_err(|bad| wrong(bad.field.to_owned(), bad.what))?;
    let unsafe_now = concerns(&config).into_iter().find(|it| it.refuses && it.key == "allow.open_gateway");
    match unsafe_now {
        Some(concern) => Err(wrong("mode".to_owned(), concern.what)),
        None => Ok(route),
    }
}

/// Whether whoever makes routes may have requests sent there. Applications are in private networks and on this
/// machine; at these addresses there is none, and some of them tell whoever asks what this machine may do.
fn may_be_named(upstream: &str) -> std::result::Result<(), String> {
    // As it is connected to: `http://2852039166` is 169.254.169.254.
    let Ok(url) = url::Url::parse(upstream) else { return Ok(()) };
    let is_nobodys = match url.host() {
        Some(url::Host::Ipv4(address)) => is_nobodys(address.into()),
        Some(url::Host::Ipv6(address)) => is_nobodys(address.into()),
        Some(url::Host::Domain(name)) => METADATA.contains(&name.strip_suffix('.').unwrap_or(name)),
        None => false,
    };
    if is_nobodys {
        return Err(format!(
            "`{upstream}` is the address of no application; the configuration alone may name it"
        ));
    }
    Ok(())
}

/// Where clouds answer with credentials, by name.
const METADATA: [&str; 3] = ["metadata.google.internal", "metadata", "instance-data"];

#[cfg(test)]
mod tests;
