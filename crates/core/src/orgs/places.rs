//! From where an organisation may be used. Its list binds whoever acts in its name, and not who administers
//! every organisation: they can lift it.

use std::net::IpAddr;

use doorward_proto::id::{Id, Org as OrgKind};
use ipnet::IpNet;

use super::sql;
use crate::{
    addresses,
    audit::{self, Refused},
    call::Call,
    db::ReadTx,
    outcome::{Code, Refusal, Result},
};

/// Whether somebody who holds these scopes administers every organisation.
pub fn lifts<'s>(mut scopes: impl Iterator<Item = &'s str>) -> bool {
    scopes.any(|scope| matches!(scope, "admin:*" | "admin:orgs:write"))
}

/// The list; empty for everywhere.
pub(crate) async fn allowed(tx: &mut ReadTx<'_>, org: Id<OrgKind>) -> Result<Vec<IpNet>> {
    sql::allowed(tx, org).await
}

/// Refuses what is done in an organisation's name from elsewhere.
///
/// # Errors
/// `OrgAddress`.
pub(crate) async fn must_admit(tx: &mut ReadTx<'_>, org: Id<OrgKind>, from: IpAddr) -> Result<()> {
    let allowed = sql::allowed(tx, org).await?;
    if addresses::admit(&allowed, from) { Ok(()) } else { Err(elsewhere(from)) }
}

pub(super) fn elsewhere(from: IpAddr) -> crate::outcome::Error {
    let hint = format!("The organization may not be used from {}", from.to_canonical());
    Refusal::new(Code::OrgAddress).hint(hint).into()
}

/// Somebody who belongs to an organisation and is elsewhere is worth knowing, once a minute.
///
/// # Errors
/// A fault when it cannot be written.
pub async fn note_refusal(call: &Call, org: Id<OrgKind>) -> Result<()> {
    let (code, identity) = (Code::OrgAddress, call.actor.name());
    let what = Refused { event: "org.refused", route: "org", code, org: Some(org), identity };
    audit::refused(call, what, |event| event.subject(org)).await
}
