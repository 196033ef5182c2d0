//! What tokens for somebody would say, without making any.

use doorward_proto::{
    id::{Id, User},
    scope::ScopeSet,
};
use serde_json::{Map, Value as Json};

use super::{
    Reason, Target,
    context::Told,
    engine::{self, Scope},
    issue::{Whom, mappings, run, seen},
    manage::{CHANGED_BY, WRITE},
};
use crate::{
    apis::{self, Api},
    call::Call,
    clients::{self, Client},
    orgs::{self, OrgScope},
    outcome::{Code, Refusal, Result, refuse},
};

/// For whom, through which application, and with what.
#[derive(Debug, Clone)]
pub struct SampleAsk {
    /// Somebody who belongs to the organisation.
    pub user: Id<User>,
    /// One of its applications.
    pub client: String,
    /// One of its APIs, where the access token is for one.
    pub api: Option<String>,
    /// The granted scopes.
    pub scopes: ScopeSet,
    /// An expression to try.
    pub expression: Option<String>,
}

/// What the tokens would say.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sample {
    /// The claims of each kind of token.
    pub claims: Vec<(Target, Map<String, Json>)>,
    /// The names of claims that are left out, and why.
    pub left_out: Vec<(Target, String, Reason)>,
    /// How much the mappings add to the largest of them, in bytes of JSON.
    pub bytes: usize,
    /// What the expression to try comes to; null where it says nothing.
    pub value: Option<std::result::Result<Json, Reason>>,
}

struct Ask {
    call: Call,
    scope: OrgScope,
    client: Client,
    api: Option<Api>,
    user: Id<User>,
    scopes: ScopeSet,
    expression: Option<String>,
}

/// What it takes to see of somebody else what a mapping sees of them.
const SEES_PEOPLE: &str = "org:members:read";

/// Runs the mappings of an organisation's application and API for one of its people. What comes of it shows whatever a
/// mapping sees of that person, so of others only who may see them tries it.
///
/// # Errors
/// `ScopeMissing`, `NotFound` for an application or API that is not the organisation's, `RequestInvalid` for who
/// does not belong to it and for an expression that cannot be read.
pub async fn sample(call: &Call, scope: &OrgScope, ask: SampleAsk) -> Result<Sample> {
    scope.runs(WRITE, CHANGED_BY)?;
    if call.actor.person() != Some(ask.user) {
        scope.must(SEES_PEOPLE)?;
    }
    let client = clients::manage::get(call, &ask.client).await?;
    let api = match &ask.api {
        Some(api) => Some(apis::get(call, api).await?),
        None => None,
    };
    if client.org != scope.id() || api.as_ref().is_some_and(|api| api.org != scope.id()) {
        return refuse(Code::NotFound);
    }
    if let Some(expression) = &ask.expression {
        engine::compile(expression)?;
    }
    let (call_too, scope) = (call.clone(), scope.clone());
    let SampleAsk { user, scopes, expression, .. } = ask;
    let ask = Ask { call: call_too, scope, client, api, user, scopes, expression };
    call.realm.db.read("claims.sample", ask, |tx, ask| Box::pin(ask.run(tx))).await
}

impl Ask {
    async fn run(&self, tx: &mut crate::db::ReadTx<'_>) -> Result<Sample> {
        let org = self.scope.id();
        if orgs::standing(tx, org, self.user).await?.is_none() {
            let hint = "Only of who belongs to the organisation";
            return Err(Refusal::new(Code::RequestInvalid).field("user_id").hint(hint).into());
        }
        let told = Told { scopes: &self.scopes, is_first_party: self.client.is_first_party };
        let mut sample = Sample::default();
        for target in Target::ALL {
            let whom = Whom { client: &self.client, api: self.api.as_ref(), org };
            let context = seen(tx, &self.call, (whom, target), (self.user, told)).await?;
            let sets = mappings(tx, &self.call, whom, target).await?;
            let said = run(&self.call, &sets, target, &context);
            sample.bytes = sample.bytes.max(said.bytes);
            sample.left_out.extend(said.left_out.into_iter().map(|one| (target, one.name, one.reason)));
            sample.claims.push((target, said.claims));
            // What is to be tried is tried as the access token would say it.
            if let Some(expression) = self.expression.as_ref().filter(|_| target == Target::AccessToken) {
                let program = self.call.realm.expressions.get(expression);
                let ran =
                    program.ok_or(Reason::Evaluation).and_then(|program| program.run(&Scope::new(&context)));
                sample.value = Some(ran.map(Option::unwrap_or_default));
            }
        }
        Ok(sample)
    }
}
