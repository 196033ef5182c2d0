//! A new API, and another shape for one.

use axum::{extract::Path, response::Response};
use doorward_core::{
    apis::{
        Api, Scope, Settings, TokenFormat, catalog,
        of_org::{self, WRITE},
    },
    outcome::{Code, Refusal, Result as Outcome},
};
use doorward_proto::jose::Alg;
use serde::Deserialize;

use super::{PATH, Place, format_word, scopes_of, typed_scopes};
use crate::{
    pages::{
        console::{
            Area, Operator,
            part::form::{Choice, FormPage, version_after},
            said,
            words::some,
        },
        form::{Errors, Field},
        text::Text,
        visit::{Posted, Visit, refusal_of},
    },
    surface::Failure,
};

/// What is typed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Form {
    name: String,
    identifier: String,
    scope_set: String,
    scopes: String,
    token_format: String,
    signing_alg: String,
    access_ttl: String,
    version: String,
}

const FORMATS: [TokenFormat; 2] = [TokenFormat::Jwt, TokenFormat::Opaque];
const ALGS: [Alg; 3] = [Alg::ES256, Alg::RS256, Alg::EdDSA];

impl Form {
    fn of(api: &Api) -> Self {
        Self {
            name: api.name.clone(),
            identifier: api.identifier.clone(),
            scope_set: String::new(),
            scopes: typed_scopes(&api.scopes),
            token_format: api.token_format.name().to_owned(),
            signing_alg: api.signing_alg.to_string(),
            access_ttl: api.access_ttl.map(|seconds| seconds.to_string()).unwrap_or_default(),
            version: api.version.to_string(),
        }
    }

    /// With what was typed before and could not be taken.
    fn kept(self, visit: &Visit) -> Self {
        let kept = |field, now: String| visit.typed(field).map_or(now, str::to_owned);
        Self {
            name: kept("name", self.name),
            identifier: kept("identifier", self.identifier),
            scope_set: kept("scope_set", self.scope_set),
            scopes: kept("scopes", self.scopes),
            token_format: kept("token_format", self.token_format),
            signing_alg: kept("signing_alg", self.signing_alg),
            access_ttl: kept("access_ttl", self.access_ttl),
            version: self.version,
        }
    }

    fn settings(&self) -> Outcome<Settings> {
        let wrong = |field: &'static str| Refusal::new(Code::RequestInvalid).field(field);
        let mut scopes: Vec<Scope> = Vec::new();
        if let Some(name) = some(&self.scope_set) {
            let set = catalog::set(&name).ok_or_else(|| wrong("scope_set"))?;
            scopes.extend(
                set.iter()
                    .map(|(name, what)| Scope { name: (*name).to_owned(), description: (*what).to_owned() }),
            );
        }
        scopes.extend(scopes_of(&self.scopes));
        let access_ttl = some(&self.access_ttl).map(|text| text.parse().map_err(|_| wrong("access_ttl")));
        Ok(Settings {
            name: self.name.trim().to_owned(),
            signing_alg: self.signing_alg.parse().map_err(|_| wrong("signing_alg"))?,
            token_format: FORMATS
                .into_iter()
                .find(|format| format.name() == self.token_format)
                .ok_or_else(|| wrong("token_format"))?,
            access_ttl: access_ttl.transpose()?,
            scopes,
        })
    }
}

