//! One organisation's data, as a value that only its own callers can make.
//!
//! A function that reads or writes what belongs to an organisation takes a [`Tenant`] instead of an id. There
//! is no way to one but through a caller's credential, so a handler that forgets to compare the id of a path
//! with the token does not compile.

use std::fmt;

use doorward_judge::Why;

use crate::caller::{Caller, Refused};

/// The organisation that a caller's credential is for (`tenant_id`), proven.
///
/// It cannot be made from text, nor read from a request's body.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Tenant(String);

impl Tenant {
    /// The organisation's id, for the statement: `… WHERE tenant_id = $1`.
    pub fn id(&self) -> &str {
        &self.0
    }

    /// Whether a record that has been read is this organisation's.
    pub fn owns(&self, tenant_id: &str) -> bool {
        self.0 == tenant_id
    }
}

impl fmt::Debug for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tenant").field(&self.0).finish()
    }
}

impl Caller {
    /// The organisation that the credential is for.
    ///
    /// # Errors
    /// `auth.forbidden` where it is for none.
    pub fn tenant(&self) -> Result<Tenant, Refused> {
        let organization = self.identity().organization.as_deref().filter(|id| !id.is_empty());
        let tenant = organization.map(|id| Tenant(id.to_owned()));
        tenant.ok_or_else(|| self.refuse(Why::Forbidden))
    }

    /// The organisation that a request names, in its path or its body, if it is the credential's own.
    ///
    /// The answer is the same whether another organisation exists or not.
    ///
    /// # Errors
    /// `auth.forbidden` for any other.
    pub fn scoped(&self, tenant_id: &str) -> Result<Tenant, Refused> {
        let own = self.tenant()?;
        if own.owns(tenant_id) { Ok(own) } else { Err(self.refuse(Why::Forbidden)) }
    }
}

#[cfg(test)]
mod tests;
