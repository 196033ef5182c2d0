use std::path::Path;

use super::{values::*, *};

fn environment(pairs: &[(&str, &str)]) -> Environment {
    Environment::from_pairs(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
}

fn load(file: Option<&str>, pairs: &[(&str, &str)], flags: &[(&str, &str)]) -> Result<Loaded, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("doorward.toml");
    std::fs::write(&path, file.unwrap_or_default()).unwrap();
    let flags = flags.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Loaded::read(&Sources { file: Some(path), flags }, &environment(pairs))
}

fn refusal(file: &str) -> String {
    file::parse(Path::new("doorward.toml"), file).err().unwrap().to_string()
}

#[test]
fn every_default_is_a_value_of_its_type() {
    let loaded = load(None, &[], &[]).unwrap();
    assert_eq!(loaded.config.listen.len(), 2);
    assert_eq!(loaded.config.tokens.access_ttl, Span::parse("10m").unwrap());
    assert!(loaded.config.public_url.is_none());
    assert!(!loaded.config.allow.plain_http);
    assert_eq!(concerns(&loaded.config), []);
    assert_eq!(core_settings(&loaded.config).tokens.refresh_ttl.as_secs(), 30 * 86400);
}

#[test]
fn flag_beats_environment_beats_file_beats_default() {
    let file = Some("[tokens]\naccess_ttl = \"1m\"\nid_ttl = \"1m\"\ncode_ttl = \"1m\"\n");
    let env = [("DOORWARD_TOKENS_ACCESS_TTL", "2m"), ("DOORWARD_TOKENS_ID_TTL", "2m")];
    let loaded = load(file, &env, &[("tokens.access_ttl", "3m")]).unwrap();
    let minutes = |span: Span| span.0.as_secs() / 60;
    let tokens = &loaded.config.tokens;
    assert_eq!((minutes(tokens.access_ttl), minutes(tokens.id_ttl), minutes(tokens.code_ttl)), (3, 2, 1));
    assert_eq!(minutes(tokens.refresh_ttl), 30 * 24 * 60);
    assert_eq!(loaded.origin("tokens.access_ttl"), &Origin::Flag);
    assert_eq!(loaded.origin("tokens.id_ttl").to_string(), "$DOORWARD_TOKENS_ID_TTL");
    assert!(loaded.origin("tokens.code_ttl").to_string().ends_with("doorward.toml:4"));
    assert_eq!(loaded.origin("tokens.refresh_ttl"), &Origin::Default);
}

#[test]
fn a_mistake_in_the_file_is_named_with_its_place() {
    for (file, expect) in [
        (
            "[tokens]\nacess_ttl = \"1m\"",
            "doorward.toml:2:1: there is no setting `tokens.acess_ttl`; the nearest is `tokens.access_ttl`",
        ),
        ("issuer = \"x\"", "doorward.toml:1:1: there is no setting `issuer`; the nearest is `auth.issuer`"),
        ("\n[tokns]\n", "doorward.toml:2:2: there is no section `[tokns]`; the nearest is `[tokens]`"),
        (
            "[tokens]\naccess_ttl = 600",
            "doorward.toml:2:14: tokens.access_ttl: expected a number with its unit in quotes: \"60s\", \"10m\", \"7d\"",
        ),
        (
            "[tokens]\naccess_ttl = \"600\"",
            "doorward.toml:2:14: tokens.access_ttl: `600` is not a duration; write a number with a unit: 60s, 10m, 12h, 7d",
        ),
        (
            "[sign_up]\nmode = \"opne\"",
            "doorward.toml:2:8: sign_up.mode: unknown variant `opne`, expected one of `open`, `invited`, `closed`",
        ),
        ("master_key = 7", "doorward.toml:1:14: master_key: expected a text"),
        ("listen = \"127.0.0.1:80\"", "doorward.toml:1:10: listen: expected a list: [\"…\", \"…\"]"),
        (
            "session = 3",
            "doorward.toml:1:1: `session` is a section, not a setting: write [session] and its settings below",
        ),
        (
            "\n[[routes]]\nmatch = \"/\"",
            "doorward.toml:2:3: there is no setting `routes`; the nearest is `gateway.routes`",
        ),
        (
            "[[auth.issuers]]\nissuer = \"https://a.example\"\n[[auth.issuers]]\nissuer = 3",
            "doorward.toml:3:1: auth.issuers: issuer: write one name, or a list of names",
        ),
        (
            "[auth]\nissuers = \"x\"",
            "doorward.toml:2:11: auth.issuers: expected tables, each under a line [[auth.issuers]]",
        ),
    ] {
        assert_eq!(refusal(file), expect, "{file}");
    }
    assert!(refusal("listen = [").starts_with("doorward.toml:1:"));
}

