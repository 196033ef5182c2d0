//! What usage costs, in the console: every price, setting one from an hour to come on, and taking back one
//! that has not begun.

use axum::{Router, extract::Path, response::Response, routing::get};
use doorward_core::{
    outcome::{Code, Refusal, Result as Outcome},
    usage::{
        hour_of,
        prices::{self, Meter, NewPrice, Price, amount},
    },
};
use doorward_proto::id::{self, Id};
use serde::Deserialize;

use super::{
    Administrator, Area,
    part::{
        Cell, Row, Send, Table,
        form::{Choice, FormPage},
        list::{Asked, ListPage},
    },
    said,
};
use crate::{
    app::App,
    pages::{
        form::{Errors, Field},
        frame::Frame,
        visit::{Nothing, Posted, Visit, refusal_of},
        when::When,
    },
    surface::Failure,
};

pub(super) const PATH: &str = "/console/usage/prices";
const NEW: &str = "/console/usage/prices/new";
const COLUMNS: [&str; 5] = ["prices-of", "prices-price", "prices-from", "prices-until", "prices-do"];

/// Every page of prices. The address of a form also shows it: to whoever reloads, or comes back.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route(PATH, get(look))
        .route(NEW, get(ask).post(set))
        .route("/console/usage/prices/{id}/delete", get(look).post(take_back))
}

const fn key(meter: Meter) -> &'static str {
    match meter {
        Meter::Request => "prices-request",
        Meter::SignIn => "prices-sign-in",
        Meter::Token => "prices-token",
        Meter::GigabyteIn => "prices-gigabyte-in",
        Meter::GigabyteOut => "prices-gigabyte-out",
    }
}

/// With the places that millionths have.
fn words(micros: i64) -> String {
    let mut text = amount(micros.saturating_mul(1_000));
    text.truncate(text.len().saturating_sub(3));
    text
}

fn row(visit: &Visit, frame: &Frame, price: &Price) -> Row {
    let now = visit.call.now;
    let when = |at| When::new(frame.text, at, now);
    let last = if price.has_begun(now) {
        Cell::Soft(frame.t("prices-stays"))
    } else {
        let about = frame.tv("prices-delete-of", "when", &price.valid_from.to_string());
        Cell::Send(
            Send::new(frame, format!("{PATH}/{}/delete", price.id), frame.t("prices-delete")).about(about),
        )
    };
    Row {
        page: None,
        name: frame.t(key(price.meter)),
        detail: price.route.clone(),
        cells: vec![
            Cell::Text(words(price.micros)),
            Cell::When(when(price.valid_from)),
            Cell::when(price.valid_until.map(when), frame.t("prices-open")),
            last,
        ],
    }
}

async fn look(administrator: Administrator) -> Result<Response, Failure> {
    let visit = &administrator.visit;
    let all = prices::list(&visit.call).await?;
    let (frame, errors) = (visit.frame(), Errors::none());
    let mut shell = administrator.shell(&frame, Area::Usage, frame.t("prices-title"), &errors);
    shell.trail = vec![(Area::Usage.path().to_owned(), frame.t(Area::Usage.key()))];
    let rows = all.iter().map(|price| row(visit, &frame, price)).collect();
    let table = Table::new(&frame, "prices-title", &COLUMNS, rows);
    let list = ListPage::new(&shell, (PATH, &Asked::read("", &[])?), Vec::new(), table, None)
        .what("prices-what")
        .makes(NEW.to_owned(), "prices-new")
        .empty("prices-none", "doorward price create --meter request --price-micros 1500");
    Ok(administrator.show(&list))
}

/// What is typed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Form {
    meter: String,
    route: String,
    price: String,
    valid_from: String,
}

impl Form {
    fn kept(visit: &Visit) -> Self {
        let kept = |field| visit.typed(field).unwrap_or_default().to_owned();
        Self {
            meter: kept("meter"),
            route: kept("route"),
            price: kept("price"),
            valid_from: kept("valid_from"),
        }
    }

    fn into_new(self) -> Outcome<NewPrice> {
        let wrong = |field: &'static str| Refusal::new(Code::RequestInvalid).field(field);
        let meter = Meter::ALL.into_iter().find(|one| one.name() == self.meter);
        let valid_from = Some(self.valid_from.trim()).filter(|text| !text.is_empty());
        let valid_from = valid_from.map(str::parse).transpose().map_err(|_| wrong("valid_from"))?;
        Ok(NewPrice {
            meter: meter.ok_or_else(|| wrong("meter"))?,
            route: Some(self.route.trim().to_owned()).filter(|route| !route.is_empty()),
            micros: micros(self.price.trim()).ok_or_else(|| wrong("price_micros"))?,
            valid_from,
        })
    }
}