/// The page, with what is wrong with what was sent; `known` is the API where there is one.
fn show(
    operator: &Operator,
    (place, known): (&Place, Option<&Api>),
    typed: &Form,
    wrong: Option<(Errors, Refusal)>,
) -> Response {
    let visit = &operator.visit;
    let frame = visit.frame();
    let (errors, refusal) = wrong.map_or((Errors::none(), None), |(errors, it)| (errors, Some(it)));
    let title =
        known.map_or_else(|| frame.t("apis-new"), |api| frame.tv("console-edit-of", "name", &api.name));
    let mut shell = operator.shell(&frame, Area::Apis, title, &errors);
    shell.trail = place.trail_to(operator);
    let field = |id, label: &str, hint: &str, value: &str| {
        Field::new(id, "text", "off", frame.t(label)).hint(frame.t(hint)).value(value)
    };
    let choice = |id, label: &str, hint: &str, value: &str, options: Vec<(String, String)>| Choice {
        id,
        label: frame.t(label),
        hint: frame.t(hint),
        value: value.to_owned(),
        options,
        error: None,
    };
    let (to, back) = match known {
        Some(api) => (format!("{}/edit", place.page(api)), place.page(api)),
        None => (format!("{}/new", place.path), place.path.clone()),
    };
    let mut form = FormPage::new(&shell, to, back, errors).hidden("version", typed.version.clone());
    form = form.field(field("name", "apis-name", "apis-name-what", &typed.name).longest(200));
    if known.is_none() {
        let what = if place.org.is_some() { "apis-identifier-own" } else { "apis-identifier-what" };
        let identifier = field("identifier", "apis-identifier", what, &typed.identifier);
        let sets = catalog::SETS.iter().map(|set| (set.name.to_owned(), set.system.to_owned()));
        let none = (String::new(), frame.t("console-none"));
        let sets = std::iter::once(none).chain(sets).collect();
        form = form.field(identifier.longest(512)).choice(choice(
            "scope_set",
            "apis-set",
            "apis-set-what",
            &typed.scope_set,
            sets,
        ));
    }
    let scopes = field("scopes", "apis-scopes", "apis-scopes-what", &typed.scopes);
    let formats = FORMATS.map(|it| (it.name().to_owned(), format_word(frame.text, it))).to_vec();
    let algs = ALGS.map(|alg| (alg.to_string(), alg.to_string())).to_vec();
    let ttl = field("access_ttl", "apis-ttl", "apis-ttl-what", &typed.access_ttl);
    let form = form
        .field(scopes.rows(8).longest(200_000).optional())
        .choice(choice("token_format", "apis-format", "apis-format-what", &typed.token_format, formats))
        .choice(choice("signing_alg", "apis-alg", "apis-alg-what", &typed.signing_alg, algs))
        .field(ttl.keyboard("numeric").longest(6).optional())
        .button(frame.t(if known.is_some() { "console-save" } else { "apis-make" }));
    match refusal {
        Some(refusal) => visit.show_wrong(&form, &refusal),
        None => operator.show(&form),
    }
}

fn first(visit: &Visit) -> Form {
    let usual = Form {
        token_format: TokenFormat::Jwt.name().to_owned(),
        signing_alg: Alg::ES256.to_string(),
        ..Form::default()
    };
    usual.kept(visit)
}

pub(super) async fn look_new(operator: Operator) -> Result<Response, Failure> {
    let place = Place::server(&operator)?;
    Ok(show(&operator, (&place, None), &first(&operator.visit), None))
}

pub(super) async fn look_new_at(Path(org): Path<String>, operator: Operator) -> Result<Response, Failure> {
    let place = Place::of(&operator, &org, WRITE).await?;
    if !place.may_make() {
        return Err(Code::NotFound.into());
    }
    Ok(show(&operator, (&place, None), &first(&operator.visit), None))
}

pub(super) async fn make(posted: Posted<Form>) -> Result<Response, Failure> {
    let (operator, typed) = match Operator::of(posted, &format!("{PATH}/new")) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let place = Place::server(&operator)?;
    made(&operator, &place, &typed).await
}

pub(super) async fn make_at(Path(org): Path<String>, posted: Posted<Form>) -> Result<Response, Failure> {
    let path = format!("{}/{org}/apis/new", Area::Organizations.path());
    let (operator, typed) = match Operator::of(posted, &path) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let place = Place::of(&operator, &org, WRITE).await?;
    made(&operator, &place, &typed).await
}

