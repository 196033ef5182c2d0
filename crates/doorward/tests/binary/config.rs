//! `doorward config`: what is in force, what is unsafe, what there is.

use crate::support::{doorward, run};

#[test]
fn show_tells_every_value_and_its_origin_and_no_secret() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("doorward.toml"), "[session]\nidle = \"2d\"\n").unwrap();
    let mut command = doorward(home.path(), &["config", "show", "--set", "tokens.code_ttl=30s"]);
    let said = run(command.env("DOORWARD_MAIL_URL", "smtp://user:hush@mail.example"));
    assert_eq!(said.code, 0, "{}", said.err);
    for (key, value, origin) in [
        ("session.idle", "2d", "doorward.toml:2"),
        ("tokens.code_ttl", "30s", "flag"),
        ("mail.url", "********", "$DOORWARD_MAIL_URL"),
        ("session.absolute", "30d", "default"),
    ] {
        let line = said.out.lines().find(|line| line.split_whitespace().next() == Some(key)).unwrap();
        assert!(line.contains(value) && line.contains(origin), "{line}");
    }
    assert!(!said.out.contains("hush"));
}

#[test]
fn check_explains_and_fails_where_a_start_would_be_refused() {
    let home = tempfile::tempdir().unwrap();
    let said = run(&mut doorward(home.path(), &["config", "check"]));
    assert_eq!((said.code, said.out.as_str()), (0, "Nothing to object to.\n"));
    let said = run(&mut doorward(home.path(), &["config", "check", "--set", "listen=0.0.0.0:80"]));
    assert_eq!(said.code, 1);
    assert!(said.out.contains("allow.plain_http"), "{}", said.out);
    let said = run(doorward(home.path(), &["config", "check"]).env("DOORWARD_MAIL_URI", "x"));
    assert!(said.out.contains("$DOORWARD_MAIL_URL"), "{}", said.out);
}

#[test]
fn env_and_schema_come_without_any_configuration() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("doorward.toml"), "this is no TOML").unwrap();
    let said = run(&mut doorward(home.path(), &["config", "env"]));
    assert!(said.code == 0 && said.out.contains("DOORWARD_TOKENS_REFRESH_REUSE_WINDOW"));
    let said = run(&mut doorward(home.path(), &["config", "schema"]));
    let schema: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(schema["properties"]["tokens"]["properties"]["access_ttl"]["default"], "10m");
    let said = run(&mut doorward(home.path(), &["config", "show"]));
    assert!(said.code == 1 && said.err.contains("doorward.toml:1:"), "{}", said.err);
}

#[test]
fn a_secret_in_a_table_is_not_shown() {
    let home = tempfile::tempdir().unwrap();
    let issuer = "[[auth.issuers]]\nissuer = \"https://other.example\"\n\
        jwt_secret = \"hush, thirty-two bytes and a few more\"\n";
    std::fs::write(home.path().join("doorward.toml"), issuer).unwrap();
    for format in ["table", "json"] {
        let said = run(&mut doorward(home.path(), &["config", "show", "--output", format]));
        assert_eq!(said.code, 0, "{}", said.err);
        assert!(
            said.out.contains("other.example") && said.out.contains("jwt_secret = ********"),
            "{}",
            said.out
        );
        assert!(!format!("{}{}", said.out, said.err).contains("hush"), "{}", said.out);
    }
}

/// Whoever may use an address often stands in it.
#[test]
fn neither_what_is_shown_nor_a_refusal_holds_the_credentials_of_an_address() {
    let home = tempfile::tempdir().unwrap();
    let api = "https://us:hush@ranges.example/range/?key=hush";
    let origins = "https://us:hush@a.example,https://b.example/?hush,mailto:c@d.example";
    let cli = |args: &[&str], sets: &[(&str, &str)]| {
        let mut command = doorward(home.path(), args);
        for (key, value) in sets {
            command.arg("--set").arg(format!("{key}={value}"));
        }
        let said = run(&mut command);
        assert!(
            !format!("{}{}", said.out, said.err).contains("hush"),
            "{args:?} {sets:?}: {}{}",
            said.out,
            said.err
        );
        said
    };
    let sets = [
        ("password.breach_api", api),
        ("cors.allowed_origins", origins),
        ("security.contact", origins),
        ("mail.from", "smtp://us:hush@mail.example"),
        ("data_dir", "sftp://us:hush@files.example"),
    ];
    for format in ["table", "json", "yaml", "markdown"] {
        let said = cli(&["config", "show", "--output", format], &sets);
        assert!(said.out.contains("https://…@ranges.example/range/?…"), "{}", said.out);
        assert!(
            said.out.contains("https://…@a.example,https://b.example/?…,mailto:c@d.example"),
            "{}",
            said.out
        );
    }
    let said = cli(&["config", "check"], &sets);
    assert!(said.code == 1 && said.out.contains("`https://…@a.example` is not an origin"), "{}", said.out);
    for (key, value, shown) in [
        ("public_url", "https://us:hush@id.example", "user name"),
        ("public_url", "ftp://us:hush@id.example", "`ftp://…@id.example` must begin"),
        ("public_url", "us:hush@id.example", "`…@id.example` must begin"),
        ("password.breach_api", "https://us:hush@ranges example", "`https://…@ranges example` is no address"),
        ("password.breach_api", "/range?key=hush", "`/range?…` is no address"),
        ("tokens.access_ttl", "https://us:hush@id.example", "`https://…@id.example` is not a duration"),
        ("log.level", "https://us:hush@id.example", "`https://…@id.example`"),
    ] {
        let said = cli(&["config", "show"], &[(key, value)]);
        assert!(said.code == 1 && said.err.contains(key) && said.err.contains(shown), "{}", said.err);
    }
}
