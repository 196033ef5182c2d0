use std::thread;

use doorward_proto::access_token::is_free_claim_name;

use super::{
    bounds::MOST,
    engine::{Engine, compile},
    may_be_called,
};
use crate::outcome::Error;

/// What is said of a text, where it is refused.
fn refused(text: &str) -> Option<String> {
    match compile(text) {
        Ok(_) => None,
        Err(Error::Refused(refusal)) => Some(refusal.hint.to_string()),
        Err(fault) => panic!("{text}: {fault:?}"),
    }
}

#[test]
fn what_cannot_run_is_refused_where_it_is_wrong() {
    for (text, said) in [
        ("", "1 to 1024 bytes"),
        ("\u{0}", "1 to 1024 bytes"),
        (&"a".repeat(1025), "1 to 1024 bytes"),
        ("1 +", "Line 1, column 4"),
        ("1 +\n* 2", "Line 2, column 1"),
        ("nobody", "Letter 1: There is no nobody"),
        ("user.emial", "Letter 5: There is no user.emial"),
        ("org.secret.x", "There is no org.secret"),
        ("[1].map(x, y)", "There is no y"),
        ("x.map(x, x)", "There is no x"),
        ("user.name.matches('(a+)+')", "There is no function matches"),
        ("timestamp('2020-01-01T00:00:00Z')", "There is no function timestamp"),
        ("user.name.replace('a', user.name)", "There is no function replace"),
        ("'%s'.format([1])", "There is no function format"),
        ("type(1)", "There is no function type"),
        ("Thing{a: 1}", "There are no types"),
        ("user.?name", "Line 1"),
    ] {
        let told = refused(text).unwrap_or_else(|| panic!("{text} is taken"));
        assert!(told.contains(said), "{text}: {told}");
    }
}

#[test]
fn what_costs_too_much_is_refused() {
    let lists = "user.roles + org.permissions + scopes";
    for text in [
        "user.roles.map(a, user.roles.map(b, user.roles.map(c, c)))",
        "user.roles.map(a, user.roles.map(b, a + b))",
        "user.name.split('').map(x, user.name.split(''))",
        "user.roles.join(',').split('').map(x, user.name)",
        &format!("({lists}).map(a, ({lists}).filter(b, b in ({lists})))"),
        &format!("[{lists}].map(a, a.map(b, [a, a, a, a, a, a, a, a].map(c, c.map(d, d))))"),
    ] {
        let told = refused(text).unwrap_or_else(|| panic!("{text} is taken"));
        assert!(told.contains("costs too much"), "{text}: {told}");
    }
    for (text, most) in [
        ("user.email.split('@')[1]", 1_000),
        ("org.permissions.exists(p, p == 'docs:read')", 10_000),
        ("user.roles.filter(r, r.startsWith('a')).map(r, r.upperAscii())", 50_000),
        ("{'scopes': scopes, 'workspace_ids': org.workspaces.map(w, w.id)}", 50_000),
        ("org.workspaces.filter(w, w.role != 'viewer').map(w, {'id': w.id})", 100_000),
        ("[1, 2, 3].map(a, [1, 2, 3].map(b, a * b))", 10_000),
    ] {
        let cost = compile(text).unwrap_or_else(|error| panic!("{text}: {error:?}")).cost;
        assert!(cost <= most && most < MOST, "{text}: {cost}");
    }
}

/// Whoever asks may have little of a stack left, and what they ask is somebody's text.
#[test]
fn no_text_takes_the_server_down() {
    let texts = vec![
        format!("1{}", "+1".repeat(511)),
        format!("user{}", ".a".repeat(500)),
        format!("user{}", "[0]".repeat(330)),
        format!("{}true", "!".repeat(1000)),
        format!("{}1", "-".repeat(1000)),
        format!("{}1", "true?1:".repeat(140)),
        format!("{}1{}", "(".repeat(500), ")".repeat(500)),
        format!("{}1{}", "(".repeat(24), ")".repeat(24)),
        format!("{}{}", "[".repeat(24), "]".repeat(24)),
        format!("{}1", "1 in ".repeat(200)),
        format!("true{}", "&&true".repeat(160)),
        format!("user.roles{}", ".map(x,x)".repeat(110)),
        format!("user.roles{}", ".map(x,x".repeat(100)),
        format!("[{}1]", "1,".repeat(500)),
        format!("'{}", "a".repeat(1000)),
        "{".repeat(1000),
    ];
    let small = thread::Builder::new().stack_size(256 * 1024);
    let asked = small.spawn(move || {
        let taken = texts.iter().filter(|text| compile(text).is_ok());
        taken.count()
    });
    assert!(asked.unwrap().join().is_ok_and(|taken| taken < 10));
}

#[test]
fn what_is_stored_and_would_be_refused_does_not_run() {
    let engine = Engine::default();
    assert!(engine.get("1 +").is_none() && engine.get("1 +").is_none());
    assert!(engine.get("1 + 1").is_some());
}

#[test]
fn nothing_that_tokens_say_already_is_free() {
    for name in crate::tokens::supported_claims() {
        assert!(!is_free_claim_name(name) && !may_be_called(name, true), "{name}");
    }
    for name in ["department", "https://acme.example/plan", "groups", "acme:tier", "a.b-c_d"] {
        assert!(may_be_called(name, false), "{name}");
    }
    for name in ["a b", "ä", "a\"b", "a\\b"] {
        assert!(!may_be_called(name, true), "{name}");
    }
    assert!(
        may_be_called("orcheo", true) && !may_be_called("orcheo", false) && !may_be_called("Doorward", false)
    );
}
