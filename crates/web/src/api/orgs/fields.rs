//! What an organisation asks of its people, `/api/v1/orgs/{org}/fields`, and what they have answered:
//! `/api/v1/orgs/{org}/members/{user}/profile` and `/api/v1/me/organizations/{id}/profile`.

use std::collections::BTreeMap;

use axum::extract::Path;
use doorward_core::{
    orgs::fields::{self, Answer as Answered, Change, Field, Kind, NewField},
    outcome::{Code, Refusal, Result},
    page::Page,
};
use doorward_proto::id::{Id, Org};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use utoipa::ToSchema;

use super::{Second, person};
use crate::api::{
    answer::{Answer, IfMatch, TRIES, created, done, found, page, versioned},
    body::{Input, Members, patched},
    caller::{Caller, Entered},
    endpoint::Endpoint,
};

const READ: &str = "org:settings:read";
const WRITE: &str = "org:settings:write";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/api/v1/orgs/{org}/fields", list)
            .org(READ)
            .lists_all::<FieldView>()
            .says("Lists what an organisation asks of its people"),
        Endpoint::post("/api/v1/orgs/{org}/fields", create)
            .org(WRITE)
            .takes::<NewFieldBody>()
            .status(StatusCode::CREATED)
            .answers::<FieldView>()
            .says(
                "Adds a profile field; a required one is asked before people next act for the organisation",
            ),
        Endpoint::get("/api/v1/orgs/{org}/fields/{field}", show)
            .org(READ)
            .answers::<FieldView>()
            .says("Shows a profile field"),
        Endpoint::patch("/api/v1/orgs/{org}/fields/{field}", change)
            .org(WRITE)
            .takes::<FieldBody>()
            .answers::<FieldView>()
            .says("Changes a profile field; answers that do not fit any more are asked for again"),
        Endpoint::delete("/api/v1/orgs/{org}/fields/{field}", remove)
            .grave()
            .org(WRITE)
            .says("Removes a profile field with everybody's answers"),
        Endpoint::get("/api/v1/orgs/{org}/members/{user}/profile", of_member)
            .org("org:members:read")
            .answers::<ProfileView>()
            .says("Shows what a member has answered"),
        Endpoint::get("/api/v1/me/organizations/{id}/profile", own)
            .account("me:read")
            .answers::<ProfileView>()
            .says("Shows what an organisation asks, and what one has answered"),
        Endpoint::patch("/api/v1/me/organizations/{id}/profile", say)
            .account("me:write")
            .takes::<ProfileBody>()
            .answers::<ProfileView>()
            .says("Answers what an organisation asks; null takes an answer back"),
    ]
}

/// A kind of answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum FieldKind {
    /// One line of at most 256 bytes.
    Text,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// One of the options.
    Choice,
    /// `YYYY-MM-DD`.
    Date,
    /// An `http` or `https` address.
    Url,
}

impl From<FieldKind> for Kind {
    fn from(kind: FieldKind) -> Self {
        match kind {
            FieldKind::Text => Self::Text,
            FieldKind::Number => Self::Number,
            FieldKind::Boolean => Self::Boolean,
            FieldKind::Choice => Self::Choice,
            FieldKind::Date => Self::Date,
            FieldKind::Url => Self::Url,
        }
    }
}

/// A profile field to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewProfileField)]
struct NewFieldBody {
    /// Its name in tokens: `[a-z][a-z0-9_]{0,39}`.
    key: String,
    /// What kind of answer it takes, for good.
    kind: FieldKind,
    /// What people are asked: 1 to 100 characters.
    label: String,
    /// Of a choice, what there is to choose from: 1 to 50.
    #[serde(default)]
    options: Vec<String>,
    /// Whether nobody acts for the organisation without an answer.
    #[serde(default)]
    required: bool,
    /// Whether applications are told the answer (`tenant_profile`).
    #[serde(default)]
    in_claims: bool,
    /// Where it stands among the others, from 0; behind them unless set.
    position: Option<usize>,
}

/// A profile field as it is changed.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ProfileFieldBody)]
struct FieldBody {
    /// What people are asked: 1 to 100 characters.
    label: String,
    /// Of a choice, what there is to choose from: 1 to 50.
    #[serde(default)]
    options: Vec<String>,
    /// Whether nobody acts for the organisation without an answer.
    #[serde(default)]
    required: bool,
    /// Whether applications are told the answer (`tenant_profile`).
    #[serde(default)]
    in_claims: bool,
    /// Where it stands among the others, from 0.
    position: Option<usize>,
}

