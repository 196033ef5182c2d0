use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::config::{Environment, Loaded, Sources};

pub(super) fn config(folder: &Path, more: &[(&str, &str)]) -> Config {
    let mut flags = vec![("data_dir".to_owned(), folder.display().to_string())];
    flags.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    Loaded::read(&Sources { file: None, flags }, &Environment::default()).unwrap().config
}

pub(super) fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().mode() & 0o777
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
