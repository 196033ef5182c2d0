//! How the server is set: every setting with its value and where that came from. They are set in the configuration,
//! not here.

use axum::{Router, response::Response, routing::get};

use super::{
    Administrator, Area,
    part::{
        Cell, Row, Table,
        list::{Asked, Filter, ListPage},
    },
};
use crate::{
    app::App,
    in_force::{Setting, Source},
    pages::{form::Errors, text::Text},
    surface::Failure,
};

const PATH: &str = Area::Settings.path();
const COLUMNS: [&str; 4] = ["settings-name", "settings-value", "settings-from", "settings-change"];

/// Settings on a page.
const MOST: usize = 40;

/// Every page of the area.
pub(super) fn routes() -> Router<App> {
    Router::new().route("/console/settings", get(look))
}

/// Whether a setting is among what is looked for.
fn fits(setting: &Setting, query: &str, is_set: Option<bool>) -> bool {
    let query = query.to_lowercase();
    let texts = [setting.name, setting.variable.as_str(), setting.about.as_str()];
    let is_found = texts.iter().any(|text| text.to_lowercase().contains(&query));
    is_found && is_set.is_none_or(|is_set| is_set == (setting.from != Source::Default))
}

/// Where a value came from; the variable stands beside the name, and a file breaks where there is no room.
fn origin(text: Text, from: &Source) -> Cell {
    match from {
        Source::Default => Cell::Text(text.get("settings-from-default")),
        Source::File(place) => Cell::Code(place.clone()),
        Source::Environment(_) => Cell::Text(text.get("settings-from-environment")),
        Source::Flag => Cell::Text(text.get("settings-from-flag")),
    }
}

fn row(text: Text, setting: &Setting) -> Row {
    let value = match setting.value.as_str() {
        "" => Cell::Soft(text.get("settings-unset")),
        value => Cell::Code(value.to_owned()),
    };
    Row {
        page: None,
        name: setting.name.to_owned(),
        detail: format!("{} {}", setting.variable, setting.about),
        cells: vec![
            value,
            origin(text, &setting.from),
            Cell::Text(text.get(if setting.is_live { "settings-live" } else { "settings-restart" })),
        ],
    }
}

async fn look(administrator: Administrator) -> Result<Response, Failure> {
    let visit = &administrator.visit;
    let asked = Asked::read(visit.query(), &["query", "set"])?;
    let word = |is_set| if is_set { "yes" } else { "no" };
    let is_set = asked.one_of("set", [true, false], word)?;
    let (frame, errors) = (visit.frame(), Errors::none());
    let shell = administrator.shell(&frame, Area::Settings, frame.t(Area::Settings.key()), &errors);
    let all = visit.app.settings.in_force.all();
    let page = asked.page();
    let found: Vec<&Setting> =
        all.iter().filter(|setting| fits(setting, asked.held("query"), is_set)).collect();
    let begun = found.iter().position(|setting| page.after.as_deref() == Some(setting.name));
    let rest = found.get(begun.map_or(0, |last| last + 1)..).unwrap_or_default();
    let (shown, more) = rest.split_at_checked(MOST).unwrap_or((rest, &[]));
    let next = shown.last().filter(|_| !more.is_empty()).map(|setting| setting.name);
    let rows = shown.iter().map(|setting| row(frame.text, setting)).collect();
    let any = (frame.t("settings-set"), frame.t("console-any"));
    let choices = [true, false].map(|is_set| {
        (word(is_set), frame.t(if is_set { "settings-set-yes" } else { "settings-from-default" }))
    });
    let filters = vec![
        Filter::text(&asked, "query", frame.t("settings-search")),
        Filter::choice(&asked, "set", any, choices),
    ];
    let table = Table::new(&frame, "settings-caption", &COLUMNS, rows);
    let list = ListPage::new(&shell, (PATH, &asked), filters, table, next)
        .what("settings-what")
        .empty("settings-none", "doorward config show");
    Ok(administrator.show(&list))
}
