//! What tokens for somebody would say, and what an expression comes to that is not saved yet. No token is made.

use axum::{extract::Path, response::Response};
use doorward_core::{
    claims::{self, MOST_BYTES, Reason, Sample, SampleAsk, WRITE},
    orgs::members,
    outcome::{Code, Error, Refusal, Result as Outcome},
    page::PageAsk,
};
use doorward_proto::{
    id::{Id, User},
    scope::ScopeSet,
};
use serde::Deserialize;
use serde_json::Value as Json;

use super::{At, Keeper, edit, posted_at, target_word, wrong};
use crate::{
    pages::{
        console::{
            Operator,
            orgs::SEE,
            part::{Cell, Row, Table, detail::Panel, form::FormPage, list::Asked},
            words::{some, words},
        },
        form::{Errors, Field},
        frame::Frame,
        visit::{Posted, refusal_of},
    },
    surface::Failure,
};

/// The granted scopes, unless others are typed.
const SCOPES: &str = "openid profile email";

/// What is typed. Sent by the form of a claim, it names nobody yet.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Form {
    person: Option<String>,
    client: String,
    api: String,
    scopes: Option<String>,
    expression: String,
}

impl Form {
    fn ask(&self, user: Id<User>) -> Outcome<SampleAsk> {
        let names = words(self.scopes.as_deref().unwrap_or(SCOPES));
        let scopes = ScopeSet::from_names(names.iter().map(String::as_str));
        Ok(SampleAsk {
            user,
            client: self.client.trim().to_owned(),
            api: some(&self.api),
            scopes: scopes.map_err(|_| Refusal::new(Code::RequestInvalid).field("scopes"))?,
            expression: some(&edit::expression(&self.expression)),
        })
    }
}

fn show(
    keeper: &Keeper<'_>,
    typed: &Form,
    (found, wrong): (Option<Sample>, Option<(Errors, Refusal)>),
) -> Outcome<Response> {
    let (visit, list) = (keeper.visit(), keeper.list());
    let frame = visit.frame();
    let (errors, refusal) = wrong.map_or((Errors::none(), None), |(errors, it)| (errors, Some(it)));
    let shell = keeper.below(&frame, frame.t("claims-test"), &errors);
    let own = keeper.operator.account.email.clone().unwrap_or_default();
    let field = |id, label: &str, hint: &str, value: &str| {
        Field::new(id, "text", "off", frame.t(label)).hint(frame.t(hint)).value(value).longest(512)
    };
    let person = typed.person.clone().unwrap_or(own);
    let scopes = typed.scopes.as_deref().unwrap_or(SCOPES);
    let expression = edit::expression_field(&frame, &typed.expression);
    let mut form = FormPage::new(&shell, format!("{list}/test"), list, errors)
        .what(frame.t("claims-test-what"))
        .field(field("person", "claims-person", "claims-person-what", &person))
        .field(field("client", "claims-client", "claims-test-client-what", &typed.client))
        .field(field("api", "claims-api", "claims-test-api-what", &typed.api).optional())
        .field(field("scopes", "claims-scopes", "claims-scopes-what", scopes).longest(4000).optional())
        .field(expression.optional())
        .button(frame.t("claims-test-do"));
    for panel in found.map(|found| panels(&frame, &found)).transpose()?.unwrap_or_default() {
        form = form.below(panel);
    }
    Ok(match refusal {
        Some(refusal) => visit.show_wrong(&form, &refusal),
        None => keeper.operator.show(&form),
    })
}

fn reason(frame: &Frame, reason: Reason) -> String {
    frame.t(match reason {
        Reason::Evaluation => "claims-evaluation",
        Reason::TooLarge => "claims-too-large",
        Reason::TooCostly => "claims-too-costly",
    })
}

fn pretty(value: &impl serde::Serialize) -> Outcome<String> {
    serde_json::to_string_pretty(value).map_err(Error::from)
}

