//! The gateway: its routes as they are held against a request, what was asked under each, and who was refused. What a
//! route means is decided where requests are judged; routes are set in the configuration and over the API, not here.

use axum::{Router, routing::get};
use doorward_core::outcome::{Code, Result as Found};

use super::{Area, Operator, part::Standing};
use crate::{
    api::routes::{RouteView, named, of_file, views},
    app::App,
    pages::{text::Text, visit::Visit},
};

mod list;
mod live;
mod secrets;
mod show;
mod spec;
mod who;

const PATH: &str = Area::Gateway.path();
/// The route for what no other is for.
const DEFAULT: &str = "default";
/// The event of a refusal.
const REFUSED: &str = "gateway.refused";

/// Every page of the area.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/console/gateway", get(list::look))
        .route("/console/gateway.csv", get(list::export))
        .route("/console/gateway/routes/{key}", get(show::look))
        .route("/console/gateway/live", get(live::look))
        .route("/console/gateway/secrets", get(secrets::look))
        .route("/console/gateway/who", get(who::look).post(who::ask))
}

/// Text as a part of an address.
fn part(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// The key of a route in addresses: its name, or its id where another route may have its name.
fn key(route: &RouteView) -> &str {
    route.id.as_deref().filter(|_| !route.in_force).unwrap_or_else(|| route.name())
}

/// The address of a route's page, by its key.
fn page_of(key: &str) -> String {
    format!("{PATH}/routes/{}", part(key))
}

/// The address of a route's page.
fn page(route: &RouteView) -> String {
    page_of(key(route))
}

/// The code of this name.
fn code(name: &str) -> Option<Code> {
    Code::ALL.iter().copied().find(|code| code.name() == name)
}

/// The pages above one that belongs to the area.
fn trail(operator: &Operator) -> Vec<(String, String)> {
    vec![(PATH.to_owned(), operator.visit.text.get(Area::Gateway.key()))]
}

fn standing(text: Text, route: &RouteView) -> Standing {
    if route.in_force {
        Standing::good(text.get("gateway-in-force"))
    } else {
        Standing::bad(text.get("gateway-not-in-force"))
    }
}

/// What no route is for, as long as no route is called so; none where there is no gateway.
fn otherwise(visit: &Visit) -> Option<RouteView> {
    visit.app.settings.routing.as_ref().map(|routing| of_file(routing.otherwise()))
}

/// Every route, as they are held against a request; those that never are, at the end.
async fn all(visit: &Visit) -> Found<Vec<RouteView>> {
    let mut all = views(&visit.app, &visit.call).await?;
    if !all.iter().any(|route| route.name() == DEFAULT) {
        all.extend(otherwise(visit));
    }
    let order = visit.app.settings.routing.as_ref().map(|routing| routing.order()).unwrap_or_default();
    let place = |route: &RouteView| order.iter().position(|name| name == route.name()).unwrap_or(usize::MAX);
    all.sort_by_cached_key(|route| (!route.in_force, place(route)));
    Ok(all)
}

/// The route of an address.
async fn one(visit: &Visit, key: &str) -> Found<RouteView> {
    match named(&visit.app, &visit.call, key).await {
        Err(error) if error.code() == Some(Code::RouteUnknown) && key == DEFAULT => {
            otherwise(visit).ok_or(error)
        }
        found => found,
    }
}