/// A profile field of an organisation.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProfileField)]
struct FieldView {
    /// Its name in tokens.
    key: String,
    /// `text`, `number`, `boolean`, `choice`, `date` or `url`.
    kind: &'static str,
    /// What people are asked.
    label: String,
    /// Of a choice, what there is to choose from.
    options: Vec<String>,
    /// Whether nobody acts for the organisation without an answer.
    required: bool,
    /// Whether applications are told the answer.
    in_claims: bool,
    /// Where it stands among the others, from 0.
    position: usize,
}

/// Answers to give.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ProfileBody {
    /// The answers by key; null takes one back, and what is not named stays.
    #[schema(value_type = Object)]
    values: BTreeMap<String, Option<Json>>,
}

/// What a person has answered an organisation.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrganizationProfile)]
struct ProfileView {
    /// What is asked.
    fields: Vec<FieldView>,
    /// The answers by key.
    #[schema(value_type = Object)]
    values: BTreeMap<String, Json>,
    /// What has to be answered before acting for the organisation, by key.
    missing: Vec<String>,
}

fn view(field: &Field) -> FieldView {
    FieldView {
        key: field.key.clone(),
        kind: field.kind.name(),
        label: field.label.clone(),
        options: field.options.clone(),
        required: field.is_required,
        in_claims: field.in_claims,
        position: field.position,
    }
}

fn profile(answers: Vec<Answered>) -> Answer {
    let fields = answers.iter().map(|answer| view(&answer.field)).collect();
    let missing = answers.iter().filter(|answer| answer.is_missing());
    let missing = missing.map(|answer| answer.field.key.clone()).collect();
    let values = answers.into_iter().filter_map(|answer| Some((answer.field.key, answer.value?)));
    found(&ProfileView { fields, values: values.collect(), missing })
}

async fn list(caller: Caller, Entered(scope): Entered) -> Answer {
    let items = fields::list(&caller.call, &scope).await?;
    page(&Page { items, next: None }, |field| Ok(view(field)))
}

async fn create(caller: Caller, Entered(scope): Entered, Input(body): Input<NewFieldBody>) -> Answer {
    let NewFieldBody { key, kind, label, options, required, in_claims, position } = body;
    let change = Change { label, options, is_required: required, in_claims, position };
    let field = fields::create(&caller.call, &scope, NewField { key, kind: kind.into(), change }).await?;
    let place = format!("/api/v1/orgs/{}/fields/{}", scope.id(), field.key);
    created(&place, &view(&field), Some(field.version))
}

async fn show(caller: Caller, Entered(scope): Entered, Path((_, key)): Second) -> Answer {
    let field = fields::get(&caller.call, &scope, &key).await?;
    versioned(&view(&field), field.version)
}

async fn change(
    caller: Caller,
    Entered(scope): Entered,
    Path((_, key)): Second,
    seen: IfMatch,
    Members(patch): Members,
) -> Answer {
    for _ in 0..TRIES {
        let field = fields::get(&caller.call, &scope, &key).await?;
        seen.check(field.version)?;
        let before = FieldBody {
            label: field.label,
            options: field.options,
            required: field.is_required,
            in_claims: field.in_claims,
            position: None,
        };
        let FieldBody { label, options, required, in_claims, position } = patched(&before, &patch)?;
        let change = Change { label, options, is_required: required, in_claims, position };
        match fields::update(&caller.call, &scope, &key, field.version, change).await {
            Ok(field) => return versioned(&view(&field), field.version),
            Err(error) if error.code() == Some(Code::VersionMismatch) && !seen.is_guarded() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Refusal::new(Code::Conflict).hint("Others keep changing this; try again").into())
}

async fn remove(caller: Caller, Entered(scope): Entered, Path((_, key)): Second, seen: IfMatch) -> Answer {
    seen.check(fields::get(&caller.call, &scope, &key).await?.version)?;
    fields::remove(&caller.call, &scope, &key).await?;
    done()
}

async fn of_member(caller: Caller, Entered(scope): Entered, names: Second) -> Answer {
    profile(fields::of_member(&caller.call, &scope, person(names)?).await?)
}

fn named(text: &str) -> Result<Id<Org>> {
    text.parse().map_err(|_| Refusal::new(Code::NotFound).into())
}

async fn own(caller: Caller, Path(id): Path<String>) -> Answer {
    profile(fields::own(&caller.call, named(&id)?, caller.user()?).await?)
}

async fn say(caller: Caller, Path(id): Path<String>, Input(body): Input<ProfileBody>) -> Answer {
    let (user, _) = caller.person()?;
    profile(fields::answer(&caller.call, named(&id)?, user, body.values).await?)
}
