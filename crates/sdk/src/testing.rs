//! What the tests of this crate share: somebody who is known by a fixed token, and a clock that stands.

use std::{net::IpAddr, sync::Arc};

use doorward_judge::{CredentialKind, Identity, Principal, Why};
use doorward_proto::time::Time;
use futures_util::future::BoxFuture;
use serde_json::json;

use crate::{
    clock::Clock,
    guard::Builder,
    server::{Credential, Provider, Recognition, Seen},
};

/// Ada may read reports in one workspace; Bob may nothing; the old token is over; one is for others, one for
/// one network.
pub(crate) struct People;

impl Provider for People {
    fn name(&self) -> &'static str {
        "people"
    }

    fn recognise<'a>(&'a self, credential: &'a Credential, _: Seen) -> BoxFuture<'a, Recognition> {
        Box::pin(async move {
            let Some(token) = credential.token() else { return Ok(None) };
            let claims = match token.expose() {
                "ada" => json!({ "sub": "usr_ada", "scope": "reports:read", "permissions": ["code:run"],
                    "roles": ["editor"], "role": "user", "workspace_ids": ["ws-a"], "tenant_id": "org_one" }),
                "nowhere" => json!({ "sub": "usr_nobody", "tenant_id": "" }),
                "bob" | "home" => json!({ "sub": "usr_bob" }),
                "foreign" => json!({ "sub": "usr_eve", "scope": "reports:read" }),
                "old" => return Err(Why::TokenExpired.into()),
                _ => return Ok(None),
            };
            let identity = Identity::of(claims.as_object().unwrap());
            let audience =
                if token.expose() == "foreign" { "https://other.example" } else { "https://own.example" };
            let addresses = match token.expose() {
                "home" => vec!["192.0.2.0/24".parse().unwrap()],
                _ => Vec::new(),
            };
            let audience = vec![audience.to_owned()];
            Ok(Some(Principal {
                audience,
                addresses,
                ..Principal::new(identity, CredentialKind::StaticToken)
            }))
        })
    }
}

pub(crate) fn clock() -> Clock {
    Arc::new(|| Time::from_seconds(1_000))
}

pub(crate) fn builder() -> Builder {
    crate::Guard::builder().provider(People).audience("https://own.example").clock(clock())
}

pub(crate) fn home() -> IpAddr {
    IpAddr::from([192, 0, 2, 7])
}
