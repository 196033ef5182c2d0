//! The Authorization API 1.0 of the `OpenID` `AuthZEN` group: would the gateway let somebody do this? The answer is
//! that of the routes, by the same rules and policies, and nothing is counted for it.
//!
//! Whatever makes an answer doubtful makes it `false`; only a question that is none is an error (400). Why
//! something is refused is told by its code, never by what a route demands.

use axum::extract::State;
use doorward_core::outcome::{Code, Error, Refusal, Result};
use doorward_proto::time::Time;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};
use utoipa::ToSchema;

use super::{
    answer::{Answer, found, wrong},
    body::{Input, Members, typed},
    caller::Caller,
    endpoint::Endpoint,
};
use crate::{
    app::App,
    routing::{Claimed, Decision, Question, Sender, SubjectType, Target},
};

const EVALUATION: &str = "/access/v1/evaluation";
const EVALUATIONS: &str = "/access/v1/evaluations";
const SCOPE: &str = "admin:access:read";

/// Questions in one request.
const MOST: usize = 100;
/// The longest of anything that names something.
const LONGEST: usize = 1024;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post(EVALUATION, evaluation)
            .scope(SCOPE)
            .takes::<Evaluation>()
            .answers::<Decided>()
            .says("Says whether the gateway would let somebody do something (AuthZEN)"),
        Endpoint::post(EVALUATIONS, evaluations)
            .scope(SCOPE)
            .takes::<Evaluations>()
            .answers::<AllDecided>()
            .says("Says the same of several things at once (AuthZEN)"),
    ]
}

/// Where the questions are asked, as `/.well-known/authzen-configuration` tells it.
pub(crate) fn metadata(issuer: &str) -> Json {
    json!({
        "policy_decision_point": issuer,
        "access_evaluation_endpoint": format!("{issuer}{EVALUATION}"),
        "access_evaluations_endpoint": format!("{issuer}{EVALUATIONS}"),
    })
}

/// Somebody, something to do, and what to.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = AccessEvaluation)]
struct Evaluation {
    /// Who would.
    subject: Option<Subject>,
    /// What they would do.
    action: Option<Action>,
    /// What to.
    resource: Option<Resource>,
    /// What else is known of the request.
    context: Option<Context>,
}

/// Who would.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[schema(as = AccessSubject)]
struct Subject {
    /// `user`, `client` or `service`.
    r#type: String,
    /// A person's id or mail address, an application's `client_id`, a service token's id.
    id: String,
    /// What their credential says.
    #[serde(default)]
    properties: SubjectProperties,
}

/// What a credential says; what is known of its holder is taken from here. Others are not looked at.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default)]
#[schema(as = AccessSubjectProperties)]
struct SubjectProperties {
    /// Its kind, as in a route's `accept`.
    credential: Option<String>,
    /// What it allows; nothing unless set. A service token has its own.
    scopes: Option<Vec<String>>,
    /// The workspaces it opens; none unless set. A service token has its own.
    workspaces: Option<Vec<String>>,
    /// For whom it was issued; for whom it has to be, unless set.
    audience: Option<Vec<String>>,
    /// The application that it came through.
    client: Option<String>,
}

/// What they would do.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[schema(as = AccessAction)]
struct Action {
    /// A method: `GET`.
    name: String,
}

/// What to.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[schema(as = AccessResource)]
struct Resource {
    /// `url`, or `route`.
    r#type: String,
    /// `https://app.example.com/reports/1`, or the name of a route.
    id: String,
    /// What is asked for under a route.
    #[serde(default)]
    properties: ResourceProperties,
}

/// What is asked for under a route. Others are not looked at.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default)]
#[schema(as = AccessResourceProperties)]
struct ResourceProperties {
    /// `app.example.com`.
    host: Option<String>,
    /// `/reports/1`.
    path: Option<String>,
}

/// What else is known of the request. Other members are not looked at.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default)]
#[schema(as = AccessContext)]
struct Context {
    /// Where it comes from. Policies that ask for it refuse without.
    address: Option<String>,
    /// When; now unless set.
    #[schema(format = DateTime)]
    time: Option<String>,
}

/// Several of them; what is said once counts for all that do not say it themselves.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = AccessEvaluations)]
struct Evaluations {
    #[serde(flatten)]
    common: Map<String, Json>,
    /// The questions; without any, what is said once is the question.
    #[serde(default, rename = "evaluations")]
    #[schema(value_type = Vec<Evaluation>)]
    each: Vec<Map<String, Json>>,
    /// When to stop.
    #[serde(default)]
    options: Options,
}

/// When to stop.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = AccessOptions)]
struct Options {
    /// `execute_all`, `deny_on_first_deny` or `permit_on_first_permit`.
    #[serde(default)]
    evaluations_semantic: Semantic,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = AccessSemantic)]
enum Semantic {
    #[default]
    ExecuteAll,
    DenyOnFirstDeny,
    PermitOnFirstPermit,
}

