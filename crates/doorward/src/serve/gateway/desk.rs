//! Signing browsers in at the hosts of guarded applications: this server is the issuer, and is asked as every
//! other client asks it, without a connection between.

use std::{
    net::IpAddr,
    sync::{Arc, OnceLock},
    time::Duration,
};

use anyhow::Result;
use axum::body::Body;
use doorward_core::{
    call::Call,
    clients::{GATEWAY, admit_gateway},
    realm::Realm,
};
use doorward_gateway::{Admit, Authenticate, Endpoints, Memory, OnBehalf, Proven, SignIn};
use doorward_proto::jose::{Alg, SigningKey, Typ, encode_base64url};
use doorward_sdk::exchange::{Http, NoAnswer};
use doorward_web::{ClientAddress, Edge};
use futures_util::future::BoxFuture;
use http::{Request, Response, Uri};
use serde_json::json;
use zeroize::Zeroizing;

use crate::config::Port;

/// What stands before the seed of an Ed25519 key in PKCS#8 (RFC 8410 7).
const ED25519: [u8; 16] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
/// No answer of a token endpoint is longer.
const LONGEST: usize = 64 * 1024;
/// Who waits for longer has gone.
const TIME: Duration = Duration::from_secs(15);

/// How browsers are signed in by this server.
pub(super) fn open(
    realm: &Arc<Realm>,
    (edge, memory): (&Arc<OnceLock<Edge>>, &Arc<Memory>),
    more: &[Port],
) -> Option<SignIn> {
    let made = keys(realm);
    let (key, signer) = made
        .inspect_err(|error| tracing::error!(%error, "browsers cannot be signed in at the gateway"))
        .ok()?;
    let signer = Arc::new(signer);
    let issuer = &realm.issuer;
    let own = issuer.parse::<Uri>().ok().and_then(|issuer| issuer.port_u16());
    let ports = own.into_iter().chain(more.iter().map(|port| port.0)).collect();
    let endpoints = Arc::new(Endpoints {
        authorization: format!("{issuer}/oauth2/authorize"),
        token: format!("{issuer}/oauth2/token"),
        revocation: Some(format!("{issuer}/oauth2/revoke")),
        end_session: Some(format!("{issuer}/oauth2/logout")),
        names_itself: true,
    });
    Some(SignIn {
        issuer: issuer.clone(),
        client_id: GATEWAY.to_owned(),
        scope: "openid profile email".to_owned(),
        find: Arc::new(move || Box::pin(std::future::ready(Ok(Arc::clone(&endpoints))))),
        authenticate: authenticate(realm, &signer),
        id_token: None,
        ports,
        http: Arc::new(Here(Arc::clone(edge))),
        admit: admit(realm, &signer),
        key,
        memory: Arc::clone(memory),
    })
}

/// The key of cookies, and that with which the gateway shows who it is: both follow from the master key.
fn keys(realm: &Arc<Realm>) -> Result<([u8; 32], SigningKey)> {
    let cookies = realm.vault.subkey("sessions at the gateway").map_err(crate::data::fault)?;
    let seed = realm.vault.subkey("the gateway as a client").map_err(crate::data::fault)?;
    let pkcs8 = Zeroizing::new([ED25519.as_slice(), seed.as_slice()].concat());
    Ok((*cookies, SigningKey::from_pkcs8(Alg::EdDSA, &pkcs8)?))
}

/// RFC 7523 2.2.
fn authenticate(realm: &Arc<Realm>, signer: &Arc<SigningKey>) -> Authenticate {
    let (realm, signer) = (Arc::clone(realm), Arc::clone(signer));
    Arc::new(move |_, now| {
        let claims = json!({
            "iss": GATEWAY,
            "sub": GATEWAY,
            "aud": realm.issuer,
            "jti": encode_base64url(&realm.env.bytes::<16>().ok()?),
            "iat": now.as_seconds(),
            "exp": now.as_seconds() + 60,
        });
        let assertion = signer.sign_jwt(Typ::Jwt, claims.to_string().as_bytes()).ok()?;
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer".to_owned();
        let form = vec![
            ("client_id", GATEWAY.to_owned()),
            ("client_assertion_type", kind),
            ("client_assertion", assertion),
        ];
        Some(Proven { form, ..Proven::default() })
    })
}

fn admit(realm: &Arc<Realm>, signer: &Arc<SigningKey>) -> Admit {
    let (realm, signer) = (Arc::clone(realm), Arc::clone(signer));
    Arc::new(move |callback| {
        let (realm, signer) = (Arc::clone(&realm), Arc::clone(&signer));
        Box::pin(async move {
            let admitted = admit_gateway(&Call::system(&realm), &callback, signer.jwk()).await;
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
            // The throttles and the audit trail know the browser, not this server.
            let address = request.extensions().get::<OnBehalf>().map(|browser| browser.0);
            let address = address.unwrap_or(IpAddr::from([127, 0, 0, 1]));
            request.extensions_mut().insert(ClientAddress(address));
            let answered = async {
                let (parts, body) = edge.answer(request).await.into_parts();
                let body = axum::body::to_bytes(body, LONGEST).await;
                body.map(|body| (parts, body)).map_err(|error| NoAnswer(error.to_string()))
            };
            let answered = tokio::time::timeout(TIME, answered).await;
            let (parts, body) = answered.map_err(|_| NoAnswer("no answer in time".to_owned()))??;
            Ok(Response::from_parts(parts, body.to_vec()))
        })
    }
}
