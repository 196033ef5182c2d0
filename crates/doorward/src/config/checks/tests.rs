use super::*;
use crate::config::{Environment, Loaded, Sources};

fn config(settings: &[(&str, &str)]) -> Config {
    let flags = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Loaded::read(&Sources { file: None, flags }, &Environment::default()).unwrap().config
}

/// Settings, the key that is objected to, and whether a start is refused.
type Case = (&'static [(&'static str, &'static str)], &'static str, bool);

const TABLE: &[Case] = &[
    (&[("mail.url", "http://mail.example"), ("mail.from", "a@b.example")], "mail.url", true),
    (&[("mail.url", "smtps://user@mail.example"), ("mail.from", "a@b.example")], "mail.url", true),
    (&[("mail.url", "smtps://mail.example")], "mail.from", false),
    (&[("security.contact", "security@example.com")], "security.contact", true),
    (&[("security.contact", "http://example.com/report")], "security.contact", true),
    (&[("security.contact", "mailto:")], "security.contact", true),
    (&[("mail.from", "not a mailbox")], "mail.from", true),
    (&[("database.url", "mysql://x")], "database.url", true),
    (&[("master_key", "short")], "master_key", true),
    (&[("tls.cert", "/nowhere/cert"), ("tls.key", "/nowhere/key")], "tls.cert", true),
    (&[("tls.mtls_listen", "127.0.0.1:8443")], "tls.mtls_listen", true),
    (&[("tls.client_ca", "/nowhere/authority.pem")], "tls.client_ca", true),
    (&[("tls.client_crl", "/nowhere/revoked.pem")], "tls.client_crl", true),
    (&[("auth.any_certificate", "true")], "auth.certificates", false),
    (
        &[("auth.certificates", r#"[{"spiffe": "spiffe://*/**"}]"#), ("tls.client_cert_header", "xfcc")],
        "auth.certificates",
        true,
    ),
    (&[("role", "gateway"), ("gateway.client_id", "door")], "gateway.client_secret", true),
    (&[("auth.service_token_db_path", "tokens.sqlite")], "auth.service_token_db_path", false),
    (&[("gateway.client_secret", "secret")], "gateway.client_secret", true),
    (&[("gateway.client_key", "key")], "gateway.client_key", true),
    (
        &[("role", "gateway"), ("gateway.client_id", "door"), ("gateway.client_key", "no key")],
        "gateway.client_key",
        true,
    ),
    (
        &[
            ("role", "gateway"),
            ("gateway.client_id", "door"),
            ("gateway.client_key", "key"),
            ("gateway.client_secret", "a-secret-of-more-than-thirty-two-bytes"),
        ],
        "gateway.client_key",
        true,
    ),
    (
        &[
            ("role", "gateway"),
            ("gateway.client_id", "door"),
            ("gateway.client_key_id", "gate-1"),
            ("gateway.client_secret", "a-secret-of-more-than-thirty-two-bytes"),
        ],
        "gateway.client_key_id",
        true,
    ),
    (&[("gateway.client_id", "door"), ("gateway.client_secret", "secret")], "gateway.client_id", false),
    (
        &[("role", "gateway"), ("gateway.client_id", "door"), ("gateway.client_secret", "secret")],
        "gateway.issuer",
        true,
    ),
    (
        &[
            ("role", "gateway"),
            ("gateway.client_id", "door"),
            ("gateway.client_secret", "secret"),
            ("gateway.issuer", "http://id.example"),
        ],
        "gateway.issuer",
        true,
    ),
    (
        &[
            ("role", "gateway"),
            ("gateway.client_id", "door"),
            ("gateway.client_secret", "secret"),
            ("gateway.issuer", "https://id.example"),
            ("gateway.cookie_secret", "short"),
        ],
        "gateway.cookie_secret",
        true,
    ),
    (
        &[
            ("role", "gateway"),
            ("gateway.client_id", "door"),
            ("gateway.client_secret", "secret"),
            ("gateway.issuer", "https://id.example"),
        ],
        "gateway.cookie_secret",
        true,
    ),
    (
        &[
            ("role", "gateway"),
            ("gateway.client_id", "door"),
            ("gateway.client_secret", "a-secret-of-more-than-thirty-two-bytes"),
            ("gateway.issuer", "https://id.example"),
            ("gateway.scopes", "profile"),
        ],
        "gateway.scopes",
        true,
    ),
    (
        &[
            ("role", "gateway"),
            ("gateway.client_id", "door"),
            ("gateway.client_secret", "a-secret-of-more-than-thirty-two-bytes"),
            ("gateway.issuer", "https://id.example"),
        ],
        "gateway.client_id",
        false,
    ),
    (&[("data_dir", "/proc/version")], "data_dir", true),
    (&[("data_dir", "/proc/version/below/it")], "data_dir", true),
    (&[("setup.email", "nobody"), ("setup.password", "x")], "setup.email", true),
    (&[("database.url", "sqlite:///nowhere/at/all/x.db")], "database.url", true),
    (&[("database.url", "postgres://u@h/d"), ("database.pool", "0")], "database.pool", true),
    (&[("database.url", "postgres://u@h/d"), ("database.pool", "99999999999999")], "database.pool", true),
    (&[("sign_up.allowed_domains", "@@")], "sign_up.allowed_domains", true),
    (&[("sign_up.allowed_domains", "example.com,@example.com")], "sign_up.allowed_domains", true),
    (&[("sign_up.allowed_domains", "bücher.example")], "sign_up.allowed_domains", true),
    (&[("auth.bootstrap_token_scopes", "admin:*,a\"b")], "auth.bootstrap_token_scopes", true),
    (&[("auth.bootstrap_token_scopes", "admin:ü")], "auth.bootstrap_token_scopes", true),
    (&[("auth.bootstrap_token_scopes", "admin:user:read")], "auth.bootstrap_token_scopes", true),
    (&[("password.min_length", "100000")], "password.min_length", true),
    (&[("password.min_length", "65")], "password.min_length", true),
    (&[("password.min_length", "1")], "password.min_length", false),
    (&[("password.min_strength", "0")], "password.min_strength", false),
    (&[("password.min_strength", "5")], "password.min_strength", true),
    (&[("password.breach_check", "off")], "password.breach_check", false),
    (&[("password.breach_check", "range-api")], "password.breach_api", true),
    (&[("password.breach_api", "ftp://ranges.example")], "password.breach_api", true),
    (&[("password.breach_api", "https://us:secret@ranges.example")], "password.breach_api", true),
    (&[("audit.retention", "1s")], "audit.retention", true),
    (&[("audit.retention", "7d")], "audit.retention", false),
    (&[("usage.retention", "1h")], "usage.retention", true),
    (&[("usage.retention", "31d")], "usage.retention", false),
    (&[("keys.publish_ahead", "0s")], "keys.publish_ahead", true),
    (&[("keys.publish_ahead", "1h")], "keys.publish_ahead", false),
    (&[("keys.rotation", "1m")], "keys.rotation", true),
    (&[("keys.rotation", "12h")], "keys.rotation", true),
    (&[("keys.overlap", "1h")], "keys.overlap", true),
    (&[("tokens.access_ttl", "2d"), ("keys.overlap", "1d")], "keys.overlap", true),
    (&[("tokens.access_ttl", "2d")], "tokens.access_ttl", false),
    (&[("tokens.refresh_absolute", "0s")], "tokens.refresh_absolute", true),
    (&[("tokens.refresh_absolute", "1d")], "tokens.refresh_ttl", false),
    (&[("tokens.refresh_reuse_window", "30d")], "tokens.refresh_reuse_window", true),
    (&[("tokens.code_ttl", "1d")], "tokens.code_ttl", true),
    (&[("mail.link_ttl", "0s")], "mail.link_ttl", true),
    (&[("session.idle", "60d")], "session.idle", false),
    (&[("trusted_proxies", "0.0.0.0/0")], "trusted_proxies", true),
    (&[("trusted_proxies", "::/0")], "trusted_proxies", true),
    (&[("proxy_protocol", "true")], "proxy_protocol", true),
    (&[("metrics.listen", "0.0.0.0:9090")], "metrics.listen", false),
    (&[("metrics.listen", "127.0.0.1:8080")], "metrics.listen", true),
    (&[("listen", "127.0.0.1:80,127.0.0.1:80")], "listen", true),
    (&[("listen", "")], "listen", true),
    (&[("redis.url", "http://cache.internal")], "redis.url", true),
    (&[("auth.rate_limit_interval", "0.5")], "auth.rate_limit_interval", true),
    (&[("auth.rate_limit_interval", "86400")], "auth.rate_limit_interval", true),
    (&[("auth.rate_limit_ip", "1000000")], "auth.rate_limit_ip", true),
    (&[("public_url", "https://id.example")], "auth.rate_limit_ip", false),
    (&[("role", "gateway")], "auth.issuer", true),
    (&[("role", "gateway"), ("gateway.routes", r#"[{"name":"a","paths":["/a"]}]"#)], "auth.issuer", true),
    (&[("auth.mode", "optional")], "auth.mode", false),
    (&[("auth.mode", "disabled"), ("public_url", "https://id.example")], "allow.open_gateway", true),
    (
        &[("auth.mode", "disabled"), ("public_url", "https://id.example"), ("allow.open_gateway", "true")],
        "auth.mode",
        false,
    ),
    (&[("gateway.routes", r#"[{"name":"a","paths":["x"]}]"#)], "gateway.routes", true),
    (&[("gateway.routes", r#"[{"name":"a"},{"name":"a"}]"#)], "gateway.routes", true),
    (&[("gateway.routes", r#"[{"name":"a","upstream":"127.0.0.1:9"}]"#)], "gateway.routes", true),
    (&[("gateway.routes", r#"[{"name":"a","upstream":"http://u:p@h"}]"#)], "gateway.routes", true),
    (
        &[("gateway.routes", r#"[{"name":"a","hosts":["localhost"],"upstream":"http://127.0.0.1:9"}]"#)],
        "gateway.routes",
        true,
    ),
    (&[("gateway.routes", r#"[{"name":"default","paths":["/"]}]"#)], "gateway.routes", true),
    (
        &[("auth.issuer", "https://id.example"), ("auth.jwks_url", "http://id.example/keys")],
        "auth.issuers",
        true,
    ),
    (&[("auth.issuer", "http://id.example")], "auth.issuers", true),
    (&[("auth.issuers", r#"[{"issuer":"http://10.0.0.1"}]"#)], "auth.issuers", true),
    (&[("database.url", "postgres://u@h:port/d")], "database.url", true),
    (&[("database.url", "postgres:///d")], "database.url", true),
    (&[("database.url", "postgres://u@h/d?sslmode=sometimes")], "database.url", true),
    (
        &[
            ("database.url", "postgres://u@h/d"),
            ("database.direct_url", "postgres://u@h/d?sslrootcert=/nowhere"),
        ],
        "database.direct_url",
        true,
    ),
];

#[test]
fn what_is_unsafe_is_named_by_its_key() {
    for (settings, key, refuses) in TABLE {
        let found = concerns(&config(settings));
        let named: Vec<_> = found.iter().filter(|concern| concern.key == *key).collect();
        assert_eq!(named.len(), 1, "{settings:?}: {found:?}");
        assert_eq!(named[0].refuses, *refuses, "{settings:?}: {found:?}");
    }
}

#[test]
fn what_is_safe_is_not_objected_to() {
    for settings in [
        &[][..],
        &[("mail.url", "smtps://user:hush@mail.example"), ("mail.from", "Example <a@b.example>")],
        &[("database.url", "postgres://u@h/d")],
        &[("database.url", "postgresql://u:p@h:6432/d?application_name=x&sslmode=require")],
        &[("gateway.routes", r#"[{"name":"a","paths":["/x/**"],"mode":"optional","errors":"orcheo"}]"#)],
        &[("listen", "127.0.0.1:0,127.0.0.1:0"), ("metrics.listen", "127.0.0.1:0")],
        &[("master_key", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")],
        &[("trusted_proxies", "10.0.0.0/8")],
        &[("password.min_length", "64")],
        &[("auth.bootstrap_token_scopes", "admin:users:read,admin:*,files:read")],
        &[("sign_up.allowed_domains", "Example.com,mail.example.org,localhost,xn--bcher-kva.example")],
        &[("database.url", "sqlite://{data_dir}/other.db"), ("database.pool", "0")],
        &[("data_dir", "/nowhere/at/all")],
        &[("metrics.listen", "127.0.0.1:9090")],
        &[("security.contact", "mailto:security@example.com, https://example.com/report")],
        &[("keys.rotation", "30d"), ("keys.overlap", "2d")],
    ] {
        assert_eq!(concerns(&config(settings)), [], "{settings:?}");
    }
}

/// Keys over plain http are read where that is allowed by name, and of this machine.
#[test]
fn keys_over_plain_http_are_told_before_they_are_needed() {
    let about = |settings: &[(&str, &str)]| {
        concerns(&config(settings)).into_iter().find(|concern| concern.key == "auth.issuers")
    };
    let found = about(&[("auth.issuer", "x"), ("auth.jwks_url", "http://id.example/keys")]).unwrap().what;
    assert!(found.contains("jwks_url") && found.contains("allow.private_fetch"), "{found}");
    for good in [
        &[("auth.issuer", "x"), ("auth.jwks_url", "http://id.example/keys"), ("allow.private_fetch", "true")]
            [..],
        &[("auth.issuer", "http://id.example"), ("allow.private_fetch", "true")],
        &[("auth.issuer", "http://localhost:8080")],
        &[("auth.issuer", "https://id.example"), ("auth.jwks_url", "http://127.0.0.1/keys")],
        &[("auth.issuer", "http://id.example"), ("auth.jwks_url", "https://id.example/keys")],
    ] {
        assert_eq!(about(good), None, "{good:?}");
    }
}

/// Each of these is a reason to start a gateway alone.
#[test]
fn whom_a_gateway_alone_believes_is_said_in_many_ways() {
    for settings in [
        &[("auth.issuer", "https://id.example"), ("auth.audience", "api")][..],
        &[
            ("auth.jwt_secret", "a secret of more than thirty-two bytes"),
            ("auth.issuer", "x"),
            ("auth.audience", "api"),
        ],
        &[("auth.service_token_db_path", "service_tokens.sqlite")],
        &[("auth.any_certificate", "true")],
        &[("gateway.client_id", "door")],
        &[("auth.mode", "optional")],
        &[("auth.mode", "disabled")],
        &[("gateway.routes", r#"[{"name":"a","paths":["/a"],"mode":"disabled"}]"#)],
    ] {
        let alone: Vec<_> = settings.iter().copied().chain([("role", "gateway")]).collect();
        let found = concerns(&config(&alone));
        assert!(!found.iter().any(|concern| concern.key == "auth.issuer"), "{settings:?}: {found:?}");
    }
    assert!(concerns(&config(&[])).iter().all(|concern| concern.key != "auth.issuer"), "it believes itself");
}

/// Of two settings that do not fit together both are named, with what each asks for.
#[test]
fn who_asks_for_tokens_that_outlive_their_key_is_told() {
    let told =
        |settings| concerns(&config(settings)).into_iter().find(|it| it.key == "keys.overlap").unwrap().what;
    let access = told(&[("tokens.access_ttl", "1000d"), ("tokens.id_ttl", "2d")]);
    assert!(access.contains("it is 30d, and tokens.access_ttl asks for 1000d"), "{access}");
    let id = told(&[("tokens.id_ttl", "60d")]);
    assert!(id.contains("tokens.id_ttl asks for 60d") && id.contains("tokens.id_ttl to 30d"), "{id}");
    let nobody = told(&[("keys.overlap", "1h30m")]);
    assert!(nobody.contains("it is 1h30m, and an application") && nobody.contains("1d at least"), "{nobody}");
}
