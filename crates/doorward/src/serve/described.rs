//! The configuration as the console and the API show it.

use doorward_web::in_force::{Setting, Source};

use crate::config::{KEYS, Key, Kind, Loaded, Origin};

/// What a running server heeds when it reads the configuration again; everything else is for the next start.
const LIVE: [&str; 3] = ["auth.mode", "auth.audience", "gateway.routes"];

/// Every setting of a configuration, in the order of the reference.
pub(super) fn described(loaded: &Loaded) -> Vec<Setting> {
    let setting = |key: &'static Key| Setting {
        name: key.name,
        variable: key.variable(),
        value: value(loaded, key),
        from: match loaded.origin(key.name) {
            Origin::Default => Source::Default,
            Origin::File(path, line) => Source::File(format!("{}:{line}", path.display())),
            Origin::Environment(name) => Source::Environment(name.clone()),
            Origin::Flag => Source::Flag,
        },
        default: key.default,
        about: key.about.split_whitespace().collect::<Vec<_>>().join(" "),
        is_live: LIVE.contains(&key.name),
    };
    KEYS.iter().map(setting).collect()
}

/// Tables may hold secrets anywhere: how many there are is all that is told.
fn value(loaded: &Loaded, key: &Key) -> String {
    if key.kind != Kind::Tables {
        return loaded.shown(key);
    }
    match loaded.tables(key) {
        0 => String::new(),
        count => format!("[{count}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Environment, Sources};

    #[test]
    fn no_secret_is_shown_and_every_setting_is_there() {
        let secrets = [
            ("DOORWARD_MASTER_KEY", "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlYzE="),
            ("DOORWARD_DATABASE_URL", "postgres://doorward:hunter2-hunter2@db.example/doorward"),
            (
                "DOORWARD_AUTH_ISSUERS",
                r#"[{"issuer": "https://a.example", "jwt_secret": "hunter3-hunter3-hunter3-hunter3-hunter3"}]"#,
            ),
            ("DOORWARD_TOKENS_ACCESS_TTL", "7m"),
        ];
        let known: Vec<_> =
            secrets.into_iter().filter(|(name, _)| KEYS.iter().any(|key| key.variable() == *name)).collect();
        let environment =
            Environment::from_pairs(known.iter().map(|(name, value)| ((*name).into(), (*value).into())));
        let loaded = Loaded::read(&Sources::default(), &environment).unwrap();
        let all = described(&loaded);
        assert_eq!(all.len(), KEYS.len());
        let text = format!("{all:?}");
        assert!(!text.contains("hunter") && !text.contains("c2VjcmV0"), "{text}");
        let ttl = all.iter().find(|setting| setting.name == "tokens.access_ttl").unwrap();
        assert_eq!(
            (ttl.value.as_str(), &ttl.from),
            ("7m", &Source::Environment("DOORWARD_TOKENS_ACCESS_TTL".to_owned()))
        );
        assert!(!ttl.is_live && all.iter().filter(|setting| setting.is_live).count() == LIVE.len());
    }
}
