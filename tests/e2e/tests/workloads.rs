//! Workloads of other platforms, told apart by the real program.

use doorward_e2e::{certificates, program::binary, scripts};

#[test]
fn workloads_are_known_by_the_tokens_of_their_platforms() {
    let certificates = certificates::make();
    let folder = certificates.path().to_str().expect("a plain path");
    let program = binary().to_str().expect("a plain path");
    let environment = [("DOORWARD_CERTIFICATES", folder), ("DOORWARD_PROGRAM", program)];
    scripts::python_with(&environment, "workloads.py");
}
