//! What is configured in a file, in the environment and in code is the same: the same vectors are judged alike.

use std::{fs, path::Path};

use doorward_judge::Mode;
use doorward_proto::{secret::SecretText, time::Time};
use doorward_sdk::{
    conformance::{Door, Suite},
    guard::ClientAddress,
    server::{bootstrap::BootstrapSpec, jwt::IssuerSpec, settings::AuthSettings},
};
use serde_json::{Value, json};

const SECRET: &str = "a secret of more than thirty-two bytes";
/// The fixed token of the vectors, which none of these settings names.
const BOOTSTRAP: &str = "the-token-of-nobody-in-the-vectors-of-the-kit";

/// One configuration, in three ways.
struct Configuration {
    what: &'static str,
    file: Value,
    environment: Vec<(&'static str, String)>,
    code: AuthSettings,
}

fn text(value: &str) -> String {
    value.to_owned()
}

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/http")
}

fn suite(name: &str) -> (Suite, Value) {
    let text = fs::read_to_string(folder().join(name)).unwrap();
    (Suite::read(&text).unwrap(), serde_json::from_str(&text).unwrap())
}

/// The keys of the vectors' first issuer.
fn keys() -> (String, Value) {
    let (_, tokens) = suite("tokens.json");
    let issuer = &tokens["auth"]["issuers"][0];
    (text(issuer["issuer"].as_str().unwrap()), issuer["jwks_static"].clone())
}

fn published(issuer: &str, keys: &Value) -> IssuerSpec {
    let jwks_static = Some(keys.to_string());
    IssuerSpec { issuer: vec![text(issuer)], jwks_static, ..IssuerSpec::default() }
}

/// Issuers: their keys, their secrets, and what is compared of a token.
fn believing() -> Vec<Configuration> {
    let (issuer, keys) = keys();
    let api = "https://api.example";
    let ours = published(&issuer, &keys);
    vec![
        Configuration {
            what: "one issuer by its keys",
            file: json!({ "audience": [api], "issuers": [{ "issuer": issuer, "jwks_static": keys }] }),
            environment: vec![
                ("AUDIENCE", text(api)),
                ("ISSUER", issuer.clone()),
                ("JWKS_STATIC", keys.to_string()),
            ],
            code: AuthSettings {
                audience: vec![text(api)],
                issuers: vec![ours.clone()],
                ..AuthSettings::default()
            },
        },
        Configuration {
            what: "one algorithm of it, for two audiences, where nobody is let in, too",
            file: json!({ "mode": "optional", "audience": ["https://other.example", api], "issuers": [
                { "issuer": [issuer], "jwks_static": keys.to_string(), "allowed_algorithms": ["ES256"] }] }),
            environment: vec![
                ("MODE", text("optional")),
                ("AUDIENCE", format!("https://other.example, {api}")),
                ("ISSUER", json!([issuer]).to_string()),
                ("JWKS", keys.to_string()),
                ("ALLOWED_ALGORITHMS", text("ES256")),
            ],
            code: AuthSettings {
                mode: Mode::Optional,
                audience: vec![text("https://other.example"), text(api)],
                issuers: vec![IssuerSpec { allowed_algorithms: vec![text("ES256")], ..ours.clone() }],
                ..AuthSettings::default()
            },
        },
        Configuration {
            what: "a shared secret of one, and the keys of another",
            file: json!({ "audience": [api], "issuers": [
                { "issuer": "https://legacy.example", "jwt_secret": SECRET },
                { "issuer": issuer, "jwks_static": keys }] }),
            environment: vec![
                ("AUDIENCE", text(api)),
                ("ISSUER", text("https://legacy.example")),
                ("JWT_SECRET", text(SECRET)),
                ("ISSUERS", json!([{ "issuer": issuer, "jwks_static": keys }]).to_string()),
            ],
            code: AuthSettings {
                audience: vec![text(api)],
                issuers: vec![
                    IssuerSpec {
                        issuer: vec![text("https://legacy.example")],
                        jwt_secret: Some(SecretText::from(SECRET)),
                        ..IssuerSpec::default()
                    },
                    ours.clone(),
                ],
                ..AuthSettings::default()
            },
        },
        Configuration {
            what: "whoever it was issued for, and by whom",
            file: json!({ "any_audience": true, "any_issuer": true, "issuers": [{ "jwks_static": keys }] }),
            environment: vec![
                ("ANY_AUDIENCE", text("true")),
                ("ANY_ISSUER", text("true")),
                ("JWKS_STATIC", keys.to_string()),
            ],
            code: AuthSettings {
                any_audience: true,
                any_issuer: true,
                issuers: vec![IssuerSpec { issuer: Vec::new(), ..ours }],
                ..AuthSettings::default()
            },
        },
    ]
}

