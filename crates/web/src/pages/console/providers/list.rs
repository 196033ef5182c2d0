//! Every provider, a page at a time.

use axum::response::Response;
use doorward_core::providers::Provider;

use super::{Keeper, kind, standing};
use crate::{
    pages::{
        console::{
            Area,
            part::{
                Cell, Row, Table,
                list::{Asked, ListPage},
            },
        },
        form::Errors,
        when::When,
    },
    surface::Failure,
};

const COLUMNS: [&str; 4] = ["providers-name", "providers-status", "providers-kind", "providers-since"];

fn row(keeper: &Keeper, provider: &Provider) -> Row {
    let visit = &keeper.operator.visit;
    Row {
        page: Some(keeper.page(provider)),
        name: provider.settings.name.clone(),
        detail: provider.slug.clone(),
        cells: vec![
            Cell::Badge(standing(visit.text, provider)),
            Cell::Text(kind(visit.text, provider)),
            Cell::When(When::new(visit.text, provider.created_at, visit.call.now)),
        ],
    }
}

pub(super) async fn look(keeper: Keeper) -> Result<Response, Failure> {
    let visit = &keeper.operator.visit;
    let asked = Asked::read(visit.query(), &[])?;
    let found = keeper.all(asked.page()).await?;
    let (frame, errors) = (visit.frame(), Errors::none());
    let mut shell = keeper.shell(&frame, frame.t(Area::Providers.key()), &errors);
    shell.trail.pop();
    let rows = found.items.iter().map(|provider| row(&keeper, provider)).collect();
    let table = Table::new(&frame, "providers-caption", &COLUMNS, rows);
    let path = keeper.path();
    let mut list = ListPage::new(&shell, (&path, &asked), Vec::new(), table, found.next.as_deref())
        .what("providers-what")
        .empty(
            "providers-none",
            "doorward provider create --preset google --client-id ID --client-secret SECRET",
        );
    if keeper.may_write() {
        list = list.makes(format!("{path}/new"), "providers-new");
    }
    Ok(keeper.operator.show(&list))
}
