//! `export` and `import` where nothing was started before.

use std::{os::unix::fs::PermissionsExt as _, path::Path};

use crate::support::{Said, Server, doorward, run};

fn instance(server: &Server) -> String {
    let answer = server.ask_socket("GET /api/v1/settings HTTP/1.1\r\nhost: x\r\n", "");
    let settings: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    settings["instance_org_id"].as_str().unwrap().to_owned()
}

fn export(home: &Path, file: &Path) -> Said {
    run(&mut doorward(home, &["export", "--all", file.to_str().unwrap()]))
}

#[test]
fn into_a_new_data_folder_the_instance_keeps_its_id() {
    let (old, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let file = old.path().join("server.ndjson");
    let refused = export(old.path(), &file);
    assert!(refused.code == 1 && refused.err.contains("there is no database"), "{}", refused.err);
    let server = Server::start(old.path(), &[]);
    let id = instance(&server);
    let said = export(old.path(), &file);
    assert_eq!(said.code, 0, "{}", said.err);
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let refused = export(old.path(), &file);
    assert!(refused.code == 1 && refused.err.contains("is there already"), "{}", refused.err);
    assert!(server.stop().0.success());

    let said = run(&mut doorward(new.path(), &["import", file.to_str().unwrap()]));
    assert!(said.code == 0 && !said.out.contains("tenant_id"), "{}{}", said.out, said.err);
    let server = Server::start(new.path(), &[]);
    assert_eq!(instance(&server), id);
    assert!(server.stop().0.success());
}

#[test]
fn what_is_no_export_makes_no_data_folder() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("odd"), "PK\u{3}\u{4}").unwrap();
    for file in ["odd", "missing"] {
        let said = run(&mut doorward(home.path(), &["import", file]));
        assert!(said.code == 1 && said.err.lines().count() == 1, "{}", said.err);
    }
    assert!(!home.path().join("doorward-data").exists());
    let said = run(&mut doorward(home.path(), &["import"]));
    assert!(said.code == 1 && said.err.contains("name the file"), "{}", said.err);
}
