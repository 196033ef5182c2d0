//! What `doorward demo` prints can be pasted.

use std::{
    fs::{self, File},
    process::{Child, Command, Stdio},
};

use doorward_e2e::{
    program::{binary, free_port},
    scripts,
};

struct Demo(Child);

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_tour_of_the_demo_can_be_pasted() {
    let folder = tempfile::tempdir().expect("a folder");
    let (tour, address) = (folder.path().join("tour"), format!("127.0.0.1:{}", free_port()));
    let child = Command::new(binary())
        .args(["demo", "--listen", &address])
        .env_clear()
        .env("TMPDIR", folder.path())
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(File::create(&tour).expect("a file"))
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let mut demo = Demo(child);
    // Its last line.
    while !fs::read_to_string(&tour).expect("its words").contains("/api/docs") {
        assert!(demo.0.try_wait().expect("it can be asked").is_none(), "the demo ended at once");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let issuer = format!("http://localhost:{}", address.rsplit(':').next().expect("a port"));
    scripts::python_with(
        &[("DOORWARD_ISSUER", &issuer), ("DOORWARD_TOUR", &tour.display().to_string())],
        "demo.py",
    );
}
