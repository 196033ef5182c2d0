//! Signing keys in the console: where each is in its life, and making the next one.

use axum::{Router, response::Response, routing::get};
use doorward_core::{
    keys::{self, Record, State, Urgency},
    outcome::{Code, Refusal},
};
use doorward_proto::jose::Alg;
use serde::Deserialize;

use super::{
    Administrator, Area, Shell,
    part::{
        Cell, Row, Standing, Table,
        form::{Choice, FormPage},
        list::{Asked, ListPage},
    },
    said,
};
use crate::{
    app::App,
    pages::{
        form::Errors,
        frame::Frame,
        text::Text,
        visit::{Posted, Visit},
        when::When,
    },
    surface::Failure,
};

const PATH: &str = Area::Keys.path();
const COLUMNS: [&str; 5] = ["signing-id", "signing-state", "signing-alg", "signing-from", "signing-until"];

/// Every page of the area. The address of a form also shows it: to whoever reloads, or comes back.
pub(super) fn routes() -> Router<App> {
    Router::new().route("/console/keys", get(look)).route("/console/keys/rotate", get(ask).post(rotate))
}

fn standing(text: Text, state: State) -> Standing {
    match state {
        State::Waiting => Standing::plain(text.get("signing-waiting")),
        State::Active => Standing::good(text.get("signing-active")),
        State::Retired => Standing::plain(text.get("signing-retired")),
        State::Expired => Standing::bad(text.get("signing-expired")),
    }
}

fn row(visit: &Visit, key: &Record) -> Row {
    let (text, now) = (visit.text, visit.call.now);
    let end = key.retired_at.or(key.expires_at).map(|at| When::new(text, at, now));
    Row {
        page: None,
        name: key.id.to_string(),
        detail: String::new(),
        cells: vec![
            Cell::Badge(standing(text, key.state(now))),
            Cell::Code(key.alg.to_string()),
            Cell::When(When::new(text, key.active_at, now)),
            Cell::when(end, text.get("signing-open")),
        ],
    }
}

async fn look(administrator: Administrator) -> Result<Response, Failure> {
    let visit = &administrator.visit;
    let all = keys::list(&visit.call).await?;
    let (frame, errors) = (visit.frame(), Errors::none());
    let shell = administrator.shell(&frame, Area::Keys, frame.t(Area::Keys.key()), &errors);
    let rows = all.iter().rev().map(|key| row(visit, key)).collect();
    let table = Table::new(&frame, "signing-caption", &COLUMNS, rows);
    let asked = Asked::read("", &[])?;
    let list = ListPage::new(&shell, (PATH, &asked), Vec::new(), table, None)
        .what("signing-what")
        .makes(format!("{PATH}/rotate"), "signing-rotate");
    Ok(administrator.show(&list))
}

/// What is chosen.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Form {
    alg: String,
    emergency: String,
    confirm: String,
}

fn shell<'a>(administrator: &Administrator, frame: &'a Frame, errors: &Errors) -> Shell<'a> {
    let mut shell = administrator.shell(frame, Area::Keys, frame.t("signing-rotate"), errors);
    shell.trail = vec![(PATH.to_owned(), frame.t(Area::Keys.key()))];
    shell
}

fn form<'a>(shell: &'a Shell<'a>, typed: &Form, errors: Errors) -> FormPage<'a> {
    let frame = shell.frame;
    let option = |alg: Alg| (alg.to_string(), alg.to_string());
    let choice = Choice {
        id: "alg",
        label: frame.t("signing-alg"),
        hint: frame.t("signing-alg-what"),
        value: typed.alg.clone(),
        options: Alg::ALL.map(option).to_vec(),
        error: None,
    };
    FormPage::new(shell, format!("{PATH}/rotate"), PATH.to_owned(), errors)
        .what(frame.t("signing-rotate-what"))
        .choice(choice)
        .tick("emergency", frame.t("signing-emergency"), !typed.emergency.is_empty())
        .confirm(CONFIRM)
        .danger(frame.t("signing-rotate"))
}

/// What is typed before a key is made.
const CONFIRM: &str = "rotate";

async fn ask(administrator: Administrator) -> Result<Response, Failure> {
    if let Err(elsewhere) = administrator.must_be_fresh("/console/keys/rotate") {
        return Ok(elsewhere);
    }
    let visit = &administrator.visit;
    let (frame, errors) = (visit.frame(), Errors::none());
    let shell = shell(&administrator, &frame, &errors);
    Ok(administrator.show(&form(&shell, &Form::default(), errors)))
}

async fn rotate(posted: Posted<Form>) -> Result<Response, Failure> {
    let (administrator, typed) = match Administrator::of(posted, "/console/keys/rotate") {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    if let Err(elsewhere) = administrator.must_be_fresh("/console/keys/rotate") {
        return Ok(elsewhere);
    }
    let visit = &administrator.visit;
    if typed.confirm.trim() != CONFIRM {
        let (frame, errors) =
            (visit.frame(), Errors::one("confirm", visit.text.get("console-confirm-wrong")));
        let shell = shell(&administrator, &frame, &errors);
        let refusal = Refusal::new(Code::RequestInvalid).field("confirm");
        return Ok(visit.show_wrong(&form(&shell, &typed, errors), &refusal));
    }
    let alg: Alg = typed.alg.parse().map_err(|_| Refusal::new(Code::RequestInvalid).field("alg"))?;
    let urgency = if typed.emergency.is_empty() { Urgency::Scheduled } else { Urgency::Emergency };
    keys::rotate(&visit.call, alg, urgency).await?;
    Ok(said::at(visit, "did-key-made", PATH))
}
