//! People without an account: an application that may begins as somebody, and registers when the person
//! wants to. The subject stays, and with it whatever was kept under it.
//!
//! Nothing is known of an anonymous person, and nobody can sign in as one: only the application that began
//! holds tokens. So such a person is in no organisation but the personal one, is written to by nobody, and
//! administers nothing. Who is not seen for long is ended.

use std::time::Duration;

use doorward_proto::{
    id::{Id, Org as OrgKind, User as UserKind},
    time::Time,
};

use super::{User, create::PERSONAL, sql};
use crate::{
    audit::{self, Event},
    call::Call,
    db::{ReadTx, Tx},
    env::Env,
    orgs::{self, Kind, Org},
    outcome::{Code, Refusal, Result},
    principals::{self, Status},
};

/// What stands where a mail address would: nobody has it (RFC 2606).
pub const EMAIL: &str = "_anonymous@anonymous.invalid";
/// A use is noted once in this time.
const NOTED: Duration = Duration::from_hours(24);

/// Somebody without an account, about to be written.
#[derive(Debug, Clone)]
pub(crate) struct Newcomer {
    pub(crate) id: Id<UserKind>,
    pub(crate) org: Id<OrgKind>,
    event: Event,
    now: Time,
}

impl Newcomer {
    pub(crate) fn new(call: &Call) -> Result<Self> {
        let (id, org): (Id<UserKind>, Id<OrgKind>) = (call.id()?, call.id()?);
        let event = Event::new(call, "user.created")?.subject(id).org(org).fact("is_anonymous", true);
        Ok(Self { id, org, event, now: call.now })
    }

    pub(crate) async fn insert(&self, tx: &mut Tx<'_>) -> Result<()> {
        orgs::insert(tx, &Org::new(self.org, Kind::Personal, PERSONAL, self.now)).await?;
        principals::insert(tx, self.id, principals::Kind::User, self.org, self.now).await?;
        sql::insert_anonymous(tx, self.id, self.now).await?;
        orgs::join(tx, self.org, self.id, orgs::OWNER, self.now).await?;
        audit::record(tx, &self.event).await
    }
}

/// Notes that the person is there still.
pub(crate) async fn see(tx: &mut Tx<'_>, id: Id<UserKind>, now: Time) -> Result<()> {
    sql::see_anonymous(tx, id, now, now - NOTED).await
}

/// Who would be registered by signing up: the person, as long as there is no account.
pub(crate) async fn find(call: &Call, id: Id<UserKind>) -> Result<Option<User>> {
    Ok(super::find(call, id).await?.filter(|user| user.is_anonymous && user.status == Status::Active))
}

/// Refuses what only people with an account can be.
///
/// # Errors
/// `Forbidden`.
pub(crate) async fn refuse(tx: &mut ReadTx<'_>, id: Id<UserKind>) -> Result<()> {
    match super::find_in(tx, id).await? {
        Some(user) if user.is_anonymous => Err(forbidden().into()),
        _ => Ok(()),
    }
}

pub(crate) fn forbidden() -> Refusal {
    Refusal::new(Code::Forbidden).hint("An anonymous person has to register first")
}

/// Ends those who were not seen since, so many at the most; answers how many.
pub(crate) async fn clean(tx: &mut Tx<'_>, (env, now): (&Env, Time), before: Time, most: i64) -> Result<u64> {
    let unused = sql::unused_anonymous(tx, before, most).await?;
    for id in &unused {
        principals::set_status(tx, env, id, Status::Ended).await?;
        crate::sessions::end_grants_of(tx, *id, None, now).await?;
        orgs::close_personal(tx, env, *id, now).await?;
        sql::anonymise(tx, *id, now).await?;
    }
    Ok(unused.len() as u64)
}
