//! APIs: the protected resources that tokens are made for, and the scopes each of them knows.
//!
//! An API's identifier is the audience of its tokens, compared exactly: an absolute URI (RFC 8707 2), or a
//! plain name such as `orcheo-api` where the API's own verifier expects one. The issuer itself is not
//! among them; its scopes are in [`catalog`].

pub mod catalog;
mod manage;
pub mod of_org;
mod sql;

use std::{collections::HashSet, sync::Arc};

use doorward_proto::{
    id::{self, Id, Org},
    jose::Alg,
    time::Time,
};

pub use manage::{ListAsk, NewApi, Settings, create, end, list, update};

use crate::{
    call::Call,
    db::{ReadTx, Tx},
    outcome::{Code, Error, Result, refuse},
};

/// How an API's access tokens look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TokenFormat {
    /// A signed JWT (RFC 9068).
    #[default]
    Jwt,
    /// An opaque value that only introspection explains.
    Opaque,
}

impl TokenFormat {
    /// `jwt` or `opaque`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Jwt => "jwt",
            Self::Opaque => "opaque",
        }
    }

    const fn number(self) -> i64 {
        match self {
            Self::Jwt => 0,
            Self::Opaque => 1,
        }
    }

    fn from_number(number: i64) -> Result<Self> {
        match number {
            0 => Ok(Self::Jwt),
            1 => Ok(Self::Opaque),
            other => Err(Error::fault(format!("token format {other}"))),
        }
    }
}

/// A scope of an API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// Its name, as in tokens.
    pub name: String,
    /// What it allows, for the consent page.
    pub description: String,
}

/// A protected resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Api {
    /// Our own key for it.
    pub id: Id<id::Api>,
    /// The organisation that owns it.
    pub org: Id<Org>,
    /// The audience of its tokens.
    pub identifier: String,
    /// What people see.
    pub name: String,
    /// What its access tokens are signed with.
    pub signing_alg: Alg,
    /// How its access tokens look.
    pub token_format: TokenFormat,
    /// Lifetime of its access tokens in seconds, where it differs from the server's.
    pub access_ttl: Option<u64>,
    /// The scopes that it knows.
    pub scopes: Vec<Scope>,
    /// Rises with every change; the entity tag.
    pub version: i64,
    /// When it was made.
    pub created_at: Time,
    /// When it was changed last.
    pub updated_at: Time,
}

impl Api {
    /// Whether it knows the scope.
    pub fn has_scope(&self, name: &str) -> bool {
        self.scopes.iter().any(|scope| scope.name == name)
    }
}

/// Looks an API up by the audience of its tokens; warm look-ups do no I/O.
pub async fn find(call: &Call, identifier: &str) -> Result<Option<Arc<Api>>> {
    let changes = call.realm.db.changes();
    if let Some(api) = call.realm.caches.apis.get(identifier, changes) {
        return Ok(Some(api));
    }
    let read = call.realm.db.read("apis.find", identifier.to_owned(), |tx, identifier| {
        Box::pin(async move { sql::find_by_identifier(tx, identifier).await })
    });
    Ok(read.await?.map(|api| remember(call, changes, api)))
}

/// The same inside an operation.
pub(crate) async fn find_in(tx: &mut ReadTx<'_>, call: &Call, identifier: &str) -> Result<Option<Arc<Api>>> {
    let changes = call.realm.db.changes();
    if let Some(api) = call.realm.caches.apis.get(identifier, changes) {
        return Ok(Some(api));
    }
    let found = sql::find_by_identifier(tx, identifier).await?;
    Ok(found.map(|api| remember(call, changes, api)))
}

/// What belongs to other APIs of an organisation, or of the instance, than the one that a token is for: permissions
/// of these names are nothing to it. Other organisations decide nothing here. Warm look-ups do no I/O.
pub(crate) async fn scopes_beside(
    tx: &mut ReadTx<'_>,
    call: &Call,
    (org, identifier): (Id<Org>, &str),
) -> Result<Arc<HashSet<String>>> {
    let (changes, key) = (call.realm.db.changes(), (org, identifier.to_owned()));
    if let Some(known) = call.realm.caches.scopes_beside.get(&key, changes) {
        return Ok(known);
    }
    let found = sql::scopes_beside(tx, (org, call.realm.instance_org), identifier).await?;
    let found = Arc::new(found.into_iter().collect::<HashSet<_>>());
    call.realm.caches.scopes_beside.insert(key, changes, Arc::clone(&found));
    Ok(found)
}

fn remember(call: &Call, changes: i64, api: Api) -> Arc<Api> {
    let api = Arc::new(api);
    call.realm.caches.apis.insert(api.identifier.clone(), changes, Arc::clone(&api));
    api
}

/// An API by our own key or its identifier, which must exist.
pub async fn get(call: &Call, name: &str) -> Result<Api> {
    let found = call
        .realm
        .db
        .read("apis.get", name.to_owned(), |tx, name| {
            Box::pin(async move {
                match name.parse() {
                    Ok(id) => sql::find(tx, id).await,
                    Err(_) => sql::find_by_identifier(tx, name).await,
                }
            })
        })
        .await?;
    match found {
        Some(api) => Ok(api),
        None => refuse(Code::NotFound),
    }
}

/// Whether a scope is one of an API of this organisation.
pub(crate) async fn has_scope(tx: &mut ReadTx<'_>, org: Id<Org>, scope: &str) -> Result<bool> {
    sql::has_scope(tx, org, scope).await
}

/// Removes the APIs of an organisation that ends.
pub(crate) async fn remove_all_of(tx: &mut Tx<'_>, org: Id<Org>) -> Result<()> {
    sql::remove_all_of(tx, org).await
}

/// Whether there is an API of this identifier.
pub(crate) async fn exists(tx: &mut ReadTx<'_>, identifier: &str) -> Result<bool> {
    Ok(sql::find_by_identifier(tx, identifier).await?.is_some())
}