/// Files, fixed secrets and limits.
fn fixed(people: &str) -> Vec<Configuration> {
    let api = "https://api.example";
    let bootstrap = |expires_at| BootstrapSpec {
        token: SecretText::from(BOOTSTRAP),
        scopes: vec![text("reports:read"), text("admin:tokens:write")],
        expires_at,
    };
    vec![
        Configuration {
            what: "a token of its own that ends, and names with passwords",
            file: json!({ "audience": [api], "basic_file": people, "bootstrap": {
                "token": BOOTSTRAP, "scopes": ["reports:read", "admin:tokens:write"],
                "expires_at": "2030-01-01T00:00:00Z" } }),
            environment: vec![
                ("AUDIENCE", text(api)),
                ("BASIC_FILE", text(people)),
                ("BOOTSTRAP_SERVICE_TOKEN", text(BOOTSTRAP)),
                ("BOOTSTRAP_TOKEN_SCOPES", text("reports:read,admin:tokens:write")),
                ("BOOTSTRAP_TOKEN_EXPIRES_AT", text("1893456000")),
            ],
            code: AuthSettings {
                audience: vec![text(api)],
                basic_file: Some(people.into()),
                bootstrap: Some(bootstrap(Some(Time::from_seconds(1_893_456_000)))),
                ..AuthSettings::default()
            },
        },
        Configuration {
            what: "one that has ended, and few tries",
            file: json!({ "rate_limit_ip": 3, "rate_limit_interval": 90.0, "bootstrap": {
                "token": BOOTSTRAP, "scopes": ["reports:read", "admin:tokens:write"],
                "expires_at": "2026-01-01T00:00:00Z" } }),
            environment: vec![
                ("RATE_LIMIT_IP", text("3")),
                ("RATE_LIMIT_INTERVAL", text("90")),
                ("BOOTSTRAP_SERVICE_TOKEN", text(BOOTSTRAP)),
                ("BOOTSTRAP_TOKEN_SCOPES", text("reports:read admin:tokens:write")),
                ("BOOTSTRAP_TOKEN_EXPIRES_AT", text("2026-01-01T00:00:00Z")),
            ],
            code: AuthSettings {
                rate_limit_ip: 3,
                rate_limit_interval: 90.0,
                bootstrap: Some(bootstrap(Some(Time::from_seconds(1_767_225_600)))),
                ..AuthSettings::default()
            },
        },
    ]
}

/// What becomes of every request of a file of vectors, and of one with the bootstrap token.
async fn judged(name: &str, settings: &AuthSettings) -> Vec<(String, String)> {
    let (mut suite, _) = suite(name);
    suite.auth = settings.clone();
    (suite.tokens_file, suite.basic_file) = (None, None);
    let guard = suite.guard().unwrap();
    let mut seen = Vec::new();
    let own = http::Request::get("/").header("authorization", format!("Bearer {BOOTSTRAP}"));
    let mut requests = vec![(text("the bootstrap token"), own.body(()).unwrap())];
    let vectors = suite.requests(Door::Layer).unwrap();
    requests.extend(vectors.into_iter().map(|(case, request)| (case.name.clone(), request)));
    for (case, request) in requests {
        let mut parts = request.into_parts().0;
        parts.extensions.insert(ClientAddress([192, 0, 2, 1].into()));
        let ended = match guard.admit(&mut parts).await {
            Ok(caller) => format!("{:?}", caller.map(|caller| caller.principal().clone())),
            Err(refused) => format!("{} {:?}", refused.refusal.why.code(), refused.refusal.missing),
        };
        seen.push((case, ended));
    }
    seen
}

#[tokio::test]
async fn the_same_settings_judge_alike_however_they_are_written() {
    let people = tempfile::NamedTempFile::new().unwrap();
    let (_, headers) = suite("headers.json");
    fs::write(people.path(), headers["basic_file"].as_str().unwrap()).unwrap();
    let all = believing().into_iter().chain(fixed(people.path().to_str().unwrap()));
    for Configuration { what, file, environment, code } in all {
        let of_prefix = |prefix: &str| {
            let pairs = environment.iter().map(|(name, value)| (format!("{prefix}{name}"), value.clone()));
            AuthSettings::from_pairs(pairs).unwrap()
        };
        let ways = [
            ("JSON", serde_json::from_value(file.clone()).unwrap()),
            ("YAML", serde_saphyr::from_str(&file.to_string()).unwrap()),
            ("environment", of_prefix("DOORWARD_AUTH_")),
            ("environment, by the other names", of_prefix("ORCHEO_AUTH_")),
        ];
        let mut ends = std::collections::BTreeSet::new();
        for name in ["tokens.json", "headers.json", "mode-optional.json"] {
            let expected = judged(name, &code).await;
            for (way, settings) in &ways {
                assert_eq!(judged(name, settings).await, expected, "{what}: {way}: {name}");
            }
            ends.extend(expected.into_iter().map(|(_, ended)| ended));
        }
        for (way, settings) in &ways {
            assert_eq!(settings.failures(), code.failures(), "{what}: {way}");
            assert_eq!(settings.believes_anybody(), code.believes_anybody(), "{what}: {way}");
        }
        // One that cannot be read must not mean: never.
        if let Some(mut file) = file.get("bootstrap").cloned() {
            file["expires_at"] = json!("soon");
            assert!(serde_json::from_value::<BootstrapSpec>(file).is_err());
        }
        assert!(ends.len() > 3, "{what}: these settings tell nothing apart: {ends:?}");
    }
}
