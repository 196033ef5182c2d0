//! `doorward serve --role gateway`: the gateway and nothing else. No database, no data folder and no signing key:
//! people sign in at another server, and whoever breaks into this one can sign nobody in there.

use std::{io::Write as _, net::SocketAddr, sync::Arc};

use anyhow::{Context as _, Result, anyhow};
use axum::body::Body;
use doorward_core::bootstrap::LIFETIME;
use doorward_gateway::{Gateway, Refused, Settings, Tickets, Witness};
use doorward_judge::{Refusal, Why};
use doorward_proto::{secret::SecretText, time::Time};
use doorward_sdk::{
    dress::Dress,
    server::{
        Chain,
        bootstrap::{Bootstrap, BootstrapSpec},
    },
};
use doorward_web::Unfit;
use futures_util::future::BoxFuture;
use http::{HeaderValue, Response, header};
use tokio_util::sync::CancellationToken;

use super::{
    FAREWELL, Order, Signals,
    background::Background,
    bound::Bound,
    connection::{Answering, Limits, Shared},
    gateway::{self, Guard, Lasting, LocalTickets, Origins, orcheo::OrcheoTokens},
    listen::Doors,
    metrics,
};
use crate::config::{Config, Loaded};

/// Serves until SIGTERM or SIGINT, then finishes what was accepted. SIGHUP reads the configuration again.
///
/// # Errors
/// Whatever keeps the gateway from starting.
pub(super) async fn run(loaded: Loaded, mut signals: Signals) -> Result<()> {
    let config = &loaded.config;
    let bound = Bound::bind(&loaded).await?;
    let addresses = bound.addresses()?;
    let (stop, env) = (CancellationToken::new(), super::env(config));
    if let Some(address) = config.metrics.listen {
        let address = metrics::serve(address, None, stop.clone()).await?;
        tracing::info!(%address, "metrics are served");
    }
    let lasting = Lasting::new(config, &name(config), stop.clone()).await?;
    let tickets: Arc<dyn Tickets> = Arc::new(LocalTickets::new(env.clone()));
    let ports: Vec<u16> = addresses.iter().map(SocketAddr::port).collect();
    let began = env.now();
    let guard = Guard::over(open(config, (&lasting, &ports, began), &tickets)?, lasting.clone());
    let answers = guard.clone();
    let scheme = if bound.has_tls() { "https" } else { "http" };
    let origins = Origins::new(config, env.clone(), bound.has_tls());
    let answering: Answering = Box::new(move |request| {
        let gateway = answers.now();
        let origin = origins.of(&request);
        let dress = |why: Why| {
            let dress = Dress { realm: "doorward", request_id: &origin.request_id, ..Dress::default() };
            dress.refused(&Refusal::new(why)).map(Body::from)
        };
        if request.extensions().get::<Unfit>().is_some() {
            return Box::pin(std::future::ready(dress(Why::RequestInvalid)));
        }
        if gateway.takes(request.uri(), request.headers()) {
            return Box::pin(async move { gateway.answer(request, origin).await });
        }
        let answer = match request.uri().path() {
            "/healthz" | "/readyz" => alive(),
            _ => dress(Why::RouteUnknown),
        };
        Box::pin(std::future::ready(answer))
    });
    let doors = Doors::new(Shared {
        answering,
        flowing: super::flowing(Some(guard.clone())),
        env,
        trusted: config.trusted_proxies.iter().map(|network| network.0).collect(),
        proxy_protocol: config.proxy_protocol,
        stop: stop.clone(),
        limits: Limits::default(),
    });
    let background = Background::new(stop.clone());
    bound.accept(&doors, &background)?;
    for address in &addresses {
        tracing::info!(%address, "listening, as a gateway alone");
    }
    let first = addresses.first().context("there is no address to listen on")?;
    let ready = format!(
        "Doorward guards at {first}, as a gateway alone: {scheme}://{first}/validate answers proxies."
    );
    writeln!(std::io::stdout().lock(), "{ready}")
        .context("cannot say on standard output that it is ready")?;
    while signals.next().await == Order::Reload {
        let read = || -> Result<Gateway> {
            let loaded = loaded.again()?;
            super::refuse_unsafe(&loaded.config)?;
            open(&loaded.config, (&lasting, &ports, began), &tickets)
        };
        guard.replace(read());
    }
    tracing::info!("stopping: finishing what was accepted");
    stop.cancel();
    let cut = doors.close(FAREWELL).await;
    background.finish().await;
    tracing::info!(cut_off = cut, "stopped");
    Ok(())
}