/// A decimal number of at most six places, in millionths.
fn micros(text: &str) -> Option<i64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || part.len() > 6 || !is_digits(whole) || !is_digits(part) {
        return None;
    }
    let part: i64 = format!("{part:0<6}").parse().ok()?;
    whole.parse::<i64>().ok()?.checked_mul(1_000_000)?.checked_add(part)
}

fn show(administrator: &Administrator, typed: &Form, wrong: Option<(Errors, Refusal)>) -> Response {
    let visit = &administrator.visit;
    let frame = visit.frame();
    let (errors, refusal) = wrong.map_or((Errors::none(), None), |(errors, it)| (errors, Some(it)));
    let mut shell = administrator.shell(&frame, Area::Usage, frame.t("prices-new"), &errors);
    shell.trail = vec![
        (Area::Usage.path().to_owned(), frame.t(Area::Usage.key())),
        (PATH.to_owned(), frame.t("prices-title")),
    ];
    let next = hour_of(visit.call.now) + std::time::Duration::from_hours(1);
    let valid_from = if typed.valid_from.is_empty() { next.to_string() } else { typed.valid_from.clone() };
    let text = |id, label: &str, value: &str| Field::new(id, "text", "off", frame.t(label)).value(value);
    let options = Meter::ALL.map(|meter| (meter.name().to_owned(), frame.t(key(meter))));
    let meter = Choice {
        id: "meter",
        label: frame.t("prices-of"),
        hint: String::new(),
        value: typed.meter.clone(),
        options: options.to_vec(),
        error: None,
    };
    let route = text("route", "prices-route", &typed.route).hint(frame.t("prices-route-what"));
    let price = text("price", "prices-price", &typed.price).hint(frame.t("prices-price-what"));
    let from = text("valid_from", "prices-from", &valid_from).hint(frame.t("prices-from-what"));
    let form = FormPage::new(&shell, NEW.to_owned(), PATH.to_owned(), errors)
        .what(frame.t("prices-new-what"))
        .choice(meter)
        .field(route.optional())
        .field(price.keyboard("decimal"))
        .field(from)
        .button(frame.t("prices-new"));
    match refusal {
        Some(refusal) => visit.show_wrong(&form, &refusal),
        None => administrator.show(&form),
    }
}

async fn ask(administrator: Administrator) -> Response {
    show(&administrator, &Form::kept(&administrator.visit), None)
}

async fn set(posted: Posted<Form>) -> Result<Response, Failure> {
    let (administrator, typed) = match Administrator::of(posted, NEW) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let visit = &administrator.visit;
    let set = async { prices::create(&visit.call, typed.clone().into_new()?).await };
    let refusal = match set.await {
        Ok(_) => return Ok(said::at(visit, "did-price-set", PATH)),
        Err(error) => refusal_of(error)?,
    };
    let (field, sentence) = match (refusal.code, refusal.field.as_deref()) {
        (Code::Conflict, Some("valid_from")) => ("valid_from", "prices-wrong-twice"),
        (Code::RequestInvalid, Some("valid_from")) => ("valid_from", "prices-wrong-from"),
        (Code::RequestInvalid, Some("price_micros")) => ("price", "prices-wrong-price"),
        (Code::RequestInvalid, Some("route")) => ("route", "prices-wrong-route"),
        _ => return Err(refusal.into()),
    };
    let errors = Errors::one(field, visit.text.get(sentence));
    Ok(show(&administrator, &typed, Some((errors, refusal))))
}

async fn take_back(Path(id): Path<String>, posted: Posted<Nothing>) -> Result<Response, Failure> {
    let (administrator, Nothing {}) = match Administrator::of(posted, PATH) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let visit = &administrator.visit;
    let id: Id<id::Price> = id.parse().map_err(|_| Refusal::new(Code::NotFound))?;
    prices::delete(&visit.call, id).await?;
    Ok(said::at(visit, "did-price-deleted", PATH))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_typed_as_a_number() {
        for (text, expected) in [
            ("0.0015", Some(1_500)),
            ("12", Some(12_000_000)),
            ("0", Some(0)),
            ("1.000001", Some(1_000_001)),
            ("1.0000001", None),
            ("-1", None),
            ("1,5", None),
            ("", None),
            (".5", None),
            ("1e3", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(micros(text), expected, "{text}");
        }
        assert_eq!((words(1_500), words(12_000_000)), ("0.001500".to_owned(), "12.000000".to_owned()));
    }
}
