use serde_json::json;

use super::{
    super::{Config, ConfigError, Environment, Loaded, Sources},
    *,
};

const OWN: &str = "permit(principal, action, resource) when { principal.subject == \"ada\" };";

/// A folder with a configuration of one route, and files beside it.
fn read(route: &str, files: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let file = folder.path().join("doorward.toml");
    let text = format!("[[gateway.routes]]\nname = \"notes\"\n{route}\n");
    fs::write(&file, text.replace("FOLDER", &folder.path().display().to_string())).unwrap();
    let sources = Sources { file: Some(file), flags: Vec::new() };
    Loaded::read(&sources, &Environment::from_pairs([])).map(|loaded| loaded.config)
}

#[test]
fn a_file_beside_the_configuration_holds_the_policy() {
    for name in ["notes.cedar", "./notes.cedar", "FOLDER/notes.cedar"] {
        let config = read(&format!("policy_file = \"{name}\""), &[("notes.cedar", OWN)]).unwrap();
        let routes = &config.gateway.routes;
        assert_eq!(routes.0[0].rule.policy, OWN, "{name}");
        // Whoever lists the routes sees what counts.
        assert_eq!((routes.1[0].get("policy"), routes.1[0].get(MEMBER)), (Some(&json!(OWN)), None));
    }
    let config = read("policy = 'permit(principal, action, resource);'", &[]).unwrap();
    assert_eq!(config.gateway.routes.0[0].rule.policy, "permit(principal, action, resource);");
}

#[test]
fn what_a_route_was_to_be_closed_by_is_never_left_out() {
    let files = [("notes.cedar", OWN), ("empty.cedar", "\n\t\n")];
    for (route, words) in [
        ("policy_file = \"missing.cedar\"", "cannot read"),
        ("policy_file = \"empty.cedar\"", "is empty"),
        ("policy_file = \"\"", "cannot read"),
        ("policy_file = 7", "write the name of a file"),
        ("policy_file = [\"notes.cedar\"]", "write the name of a file"),
        (
            "policy_file = \"notes.cedar\"\npolicy = \"permit(principal, action, resource);\"",
            "keep one of them",
        ),
        ("policy_file = \"notes.cedar\"\npolicy = \"\"", "keep one of them"),
    ] {
        let error = read(route, &files).err().unwrap().to_string();
        for part in ["doorward.toml:", "gateway.routes", "route notes: policy_file: ", words] {
            assert!(error.contains(part), "{route}: {error}");
        }
    }
}

#[test]
fn the_environment_names_files_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("notes.cedar");
    fs::write(&file, OWN).unwrap();
    let read = |file: &str| {
        let routes = json!([{ "name": "notes", "policy_file": file }]).to_string();
        let environment = Environment::from_pairs([("DOORWARD_GATEWAY_ROUTES".to_owned(), routes)]);
        Loaded::read(&Sources::default(), &environment)
    };
    assert_eq!(read(file.to_str().unwrap()).unwrap().config.gateway.routes.0[0].rule.policy, OWN);
    let error = read("/nowhere/notes.cedar").err().unwrap().to_string();
    assert!(error.contains("DOORWARD_GATEWAY_ROUTES") && error.contains("/nowhere/notes.cedar"), "{error}");
}