#[test]
fn an_unknown_variable_is_a_warning_that_names_the_nearest() {
    let loaded = load(None, &[("DOORWARD_TOKEN_ACCESS_TTL", "1m"), ("DOORWARD_URL", "x")], &[]).unwrap();
    assert_eq!(
        loaded.warnings,
        ["$DOORWARD_TOKEN_ACCESS_TTL means nothing; the nearest is $DOORWARD_TOKENS_ACCESS_TTL"]
    );
}

#[test]
fn the_environment_may_name_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, ttl: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, format!("[tokens]\ncode_ttl = \"{ttl}\"\n")).unwrap();
        path
    };
    let (named, flag) = (write("named.toml", "11s"), write("flag.toml", "12s"));
    let environment = environment(&[("DOORWARD_CONFIG", named.to_str().unwrap())]);
    let code_ttl = |file| {
        let loaded = Loaded::read(&Sources { file, flags: Vec::new() }, &environment).unwrap();
        assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
        loaded.config.tokens.code_ttl.0.as_secs()
    };
    assert_eq!((code_ttl(None), code_ttl(Some(flag))), (11, 12));
    std::fs::remove_file(&named).unwrap();
    let refused = Loaded::read(&Sources::default(), &environment).err().unwrap().to_string();
    assert!(refused.contains("named.toml"), "{refused}");
}

#[test]
fn every_secret_can_come_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    std::fs::write(&path, "smtp://user:hush@mail\n").unwrap();
    let path = path.to_str().unwrap();
    let loaded = load(None, &[("DOORWARD_MAIL_URL_FILE", path)], &[]).unwrap();
    assert_eq!(loaded.config.mail.url.as_ref().unwrap().expose(), "smtp://user:hush@mail");
    assert_eq!(loaded.shown(find("mail.url").unwrap()), "********");
    let loaded = load(Some(&format!("[mail]\nurl_file = {path:?}")), &[], &[]).unwrap();
    assert_eq!(loaded.config.mail.url.unwrap().expose(), "smtp://user:hush@mail");
    let both = [("DOORWARD_MAIL_URL_FILE", path), ("DOORWARD_MAIL_URL", "x")];
    assert!(load(None, &both, &[]).err().unwrap().to_string().contains("both set"));
    let missing = [("DOORWARD_MAIL_URL_FILE", "/nowhere/at/all")];
    assert!(load(None, &missing, &[]).err().unwrap().to_string().contains("cannot read"));
}

#[test]
fn the_bootstrap_token_is_long_and_its_expiry_is_a_time() {
    let long = "x".repeat(32);
    for prefix in ["DOORWARD_AUTH", "ORCHEO_AUTH"] {
        let token = format!("{prefix}_BOOTSTRAP_SERVICE_TOKEN");
        let expiry = format!("{prefix}_BOOTSTRAP_TOKEN_EXPIRES_AT");
        let scopes = format!("{prefix}_BOOTSTRAP_TOKEN_SCOPES");
        let short = "x".repeat(31);
        let refused = load(None, &[(&token, &short)], &[]).err().unwrap().to_string();
        assert!(refused.contains("shorter than 32 bytes") && !refused.contains(&short), "{refused}");
        for (text, seconds) in [("2024-05-01T12:00:00Z", 1_714_564_800), ("1714564800", 1_714_564_800)] {
            let env = [(&*token, &*long), (&*expiry, text), (&*scopes, "admin:tokens:write,workflows:read")];
            let auth = load(None, &env, &[]).unwrap().config.auth;
            assert_eq!(auth.bootstrap_token_expires_at.unwrap().0.as_seconds(), seconds);
            assert_eq!(auth.bootstrap_token_scopes, ["admin:tokens:write", "workflows:read"]);
        }
        let refused = load(None, &[(&*token, &*long), (&*expiry, "tomorrow")], &[]).err().unwrap();
        assert!(refused.to_string().contains("is not a time"));
    }
}

