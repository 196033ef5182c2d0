//! One provider: how it is set, what to register there, how often it is used, and what can be done.

use axum::{extract::Path, response::Response};
use doorward_core::{
    outcome::Code,
    providers::{Provider, Tested, Usage},
};

use super::{Keeper, Names, kind, standing};
use crate::{
    pages::{
        console::{
            part::{
                Cell, Row, Send, Table,
                detail::{DetailPage, Panel},
                form::FormPage,
            },
            said,
        },
        form::Errors,
        frame::Frame,
        visit::{Nothing, Posted, to},
        when::When,
    },
    surface::Failure,
};

pub(super) async fn look(keeper: Keeper) -> Result<Response, Failure> {
    page(&keeper, None).await
}

async fn page(keeper: &Keeper, tested: Option<Tested>) -> Result<Response, Failure> {
    let provider = keeper.provider().await?;
    let usage = keeper.usage(&provider).await?;
    let (frame, errors) = (keeper.operator.visit.frame(), Errors::none());
    let shell = keeper.shell(&frame, provider.settings.name.clone(), &errors);
    let badge = Some(standing(frame.text, &provider));
    let mut panels: Vec<Panel> = tested.map(|tested| of_test(&frame, &tested)).into_iter().collect();
    panels.push(about(keeper, &frame, &provider));
    panels.push(of_usage(keeper, &frame, &usage));
    Ok(keeper.operator.show(&DetailPage { frame: &frame, shell: &shell, badge, panels }))
}

fn of_test(frame: &Frame, tested: &Tested) -> Panel {
    let panel = Panel::new("test", frame.t("providers-tested"));
    if tested.problems.is_empty() {
        return panel.what(frame.t("providers-tested-fine"));
    }
    let row = |problem: &String| Row {
        page: None,
        name: problem.clone(),
        detail: String::new(),
        cells: Vec::new(),
    };
    let rows = tested.problems.iter().map(row).collect();
    panel.table(Table::new(frame, "providers-tested", &["providers-problem"], rows), String::new())
}

fn about(keeper: &Keeper, frame: &Frame, provider: &Provider) -> Panel {
    let visit = &keeper.operator.visit;
    let settings = &provider.settings;
    let when = |at| Cell::When(When::new(frame.text, at, visit.call.now));
    let none = || frame.t("console-none");
    let place = settings.issuer.as_ref().or(settings.endpoints.authorization.as_ref());
    let yes = |is: bool| Cell::Text(frame.t(if is { "providers-yes" } else { "providers-no" }));
    let facts = vec![
        (frame.t("providers-redirect"), Cell::id(frame, provider.redirect_uri(&visit.call))),
        (frame.t("providers-connection"), Cell::id(frame, &provider.slug)),
        (frame.t("providers-kind"), Cell::Text(kind(frame.text, provider))),
        (frame.t("providers-issuer"), Cell::text(place.map(String::as_str), none())),
        (frame.t("providers-client-id"), Cell::Code(settings.client_id.clone())),
        (frame.t("providers-has-secret"), yes(provider.has_secret)),
        (frame.t("providers-scopes"), Cell::words(settings.scopes.clone(), none())),
        (frame.t("providers-creates"), yes(settings.creates_accounts)),
        (
            frame.t("providers-domains"),
            Cell::words(settings.allowed_domains.clone(), frame.t("providers-domains-any")),
        ),
        (frame.t("providers-since"), when(provider.created_at)),
        (frame.t("providers-changed"), when(provider.updated_at)),
        (frame.t("console-id"), Cell::id(frame, provider.id)),
    ];
    let panel = Panel::new("facts", frame.t("console-facts")).facts(facts);
    if !keeper.may_write() {
        return panel;
    }
    let page = keeper.page(provider);
    let panel = panel.link(format!("{page}/edit"), frame.t("console-edit")).send(Send::new(
        frame,
        format!("{page}/test"),
        frame.t("providers-test"),
    ));
    let panel = if settings.is_enabled {
        panel.link(format!("{page}/suspend"), frame.t("providers-suspend"))
    } else {
        panel.send(Send::new(frame, format!("{page}/resume"), frame.t("providers-resume")))
    };
    panel.danger(format!("{page}/delete"), frame.t("providers-delete"))
}

fn of_usage(keeper: &Keeper, frame: &Frame, usage: &Usage) -> Panel {
    let now = keeper.operator.visit.call.now;
    let last = usage.last_used_at.map(|at| When::new(frame.text, at, now));
    Panel::new("usage", frame.t("providers-usage")).facts(vec![
        (frame.t("providers-people"), Cell::Text(usage.people.to_string())),
        (frame.t("providers-sign-ins"), Cell::Text(usage.sign_ins.to_string())),
        (frame.t("providers-last-used"), Cell::when(last, frame.t("providers-never"))),
    ])
}

/// The buttons stand on the provider's page.
pub(super) async fn back(keeper: Keeper) -> Result<Response, Failure> {
    Ok(to(&keeper.page(&keeper.provider().await?)))
}

/// Asks before a provider is stopped. One that is has the button that lets it be used again.
pub(super) async fn ask(keeper: Keeper) -> Result<Response, Failure> {
    if !keeper.may_write() {
        return Err(Code::Forbidden.into());
    }
    let provider = keeper.provider().await?;
    let (name, page) = (&provider.settings.name, keeper.page(&provider));
    if !provider.settings.is_enabled {
        return Ok(to(&page));
    }
    let (frame, errors) = (keeper.operator.visit.frame(), Errors::none());
    let mut shell = keeper.shell(&frame, frame.tv("providers-suspend-of", "name", name), &errors);
    shell.trail.push((page.clone(), name.clone()));
    let form = FormPage::new(&shell, format!("{page}/suspend"), page, errors)
        .what(frame.t("providers-suspend-what"))
        .danger(frame.t("providers-suspend"));
    Ok(keeper.operator.show(&form))
}

fn below(names: &Names) -> String {
    names.get("provider").map(|name| format!("/{name}")).unwrap_or_default()
}

async fn set(names: &Names, posted: Posted<Nothing>, is_enabled: bool) -> Result<Response, Failure> {
    let (keeper, _) = match Keeper::posted(names, posted, &below(names)).await {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let provider = keeper.provider().await?;
    let mut settings = provider.settings.clone();
    settings.is_enabled = is_enabled;
    match keeper.update((&provider, provider.version), settings, None).await {
        // Somebody else was quicker: the page says how it stands.
        Err(error) if error.code() == Some(Code::VersionMismatch) => Ok(to(&keeper.page(&provider))),
        other => {
            let word = if is_enabled { "did-provider-resumed" } else { "did-provider-suspended" };
            Ok(said::at(&keeper.operator.visit, word, &keeper.page(&other?)))
        }
    }
}

pub(super) async fn suspend(Path(names): Path<Names>, posted: Posted<Nothing>) -> Result<Response, Failure> {
    set(&names, posted, false).await
}

pub(super) async fn resume(Path(names): Path<Names>, posted: Posted<Nothing>) -> Result<Response, Failure> {
    set(&names, posted, true).await
}

/// The page again, with what the provider says of itself.
pub(super) async fn test(Path(names): Path<Names>, posted: Posted<Nothing>) -> Result<Response, Failure> {
    let (keeper, _) = match Keeper::posted(&names, posted, &below(&names)).await {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let tested = keeper.test().await?;
    page(&keeper, Some(tested)).await
}
