use std::net::IpAddr;

use serde_json::{Value, json};

use super::*;
use crate::{
    claims::Identity,
    principal::{Confirmation, CredentialKind},
    rule::RuleSpec,
};

fn principal(claims: Value) -> Principal {
    let identity = Identity::of(claims.as_object().unwrap());
    Principal {
        audience: vec!["https://api.example".to_owned()],
        expires_at: Some(Time::from_seconds(1_000)),
        ..Principal::new(identity, CredentialKind::AccessToken)
    }
}

fn alice() -> Principal {
    principal(json!({
        "sub": "usr_alice", "iss": "https://issuer.example", "scope": "files:read files:write",
        "permissions": ["code:execute"], "roles": ["editor"], "role": "user", "workspace_ids": ["ws-a"],
    }))
}

fn rule(change: impl FnOnce(&mut RuleSpec)) -> Rule {
    let mut spec = RuleSpec { name: "x".to_owned(), ..RuleSpec::default() };
    change(&mut spec);
    Rule::compile(spec).unwrap()
}

fn ask<'p, 'a>(presented: Presented<'p>, proof: &'a Proof) -> Ask<'p, 'a> {
    let address = IpAddr::from([192, 0, 2, 7]);
    let asked = Some(Asked { method: "GET", host: "app.example.com", path: "/x" });
    Ask { presented, asked, proof, address, now: Time::from_seconds(999), audiences: &[] }
}

fn told(rule: &Rule, presented: Presented<'_>) -> Option<Why> {
    match judge(rule, ask(presented, &Proof::default())) {
        Verdict::Allowed(_) => None,
        Verdict::Refused(refusal) => Some(refusal.why),
    }
}

