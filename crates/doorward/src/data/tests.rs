use std::os::unix::fs::PermissionsExt as _;

use doorward_core::env::no_fetch;

use super::*;
use crate::config::{Environment, Loaded, Sources};

fn config(folder: &Path, more: &[(&str, &str)]) -> Config {
    let mut flags = vec![("data_dir".to_owned(), folder.display().to_string())];
    flags.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    Loaded::read(&Sources { file: None, flags }, &Environment::default()).unwrap().config
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().mode() & 0o777
}

#[test]
fn the_first_start_makes_a_key_that_later_starts_read() {
    let top = tempfile::tempdir().unwrap();
    let home = top.path().join("a/data");
    folder(&home).unwrap();
    assert_eq!(mode(&home), 0o700);
    let env = Env::system(no_fetch());
    let config = config(&home, &[]);
    let first = vault(&config, &env, None).unwrap().id().to_owned();
    let path = home.join("master.key");
    assert_eq!(mode(&path), 0o600);
    assert_eq!(vault(&config, &env, Some(&first)).unwrap().id(), first);
    for open in [0o640, 0o604, 0o644] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(open)).unwrap();
        let refused = vault(&config, &env, Some(&first)).err().unwrap().to_string();
        assert!(refused.contains("read by others") && refused.contains("chmod 600"), "{refused}");
    }
}

#[test]
fn a_folder_that_others_can_use_is_refused() {
    let top = tempfile::tempdir().unwrap();
    for open in [0o755, 0o750, 0o701, 0o777] {
        std::fs::set_permissions(top.path(), std::fs::Permissions::from_mode(open)).unwrap();
        let refused = folder(top.path()).err().unwrap().to_string();
        assert!(refused.contains("chmod 700") && refused.contains(&format!("{open:03o}")), "{refused}");
        assert_eq!(mode(top.path()), open, "it is left as it is");
    }
    std::fs::set_permissions(top.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    folder(top.path()).unwrap();
}

#[test]
fn a_lost_key_of_a_database_in_use_is_not_replaced() {
    let home = tempfile::tempdir().unwrap();
    let config = config(home.path(), &[]);
    let refused = vault(&config, &Env::system(no_fetch()), Some("0123abcd")).err().unwrap().to_string();
    assert!(refused.contains("put the key back") && refused.contains("0123abcd"), "{refused}");
    assert!(!home.path().join("master.key").exists());
}

#[test]
fn a_key_is_read_in_every_usual_form() {
    let bytes: Vec<u8> = (0..32).map(|n| n * 7).collect();
    for text in [
        data_encoding::HEXLOWER.encode(&bytes),
        data_encoding::HEXUPPER.encode(&bytes),
        data_encoding::BASE64.encode(&bytes),
        data_encoding::BASE64URL.encode(&bytes),
        format!(" {}\n", data_encoding::BASE64URL_NOPAD.encode(&bytes)),
    ] {
        assert_eq!(*parse_key(text.as_bytes()).unwrap(), *bytes, "{text}");
    }
    assert_eq!(*parse_key(&bytes).unwrap(), *bytes);
    for text in ["", "short", &"x".repeat(31), &"zz".repeat(40)] {
        assert!(parse_key(text.as_bytes()).is_err(), "{text}");
    }
}

#[test]
fn the_database_url_chooses_the_engine() {
    let home = Path::new("/var/lib/doorward");
    let path = |more: &[(&str, &str)]| match place(&config(home, more)).unwrap() {
        Place::Sqlite(path) => path.display().to_string(),
        Place::Postgres(settings) => format!("{} {}", settings.url, settings.statement_cache),
    };
    assert_eq!(path(&[]), "/var/lib/doorward/doorward.db");
    assert_eq!(path(&[("database.url", "sqlite:///x/y.db")]), "/x/y.db");
    assert_eq!(path(&[("database.url", "sqlite://{data_dir}/y.db")]), "/var/lib/doorward/y.db");
    let postgres = [("database.url", "postgres://u@h/d"), ("database.statement_cache", "0")];
    assert_eq!(path(&postgres), "postgres://u@h/d false");
    assert!(place(&config(home, &[("database.url", "mysql://x")])).is_err());
}
