//! A new claim, and where one comes from and is told. What is wrong with an expression is said at it, with the place.

use axum::{extract::Path, response::Response};
use doorward_core::{
    claims::{self, Change, Mapping, NewMapping, Target, WRITE, Whose},
    outcome::{Code, Refusal},
};
use serde::Deserialize;

use super::{At, Keeper, posted_at, target_word, whose, wrong};
use crate::{
    pages::{
        console::{
            Operator,
            part::{
                form::{FormPage, Ticks, version_after},
                list::Asked,
            },
            said,
            words::some,
        },
        form::{Errors, Field, Tick},
        frame::Frame,
        visit::{Posted, Visit, refusal_of},
    },
    surface::Failure,
};

/// What is typed. A box that is not ticked is not sent.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Form {
    client: String,
    api: String,
    name: String,
    expression: String,
    access_token: String,
    id_token: String,
    userinfo: String,
    version: String,
}

fn tick(is: bool) -> String {
    if is { "yes".to_owned() } else { String::new() }
}

impl Form {
    /// As a claim stands.
    fn of(mapping: &Mapping) -> Self {
        let (client, api) = whose(mapping);
        let is = |target| tick(mapping.into.contains(&target));
        Self {
            client,
            api,
            name: mapping.name.clone(),
            expression: mapping.expression.clone(),
            access_token: is(Target::AccessToken),
            id_token: is(Target::IdToken),
            userinfo: is(Target::Userinfo),
            version: mapping.version.to_string(),
        }
    }

    /// A new one of what the address names, with what was typed before and could not be taken.
    fn first(visit: &Visit) -> Result<Self, Failure> {
        let asked = Asked::read(visit.query(), &["client_id", "api"])?;
        let kept = |field, now: &str| visit.typed(field).unwrap_or(now).to_owned();
        Ok(Self {
            client: kept("client", asked.held("client_id")),
            api: kept("api", asked.held("api")),
            name: kept("name", ""),
            expression: kept("expression", ""),
            access_token: tick(true),
            ..Self::default()
        })
    }

    fn into(&self, target: Target) -> &str {
        match target {
            Target::AccessToken => &self.access_token,
            Target::IdToken => &self.id_token,
            Target::Userinfo => &self.userinfo,
        }
    }

    fn change(&self) -> Change {
        let into = Target::ALL.into_iter().filter(|target| !self.into(*target).is_empty()).collect();
        Change { expression: expression(&self.expression), into }
    }
}

/// An expression as it was typed: browsers send lines with another end.
pub(super) fn expression(typed: &str) -> String {
    typed.replace("\r\n", "\n").trim().to_owned()
}

/// The field of an expression.
pub(super) fn expression_field(frame: &Frame, value: &str) -> Field {
    let field = Field::new("expression", "text", "off", frame.t("claims-expression")).rows(5).longest(1024);
    field.hint(frame.t("claims-expression-what")).value(value)
}

