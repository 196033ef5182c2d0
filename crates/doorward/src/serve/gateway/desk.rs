//! Signing browsers in at the hosts of guarded applications: this server is the issuer, and is asked as every
//! other client asks it, without a connection between.

use std::sync::{Arc, OnceLock};

use axum::body::Body;
use doorward_core::{
    call::Call,
    clients::{GATEWAY, admit_gateway},
    realm::Realm,
};
use doorward_gateway::{Admit, SignIn};
use doorward_sdk::exchange::{Http, NoAnswer};
use doorward_web::{ClientAddress, Edge};
use futures_util::future::BoxFuture;
use http::{Request, Response};

/// No answer of a token endpoint is longer.
const LONGEST: usize = 64 * 1024;

/// How browsers are signed in by this server.
pub(super) fn open(realm: &Arc<Realm>, edge: &Arc<OnceLock<Edge>>) -> Option<SignIn> {
    let key = realm.vault.subkey("sessions at the gateway").map_err(crate::data::fault);
    let key = key
        .inspect_err(|error| tracing::error!(%error, "browsers cannot be signed in at the gateway"))
        .ok()?;
    let issuer = &realm.issuer;
    Some(SignIn {
        authorization_endpoint: format!("{issuer}/oauth2/authorize"),
        token_endpoint: format!("{issuer}/oauth2/token"),
        end_session_endpoint: format!("{issuer}/oauth2/logout"),
        issuer: issuer.clone(),
        client_id: GATEWAY.to_owned(),
        http: Arc::new(Here(Arc::clone(edge))),
        admit: admit(realm),
        key: *key,
    })
}

fn admit(realm: &Arc<Realm>) -> Admit {
    let realm = Arc::clone(realm);
    Arc::new(move |callback| {
        let realm = Arc::clone(&realm);
        Box::pin(async move {
            let admitted = admit_gateway(&Call::system(&realm), &callback).await;
            admitted.map_err(|error| crate::data::fault(error).to_string())
        })
    })
}

/// This server's own endpoints.
struct Here(Arc<OnceLock<Edge>>);

impl Http for Here {
    fn send(&self, request: Request<Vec<u8>>) -> BoxFuture<'_, Result<Response<Vec<u8>>, NoAnswer>> {
        Box::pin(async move {
            let edge = self.0.get().ok_or_else(|| NoAnswer("the server does not answer yet".to_owned()))?;
            let mut request = request.map(Body::from);
            request.extensions_mut().insert(ClientAddress([127, 0, 0, 1].into()));
            let (parts, body) = edge.answer(request).await.into_parts();
            let body = axum::body::to_bytes(body, LONGEST).await;
            let body = body.map_err(|error| NoAnswer(error.to_string()))?;
            Ok(Response::from_parts(parts, body.to_vec()))
        })
    }
}
