use std::{fs, sync::atomic::Ordering};

use doorward_proto::{
    assertion::{self, Expect},
    form::Params,
    jose::{Alg, Jwks, KeySet, SigningKey},
    time::Time,
};
use serde_json::{Value, json};

use super::*;
use crate::client::tests::{Recorded, clock, says, silent, value};

const ENDPOINT: &str = "https://id.example/token";

fn secret() -> ClientAuth {
    ClientAuth::secret("re:porter", "a b+%")
}

fn granted(token: &str, lives: u64) -> Value {
    json!({ "access_token": token, "token_type": "bearer", "expires_in": lives })
}

fn rotated(token: &str, refresh: &str) -> Value {
    json!({ "access_token": token, "token_type": "Bearer", "expires_in": 600, "refresh_token": refresh })
}

#[tokio::test]
async fn a_token_is_fetched_a_minute_ahead_of_its_end() {
    let (seconds, clock) = clock();
    let http = Recorded::new(vec![
        says(200, &granted("a", 600)),
        says(200, &granted("b", 20)),
        says(200, &granted("c", 600)),
    ]);
    let client = OAuthClient::at(ENDPOINT, secret(), http.clone()).clock(clock);
    let source = client.scope("a:b").scope("c:d").resource("https://api.example").client_credentials();
    assert_eq!(value(&source).await, "Bearer a");
    seconds.fetch_add(539, Ordering::Relaxed);
    assert_eq!((value(&source).await.as_str(), http.count()), ("Bearer a", 1));
    seconds.fetch_add(1, Ordering::Relaxed);
    assert_eq!(value(&source).await, "Bearer b");
    // A short one is used for half of its life.
    seconds.fetch_add(9, Ordering::Relaxed);
    assert_eq!(value(&source).await, "Bearer b");
    seconds.fetch_add(1, Ordering::Relaxed);
    assert_eq!(value(&source).await, "Bearer c");
    // RFC 6749 2.3.1: `re%3Aporter:a%20b%2B%25`.
    assert_eq!(http.header(0, "authorization"), "Basic cmUlM0Fwb3J0ZXI6YSUyMGIlMkIlMjU=");
    assert_eq!(
        http.body(0),
        "grant_type=client_credentials&scope=a%3Ab%20c%3Ad&resource=https%3A%2F%2Fapi.example"
    );
}

#[tokio::test]
async fn however_many_wait_one_asks() {
    let (seconds, clock) = clock();
    let http = Recorded::new(vec![says(200, &granted("a", 600)), silent(), says(200, &granted("b", 600))]);
    let source =
        Arc::new(OAuthClient::at(ENDPOINT, secret(), http.clone()).clock(clock).client_credentials());
    let all = async || {
        let tasks: Vec<_> = (0..50)
            .map(|_| {
                let source = Arc::clone(&source);
                tokio::spawn(async move { value(&*source).await })
            })
            .collect();
        futures_util::future::join_all(tasks).await.into_iter().map(Result::unwrap).collect::<Vec<_>>()
    };
    assert!(all().await.iter().all(|value| value == "Bearer a"));
    assert_eq!(http.count(), 1);
    // Nobody answers, and the one at hand still lives: all have it after one question.
    seconds.fetch_add(570, Ordering::Relaxed);
    assert!(all().await.iter().all(|value| value == "Bearer a"));
    assert_eq!(http.count(), 2);
    seconds.fetch_add(9, Ordering::Relaxed);
    assert_eq!(
        (value(&*source).await.as_str(), http.count()),
        ("Bearer a", 2),
        "nor does anybody wait again"
    );
    // Many are refused at once: one asks anew.
    let old = source.credential().await.unwrap();
    for _ in 0..50 {
        assert!(source.refused(&old) || http.count() > 2);
    }
    assert!(all().await.iter().all(|value| value == "Bearer b"));
    assert_eq!(http.count(), 3);
}

#[tokio::test]
async fn why_there_is_no_token_is_told() {
    let (_, clock) = clock();
    let refused = json!({ "error": "invalid_client", "error_description": "unknown" });
    for (answer, expect) in [
        (says(401, &refused), "refused: invalid_client: unknown"),
        (says(400, &json!({ "error": "invalid_scope" })), "refused: invalid_scope"),
        (says(502, &Value::Null), "no answer: https://id.example/token answers with status 502 Bad Gateway"),
        (
            says(200, &json!({ "access_token": 1 })),
            "unusable: https://id.example/token answers in another form",
        ),
        (says(200, &json!({ "access_token": "a", "token_type": "mac" })), "unusable: a token of type mac"),
        (says(200, &granted("a\nb", 1)), "unusable: it cannot stand in a header"),
        (silent(), "no answer: nobody is there"),
    ] {
        let http = Recorded::new(vec![answer]);
        let source = OAuthClient::at(ENDPOINT, secret(), http).clock(clock.clone()).client_credentials();
        assert_eq!(source.credential().await.unwrap_err().to_string(), expect);
    }
    let http = Recorded::new(vec![silent()]);
    for endpoint in ["http://id.example/token", "id.example", "file:///etc/passwd"] {
        let source = OAuthClient::at(endpoint, secret(), http.clone()).client_credentials();
        assert!(matches!(source.credential().await, Err(SourceError::Unusable(_))), "{endpoint}");
    }
    assert_eq!(http.count(), 0, "no secret is sent where anybody could read it");
}

