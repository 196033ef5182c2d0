//! Every source over real HTTP, against servers of this machine: whoever hands credentials out, and an API that
//! takes nothing else.

use std::{
    collections::HashMap,
    fs,
    sync::{Arc, Mutex},
};

use axum::{
    Form, Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use doorward_proto::jose::encode_base64url;
use http::Request;
use serde_json::{Value, json};

use crate::{
    client::{Authorized, Basic, ClientAuth, CredentialSource, File, GcpMetadata, OAuthClient, Token},
    clock,
    exchange::{Http, Hyper},
};

/// What the token endpoint was asked, and where it all is.
#[derive(Default)]
struct Place {
    url: Mutex<String>,
    asked: Mutex<Vec<HashMap<String, String>>>,
}

type Shared = State<Arc<Place>>;

async fn metadata(State(place): Shared) -> Json<Value> {
    let url = place.url.lock().unwrap().clone();
    Json(json!({ "issuer": url, "token_endpoint": format!("{url}/token"),
        "device_authorization_endpoint": format!("{url}/device") }))
}

async fn device(State(place): Shared) -> Json<Value> {
    let verification_uri = format!("{}/sign-in", place.url.lock().unwrap());
    Json(json!({ "device_code": "dc", "user_code": "WDJB-MJHT", "verification_uri": verification_uri,
        "expires_in": 900 }))
}

/// Signs nobody in at the first question.
async fn token(State(place): Shared, Form(form): Form<HashMap<String, String>>) -> Response {
    let mut asked = place.asked.lock().unwrap();
    let is_first = asked.iter().all(|before| before["grant_type"] != form["grant_type"]);
    let grant = form["grant_type"].rsplit(':').next().unwrap().to_owned();
    asked.push(form);
    if grant == "device_code" && is_first {
        return (StatusCode::BAD_REQUEST, Json(json!({ "error": "authorization_pending" }))).into_response();
    }
    Json(json!({ "access_token": format!("by-{grant}"), "token_type": "Bearer", "expires_in": 600,
        "refresh_token": format!("after-{grant}") }))
    .into_response()
}

async fn identity(headers: HeaderMap) -> Response {
    if headers.get("metadata-flavor").is_none_or(|flavor| flavor != "Google") {
        return StatusCode::FORBIDDEN.into_response();
    }
    let part = |value: Value| encode_base64url(value.to_string().as_bytes());
    let token =
        format!("{}.{}.c2ln", part(json!({ "alg": "RS256" })), part(json!({ "exp": 4_000_000_000_i64 })));
    ([("metadata-flavor", "Google")], token).into_response()
}

/// Says what it was shown.
async fn api(headers: HeaderMap) -> Response {
    let shown = ["authorization", "x-api-key"].into_iter().find_map(|name| headers.get(name));
    match shown {
        Some(value) => value.to_str().unwrap().to_owned().into_response(),
        None => StatusCode::UNAUTHORIZED.into_response(),
    }
}

async fn shown(http: &Arc<dyn Http>, url: &str, source: impl CredentialSource) -> String {
    let api = Authorized::new(Arc::clone(http), source, url).unwrap();
    let answer = api.send(Request::get(format!("{url}/api")).body(Vec::new()).unwrap()).await.unwrap();
    String::from_utf8(answer.into_body()).unwrap()
}

#[tokio::test]
async fn every_source_reaches_an_api_over_the_network() {
    let place = Arc::new(Place::default());
    let routes = Router::new()
        .route("/.well-known/openid-configuration", get(metadata))
        .route("/token", post(token))
        .route("/device", post(device))
        .route("/computeMetadata/v1/instance/service-accounts/default/identity", get(identity))
        .route("/api", get(api))
        .with_state(Arc::clone(&place));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    place.url.lock().unwrap().clone_from(&url);
    let serving = tokio::spawn(async move { axum::serve(listener, routes).await });
    let http: Arc<dyn Http> = Arc::new(Hyper::new().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let client = || OAuthClient::of_issuer(&url, ClientAuth::public("desk"), Arc::clone(&http)).scope("a:b");

    assert_eq!(shown(&http, &url, Basic::new("ada", "pw:x")).await, "Basic YWRhOnB3Ong=");
    assert_eq!(shown(&http, &url, Token::new("written")).await, "Bearer written");
    fs::write(file("projected"), "by-kubelet\n").unwrap();
    assert_eq!(shown(&http, &url, File::new(file("projected"))).await, "Bearer by-kubelet");
    assert_eq!(shown(&http, &url, client().client_credentials()).await, "Bearer by-client_credentials");

    let mut waiting = client().device(file("refresh")).begin().await.unwrap();
    assert!(waiting.ask().await.unwrap().is_none(), "nobody has signed in yet");
    let signed_in = waiting.ask().await.unwrap().unwrap();
    assert_eq!(shown(&http, &url, signed_in).await, "Bearer by-device_code");
    // What it kept is enough after a restart.
    assert_eq!(shown(&http, &url, client().refresh_token(file("refresh"))).await, "Bearer by-refresh_token");
    assert_eq!(fs::read_to_string(file("refresh")).unwrap(), "after-refresh_token\n");
    let last = place.asked.lock().unwrap().last().unwrap().clone();
    assert_eq!((&*last["refresh_token"], &*last["client_id"]), ("after-device_code", "desk"));

    let machine = GcpMetadata::at(&url, "https://reports.example", (Arc::clone(&http), clock::system()));
    assert!(shown(&http, &url, machine).await.starts_with("Bearer ey"));
    serving.abort();
    assert!(serving.await.unwrap_err().is_cancelled());
}
