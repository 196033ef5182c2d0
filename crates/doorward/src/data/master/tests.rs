use std::os::unix::fs::PermissionsExt as _;

use doorward_core::env::no_fetch;

use super::*;
use crate::data::{
    folder,
    tests::{config, mode},
};

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
        assert_eq!(*parse(text.as_bytes()).unwrap(), *bytes, "{text}");
    }
    assert_eq!(*parse(&bytes).unwrap(), *bytes);
    for text in ["", "short", &"x".repeat(31), &"zz".repeat(40)] {
        assert!(parse(text.as_bytes()).is_err(), "{text}");
    }
}

fn put(path: &Path, key: &Key) {
    let _ = std::fs::remove_file(path);
    write(path, key).unwrap();
}

/// A data folder with a key in it, and the next one beside it.
fn prepared(home: &Path) -> (Config, Env, Key, Key) {
    let (config, env) = (config(home, &[]), Env::system(no_fetch()));
    folder(home).unwrap();
    vault(&config, &env, None).unwrap();
    let first = read(&path(&config)).unwrap();
    let owner = vault_of(&first).unwrap().id().to_owned();
    let next = Succession::of(&config).prepare(&env, &owner, None).unwrap();
    (config, env, first, next)
}

fn id(key: &Key) -> String {
    vault_of(key).unwrap().id().to_owned()
}

#[test]
fn a_start_goes_by_the_key_that_the_database_belongs_to() {
    let top = tempfile::tempdir().unwrap();
    let home = top.path().join("data");
    let (config, env, first, next) = prepared(&home);
    let (file, beside) = (home.join("master.key"), home.join("master.key.next"));
    assert_eq!(mode(&beside), 0o600);
    let former = home.join(format!("master.key.old-{}", id(&first)));
    // The database was not given to it.
    assert_eq!(vault(&config, &env, Some(&id(&first))).unwrap().id(), id(&first));
    assert!(beside.exists() && !former.exists());
    // It was; and once more with the former key kept already, and with no key at all in its place.
    for step in 0..3 {
        if step == 2 {
            std::fs::remove_file(&file).unwrap();
        }
        assert_eq!(vault(&config, &env, Some(&id(&next))).unwrap().id(), id(&next));
        assert_eq!((read(&file).unwrap(), beside.exists()), (next.clone(), false));
        assert_eq!((read(&former).unwrap(), mode(&former), mode(&file)), (first.clone(), 0o600, 0o600));
        put(&beside, &next);
        put(&file, &first);
    }
}

#[test]
fn a_key_that_was_half_kept_is_kept_whole_before_it_goes() {
    let top = tempfile::tempdir().unwrap();
    let home = top.path().join("data");
    let (config, env, first, next) = prepared(&home);
    let former = home.join(format!("master.key.old-{}", id(&first)));
    std::fs::write(&former, "half a k").unwrap();
    assert_eq!(vault(&config, &env, Some(&id(&next))).unwrap().id(), id(&next));
    assert_eq!((read(&former).unwrap(), mode(&former)), (first, 0o600));
}

#[test]
fn a_restored_database_is_told_where_its_key_is() {
    let top = tempfile::tempdir().unwrap();
    let home = top.path().join("data");
    let (config, env, first, next) = prepared(&home);
    vault(&config, &env, Some(&id(&next))).unwrap();
    let refused = vault(&config, &env, Some(&id(&first))).err().unwrap().to_string();
    assert!(refused.contains("restored") && refused.contains(&format!("old-{}", id(&first))), "{refused}");
    assert_eq!(Succession::of(&config).others().len(), 1);
}

#[test]
fn a_key_outside_the_data_folder_stays_where_it_is() {
    let top = tempfile::tempdir().unwrap();
    let (home, secrets) = (top.path().join("data"), top.path().join("secrets"));
    folder(&home).unwrap();
    folder(&secrets).unwrap();
    let env = Env::system(no_fetch());
    let file = secrets.join("key");
    let first = random(&env).unwrap();
    put(&file, &first);
    let outside = config(&home, &[("master_key_file", &file.display().to_string())]);
    let succession = Succession::of(&outside);
    let next = succession.prepare(&env, &id(&first), None).unwrap();
    assert!(!succession.is_ours() && home.join("master.key.next").exists());
    assert_eq!((succession.settle(false).unwrap(), read(&file).unwrap()), (None, first));
    let refused = vault(&outside, &env, Some(&id(&next))).err().unwrap().to_string();
    for word in ["master_key_file", "master.key.next", &file.display().to_string()] {
        assert!(refused.contains(word), "{word}: {refused}");
    }
    let inside = config(&home, &[("master_key_file", &home.join("own.key").display().to_string())]);
    assert!(Succession::of(&inside).is_ours());
}

#[test]
fn a_link_is_not_ours_to_replace() {
    let top = tempfile::tempdir().unwrap();
    let home = top.path().join("data");
    let (config, ..) = prepared(&home);
    assert!(Succession::of(&config).is_ours());
    std::fs::rename(home.join("master.key"), top.path().join("mounted")).unwrap();
    std::os::unix::fs::symlink(top.path().join("mounted"), home.join("master.key")).unwrap();
    assert!(!Succession::of(&config).is_ours());
}

#[test]
fn one_at_a_time() {
    let top = tempfile::tempdir().unwrap();
    let home = top.path().join("data");
    let (config, env, _, next) = prepared(&home);
    let held = Succession::of(&config).lock().unwrap();
    assert!(Succession::of(&config).lock().is_err());
    assert!(vault(&config, &env, Some(&id(&next))).is_err(), "a start leaves the files alone");
    drop(held);
    assert!(vault(&config, &env, Some(&id(&next))).is_ok());
}