#[tokio::test]
async fn the_endpoint_is_where_the_issuer_says() {
    let (seconds, clock) = clock();
    let metadata = |issuer: &str| json!({ "issuer": issuer, "token_endpoint": "https://id.example/t/token" });
    let issuer = "https://id.example/t";
    let http = Recorded::new(vec![
        says(404, &Value::Null),
        says(200, &metadata(issuer)),
        says(200, &granted("a", 60)),
    ]);
    let source =
        OAuthClient::of_issuer(issuer, secret(), http.clone()).clock(clock.clone()).client_credentials();
    assert_eq!(value(&source).await, "Bearer a");
    seconds.fetch_add(60, Ordering::Relaxed);
    assert_eq!(value(&source).await, "Bearer a");
    let asked: Vec<_> = http.asked.lock().unwrap().iter().map(|request| request.uri().to_string()).collect();
    assert_eq!(
        asked,
        [
            "https://id.example/t/.well-known/openid-configuration",
            "https://id.example/.well-known/oauth-authorization-server/t",
            "https://id.example/t/token",
            "https://id.example/t/token",
        ]
    );
    let posing = Recorded::new(vec![says(200, &metadata("https://evil.example"))]);
    let source = OAuthClient::of_issuer(issuer, secret(), posing.clone()).clock(clock).client_credentials();
    assert!(matches!(source.credential().await, Err(SourceError::Unusable(_))));
    assert_eq!(posing.count(), 1);
}

#[tokio::test]
async fn a_client_proves_itself_by_its_key() {
    let (_, clock) = clock();
    let key = SigningKey::generate(Alg::ES256).unwrap();
    let keys = KeySet::from_jwks(&Jwks { keys: vec![key.jwk().clone()] });
    let pem = format!(
        "-----BEGIN PRIVATE KEY-----\n{}-----END PRIVATE KEY-----\n",
        data_encoding::BASE64_MIME.encode(&key.to_pkcs8().unwrap())
    );
    let http = Recorded::new(vec![says(200, &granted("a", 1))]);
    let auth = ClientAuth::key_pem("reporter", Alg::ES256, (&pem.as_str().into(), Some(key.kid()))).unwrap();
    let source = OAuthClient::at(ENDPOINT, auth, http.clone()).clock(clock).client_credentials();
    source.credential().await.unwrap();
    let sent = Params::parse(http.body(0).as_bytes(), 10_000).unwrap();
    assert_eq!(sent.required("client_assertion_type").unwrap(), doorward_proto::client_auth::JWT_BEARER);
    let said = assertion::decode(sent.required("client_assertion").unwrap()).unwrap();
    let now = Time::from_seconds(1_000_000);
    let expect = Expect { client_id: "reporter", audiences: &[ENDPOINT], now };
    assert_eq!(assertion::check(&said, &keys, &expect).unwrap().jti.len(), 32);
    assert_eq!(http.header(0, "authorization"), "");
    for wrong in
        ["", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "-----BEGIN EC PRIVATE KEY-----"]
    {
        assert!(ClientAuth::key_pem("reporter", Alg::ES256, (&wrong.into(), None)).is_err(), "{wrong}");
    }
}

#[cfg(unix)]
fn mode(path: &std::path::Path) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&fs::metadata(path).unwrap().permissions()) & 0o777
}

#[cfg(unix)]
#[tokio::test]
async fn a_refresh_token_is_kept_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("refresh");
    let (seconds, clock) = clock();
    let http = Recorded::new(vec![
        says(200, &rotated("a", "r2")),
        says(200, &rotated("b", "r3")),
        says(200, &granted("c", 600)),
        says(400, &json!({ "error": "invalid_grant" })),
    ]);
    let client = OAuthClient::at(ENDPOINT, ClientAuth::public("desk"), http.clone()).clock(clock);
    let source = client.refresh_token(&path);
    assert!(matches!(source.credential().await, Err(SourceError::Unusable(_))), "there is none yet");
    fs::write(&path, "r1\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(source.credential().await.unwrap_err().to_string().contains("others may read it"));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    for (token, kept) in [("a", "r2"), ("b", "r3"), ("c", "r3")] {
        assert_eq!(value(&source).await, format!("Bearer {token}"));
        assert_eq!(
            (fs::read_to_string(&path).unwrap().as_str(), mode(&path)),
            (&*format!("{kept}\n"), 0o600)
        );
        seconds.fetch_add(600, Ordering::Relaxed);
    }
    assert_eq!(source.credential().await.unwrap_err().to_string(), "refused: invalid_grant");
    let sent: Vec<_> = (0..4).map(|place| http.body(place)).collect();
    assert_eq!(sent[0], "grant_type=refresh_token&refresh_token=r1&client_id=desk");
    assert!(sent[3].contains("refresh_token=r3"), "one that was not replaced is used again");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
}

