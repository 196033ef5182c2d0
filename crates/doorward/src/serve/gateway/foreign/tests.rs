use super::*;
use crate::config::{Environment, Loaded, Sources};

const SECRET: &str = "a secret of more than thirty-two bytes";

/// What the program makes of a file and of variables.
fn read(file: &str, pairs: &[(String, String)]) -> AuthSettings {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("doorward.toml");
    std::fs::write(&path, file).unwrap();
    let sources = Sources { file: Some(path), flags: Vec::new() };
    let loaded = Loaded::read(&sources, &Environment::from_pairs(pairs.iter().cloned())).unwrap();
    settings(&loaded.config, "")
}

/// All that is compared: what a secret hides when it is shown is told as well.
fn told(settings: &AuthSettings) -> String {
    let secrets: Vec<_> =
        settings.issuers.iter().map(|it| it.jwt_secret.as_ref().map(|it| it.expose().to_owned())).collect();
    let asked = settings.introspection.as_ref().map(|it| it.client_secret.expose().to_owned());
    format!("{settings:?} {secrets:?} {asked:?}")
}

/// `crates/sdk/tests/settings.rs` shows that what is equal here is judged alike.
#[test]
fn the_program_reads_what_the_library_reads() {
    let keys = r#"{"keys":[]}"#;
    let cases: [(&str, &[(&str, &str)]); 5] = [
        ("", &[]),
        (
            "mode = \"optional\"\naudience = [\"api\", \"other\"]\nissuer = [\"https://id.example\"]\n\
             jwks_url = \"https://id.example/keys\"\njwks_cache_ttl = 60\njwks_timeout = 2.5\n\
             allowed_algorithms = [\"ES256\"]\n",
            &[
                ("MODE", "optional"),
                ("AUDIENCE", "api,other"),
                ("ISSUER", "https://id.example"),
                ("JWKS_URL", "https://id.example/keys"),
                ("JWKS_CACHE_TTL", "60"),
                ("JWKS_TIMEOUT", "2.5"),
                ("ALLOWED_ALGORITHMS", "ES256"),
            ],
        ),
        (
            "jwt_secret = \"a secret of more than thirty-two bytes\"\nissuer = [\"one\", \"two\"]\n\
             [[auth.issuers]]\nissuer = \"three\"\njwks_static = '{\"keys\":[]}'\nany_audience = true\n",
            &[
                ("JWT_SECRET", SECRET),
                ("ISSUER", r#"["one", "two"]"#),
                ("ISSUERS", r#"[{"issuer":"three","jwks_static":"{\"keys\":[]}","any_audience":true}]"#),
            ],
        ),
        (
            "jwks = '{\"keys\":[]}'\nbasic_file = \"/etc/people\"\ntokens_file = \"/etc/tokens\"\n\
             any_certificate = true\n",
            &[
                ("JWKS", keys),
                ("BASIC_FILE", "/etc/people"),
                ("TOKENS_FILE", "/etc/tokens"),
                ("ANY_CERTIFICATE", "true"),
            ],
        ),
        (
            "introspection_url = \"https://id.example/introspect\"\nintrospection_client_id = \"door\"\n\
             introspection_client_secret = \"hush\"\nintrospection_ttl = 7\nintrospection_jwts = true\n",
            &[
                ("INTROSPECTION_URL", "https://id.example/introspect"),
                ("INTROSPECTION_CLIENT_ID", "door"),
                ("INTROSPECTION_CLIENT_SECRET", "hush"),
                ("INTROSPECTION_TTL", "7"),
                ("INTROSPECTION_JWTS", "true"),
            ],
        ),
    ];
    let mut all = std::collections::BTreeSet::new();
    for (file, variables) in cases {
        let of_prefix = |prefix: &str| -> Vec<(String, String)> {
            variables.iter().map(|(name, value)| (format!("{prefix}{name}"), (*value).to_owned())).collect()
        };
        let (ours, theirs) = (of_prefix("DOORWARD_AUTH_"), of_prefix("ORCHEO_AUTH_"));
        let library = told(&AuthSettings::from_pairs(ours.clone()).unwrap());
        let alone = "role = \"gateway\"\n";
        assert_eq!(told(&read(&format!("{alone}[auth]\n{file}"), &[])), library, "by file: {file}");
        assert_eq!(told(&read(alone, &ours)), library, "by the environment: {ours:?}");
        assert_eq!(told(&read(alone, &theirs)), library, "by the environment: {theirs:?}");
        all.insert(library);
    }
    assert_eq!(all.len(), cases.len(), "all of them are different");
}

#[test]
fn a_list_in_json_is_one_and_an_address_in_brackets_is_none() {
    let read = |name: &str, value: &str| {
        let pairs = [(name.to_owned(), value.to_owned())];
        Loaded::read(&Sources { file: None, flags: Vec::new() }, &Environment::from_pairs(pairs))
            .map(|loaded| loaded.config)
    };
    assert_eq!(read("ORCHEO_AUTH_AUDIENCE", r#" ["a b", "c"] "#).unwrap().auth.audience, ["a b", "c"]);
    assert!(read("DOORWARD_AUTH_AUDIENCE", "[]").unwrap().auth.audience.is_empty());
    assert!(read("DOORWARD_AUTH_AUDIENCE", r#"["a", 1]"#).is_err());
    assert_eq!(read("DOORWARD_LISTEN", "[::1]:8080,127.0.0.1:8080").unwrap().listen.len(), 2);
}
