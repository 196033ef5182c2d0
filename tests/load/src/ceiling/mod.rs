//! The ceiling server: bare hyper on one core with the unavoidable cryptography and nothing else.
//!
//! `ideal` stores nothing; with `--durable` every issuance is one row in SQLite, answered after its
//! commit. It knows one person, five clients and no rule beyond what makes an answer possible: it is what
//! a server with all the rules is compared with, never an example of one.

mod durable;
mod grants;
mod hash;
mod routes;
mod sign;
mod sql;
mod store;
mod validate;

pub(crate) use durable::{Row, Table};
pub(crate) use hash::{ITERATIONS, LANES, MEMORY_KIB};
pub(crate) use store::{CLIENTS, PASSWORD, SECRET, TOKEN};

use std::{net::TcpListener, path::Path, sync::Arc};

use anyhow::Result;
use hyper::{header::HeaderValue, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::task::LocalSet;

/// Everything the server holds.
struct State {
    store: store::Store,
    signer: sign::Signer,
    hasher: hash::Pool,
    durable: Option<durable::Writer>,
    /// The signed word that `/validate` says of everybody.
    assertion: HeaderValue,
}

/// Serves until the process ends.
pub(crate) fn serve(listener: TcpListener, durable: Option<&Path>) -> Result<()> {
    let signer = sign::Signer::new()?;
    let assertion =
        signer.token(sign::Alg::Es256, "doorward-assertion+jwt", r#""iss":"http://localhost""#)?;
    let state = Arc::new(State {
        assertion: HeaderValue::try_from(assertion)?,
        store: store::Store::new(),
        signer,
        hasher: hash::Pool::start()?,
        durable: durable.map(durable::Writer::start).transpose()?,
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async {
        listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let state = state.clone();
            tokio::task::spawn_local(async move {
                let service = service_fn(|request| routes::answer(&state, request));
                // A client that hangs up is no event here.
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    })
}
