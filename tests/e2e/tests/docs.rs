//! Every shell block of the documentation does what it says.

use std::process::Command;

use doorward_e2e::{
    Options, Server,
    docs::{Needs, blocks, blocks_of},
    program::{BOOTSTRAP, binary},
};

#[test]
fn blocks_are_found_with_what_they_need() {
    let page = "\n```text\nno\n```\n<!-- run: server -->\n\n```sh\ntrue\n```\n\n```sh\nfalse\n```\n";
    let found = blocks_of("page.md", page);
    let short: Vec<_> = found.iter().map(|it| (it.place.as_str(), &it.needs, it.script.as_str())).collect();
    assert_eq!(short, [("page.md:7", &Needs::Server, "true\n"), ("page.md:11", &Needs::Nothing, "false\n")]);
}

#[test]
fn every_block_runs() {
    let all = blocks();
    let needs_server = all.iter().any(|block| block.needs == Needs::Server);
    let server = needs_server.then(|| Server::start(Options::default()));
    for block in all.iter().filter(|block| !matches!(block.needs, Needs::Exempt(_))) {
        let folder = tempfile::tempdir().expect("a folder");
        let programs = binary().parent().expect("a folder").display();
        let mut shell = Command::new("bash");
        shell.args(["-euo", "pipefail", "-c", &block.script]).current_dir(folder.path());
        shell.env("PATH", format!("{programs}:/usr/local/bin:/usr/bin:/bin")).env("HOME", folder.path());
        if let (Needs::Server, Some(server)) = (&block.needs, &server) {
            shell.env("DOORWARD_URL", &server.issuer).env("DOORWARD_SERVICE_TOKEN", BOOTSTRAP);
            shell.env("DOORWARD_DATA_DIR", server.data());
        }
        let stopped = (block.needs == Needs::Stopped).then(|| {
            let mut server = Server::start(Options::default());
            assert!(server.stop(), "it ends well");
            server
        });
        if let Some(server) = &stopped {
            shell.env("DOORWARD_DATA_DIR", server.data());
        }
        let done = shell.output().expect("bash runs");
        let (said, complained) =
            (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        assert!(done.status.success(), "{} failed:\n{}\n{said}\n{complained}", block.place, block.script);
    }
}