#[test]
fn durations_have_units() {
    for (text, millis) in
        [("60s", 60_000), ("10m", 600_000), ("1h30m", 5_400_000), ("7d", 604_800_000), ("1s 5ms", 1_005)]
    {
        let span = Span::parse(text).unwrap();
        assert_eq!(span.0.as_millis(), millis, "{text}");
        assert_eq!(span.to_string(), if millis == 60_000 { "1m" } else { text }.replace(' ', ""));
    }
    assert_eq!(Span::default().to_string(), "0s");
    for text in ["", "60", "s", "1y", "-1s", "1.5h", "99999999999999999999d", "1s2"] {
        assert!(Span::parse(text).is_err(), "{text}");
    }
}

#[test]
fn the_public_url_is_the_issuer_without_a_slash() {
    for (text, issuer) in [
        ("https://id.example.com", "https://id.example.com"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("https://id.example.com:8443", "https://id.example.com:8443"),
    ] {
        assert_eq!(PublicUrl::parse(text).unwrap().issuer(), issuer);
    }
    for text in ["id.example.com", "ftp://x", "https://x?y", "https://x#y", "https://u:p@x"] {
        assert!(PublicUrl::parse(text).is_err(), "{text}");
    }
    for (text, says) in [
        ("https://example.com/auth/", "has a path"),
        ("https://example.com/", "`https://example.com`"),
        ("https://EXAMPLE.com", "`https://example.com`"),
        ("https://example.com:443", "`https://example.com`"),
        ("HTTPS://example.com", "`https://example.com`"),
        ("https://bücher.example", "`https://xn--bcher-kva.example`"),
    ] {
        let refused = PublicUrl::parse(text).unwrap_err();
        assert!(refused.contains(says), "{text}: {refused}");
    }
}

#[test]
fn a_start_that_would_be_unsafe_is_refused_and_names_the_key() {
    let refusals = |pairs: &[(&str, &str)]| -> Vec<&'static str> {
        let config = load(None, pairs, &[]).unwrap().config;
        concerns(&config).into_iter().filter(|concern| concern.refuses).map(|concern| concern.key).collect()
    };
    let open = ("DOORWARD_LISTEN", "0.0.0.0:8080");
    let https = ("DOORWARD_PUBLIC_URL", "https://id.example.com");
    assert_eq!(refusals(&[open]), ["allow.plain_http"]);
    assert_eq!(refusals(&[open, https]), ["allow.plain_http"]);
    assert_eq!(refusals(&[open, https, ("DOORWARD_TRUSTED_PROXIES", "10.0.0.0/8")]), [""; 0]);
    assert_eq!(refusals(&[open, ("DOORWARD_ALLOW_PLAIN_HTTP", "true")]), [""; 0]);
    assert_eq!(refusals(&[open, https, ("DOORWARD_TLS_CERT", "c"), ("DOORWARD_TLS_KEY", "k")]), ["tls.cert"]);
    assert_eq!(refusals(&[("DOORWARD_PUBLIC_URL", "http://id.example.com")]), ["allow.plain_http"]);
    assert_eq!(refusals(&[("DOORWARD_CORS_ALLOWED_ORIGINS", "*")]), ["allow.any_origin"]);
    assert_eq!(refusals(&[("DOORWARD_CORS_ALLOWED_ORIGINS", "https://a/b")]), ["cors.allowed_origins"]);
    assert_eq!(refusals(&[("DOORWARD_TLS_CERT", "c"), https]), ["tls.key"]);
    assert_eq!(refusals(&[("DOORWARD_SETUP_EMAIL", "a@b.c")]), ["setup.password"]);
    assert_eq!(refusals(&[("DOORWARD_KEYS_OVERLAP", "1m")]), ["keys.overlap"]);
    assert_eq!(refusals(&[("DOORWARD_SESSION_IDLE", "0s")]), ["session.idle"]);
}

