//! An API of many organisations, each of which sees its own notes:
//! `cargo run -p doorward-sdk --example tenants`, with the settings of the example `guarded`.

use std::{
    collections::HashMap,
    error::Error,
    io::Write as _,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    extract::{Path, State},
    routing::get,
};
use doorward_sdk::{
    Caller, Guard, Refused, Tenant,
    exchange::Hyper,
    server::settings::{AuthSettings, Outside},
    tower::GuardLayer,
};

/// What is kept. It is reached with a [`Tenant`] only, so there is no way around the wall.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<HashMap<Tenant, Vec<String>>>>);

impl Notes {
    fn of(&self, tenant: &Tenant) -> String {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(tenant).map_or_else(String::new, |notes| notes.join("\n"))
    }

    fn add(&self, tenant: Tenant, note: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(tenant).or_default().push(note);
    }
}

async fn list(State(notes): State<Notes>, tenant: Tenant) -> String {
    notes.of(&tenant)
}

async fn add(State(notes): State<Notes>, tenant: Tenant, note: String) {
    notes.add(tenant, note);
}

async fn of_one(
    State(notes): State<Notes>,
    Path(organization): Path<String>,
    caller: Caller,
) -> Result<String, Refused> {
    Ok(notes.of(&caller.scoped(&organization)?))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let outside = Outside::over(Arc::new(Hyper::new()?));
    let guard = Guard::builder().settings(&AuthSettings::from_environment()?, &outside)?.build()?;
    let app = Router::new()
        .route("/notes", get(list).post(add))
        .route("/organizations/{organization}/notes", get(of_one))
        .with_state(Notes::default())
        .layer(GuardLayer::new(guard));

    let place = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".to_owned());
    let listener = tokio::net::TcpListener::bind(place).await?;
    writeln!(std::io::stdout(), "http://{}", listener.local_addr()?)?;
    Ok(axum::serve(listener, app).await?)
}
