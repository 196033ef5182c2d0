//! Figures for Prometheus, on a listener of their own. Labels are words of the program, never of a
//! request: strangers cannot make them more.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context as _, Result};
use doorward_core::{call::Call, figures, realm::Realm};
use http::{Response, StatusCode, header};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

const BUCKETS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Serves `/metrics`; answers the address in use. Without a realm there is no database to look into.
///
/// # Errors
/// When the address cannot be bound.
pub(super) async fn serve(
    address: SocketAddr,
    realm: Option<Arc<Realm>>,
    stop: CancellationToken,
) -> Result<SocketAddr> {
    let handle = PrometheusBuilder::new().set_buckets(BUCKETS)?.install_recorder()?;
    describe();
    let listener = TcpListener::bind(address).await.with_context(|| {
        format!("metrics.listen: cannot listen on {address}; name another, or end what holds it")
    })?;
    let bound = listener.local_addr()?;
    let tidying = handle.clone();
    let ended = stop.clone();
    tokio::spawn(async move {
        while ended.run_until_cancelled(super::pause(Duration::from_secs(5))).await.is_some() {
            tidying.run_upkeep();
        }
    });
    tokio::spawn(async move {
        stop.run_until_cancelled(accept(listener, handle, realm)).await;
    });
    Ok(bound)
}

fn describe() {
    metrics::describe_counter!("doorward_http_requests_total", "Requests answered.");
    metrics::describe_histogram!(
        "doorward_http_request_duration_seconds",
        metrics::Unit::Seconds,
        "Time from a request's head to the answer's head."
    );
    metrics::describe_counter!("doorward_sign_ins_total", "Sign-ins by password, by outcome.");
    metrics::describe_counter!("doorward_tokens_issued_total", "Answers with tokens, by grant.");
    metrics::describe_counter!("doorward_refusals_total", "Requests refused, by code.");
    metrics::describe_counter!(
        "doorward_gateway_decisions_total",
        "Requests judged at the gateway, by route and outcome."
    );
    metrics::describe_counter!(
        "doorward_gateway_bytes_total",
        "Bytes of bodies that went through the proxy, by route and direction."
    );
    metrics::describe_counter!("doorward_issuer_keys_total", "Uses of other issuers' keys, by outcome.");
    metrics::describe_counter!(
        "doorward_issuer_key_reads_total",
        "Reads of other issuers' keys, by outcome."
    );
    metrics::describe_histogram!(
        "doorward_password_verification_seconds",
        metrics::Unit::Seconds,
        "Time to verify a password, once it has a thread."
    );
    metrics::describe_gauge!("doorward_passwords_waiting", "Passwords that wait for a thread.");
    metrics::describe_gauge!("doorward_database_up", "Whether the database answered just now.");
    metrics::describe_gauge!("doorward_mails_waiting", "Mails to be handed over.");
    metrics::describe_gauge!("doorward_mails_given_up", "Mails given up and still kept.");
    metrics::describe_gauge!("doorward_jobs_waiting", "Jobs that are not done.");
    metrics::describe_gauge!("doorward_jobs_failing", "Jobs that are not done and have failed before.");
    metrics::describe_gauge!("doorward_audit_unsealed", "Audit events not linked into the chain yet.");
    metrics::describe_gauge!(
        "doorward_audit_seal_lag_seconds",
        metrics::Unit::Seconds,
        "Age of the oldest of them."
    );
    metrics::describe_histogram!(
        "doorward_database_operation_seconds",
        metrics::Unit::Seconds,
        "Time of a whole operation, its wait for a connection or the writer included."
    );
    metrics::describe_counter!(
        "doorward_database_conflicts_total",
        "Operations run again after a serialisation failure or deadlock."
    );
    metrics::gauge!("doorward_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
}

/// Reads what waits. When the database does not answer, the last figures stay and `up` says so.
async fn look(realm: &Arc<Realm>) {
    let found = figures::read(&Call::system(realm)).await;
    metrics::gauge!("doorward_database_up").set(if found.is_ok() { 1.0 } else { 0.0 });
    let Ok(found) = found else { return };
    for (name, value) in [
        ("doorward_mails_waiting", found.mails_waiting),
        ("doorward_mails_given_up", found.mails_given_up),
        ("doorward_jobs_waiting", found.jobs_waiting),
        ("doorward_jobs_failing", found.jobs_failing),
        ("doorward_audit_unsealed", found.events_unsealed),
        ("doorward_passwords_waiting", u64::try_from(found.passwords_waiting).unwrap_or(u64::MAX)),
    ] {
        metrics::gauge!(name).set(u32::try_from(value).unwrap_or(u32::MAX));
    }
    metrics::gauge!("doorward_audit_seal_lag_seconds").set(found.seal_lag.as_secs_f64());
}

async fn accept(listener: TcpListener, handle: PrometheusHandle, realm: Option<Arc<Realm>>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(answer(stream, handle.clone(), realm.clone()));
            }
            Err(_) => super::pause(Duration::from_millis(50)).await,
        }
    }
}

async fn answer(stream: TcpStream, handle: PrometheusHandle, realm: Option<Arc<Realm>>) {
    let service = hyper::service::service_fn(move |request: http::Request<hyper::body::Incoming>| {
        let found = request.uri().path() == "/metrics";
        let (handle, realm) = (handle.clone(), realm.clone());
        async move {
            let mut response = Response::new(String::new());
            if found {
                if let Some(realm) = &realm {
                    look(realm).await;
                }
                *response.body_mut() = handle.render();
            }
            let text = http::HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
            response.headers_mut().insert(header::CONTENT_TYPE, text);
            if !found {
                *response.status_mut() = StatusCode::NOT_FOUND;
            }
            Ok::<_, Infallible>(response)
        }
    });
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(10))
        .serve_connection(TokioIo::new(stream), service)
        .await;
}