async fn made(operator: &Operator, place: &Place, typed: &Form) -> Result<Response, Failure> {
    let visit = &operator.visit;
    let made = async {
        let identifier = typed.identifier.trim();
        let own = place.org.as_ref().map(of_org::prefix).unwrap_or_default();
        let identifier = identifier.strip_prefix(own.as_str()).unwrap_or(identifier).to_owned();
        place.create(operator, identifier, typed.settings()?).await
    };
    let refusal = match made.await {
        Ok(api) => return Ok(said::at(visit, "did-api-made", &place.page(&api))),
        Err(error) => refusal_of(error)?,
    };
    let Some(errors) = wrong(visit.text, &refusal, place) else { return Err(refusal.into()) };
    Ok(show(operator, (place, None), typed, Some((errors, refusal))))
}

pub(super) async fn look(Path(id): Path<String>, operator: Operator) -> Result<Response, Failure> {
    let place = Place::server(&operator)?;
    let api = place.find(&operator, &id).await?;
    Ok(show(&operator, (&place, Some(&api)), &Form::of(&api).kept(&operator.visit), None))
}

pub(super) async fn look_at(
    Path((org, id)): Path<(String, String)>,
    operator: Operator,
) -> Result<Response, Failure> {
    let place = Place::of(&operator, &org, WRITE).await?;
    let api = place.find(&operator, &id).await?;
    Ok(show(&operator, (&place, Some(&api)), &Form::of(&api).kept(&operator.visit), None))
}

pub(super) async fn save(Path(id): Path<String>, posted: Posted<Form>) -> Result<Response, Failure> {
    let (operator, typed) = match Operator::of(posted, &format!("{PATH}/{id}/edit")) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let place = Place::server(&operator)?;
    saved(&operator, &place, &id, typed).await
}

pub(super) async fn save_at(
    Path((org, id)): Path<(String, String)>,
    posted: Posted<Form>,
) -> Result<Response, Failure> {
    let path = format!("{}/{org}/apis/{id}/edit", Area::Organizations.path());
    let (operator, typed) = match Operator::of(posted, &path) {
        Ok(sent) => sent,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let place = Place::of(&operator, &org, WRITE).await?;
    saved(&operator, &place, &id, typed).await
}

async fn saved(operator: &Operator, place: &Place, id: &str, typed: Form) -> Result<Response, Failure> {
    let visit = &operator.visit;
    let api = place.find(operator, id).await?;
    let saved = async {
        let seen = typed.version.parse().map_err(|_| Refusal::new(Code::RequestInvalid).field("version"))?;
        place.update(operator, &api, seen, typed.settings()?).await
    };
    let refusal = match saved.await {
        Ok(api) => return Ok(said::at(visit, "did-api-saved", &place.page(&api))),
        Err(error) => refusal_of(error)?,
    };
    let Some(errors) = wrong(visit.text, &refusal, place) else { return Err(refusal.into()) };
    let version = version_after(&refusal, typed.version, api.version);
    let typed = Form { version, ..typed };
    Ok(show(operator, (place, Some(&api)), &typed, Some((errors, refusal))))
}

/// What a refusal means for the form.
fn wrong(text: Text, refusal: &Refusal, place: &Place) -> Option<Errors> {
    let (field, key) = match (refusal.code, refusal.field.as_deref()) {
        (Code::RequestInvalid, Some("name")) => ("name", "apis-name-wrong"),
        (Code::RequestInvalid, Some("identifier")) if place.org.is_some() => {
            ("identifier", "apis-identifier-own-wrong")
        }
        (Code::RequestInvalid, Some("identifier")) => ("identifier", "apis-identifier-wrong"),
        (Code::Conflict, Some("identifier")) => ("identifier", "apis-identifier-taken"),
        (Code::Conflict, None) => ("", "apis-too-many"),
        (Code::RequestInvalid, Some("scopes")) => ("scopes", "apis-scopes-wrong"),
        (Code::RequestInvalid, Some("access_ttl")) => ("access_ttl", "apis-ttl-wrong"),
        (Code::VersionMismatch, _) => ("", "console-changed-meanwhile"),
        _ => return Errors::of(text, refusal),
    };
    Some(Errors::one(field, text.get(key)))
}