fn open(
    config: &Config,
    (lasting, ports, began): (&Lasting, &[u16], Time),
    tickets: &Arc<dyn Tickets>,
) -> Result<Gateway> {
    let clock = super::env(config);
    let mut providers = gateway::foreign(config, "")?;
    if let Some(path) = &config.auth.service_token_db_path {
        let tokens = OrcheoTokens::open(path, doorward_sdk::clock::system());
        // Before anybody elsewhere is asked about them.
        providers.insert(0, Arc::new(tokens.context("auth.service_token_db_path")?));
    }
    if let Some(token) = &config.auth.bootstrap_service_token {
        let known = Bootstrap::new(&bootstrap(config, token.0.clone(), began)).map_err(anyhow::Error::msg);
        providers.insert(0, Arc::new(known.context("auth.bootstrap_service_token")?));
    }
    let sign_in = gateway::abroad::open(config, &lasting.memory, ports)?.map(|abroad| {
        // A session is nobody else's to know.
        providers.insert(0, abroad.sessions);
        abroad.sign_in
    });
    let mut routes = config.gateway.routes.0.clone();
    for spec in &mut routes {
        spec.route.has_one_issuer = gateway::abroad::only_issuer(config).is_some();
    }
    let settings = Settings {
        routes,
        mode: gateway::mode(config),
        audiences: config.auth.audience.clone(),
        issuer: name(config),
        is_alone: true,
        chain: Chain::new(providers),
        limiter: Arc::clone(&lasting.limiter),
        proofs: Some(Arc::clone(&lasting.proofs)),
        sign_in,
        signer: None,
        witness: Some(Arc::new(Log)),
        meter: Some(Arc::new(gateway::InMemory)),
        tickets: Some(Arc::clone(tickets)),
        clock: Arc::new(move || clock.now()),
        stop: lasting.stop.clone(),
    };
    Gateway::new(settings).map_err(|wrong| anyhow!("gateway.routes: {wrong}"))
}

/// The token of the configuration. Nothing here remembers when it was first seen, so where no end is set its day
/// begins with the process.
fn bootstrap(config: &Config, token: SecretText, began: Time) -> BootstrapSpec {
    let end = config.auth.bootstrap_token_expires_at.map_or(began + LIFETIME, |end| end.0);
    BootstrapSpec { token, scopes: config.auth.bootstrap_token_scopes.clone(), expires_at: Some(end) }
}

/// What it is called in challenges, and by the nodes that share its counters.
fn name(config: &Config) -> String {
    let own = config.public_url.as_ref().map(crate::config::PublicUrl::issuer);
    own.or_else(|| config.auth.issuer.first().cloned()).unwrap_or_else(|| "doorward".to_owned())
}

/// Whether the gateway is there.
fn alive() -> Response<Body> {
    let mut response = Response::new(Body::from(r#"{"status":"ok"}"#));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Refusals are in the log and in the figures: there is no audit trail here.
struct Log;

impl Witness for Log {
    fn refused<'a>(&'a self, refused: Refused<'a>) -> BoxFuture<'a, ()> {
        ::metrics::counter!("doorward_refusals_total", "code" => refused.why.code()).increment(1);
        if refused.why != Why::MissingToken {
            let subject = refused.principal.map(|principal| principal.identity.subject.as_str());
            let (address, request_id) = (refused.origin.address, refused.origin.request_id.as_str());
            tracing::info!(code = refused.why.code(), rule = refused.rule, subject, %address, request_id, "refused");
        }
        Box::pin(std::future::ready(()))
    }
}
