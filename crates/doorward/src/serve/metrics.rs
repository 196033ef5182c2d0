//! Figures for Prometheus, on a listener of their own.

use std::{convert::Infallible, net::SocketAddr, time::Duration};

use anyhow::{Context as _, Result};
use http::{Response, StatusCode, header};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

const BUCKETS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Serves `/metrics`; answers the address in use.
///
/// # Errors
/// When the address cannot be bound.
pub(super) async fn serve(address: SocketAddr, stop: CancellationToken) -> Result<SocketAddr> {
    let handle = PrometheusBuilder::new().set_buckets(BUCKETS)?.install_recorder()?;
    describe();
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("metrics.listen: cannot listen on {address}"))?;
    let bound = listener.local_addr()?;
    let tidying = handle.clone();
    let ended = stop.clone();
    tokio::spawn(async move {
        while ended.run_until_cancelled(super::pause(Duration::from_secs(5))).await.is_some() {
            tidying.run_upkeep();
        }
    });
    tokio::spawn(async move {
        stop.run_until_cancelled(accept(listener, handle)).await;
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
    metrics::gauge!("doorward_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
}

async fn accept(listener: TcpListener, handle: PrometheusHandle) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(answer(stream, handle.clone()));
            }
            Err(_) => super::pause(Duration::from_millis(50)).await,
        }
    }
}

async fn answer(stream: TcpStream, handle: PrometheusHandle) {
    let service = hyper::service::service_fn(move |request: http::Request<hyper::body::Incoming>| {
        let found = request.uri().path() == "/metrics";
        let body = if found { handle.render() } else { String::new() };
        async move {
            let mut response = Response::new(body);
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