fn texts(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn modes_say_whether_somebody_is_needed() {
    let bad = || Presented::Refused(Why::TokenExpired.into());
    let alice = alice();
    for (mode, nothing, refused) in [
        (Mode::Required, Some(Why::MissingToken), Some(Why::TokenExpired)),
        (Mode::Optional, None, Some(Why::TokenExpired)),
        (Mode::Disabled, None, None),
    ] {
        let rule = rule(|spec| spec.mode = mode);
        assert_eq!(told(&rule, Presented::Nothing), nothing, "{mode:?}");
        assert_eq!(told(&rule, bad()), refused, "{mode:?}");
        assert_eq!(told(&rule, Presented::Principal(&alice)), None, "{mode:?}");
    }
    let demanding = rule(|spec| (spec.mode, spec.scopes) = (Mode::Optional, texts(&["files:read"])));
    assert_eq!(told(&demanding, Presented::Nothing), Some(Why::MissingToken), "nobody has no scope");
    let proof = Proof::default();
    let off = rule(|spec| spec.mode = Mode::Disabled);
    let verdict = judge(&off, ask(Presented::Principal(&alice), &proof));
    assert!(matches!(verdict, Verdict::Allowed(None)), "where nothing is looked at nobody is anybody");
}

type Set = fn(&mut RuleSpec, Vec<String>);

#[test]
fn what_a_rule_demands_must_be_there() {
    let alice = alice();
    let table: [(Set, &[&str], Option<Why>); 17] = [
        (|spec, it| spec.scopes = it, &["files:read", "files:write"], None),
        (|spec, it| spec.scopes = it, &["files:read", "files:delete"], Some(Why::MissingScope)),
        (|spec, it| spec.scopes = it, &["FILES:read"], Some(Why::MissingScope)),
        (|spec, it| spec.scopes = it, &["code:execute"], Some(Why::MissingScope)),
        (|spec, it| spec.permissions = it, &["code:execute"], None),
        (|spec, it| spec.permissions = it, &["files:read"], None),
        (|spec, it| spec.permissions = it, &["code:execute", "code:delete"], Some(Why::Forbidden)),
        (|spec, it| spec.roles = it, &["editor", "admin"], None),
        (|spec, it| spec.roles = it, &["user"], None),
        (|spec, it| spec.roles = it, &["admin"], Some(Why::Forbidden)),
        (|spec, it| spec.workspaces = it, &["WS-A"], None),
        (|spec, it| spec.workspaces = it, &["ws-a", "ws-b"], Some(Why::WorkspaceForbidden)),
        (|spec, it| spec.issuers = it, &["https://issuer.example"], None),
        (|spec, it| spec.issuers = it, &["https://issuer.example/"], Some(Why::InvalidIssuer)),
        (|spec, it| spec.audiences = it, &["https://api.example", "x"], None),
        (|spec, it| spec.audiences = it, &["https://api.example/"], Some(Why::InvalidAudience)),
        (|spec, it| spec.audiences = it, &["x"], Some(Why::InvalidAudience)),
    ];
    for (place, (set, names, expect)) in table.into_iter().enumerate() {
        let rule = rule(|spec| set(spec, texts(names)));
        assert_eq!(told(&rule, Presented::Principal(&alice)), expect, "line {place}: {names:?}");
    }
    let only = |kind| rule(|spec| spec.accept = vec![kind]);
    assert_eq!(told(&only(CredentialKind::AccessToken), Presented::Principal(&alice)), None);
    let refused = told(&only(CredentialKind::ServiceToken), Presented::Principal(&alice));
    assert_eq!(refused, Some(Why::InvalidToken));
}

#[test]
fn whom_tokens_are_for_is_looked_at_where_no_rule_says_so() {
    let (alice, proof, rule) = (alice(), Proof::default(), rule(|_| {}));
    let nobody = Principal { audience: Vec::new(), ..alice.clone() };
    for (principal, audiences, expect) in [
        (&alice, texts(&["https://api.example"]), true),
        (&alice, texts(&["https://other.example"]), false),
        (&nobody, texts(&["https://other.example"]), true),
    ] {
        let ask = Ask { audiences: &audiences, ..ask(Presented::Principal(principal), &proof) };
        assert_eq!(matches!(judge(&rule, ask), Verdict::Allowed(_)), expect, "{audiences:?}");
    }
}

#[test]
fn what_no_cache_may_remember_is_judged_each_time() {
    let rule = rule(|_| {});
    let bound = Principal { confirmation: Some(Confirmation::Dpop("key".to_owned())), ..alice() };
    let home = Principal { addresses: vec!["192.0.2.0/24".parse().unwrap()], ..alice() };
    let (holds, other) = (
        Proof { dpop: Some("key".to_owned()), certificate: None },
        Proof { dpop: Some("other".to_owned()), certificate: Some("key".to_owned()) },
    );
    let nothing = Proof::default();
    let at = |seconds, address: [u8; 4], principal, proof| {
        let now = Time::from_seconds(seconds);
        let ask = Ask { now, address: address.into(), ..ask(Presented::Principal(principal), proof) };
        match judge(&rule, ask) {
            Verdict::Allowed(_) => None,
            Verdict::Refused(refusal) => Some(refusal.why),
        }
    };
    let (here, there) = ([192, 0, 2, 7], [198, 51, 100, 7]);
    assert_eq!(at(999, here, &bound, &holds), None);
    assert_eq!(at(999, here, &bound, &other), Some(Why::ProofRequired));
    assert_eq!(at(999, here, &bound, &nothing), Some(Why::ProofRequired));
    assert_eq!(at(1_000, here, &bound, &holds), Some(Why::TokenExpired));
    assert_eq!(at(999, here, &home, &holds), None);
    assert_eq!(at(999, there, &home, &holds), Some(Why::InvalidAddress));
    let mapped =
        Ask { address: "::ffff:192.0.2.9".parse().unwrap(), ..ask(Presented::Principal(&home), &holds) };
    assert!(matches!(judge(&rule, mapped), Verdict::Allowed(Some(_))));
}

#[test]
fn refusals_have_names_of_their_own_and_say_what_is_missing() {
    let codes: std::collections::BTreeSet<_> = Why::ALL.iter().map(|why| why.code()).collect();
    assert_eq!(codes.len(), Why::ALL.len());
    let refusal = Refusal::new(Why::MissingScope).missing(texts(&["workflows:write"]));
    assert_eq!(refusal.message(), "Missing required scopes: workflows:write");
    let refusal = Refusal::new(Why::WorkspaceForbidden).missing(texts(&["a", "b"]));
    assert_eq!(refusal.message(), "Workspace access denied for: a, b");
}
