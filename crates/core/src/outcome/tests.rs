use super::*;

#[derive(Debug, thiserror::Error)]
#[error("the disk is full")]
struct Full;

#[derive(Debug, thiserror::Error)]
#[error("the file cannot grow")]
struct Stuck(#[source] Full);

#[derive(Debug, thiserror::Error)]
#[error("nothing was written: {0}")]
struct Talkative(#[source] Full);

#[test]
fn a_fault_tells_its_causes_and_nothing_empty_between_them() {
    let fault = |error: Error| match error {
        Error::Fault(fault) => fault.to_string(),
        Error::Refused(refusal) => panic!("{refusal:?}"),
    };
    assert_eq!(fault(Stuck(Full).into()), "the file cannot grow: the disk is full");
    assert_eq!(fault(Talkative(Full).into()), "nothing was written: the disk is full");
    let during = Error::from(Stuck(Full)).during("tokens.issue").during("oauth");
    assert_eq!(fault(during), "oauth: tokens.issue: the file cannot grow: the disk is full");
    assert_eq!(fault(Error::fault("a row is missing")), "a row is missing");
}