#[cfg(unix)]
#[tokio::test]
async fn a_successor_that_cannot_be_written_is_not_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("refresh");
    let (seconds, clock) = clock();
    let http = Recorded::new(vec![says(200, &rotated("a", "r2")), says(200, &rotated("b", "r3"))]);
    let client = OAuthClient::at(ENDPOINT, ClientAuth::public("desk"), http.clone()).clock(clock);
    let source = client.refresh_token(&path);
    Store(path.clone()).write(&"r1".into()).unwrap();
    // A folder in the place of what is written beside it.
    let beside = folder.path().join(format!(".refresh.{}", std::process::id()));
    fs::create_dir(&beside).unwrap();
    assert_eq!(value(&source).await, "Bearer a");
    assert_eq!(fs::read_to_string(&path).unwrap(), "r1\n");
    fs::remove_dir(&beside).unwrap();
    seconds.fetch_add(600, Ordering::Relaxed);
    assert_eq!(value(&source).await, "Bearer b");
    assert!(http.body(1).contains("refresh_token=r2"));
    assert_eq!(fs::read_to_string(&path).unwrap(), "r3\n");
}

fn device_metadata() -> Value {
    json!({ "issuer": "https://id.example", "token_endpoint": ENDPOINT,
        "device_authorization_endpoint": "https://id.example/device_authorization" })
}

fn device_code() -> Value {
    json!({ "device_code": "dc", "user_code": "WDJB-MJHT", "verification_uri": "https://id.example/device",
        "verification_uri_complete": "https://id.example/device?user_code=WDJB-MJHT", "expires_in": 900, "interval": 5 })
}

#[tokio::test]
async fn somebody_signs_in_on_another_device() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("refresh");
    let refused = |error: &str| says(400, &json!({ "error": error }));
    let http = Recorded::new(vec![
        says(200, &device_metadata()),
        says(200, &device_code()),
        refused("authorization_pending"),
        refused("slow_down"),
        silent(),
        says(200, &rotated("a", "r1")),
    ]);
    let client =
        OAuthClient::of_issuer("https://id.example", ClientAuth::public("tv"), http.clone()).clock(clock().1);
    let mut waiting = client.scope("reports:read").device(&path).begin().await.unwrap();
    assert_eq!((waiting.user_code(), waiting.verification_uri()), ("WDJB-MJHT", "https://id.example/device"));
    assert!(waiting.verification_uri_complete().unwrap().ends_with("WDJB-MJHT"));
    assert!(!format!("{waiting:?}").contains("WDJB"));
    let mut waits = Vec::new();
    let source = loop {
        waits.push(waiting.interval().as_secs());
        if let Some(source) = waiting.ask().await.unwrap() {
            break source;
        }
    };
    assert_eq!((value(&source).await.as_str(), http.count()), ("Bearer a", 6));
    assert_eq!((waits, fs::read_to_string(&path).unwrap().as_str()), (vec![5, 5, 10, 20], "r1\n"));
    assert_eq!(http.body(1), "scope=reports%3Aread&client_id=tv");
    assert_eq!(
        http.body(2),
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&device_code=dc&client_id=tv"
    );
}

#[tokio::test]
async fn nobody_signs_in() {
    let (seconds, clock) = clock();
    let folder = tempfile::tempdir().unwrap();
    for (answer, expect) in [
        (says(400, &json!({ "error": "access_denied" })), "refused: access_denied"),
        (says(400, &json!({ "error": "expired_token" })), "refused: expired_token"),
    ] {
        let http = Recorded::new(vec![says(200, &device_metadata()), says(200, &device_code()), answer]);
        let client =
            OAuthClient::of_issuer("https://id.example", ClientAuth::public("tv"), http).clock(clock.clone());
        let mut waiting = client.device(folder.path().join("refresh")).begin().await.unwrap();
        assert_eq!(waiting.ask().await.err().unwrap().to_string(), expect);
    }
    let http = Recorded::new(vec![says(200, &device_metadata()), says(200, &device_code()), silent()]);
    let client =
        OAuthClient::of_issuer("https://id.example", ClientAuth::public("tv"), http).clock(clock.clone());
    let mut waiting = client.device(folder.path().join("refresh")).begin().await.unwrap();
    seconds.fetch_add(900, Ordering::Relaxed);
    assert!(waiting.ask().await.err().unwrap().to_string().starts_with("refused: expired_token"));
    let without = json!({ "issuer": "https://id.example", "token_endpoint": ENDPOINT });
    let http = Recorded::new(vec![says(200, &without)]);
    let client = OAuthClient::of_issuer("https://id.example", ClientAuth::public("tv"), http);
    let error = client.device(folder.path().join("refresh")).begin().await.err().unwrap();
    assert_eq!(error.to_string(), "unusable: https://id.example has no device_authorization_endpoint");
}
