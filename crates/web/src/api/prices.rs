//! Prices of what is used: `/api/v1/prices`.

use axum::extract::Path;
use doorward_core::{
    outcome::{Code, Refusal, Result},
    usage::prices::{self, Meter, NewPrice, Price},
};
use doorward_proto::id::{self, Id};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    answer::{Answer, created, done, found, wrong},
    body::Input,
    caller::Caller,
    endpoint::Endpoint,
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/api/v1/prices", list)
            .scope("admin:usage:read")
            .lists_all::<PriceView>()
            .says("Lists what usage costs, has cost and will cost"),
        Endpoint::post("/api/v1/prices", create)
            .scope("admin:usage:write")
            .takes::<PriceBody>()
            .status(StatusCode::CREATED)
            .answers::<PriceView>()
            .says("Sets a price from an hour to come on"),
        Endpoint::delete("/api/v1/prices/{id}", delete)
            .scope("admin:usage:write")
            .says("Takes back a price that has not begun"),
    ]
}

/// What one of something costs.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewPrice)]
struct PriceBody {
    /// Of what: `request` (that was let through), `sign_in`, `token`, `gigabyte_in` or `gigabyte_out`.
    meter: String,
    /// Under which route of the gateway; unless set, under all that have no price of their own.
    route: Option<String>,
    /// Millionths of the currency unit for one, from 0 to 100000000.
    price_micros: i64,
    /// From this hour on (RFC 3339), which is still to come; the next one unless set.
    #[schema(format = DateTime)]
    valid_from: Option<String>,
}

/// A price.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Price)]
struct PriceView {
    /// Its id.
    id: String,
    /// Of what.
    meter: &'static str,
    /// Under which route; missing where it is of all that have no price of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<String>,
    /// Millionths of the currency unit for one.
    price_micros: i64,
    /// From this hour on.
    #[schema(format = DateTime)]
    valid_from: String,
    /// Before this hour, where another price follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    valid_until: Option<String>,
    /// When it was set.
    #[schema(format = DateTime)]
    created_at: String,
}

impl From<&Price> for PriceView {
    fn from(price: &Price) -> Self {
        Self {
            id: price.id.to_string(),
            meter: price.meter.name(),
            route: Some(price.route.clone()).filter(|route| !route.is_empty()),
            price_micros: price.micros,
            valid_from: price.valid_from.to_string(),
            valid_until: price.valid_until.map(|at| at.to_string()),
            created_at: price.created_at.to_string(),
        }
    }
}

impl PriceBody {
    fn into_new(self) -> Result<NewPrice> {
        let meter = Meter::ALL.into_iter().find(|one| one.name() == self.meter);
        let hint = "It is one of request, sign_in, token, gigabyte_in, gigabyte_out";
        let meter = meter.ok_or_else(|| wrong("meter", hint))?;
        let valid_from = self.valid_from.map(|text| text.parse()).transpose();
        let valid_from =
            valid_from.map_err(|_| wrong("valid_from", "Times are written as in 2026-11-22T10:00:00Z"))?;
        Ok(NewPrice { meter, route: self.route, micros: self.price_micros, valid_from })
    }
}

async fn list(caller: Caller) -> Answer {
    let all: Vec<PriceView> = prices::list(&caller.call).await?.iter().map(PriceView::from).collect();
    found(&serde_json::json!({ "items": all, "next_cursor": null }))
}

async fn create(caller: Caller, Input(body): Input<PriceBody>) -> Answer {
    let price = prices::create(&caller.call, body.into_new()?).await?;
    created(&format!("/api/v1/prices/{}", price.id), &PriceView::from(&price), None)
}

async fn delete(caller: Caller, Path(id): Path<String>) -> Answer {
    let id: Id<id::Price> = id.parse().map_err(|_| Refusal::new(Code::NotFound))?;
    prices::delete(&caller.call, id).await?;
    done()
}
