//! A small API, guarded: `cargo run -p doorward-sdk --example guarded`, with `DOORWARD_AUTH_ISSUER` and
//! `DOORWARD_AUTH_AUDIENCE`, and perhaps where to listen as its argument.

use std::{error::Error, io::Write as _, sync::Arc};

use axum::{Router, routing::get};
use doorward_sdk::{
    Caller, Guard, Refused,
    exchange::Hyper,
    server::settings::{AuthSettings, Outside},
    tower::GuardLayer,
};

async fn list(caller: Caller) -> Result<String, Refused> {
    caller.require_scopes(&["reports:read"])?;
    Ok(format!("the reports of {}\n", caller.subject()))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let outside = Outside::over(Arc::new(Hyper::new()?));
    let guard = Guard::builder().settings(&AuthSettings::from_environment()?, &outside)?.build()?;
    let app = Router::new().route("/reports", get(list)).layer(GuardLayer::new(guard));

    let place = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".to_owned());
    let listener = tokio::net::TcpListener::bind(place).await?;
    writeln!(std::io::stdout(), "http://{}", listener.local_addr()?)?;
    Ok(axum::serve(listener, app).await?)
}
