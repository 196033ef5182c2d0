//! Checkpoints: whose they are, under whichever address they were signed.

use super::*;

fn notary(realm: &str, issuer: &str) -> Notary {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[5; 32]).unwrap();
    Notary {
        pair,
        key_id: "key".to_owned(),
        realm: realm.to_owned(),
        issuer: issuer.to_owned(),
        before: Predecessors::default(),
    }
}

fn signed(notary: &Notary, layout: Layout) -> Checkpoint {
    let mut point = notary.sign(7, Time::from_micros(1), &[3; 32], "minute");
    point.signature = notary.pair.sign(notary.statement(&point, layout).as_bytes()).as_ref().to_vec();
    point
}

#[test]
fn a_checkpoint_belongs_to_its_realm_and_not_to_its_address() {
    let (here, moved) = (notary("org_a", "https://a.example"), notary("org_a", "https://b.example"));
    let other = notary("org_b", "https://a.example");
    let point = here.sign(7, Time::from_micros(1), &[3; 32], "minute");
    assert_eq!((here.refute(&point), moved.refute(&point)), (None, None));
    assert!(other.refute(&point).is_some());
    assert_eq!(point, signed(&here, Layout::OfRealm));
}

#[test]
fn what_was_signed_with_the_issuer_in_it_still_verifies() {
    let here = notary("org_a", "https://a.example");
    let point = signed(&here, Layout::OfIssuer);
    assert_eq!(here.refute(&point), None);
    assert!(here.refute(&Checkpoint { seq: 8, ..point }).is_some());
}