#[test]
fn port_moves_the_default_listeners() {
    let ports = |pairs: &[(&str, &str)]| -> Vec<u16> {
        load(None, pairs, &[]).unwrap().config.listen.iter().map(std::net::SocketAddr::port).collect()
    };
    assert_eq!(ports(&[("PORT", "3000")]), [3000, 3000]);
    assert_eq!(ports(&[("PORT", "3000"), ("DOORWARD_LISTEN", "127.0.0.1:1")]), [1]);
    assert!(load(None, &[("PORT", "x")], &[]).is_err());
}

#[test]
fn historic_names_and_empty_values() {
    let loaded = load(None, &[("LOG_LEVEL", "DEBUG"), ("DOORWARD_MAIL_FROM", "")], &[]).unwrap();
    assert_eq!(loaded.config.log.level, LogLevel::Debug);
    assert_eq!(loaded.config.mail.from, "Doorward <no-reply@localhost>");
    assert!(load(None, &[], &[("log.levle", "x")]).err().unwrap().to_string().contains("`log.level`"));
}

#[test]
fn names_are_unique_and_documented() {
    let mut names: Vec<String> = KEYS.iter().map(Key::variable).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), KEYS.len());
    let page = markdown();
    for key in KEYS {
        assert!(!key.about.trim().is_empty(), "{}", key.name);
        assert!(page.contains(&format!("| `{}` |", key.name)));
        let pointer = format!("/properties/{}", key.name.replace('.', "/properties/"));
        assert!(schema().pointer(&pointer).is_some(), "{pointer}");
    }
}

/// Every configuration that the documentation shows can be started.
#[test]
fn configurations_in_the_documentation_are_good() {
    let top = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let mut pages = vec![top.join("README.md")];
    pages.extend(std::fs::read_dir(top.join("docs")).unwrap().map(|entry| entry.unwrap().path()));
    let mut found = 0;
    for page in pages.iter().filter(|page| page.extension().is_some_and(|kind| kind == "md")) {
        let text = std::fs::read_to_string(page).unwrap();
        for block in text.split("```toml\n").skip(1) {
            let block = block.split("```").next().unwrap();
            // The command line's own file, which is read elsewhere.
            if block.contains("api_url") {
                continue;
            }
            let config =
                load(Some(block), &[], &[]).unwrap_or_else(|error| panic!("{page:?}: {error}")).config;
            let refusals: Vec<_> = concerns(&config).into_iter().filter(|concern| concern.refuses).collect();
            assert!(refusals.is_empty(), "{page:?}: {refusals:?}\n{block}");
            found += 1;
        }
    }
    assert!(found > 1, "blocks are marked `toml`");
}

#[test]
fn no_file_and_no_value_breaks_the_readers() {
    let corpus: &[&[u8]] = &[
        b"listen = [\"127.0.0.1:0\"]\n[tokens]\naccess_ttl = \"1m\"\n[password]\nmin_length = 9\n",
        b"[mail]\nurl = \"smtp://u:p@host\"\n[cors]\nallowed_origins = [\"https://a.example\"]\n",
        b"tokens.access_ttl = \"1m\"",
    ];
    let text = |input: &[u8]| String::from_utf8_lossy(input).into_owned();
    doorward_fuzz::fuzz("doorward.toml", corpus, |input| {
        file::parse(Path::new("doorward.toml"), &text(input)).is_ok()
    });
    let values: &[&[u8]] =
        &[b"10m", b"https://id.example", b"127.0.0.1:80, [::1]:80", b"10.0.0.0/8", b"true", b"7"];
    doorward_fuzz::fuzz("values", values, |input| {
        let mut taken = false;
        for key in KEYS {
            taken |= key.parse(&text(input)).is_ok();
        }
        taken
    });
}
