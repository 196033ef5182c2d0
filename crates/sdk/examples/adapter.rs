//! The layer of this library as an adapter that the conformance kit can ask over HTTP: `cargo run -p doorward-sdk
//! --example adapter -- FILE`, configured as that file of vectors says, with its keys and its clock. The first line
//! that it prints is where it listens.

use std::{error::Error, fs, io::Write as _};

use axum::{Json, Router};
use doorward_sdk::{
    Caller,
    conformance::{Suite, seen},
    tower::GuardLayer,
};
use http::HeaderMap;
use serde_json::Value;

/// The application of the kit.
async fn application(caller: Option<Caller>, headers: HeaderMap) -> Json<Value> {
    Json(seen(caller.as_ref().map(Caller::principal), &headers))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let file = std::env::args().nth(1).ok_or("name a file of vectors")?;
    let suite = Suite::read(&fs::read_to_string(file)?)?;
    let layer = match suite.assertions()? {
        Some(assertions) => GuardLayer::behind_a_gateway(assertions),
        None => GuardLayer::new(suite.guard()?),
    };
    let app = Router::new().fallback(application).layer(layer);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    writeln!(std::io::stdout(), "http://{}", listener.local_addr()?)?;
    Ok(axum::serve(listener, app).await?)
}