/// What came of it.
fn panels(frame: &Frame, found: &Sample) -> Outcome<Vec<Panel>> {
    let mut panels = Vec::new();
    if let Some(value) = &found.value {
        let panel = Panel::new("value", frame.t("claims-value"));
        panels.push(match value {
            Ok(Json::Null) => panel.what(frame.t("claims-value-none")),
            Ok(value) => panel.block(pretty(value)?),
            Err(why) => panel.what(reason(frame, *why)),
        });
    }
    for (target, claims) in &found.claims {
        let panel = Panel::new(target.name(), target_word(frame.text, *target));
        let says = if claims.is_empty() {
            panel.what(frame.t("claims-says-none"))
        } else {
            panel.block(pretty(claims)?)
        };
        panels.push(says);
    }
    let number = |count: usize| frame.text.number(u64::try_from(count).unwrap_or_default());
    let of =
        frame.text.with2("claims-bytes-of", ("bytes", &number(found.bytes)), ("most", &number(MOST_BYTES)));
    let row = |(target, name, why): &(_, String, Reason)| Row {
        page: None,
        name: name.clone(),
        detail: String::new(),
        cells: vec![Cell::Text(target_word(frame.text, *target)), Cell::Text(reason(frame, *why))],
    };
    let columns = ["claims-name", "claims-into", "claims-why"];
    let table = Table::new(frame, "claims-left-out", &columns, found.left_out.iter().map(row).collect());
    panels.push(
        Panel::new("room", frame.t("claims-left-out"))
            .facts(vec![(frame.t("claims-bytes"), Cell::Text(of))])
            .table(table, frame.t("claims-left-out-none")),
    );
    Ok(panels)
}

/// Whom somebody means: themselves, or a member whom they may see, by id or mail address.
async fn person(keeper: &Keeper<'_>, typed: &str) -> Outcome<Id<User>> {
    let account = &keeper.operator.account;
    let (id, own) = (typed.trim().parse().ok(), account.session.user);
    if id == Some(own) || account.email.as_deref() == Some(typed.trim()) {
        return Ok(own);
    }
    let nobody = || Refusal::new(Code::RequestInvalid).field("user_id");
    if !keeper.scope.may(SEE) {
        return Err(nobody().into());
    }
    if let Some(id) = id {
        return Ok(id);
    }
    let page = PageAsk { limit: 1, query: some(typed), ..PageAsk::default() };
    let ask = members::ListAsk { page, role: None };
    let found = members::list(&keeper.visit().call, &keeper.scope, ask).await?;
    let first = found.items.first().filter(|_| some(typed).is_some());
    first.map(|member| member.user).ok_or_else(|| nobody().into())
}

pub(super) async fn look(Path(at): Path<At>, operator: Operator) -> Result<Response, Failure> {
    let keeper = Keeper::enter(&operator, &at, WRITE).await?;
    let visit = keeper.visit();
    let asked = Asked::read(visit.query(), &["client_id", "api"])?;
    let kept = |field, now: &str| visit.typed(field).unwrap_or(now).to_owned();
    let typed = Form {
        client: kept("client", asked.held("client_id")),
        api: kept("api", asked.held("api")),
        expression: kept("expression", ""),
        ..Form::default()
    };
    Ok(show(&keeper, &typed, (None, None))?)
}

pub(super) async fn run(Path(at): Path<At>, posted: Posted<Form>) -> Result<Response, Failure> {
    let (operator, typed) = match Operator::of(posted, &posted_at(&at, "test")) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let keeper = Keeper::enter(&operator, &at, WRITE).await?;
    let visit = keeper.visit();
    let Some(named) = &typed.person else { return Ok(show(&keeper, &typed, (None, None))?) };
    let found = async {
        let ask = typed.ask(person(&keeper, named).await?)?;
        claims::sample(&visit.call, &keeper.scope, ask).await
    };
    let refusal = match found.await {
        Ok(found) => return Ok(show(&keeper, &typed, (Some(found), None))?),
        Err(error) => refusal_of(error)?,
    };
    let Some(errors) = wrong(visit.text, &refusal, some(&typed.api).is_none()) else {
        return Err(refusal.into());
    };
    Ok(show(&keeper, &typed, (None, Some((errors, refusal))))?)
}
