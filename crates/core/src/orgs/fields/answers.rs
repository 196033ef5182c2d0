//! What people have answered: for themselves, for who sees members, and for tokens.

use std::collections::BTreeMap;

use doorward_proto::id::{Id, Org as OrgKind, User};
use serde_json::{Map, Value as Json};

use super::{Field, MOST_IN_CLAIMS, no_field, sql};
use crate::{
    audit::{self, Event},
    call::Call,
    db::{ReadTx, Tx},
    orgs::{self, OrgScope},
    outcome::{Code, Result, refuse},
};

/// A field with what a person has answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// What is asked.
    pub field: Field,
    /// The answer; none for who has not given one that fits.
    pub value: Option<Json>,
}

impl Answer {
    /// Whether it has to be answered first.
    pub const fn is_missing(&self) -> bool {
        self.field.is_required && self.value.is_none()
    }
}

/// What somebody says of themselves, by key; none takes an answer back.
pub type Said = BTreeMap<String, Option<Json>>;

async fn all(tx: &mut ReadTx<'_>, org: Id<OrgKind>, user: Id<User>) -> Result<Vec<Answer>> {
    let fields = sql::all(tx, org).await?;
    if fields.is_empty() {
        return Ok(Vec::new());
    }
    let mut values: BTreeMap<String, Json> = sql::values(tx, org, user).await?.into_iter().collect();
    let answer = |field: Field| {
        let value = values.remove(&field.key).filter(|value| field.accepts(value));
        Answer { field, value }
    };
    Ok(fields.into_iter().map(answer).collect())
}

/// One's own answers in an organisation that one belongs to.
///
/// # Errors
/// `NotFound` for who does not belong to it.
pub async fn own(call: &Call, org: Id<OrgKind>, user: Id<User>) -> Result<Vec<Answer>> {
    let read = call.realm.db.read("orgs.fields.own", (org, user), |tx, (org, user)| {
        Box::pin(async move {
            if orgs::standing(tx, *org, *user).await?.is_none() {
                return refuse(Code::NotFound);
            }
            all(tx, *org, *user).await
        })
    });
    read.await
}

/// The answers of a member, for who may see members.
///
/// # Errors
/// `ScopeMissing`, `NotFound` for who is no member.
pub async fn of_member(call: &Call, scope: &OrgScope, user: Id<User>) -> Result<Vec<Answer>> {
    orgs::members::get(call, scope, user).await?;
    let read = call.realm.db.read("orgs.fields.of_member", (scope.id(), user), |tx, (org, user)| {
        Box::pin(async move { all(tx, *org, *user).await })
    });
    read.await
}

/// Whether the person still has to answer something before acting for the organisation.
pub(crate) async fn is_incomplete(call: &Call, org: Id<OrgKind>, user: Id<User>) -> Result<bool> {
    let read = call.realm.db.read("orgs.fields.incomplete", (org, user), |tx, (org, user)| {
        Box::pin(async move { Ok(all(tx, *org, *user).await?.iter().any(Answer::is_missing)) })
    });
    read.await
}

/// Which of a person's organisations ask for anything.
pub async fn asking(call: &Call, user: Id<User>) -> Result<Vec<Id<OrgKind>>> {
    let read = call
        .realm
        .db
        .read("orgs.fields.asking", user, |tx, user| Box::pin(async move { sql::asking(tx, *user).await }));
    read.await
}

/// The `tenant_profile` of a person in one organisation: the answers that are for applications. It is for who
/// has read, in this operation, that the person belongs there.
pub(crate) async fn claims(
    tx: &mut ReadTx<'_>,
    org: Id<OrgKind>,
    user: Id<User>,
) -> Result<Map<String, Json>> {
    let asked = for_claims(tx, org, user).await?;
    Ok(asked.into_iter().filter_map(|(key, value)| Some((key, value?))).collect())
}

/// The same by what is asked, also where there is no answer.
pub(crate) async fn for_claims(
    tx: &mut ReadTx<'_>,
    org: Id<OrgKind>,
    user: Id<User>,
) -> Result<Vec<(String, Option<Json>)>> {
    let told = all(tx, org, user).await?.into_iter().filter(|answer| answer.field.in_claims);
    // The bound holds for what a file has brought, too.
    Ok(told.take(MOST_IN_CLAIMS).map(|answer| (answer.field.key, answer.value)).collect())
}

struct Ask {
    call: Call,
    org: Id<OrgKind>,
    user: Id<User>,
    said: Said,
}

/// Notes what a member says of themselves; what is not named stays as it is.
///
/// # Errors
/// `NotFound` for who does not belong to it; `RequestInvalid`, with the key, for what is no answer, for a field
/// that there is not, and for taking back what is required.
pub async fn answer(call: &Call, org: Id<OrgKind>, user: Id<User>, said: Said) -> Result<Vec<Answer>> {
    let ask = Ask { call: call.clone(), org, user, said };
    call.realm.db.write("orgs.fields.answer", ask, |tx, ask| Box::pin(ask.run(tx))).await
}

impl Ask {
    async fn run(&self, tx: &mut Tx<'_>) -> Result<Vec<Answer>> {
        let (org, user) = (self.org, self.user);
        // Nothing is kept of somebody who leaves, or whose account ends, meanwhile.
        tx.lock_shared(&[&org.to_string(), &user.to_string()]).await?;
        if orgs::standing(tx, org, user).await?.is_none() {
            return refuse(Code::NotFound);
        }
        let before = all(tx, org, user).await?;
        let (mut changed, mut is_told) = (Vec::new(), false);
        for (key, value) in &self.said {
            let Some(known) = before.iter().find(|answer| answer.field.key == *key) else {
                return Err(no_field(key.clone()).into());
            };
            let value = known.field.checked(value.clone())?;
            if value == known.value {
                continue;
            }
            match value {
                Some(value) => sql::put(tx, (org, user), (key, &value), self.call.now).await?,
                None => sql::take(tx, (org, user), key).await?,
            }
            is_told |= known.field.in_claims;
            changed.push(key.clone());
        }
        if !changed.is_empty() {
            let event = Event::new(&self.call, "org.profile_changed")?.subject(user).org(org);
            audit::record(tx, &event.fact("fields", changed)).await?;
        }
        if is_told {
            tx.raise_changes().await?;
        }
        all(tx, org, user).await
    }
}
