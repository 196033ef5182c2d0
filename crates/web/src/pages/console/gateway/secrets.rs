//! What the gateway holds that nobody else may know: which of it is set and from where, never what it is, and how each
//! is replaced.

use axum::response::Response;

use super::trail;
use crate::{
    in_force::{Setting, Source},
    pages::{
        console::{
            Administrator, Area,
            part::{
                Cell, Row, Standing, Table,
                detail::{DetailPage, Panel},
            },
        },
        form::Errors,
        frame::Frame,
    },
    surface::Failure,
};

/// The settings, each with what to do to replace it.
const SECRETS: [(&str, &str); 11] = [
    ("master_key", "gateway-replace-master"),
    ("master_key_file", "gateway-replace-master"),
    ("auth.jwt_secret", "gateway-replace-issuer"),
    ("auth.issuers", "gateway-replace-issuers"),
    ("auth.introspection_client_secret", "gateway-replace-introspection"),
    ("auth.basic_file", "gateway-replace-file"),
    ("auth.tokens_file", "gateway-replace-file"),
    ("redis.url", "gateway-replace-redis"),
    ("gateway.client_secret", "gateway-replace-client"),
    ("gateway.client_key", "gateway-replace-client-key"),
    ("gateway.cookie_secret", "gateway-replace-cookie"),
];

fn row(frame: &Frame, setting: &Setting, to_do: &str) -> Row {
    let standing = match &setting.from {
        Source::Default => Standing::plain(frame.t("settings-unset")),
        _ => Standing::good(frame.t("gateway-is-set")),
    };
    Row {
        page: None,
        name: setting.name.to_owned(),
        detail: setting.variable.clone(),
        cells: vec![
            Cell::Badge(standing),
            Cell::text(Some(setting.from.place()), frame.t("console-none")),
            Cell::Text(frame.t(to_do)),
        ],
    }
}

pub(super) async fn look(administrator: Administrator) -> Result<Response, Failure> {
    let visit = &administrator.visit;
    let (frame, errors) = (visit.frame(), Errors::none());
    let mut shell = administrator.shell(&frame, Area::Gateway, frame.t("gateway-secrets"), &errors);
    shell.trail = trail(&administrator);
    let all = visit.app.settings.in_force.all();
    let of = |(name, to_do): (&str, &str)| {
        all.iter().find(|setting| setting.name == name).map(|setting| row(&frame, setting, to_do))
    };
    let rows = SECRETS.into_iter().filter_map(of).collect();
    let columns = ["settings-name", "settings-value", "settings-from", "gateway-replace"];
    let table = Table::new(&frame, "gateway-secrets", &columns, rows);
    let keys = Panel::new("keys", frame.t("gateway-assertions"))
        .what(frame.t("gateway-assertions-what"))
        .link(Area::Keys.path().to_owned(), frame.t(Area::Keys.key()));
    let proxies = Panel::new("proxies", frame.t("gateway-proxies")).what(frame.t("gateway-proxies-what"));
    let settings = Panel::new("settings", frame.t("gateway-secrets-set"));
    let settings = settings.table(table, frame.t("settings-none"));
    let panels = vec![proxies, settings, keys];
    Ok(administrator.show(&DetailPage { frame: &frame, shell: &shell, badge: None, panels }))
}