/// The page, with what is wrong with what was sent; `known` is the claim where there is one.
fn show(
    (keeper, known): (&Keeper<'_>, Option<&Mapping>),
    typed: &Form,
    wrong: Option<(Errors, Refusal)>,
) -> Response {
    let (visit, list) = (keeper.visit(), keeper.list());
    let frame = visit.frame();
    let (errors, refusal) = wrong.map_or((Errors::none(), None), |(errors, it)| (errors, Some(it)));
    let title =
        known.map_or_else(|| frame.t("claims-new"), |it| frame.tv("console-edit-of", "name", &it.name));
    let shell = keeper.below(&frame, title, &errors);
    let to = known.map_or_else(|| format!("{list}/new"), |mapping| keeper.page(mapping));
    let mut form = FormPage::new(&shell, to, list.clone(), errors).hidden("version", typed.version.clone());
    if known.is_none() {
        let text = |id, label: &str, hint: &str, value: &str| {
            Field::new(id, "text", "off", frame.t(label)).hint(frame.t(hint)).value(value).longest(512)
        };
        form = form
            .what(frame.t("claims-new-what"))
            .field(text("name", "claims-name", "claims-name-what", &typed.name).longest(128))
            .field(text("client", "claims-client", "claims-client-what", &typed.client).optional())
            .field(text("api", "claims-api", "claims-api-what", &typed.api).optional());
    } else {
        form = form
            .what(frame.t("claims-edit-what"))
            .hidden("client", typed.client.clone())
            .hidden("api", typed.api.clone());
    }
    let tick = |target: Target| Tick {
        id: target.name(),
        label: target_word(frame.text, target),
        is_ticked: !typed.into(target).is_empty(),
    };
    let into = Ticks {
        id: "into",
        legend: frame.t("claims-into"),
        hint: frame.t("claims-into-what"),
        ticks: Target::ALL.map(tick).to_vec(),
        error: None,
    };
    form = form
        .field(expression_field(&frame, &typed.expression))
        .ticks(into)
        .button(frame.t(if known.is_some() { "console-save" } else { "claims-make" }))
        .looks(format!("{list}/test"), frame.t("claims-test"));
    if let Some(mapping) = known {
        form = form.aside(format!("{}/delete", keeper.page(mapping)), frame.t("claims-delete"));
    }
    match refusal {
        Some(refusal) => visit.show_wrong(&form, &refusal),
        None => keeper.operator.show(&form),
    }
}

pub(super) async fn look_new(Path(at): Path<At>, operator: Operator) -> Result<Response, Failure> {
    let keeper = Keeper::enter(&operator, &at, WRITE).await?;
    Ok(show((&keeper, None), &Form::first(keeper.visit())?, None))
}

pub(super) async fn make(Path(at): Path<At>, posted: Posted<Form>) -> Result<Response, Failure> {
    let (operator, typed) = match Operator::of(posted, &posted_at(&at, "new")) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let keeper = Keeper::enter(&operator, &at, WRITE).await?;
    let visit = keeper.visit();
    let whose = Whose { client: some(&typed.client), api: some(&typed.api) };
    let has_client = whose.client.is_some();
    let new = NewMapping { whose, name: typed.name.trim().to_owned(), change: typed.change() };
    let refusal = match claims::create(&visit.call, &keeper.scope, new).await {
        Ok(_) => return Ok(said::at(visit, "did-claim-made", &keeper.list())),
        Err(error) => refusal_of(error)?,
    };
    let Some(errors) = wrong(visit.text, &refusal, has_client) else { return Err(refusal.into()) };
    Ok(show((&keeper, None), &typed, Some((errors, refusal))))
}

pub(super) async fn look(Path(at): Path<At>, operator: Operator) -> Result<Response, Failure> {
    let (keeper, mapping) = Keeper::changing(&operator, &at).await?;
    let mut typed = Form::of(&mapping);
    if let Some(expression) = keeper.visit().typed("expression") {
        expression.clone_into(&mut typed.expression);
    }
    Ok(show((&keeper, Some(&mapping)), &typed, None))
}

pub(super) async fn save(Path(at): Path<At>, posted: Posted<Form>) -> Result<Response, Failure> {
    let (operator, typed) = match Operator::of(posted, &posted_at(&at, &at.id)) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let (keeper, mapping) = Keeper::changing(&operator, &at).await?;
    let visit = keeper.visit();
    let saved = async {
        let seen = typed.version.parse().map_err(|_| Refusal::new(Code::RequestInvalid).field("version"))?;
        claims::update(&visit.call, &keeper.scope, (mapping.id, seen), typed.change()).await
    };
    let refusal = match saved.await {
        Ok(_) => return Ok(said::at(visit, "did-claim-saved", &keeper.list())),
        Err(error) => refusal_of(error)?,
    };
    let Some(errors) = wrong(visit.text, &refusal, false) else { return Err(refusal.into()) };
    let version = version_after(&refusal, typed.version, mapping.version);
    let typed = Form { version, ..typed };
    Ok(show((&keeper, Some(&mapping)), &typed, Some((errors, refusal))))
}