/// Whether they may.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AccessDecision)]
struct Decided {
    /// Whether they may.
    decision: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<Json>,
}

/// Whether they may, in the order of the questions.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AccessDecisions)]
struct AllDecided {
    evaluations: Vec<Decided>,
}

impl From<Decision> for Decided {
    fn from(decision: Decision) -> Self {
        let context = decision.refusal.map(|it| json!({ "code": it.code, "reason": it.reason }));
        Self { decision: context.is_none(), context }
    }
}

async fn evaluation(State(app): State<App>, caller: Caller, Input(body): Input<Evaluation>) -> Answer {
    found(&decided(&app, &caller, body).await?)
}

async fn evaluations(State(app): State<App>, caller: Caller, Members(body): Members) -> Answer {
    let body: Evaluations = typed(body.into())?;
    if body.each.is_empty() {
        return found(&decided(&app, &caller, typed(body.common.into())?).await?);
    }
    if body.each.len() > MOST {
        return Err(wrong("evaluations", "At most 100 at once").into());
    }
    let mut evaluations = Vec::with_capacity(body.each.len());
    for one in body.each {
        let mut whole = body.common.clone();
        whole.extend(one);
        let one = match typed(whole.into()) {
            Ok(one) => decided(&app, &caller, one).await,
            Err(error) => Err(error),
        };
        let one = match one {
            // One that is no question stops none of the others.
            Err(Error::Refused(refusal)) if refusal.code == Code::RequestInvalid => {
                let field = refusal.field.as_deref().unwrap_or_default();
                let message = format!("{field}: {}", refusal.hint);
                let error = json!({ "error": { "status": 400, "message": message } });
                Decided { decision: false, context: Some(error) }
            }
            other => other?,
        };
        let ends = match body.options.evaluations_semantic {
            Semantic::ExecuteAll => false,
            Semantic::DenyOnFirstDeny => !one.decision,
            Semantic::PermitOnFirstPermit => one.decision,
        };
        evaluations.push(one);
        if ends {
            break;
        }
    }
    found(&AllDecided { evaluations })
}

async fn decided(app: &App, caller: &Caller, asked: Evaluation) -> Result<Decided> {
    let routing = app.settings.routing.as_ref();
    let routing = routing.ok_or_else(|| Refusal::new(Code::Conflict).hint("There is no gateway here"))?;
    let question = question(asked)?;
    Ok(routing.decide(&caller.call, &question).await?.into())
}

fn question(asked: Evaluation) -> Result<Question> {
    let subject = asked.subject.ok_or_else(|| wrong("subject", "The member subject is missing"))?;
    let action = asked.action.ok_or_else(|| wrong("action", "The member action is missing"))?;
    let resource = asked.resource.ok_or_else(|| wrong("resource", "The member resource is missing"))?;
    let context = asked.context.unwrap_or_default();
    let kind = match subject.r#type.as_str() {
        "user" => SubjectType::User,
        "client" => SubjectType::Client,
        "service" => SubjectType::Service,
        _ => return Err(wrong("subject.type", "It is one of user, client, service").into()),
    };
    let SubjectProperties { credential, scopes, workspaces, audience, client } = subject.properties;
    let claimed = Claimed { credential, scopes, workspaces, audience, client };
    let target = match resource.r#type.as_str() {
        "url" => Target::Address(resource.id),
        "route" => Target::Route {
            name: resource.id,
            host: resource.properties.host,
            path: resource.properties.path,
        },
        _ => return Err(wrong("resource.type", "url or route").into()),
    };
    let sender = Sender::Somebody { kind, id: subject.id, claimed };
    about(sender, (action.name, target), (context.address, context.time))
}

/// A question as it is typed.
///
/// # Errors
/// `RequestInvalid` with the member of an evaluation that makes no sense.
pub(crate) fn about(
    sender: Sender,
    (method, target): (String, Target),
    (address, time): (Option<String>, Option<String>),
) -> Result<Question> {
    let (Target::Address(named) | Target::Route { name: named, .. }) = &target;
    let id = match &sender {
        Sender::Somebody { id, .. } => Some(id),
        Sender::Nobody | Sender::Token(_) => None,
    };
    for (field, value) in id.map(|id| ("subject.id", id)).into_iter().chain([("resource.id", named)]) {
        if value.is_empty() || value.len() > LONGEST {
            return Err(wrong(field, "1 to 1024 bytes").into());
        }
    }
    let is_method = !method.is_empty()
        && method.len() <= 64
        && method.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-');
    if !is_method {
        return Err(wrong("action.name", "A method is like GET").into());
    }
    let address = address.map(|text| text.parse()).transpose();
    let address = address.map_err(|_| wrong("context.address", "This is no address"))?;
    let time = time.map(|text| text.parse::<Time>()).transpose();
    let time = time.map_err(|_| wrong("context.time", "Write it as 2026-11-22T15:30:00Z"))?;
    Ok(Question { sender, method, target, address, time })
}
