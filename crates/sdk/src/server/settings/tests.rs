use std::{io::Write as _, os::unix::fs::OpenOptionsExt as _};

use doorward_judge::{CredentialKind, Why};
use doorward_proto::{
    jose::{Alg, SigningKey, Typ},
    secret::SecretText,
    time::Time,
};
use futures_util::future::BoxFuture;
use http::{Request, Response};

use super::*;
use crate::{
    exchange::NoAnswer,
    fetch::{Fetched, NamedBy},
    server::{Credential, Scheme},
};

/// Nothing can be read.
struct Nothing;

impl Fetch for Nothing {
    fn get<'a>(
        &'a self,
        _: &'a str,
        _: NamedBy,
        _: std::time::Duration,
    ) -> BoxFuture<'a, Result<Fetched, String>> {
        Box::pin(std::future::ready(Err("there is no web here".to_owned())))
    }
}

impl Http for Nothing {
    fn send(&self, _: Request<Vec<u8>>) -> BoxFuture<'_, Result<Response<Vec<u8>>, NoAnswer>> {
        Box::pin(std::future::ready(Err(NoAnswer("there is no web here".to_owned()))))
    }
}

fn read(pairs: &[(&str, &str)]) -> Result<AuthSettings, BadSettings> {
    AuthSettings::from_pairs(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
}

fn chain(settings: &AuthSettings) -> Result<Chain, BadSettings> {
    let clock: Clock = Arc::new(Time::default);
    settings.chain(&Outside { fetch: Arc::new(Nothing), http: Some(Arc::new(Nothing)), clock })
}

const SECRET: &str = "a secret of more than thirty-two bytes";

#[test]
fn every_variable_is_read_under_both_names() {
    for prefix in ["DOORWARD_AUTH_", "ORCHEO_AUTH_"] {
        let named = [
            ("MODE", "Optional"),
            ("JWT_SECRET", SECRET),
            ("ALLOWED_ALGORITHMS", "HS256"),
            ("AUDIENCE", r#"["orcheo-api", "other"]"#),
            ("ISSUER", "orcheo-auth-service"),
            ("JWKS_CACHE_TTL", "60"),
            ("JWKS_TIMEOUT", "2.5"),
            ("BOOTSTRAP_SERVICE_TOKEN", SECRET),
            ("BOOTSTRAP_TOKEN_SCOPES", "admin:tokens:write,workflows:read"),
            ("BOOTSTRAP_TOKEN_EXPIRES_AT", "1714564800"),
            ("BASIC_FILE", "/etc/people"),
            ("TOKENS_FILE", "/etc/tokens"),
            ("RATE_LIMIT_IP", "10"),
            ("RATE_LIMIT_IDENTITY", "5"),
            ("RATE_LIMIT_INTERVAL", "90"),
        ];
        let pairs = named.map(|(name, value)| (format!("{prefix}{name}"), value.to_owned()));
        let settings = AuthSettings::from_pairs(pairs).unwrap();
        assert_eq!(settings.mode, Mode::Optional);
        assert_eq!(settings.audience, ["orcheo-api", "other"]);
        let [issuer] = settings.issuers.as_slice() else { panic!("one issuer") };
        assert_eq!(issuer.issuer, ["orcheo-auth-service"]);
        assert_eq!(issuer.allowed_algorithms, ["HS256"]);
        assert_eq!(issuer.jwks_cache_ttl, 60);
        assert!((issuer.jwks_timeout - 2.5).abs() < f64::EPSILON);
        let bootstrap = settings.bootstrap.clone().unwrap();
        assert_eq!(bootstrap.scopes, ["admin:tokens:write", "workflows:read"]);
        assert_eq!(bootstrap.expires_at, Some(Time::from_seconds(1_714_564_800)));
        let limits = FailureLimits { address: 10, identity: 5, interval: Duration::from_secs(90) };
        assert_eq!(settings.failures(), Ok(limits));
        assert_eq!(settings.basic_file.unwrap(), Path::new("/etc/people"));
    }
    let both = read(&[("ORCHEO_AUTH_AUDIENCE", "theirs"), ("DOORWARD_AUTH_AUDIENCE", "ours")]).unwrap();
    assert_eq!(both.audience, ["ours"]);
}

#[test]
fn nothing_set_lets_nobody_in() {
    let settings = read(&[]).unwrap();
    assert_eq!(settings.mode, Mode::Required);
    assert!(!settings.believes_anybody());
}

#[test]
fn what_makes_no_sense_is_named() {
    let cases: [(&[(&str, &str)], &str); 8] = [
        (&[("ORCHEO_AUTH_RATE_LIMIT_IP", "-1")], "ORCHEO_AUTH_RATE_LIMIT_IP"),
        (&[("DOORWARD_AUTH_RATE_LIMIT_INTERVAL", "long")], "DOORWARD_AUTH_RATE_LIMIT_INTERVAL"),
        (&[("ORCHEO_AUTH_MODE", "sometimes")], "ORCHEO_AUTH_MODE"),
        (&[("DOORWARD_AUTH_JWKS_TIMEOUT", "soon")], "DOORWARD_AUTH_JWKS_TIMEOUT"),
        (&[("DOORWARD_AUTH_JWKS_CACHE_TTL", "-1")], "DOORWARD_AUTH_JWKS_CACHE_TTL"),
        (&[("DOORWARD_AUTH_AUDIENCE", "[1]")], "DOORWARD_AUTH_AUDIENCE"),
        (
            &[
                ("DOORWARD_AUTH_BOOTSTRAP_SERVICE_TOKEN", SECRET),
                ("DOORWARD_AUTH_BOOTSTRAP_TOKEN_EXPIRES_AT", "soon"),
            ],
            "DOORWARD_AUTH_BOOTSTRAP_TOKEN_EXPIRES_AT",
        ),
        (
            &[("DOORWARD_AUTH_JWT_SECRET", SECRET), ("DOORWARD_AUTH_JWT_SECRET_FILE", "/etc/secret")],
            "DOORWARD_AUTH_JWT_SECRET_FILE",
        ),
    ];
    for (pairs, name) in cases {
        assert_eq!(read(pairs).unwrap_err().name, name);
    }
}

#[test]
fn workloads_stand_beside_the_one_issuer() {
    let list = r#"[{"kind": "kubernetes", "workloads": ["shop/*"]}, {"kind": "gcp"}]"#;
    let pairs = [("DOORWARD_AUTH_ISSUER", "https://id.example"), ("DOORWARD_AUTH_ISSUERS", list)];
    let settings = read(&pairs).unwrap();
    let kinds: Vec<IssuerKind> = settings.issuers.iter().map(|issuer| issuer.kind).collect();
    assert_eq!(kinds, [IssuerKind::Jwt, IssuerKind::Kubernetes, IssuerKind::Gcp]);
    // A workload's token is good only for the audience it names.
    let bundle = r#"[{"kind": "kubernetes", "jwks_url": "https://cluster.example/keys"}]"#;
    let workloads = ("DOORWARD_AUTH_ISSUERS", bundle);
    let why = |pairs: &[(&str, &str)]| chain(&read(pairs).unwrap()).err().map(|wrong| wrong.name);
    let (any, audience) = (("DOORWARD_AUTH_ANY_AUDIENCE", "true"), ("DOORWARD_AUTH_AUDIENCE", "api"));
    assert_eq!(why(&[workloads]).as_deref(), Some("audience"));
    assert_eq!(why(&[workloads, any]).as_deref(), Some("audience"));
    assert_eq!(why(&[workloads, any, audience]).as_deref(), Some("audience"));
    assert_eq!(why(&[workloads, audience]), None);
    assert_eq!(read(&[("DOORWARD_AUTH_ISSUERS", "{}")]).unwrap_err().name, "DOORWARD_AUTH_ISSUERS");
}

#[test]
fn limits_that_are_none_are_named() {
    for (name, value) in [
        ("rate_limit_ip", "10001"),
        ("rate_limit_identity", "1000000"),
        ("rate_limit_interval", "0.5"),
        ("rate_limit_interval", "86400"),
    ] {
        let variable = format!("DOORWARD_AUTH_{}", name.to_uppercase());
        let settings = read(&[(&variable, value)]).unwrap();
        assert_eq!(settings.failures().unwrap_err().name, name, "{value}");
    }
    assert!(read(&[]).unwrap().failures().unwrap().is_none());
}

#[test]
fn what_is_not_safe_has_to_be_allowed_by_name() {
    let secret = ("DOORWARD_AUTH_JWT_SECRET", SECRET);
    let (audience, issuer) = (("DOORWARD_AUTH_AUDIENCE", "api"), ("DOORWARD_AUTH_ISSUER", "https://id"));
    let why = |pairs: &[(&str, &str)]| chain(&read(pairs).unwrap()).err().map(|wrong| wrong.name);
    assert_eq!(why(&[secret, issuer]).as_deref(), Some("audience"));
    assert_eq!(why(&[secret, audience]).as_deref(), Some("issuer"));
    assert_eq!(why(&[secret, audience, issuer]), None);
    let allowed = [("DOORWARD_AUTH_ANY_AUDIENCE", "true"), ("DOORWARD_AUTH_ANY_ISSUER", "true")];
    assert_eq!(why(&[secret, allowed[0], allowed[1]]), None);
    assert_eq!(why(&[("DOORWARD_AUTH_JWT_SECRET", "short"), audience, issuer]).as_deref(), Some("issuers"));
    assert_eq!(why(&[("DOORWARD_AUTH_BOOTSTRAP_SERVICE_TOKEN", "short")]).as_deref(), Some("bootstrap"));
}

#[tokio::test]
async fn files_that_only_their_owner_reads_are_believed() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, mode: u32, text: &str| {
        let path = folder.path().join(name);
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let tokens = file("tokens", 0o600, "a-token-of-many-characters\n");
    let people = file("people", 0o640, &format!("ada:{}\n", bcrypt::hash("wonderland", 4).unwrap()));
    let settings = read(&[
        ("DOORWARD_AUTH_TOKENS_FILE", &tokens),
        ("DOORWARD_AUTH_BASIC_FILE", &people),
        ("DOORWARD_AUTH_AUDIENCE", "api"),
        ("DOORWARD_AUTH_BOOTSTRAP_SERVICE_TOKEN", SECRET),
    ]);
    let chain = self::chain(&settings.unwrap()).unwrap();
    let now = Time::from_seconds(1_800_000_000);
    let token = |text: &str| Credential::Token { scheme: Scheme::Bearer, token: SecretText::from(text) };
    let basic = Credential::Basic { name: "ada".to_owned(), password: SecretText::from("wonderland") };
    for (credential, kind) in [
        (token("a-token-of-many-characters"), CredentialKind::StaticToken),
        (basic, CredentialKind::Basic),
        (token(SECRET), CredentialKind::ServiceToken),
    ] {
        assert_eq!(chain.recognise(&credential, now).await.unwrap().principal.credential, kind);
    }
    let refused = chain.recognise(&token("another"), now).await.unwrap_err();
    assert_eq!(refused.why, Why::InvalidToken);

    let open = file("open", 0o604, "a-token-of-many-characters\n");
    let settings = read(&[("DOORWARD_AUTH_TOKENS_FILE", &open), ("DOORWARD_AUTH_AUDIENCE", "api")]);
    let wrong = self::chain(&settings.unwrap()).err().unwrap();
    assert!(wrong.to_string().contains("chmod 600"), "{wrong}");
}

/// An issuer that knows no token any more.
struct Withdrawn;

impl Http for Withdrawn {
    fn send(&self, _: Request<Vec<u8>>) -> BoxFuture<'_, Result<Response<Vec<u8>>, NoAnswer>> {
        Box::pin(std::future::ready(Ok(Response::new(br#"{"active":false}"#.to_vec()))))
    }
}

#[tokio::test]
async fn a_jwt_that_was_taken_back_opens_nothing_where_its_issuer_is_asked() {
    let key = SigningKey::generate(Alg::ES256).unwrap();
    let jwks = serde_json::json!({ "keys": [key.jwk()] }).to_string();
    let claims = r#"{"iss":"https://id.example","sub":"ada","aud":"api","jti":"t1","exp":1800000600}"#;
    let token = key.sign_jwt(Typ::AccessToken, claims.as_bytes()).unwrap();
    let credential = Credential::Token { scheme: Scheme::Bearer, token: SecretText::from(token.as_str()) };
    let now = Time::from_seconds(1_800_000_000);
    for (asks, expect) in [("false", Ok("ada".to_owned())), ("true", Err(Why::InvalidToken))] {
        let settings = read(&[
            ("DOORWARD_AUTH_ISSUER", "https://id.example"),
            ("DOORWARD_AUTH_JWKS", &jwks),
            ("DOORWARD_AUTH_AUDIENCE", "api"),
            ("DOORWARD_AUTH_INTROSPECTION_URL", "https://id.example/introspect"),
            ("DOORWARD_AUTH_INTROSPECTION_CLIENT_ID", "api"),
            ("DOORWARD_AUTH_INTROSPECTION_CLIENT_SECRET", "secret"),
            ("DOORWARD_AUTH_INTROSPECTION_JWTS", asks),
        ]);
        let clock: Clock = Arc::new(move || now);
        let outside = Outside { fetch: Arc::new(Nothing), http: Some(Arc::new(Withdrawn)), clock };
        let chain = settings.unwrap().chain(&outside).unwrap();
        let found = chain.recognise(&credential, now).await;
        let found = found.map(|known| known.principal.identity.subject.clone()).map_err(|it| it.why);
        assert_eq!(found, expect, "asked: {asks}");
    }
}
