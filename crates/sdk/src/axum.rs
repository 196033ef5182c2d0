//! What handlers take to learn who asks, behind a [`GuardLayer`](crate::tower::GuardLayer).
//!
//! [`Caller`] refuses a request of nobody, `Option<Caller>` takes it as it comes, [`AssertedCaller`] is
//! somebody for whom a gateway has vouched, and [`Allowed`] states in the signature what a caller needs:
//!
//! ```
//! use doorward_sdk::{Caller, Refused, axum::{Allowed, Demand}};
//!
//! struct Reading;
//! impl Demand for Reading {
//!     const SCOPES: &'static [&'static str] = &["reports:read"];
//! }
//!
//! async fn list(caller: Allowed<Reading>) -> String {
//!     format!("the reports of {}", caller.subject())
//! }
//!
//! async fn write(caller: Caller) -> Result<&'static str, Refused> {
//!     caller.require_scopes(&["reports:write"])?.require_workspace("ws-production")?;
//!     Ok("written")
//! }
//! ```

use std::{convert::Infallible, marker::PhantomData, ops::Deref};

use axum_core::{
    body::Body,
    extract::{FromRequestParts, OptionalFromRequestParts},
    response::{IntoResponse, Response},
};
use doorward_judge::Why;
use http::request::Parts;

use crate::{
    assertion::AssertedCaller,
    caller::{Caller, Refused, Scene},
    tenant::Tenant,
};

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        self.response().map(Body::from)
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refused> {
        found(parts)
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned())
    }
}

impl<S: Sync> FromRequestParts<S> for AssertedCaller {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refused> {
        found(parts)
    }
}

impl<S: Sync> FromRequestParts<S> for Tenant {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refused> {
        found::<Caller>(parts)?.tenant()
    }
}

fn found<T: Clone + Send + Sync + 'static>(parts: &Parts) -> Result<T, Refused> {
    let nobody = || {
        let scene = parts.extensions.get::<Scene>().cloned().unwrap_or_default();
        Refused::new(Why::MissingToken.into(), scene)
    };
    parts.extensions.get::<T>().cloned().ok_or_else(nobody)
}

/// What a handler needs of whoever calls it.
pub trait Demand {
    /// Scopes, all of them.
    const SCOPES: &'static [&'static str] = &[];
    /// Permissions, all of them.
    const PERMISSIONS: &'static [&'static str] = &[];
    /// Roles, one of them; none if it is empty.
    const ROLES: &'static [&'static str] = &[];
    /// Workspaces, all of them.
    const WORKSPACES: &'static [&'static str] = &[];
}

/// A caller who has what `D` demands.
#[derive(Debug, Clone)]
pub struct Allowed<D>(Caller, PhantomData<fn() -> D>);

impl<D> Allowed<D> {
    /// The caller.
    pub fn into_caller(self) -> Caller {
        self.0
    }
}

impl<D> Deref for Allowed<D> {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.0
    }
}

impl<D: Demand, S: Sync> FromRequestParts<S> for Allowed<D> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refused> {
        let caller: Caller =
            found(parts).map_err(|nobody| Refused { scopes: D::SCOPES.join(" "), ..nobody })?;
        caller.require_scopes(D::SCOPES)?.require_permissions(D::PERMISSIONS)?;
        for workspace in D::WORKSPACES {
            caller.require_workspace(workspace)?;
        }
        if !D::ROLES.is_empty() {
            caller.require_role(D::ROLES)?;
        }
        Ok(Self(caller, PhantomData))
    }
}

#[cfg(test)]
mod tests;
