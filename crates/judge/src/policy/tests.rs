use std::net::IpAddr;

use doorward_proto::time::Time;
use serde_json::{Value, json};

use super::*;
use crate::{
    CredentialKind, Identity, IdentityType, Mode, Presented, Proof, Refusal, Rule, Rules, Verdict, Why,
    judge, path::NormalPath, rule::RuleSpec,
};

fn spec(policy: &str) -> RuleSpec {
    RuleSpec {
        name: "notes".to_owned(),
        paths: vec!["/notes/{owner}/**".to_owned()],
        policy: policy.to_owned(),
        ..RuleSpec::default()
    }
}

fn rule(policy: &str) -> Rule {
    Rule::compile(spec(policy)).unwrap_or_else(|wrong| panic!("{policy}: {wrong}"))
}

fn wrong(policy: &str) -> String {
    Rule::compile(spec(policy)).map(drop).expect_err(policy).to_string()
}

fn principal(claims: Value) -> Principal {
    let identity = Identity::of(claims.as_object().unwrap());
    Principal { audience: vec!["api".to_owned()], ..Principal::new(identity, CredentialKind::AccessToken) }
}

fn ada() -> Principal {
    principal(json!({
        "sub": "usr_ada", "scope": "notes:read", "roles": ["editor"], "role": "user",
        "email": "ada@example.com", "workspace_ids": ["ws-a"], "tenant_id": "org_one", "client_id": "cli_a",
    }))
}

fn refusal(rule: &Rule, principal: Option<&Principal>, method: &str, path: &str) -> Option<Refusal> {
    let ask = Ask {
        presented: principal.map_or(Presented::Nothing, Presented::Principal),
        asked: Some(Asked { method, host: "App.example.com:8443", path }),
        proof: &Proof { dpop: Some("thumb".to_owned()), ..Proof::default() },
        address: "::ffff:192.0.2.7".parse::<IpAddr>().unwrap(),
        now: Time::from_micros(1_700_000_000_123_456),
        audiences: &[],
    };
    match judge(rule, ask) {
        Verdict::Allowed(_) => None,
        Verdict::Refused(refusal) => Some(refusal),
    }
}

fn permits(policy: &str) -> bool {
    let found = refusal(&rule(policy), Some(&ada()), "GET", "/notes/usr_ada/1");
    assert!(found.as_ref().is_none_or(|it| it.why == Why::PolicyDenied && it.cause.is_none()), "{found:?}");
    found.is_none()
}

#[test]
fn a_policy_knows_who_asks_for_what() {
    let table = [
        ("permit(principal, action, resource);", true),
        (r#"permit(principal == User::"usr_ada", action, resource);"#, true),
        (r#"permit(principal == User::"usr_bob", action, resource);"#, false),
        (r#"permit(principal == Service::"usr_ada", action, resource);"#, false),
        ("permit(principal is User, action, resource);", true),
        ("permit(principal is Agent, action, resource);", false),
        (r#"permit(principal in Role::"editor", action, resource);"#, true),
        (r#"permit(principal in Role::"user", action, resource);"#, true),
        (r#"permit(principal in Role::"admin", action, resource);"#, false),
        (r#"permit(principal in Organization::"org_one", action, resource);"#, true),
        (r#"permit(principal in Organization::"org_two", action, resource);"#, false),
        (r#"permit(principal, action == Action::"GET", resource);"#, true),
        (r#"permit(principal, action == Action::"POST", resource);"#, false),
        (r#"permit(principal, action in Action::"read", resource);"#, true),
        (r#"permit(principal, action in Action::"write", resource);"#, false),
        (r#"permit(principal, action, resource == Route::"notes");"#, true),
        (r#"permit(principal, action, resource == Route::"others");"#, false),
    ];
    let conditions = [
        (r"principal.subject == resource.params.owner", true),
        (r#"principal.kind == "user""#, true),
        (r#"principal.credential == "access_token""#, true),
        (r#"principal.scopes.contains("notes:read")"#, true),
        (r#"principal.scopes.contains("notes")"#, false),
        (r#"principal.scopes.containsAll(["notes:read", "notes:write"])"#, false),
        (r#"principal.roles.contains("editor")"#, true),
        (r#"principal.workspaces.contains("ws-a")"#, true),
        (r#"principal.audience.contains("api")"#, true),
        (r#"principal has email && principal.email like "*@example.com""#, true),
        (r#"principal has email && principal.email like "*@example.org""#, false),
        (r#"principal has organization && principal.organization == "org_one""#, true),
        (r#"principal has client && principal.client == "cli_a""#, true),
        ("principal has agent", false),
        (r#"resource.host == "app.example.com""#, true),
        (r#"resource.path like "/notes/*""#, true),
        (r#"resource.name == "notes""#, true),
        (r#"context.method == "GET""#, true),
        (r#"context.address.isInRange(ip("192.0.2.0/24"))"#, true),
        (r#"context.address.isInRange(ip("198.51.100.0/24"))"#, false),
        (r#"context.now < datetime("2023-11-15") && context.now > datetime("2023-11-14")"#, true),
        (r#"context.proof.contains("dpop")"#, true),
        (r#"context.proof.contains("certificate")"#, false),
    ];
    let conditions = conditions.map(|(condition, expect)| {
        (format!("permit(principal, action, resource) when {{ {condition} }};"), expect)
    });
    let table = table.map(|(policy, expect)| (policy.to_owned(), expect));
    for (policy, expect) in table.into_iter().chain(conditions) {
        assert_eq!(permits(&policy), expect, "{policy}");
    }
}

#[test]
fn who_forbids_wins() {
    let both = r"
        permit(principal, action, resource);
        forbid(principal, action, resource) unless { principal.subject == resource.params.owner };
    ";
    let (rule, ada) = (rule(both), ada());
    let why = |path| refusal(&rule, Some(&ada), "GET", path).map(|refusal| refusal.why);
    assert_eq!(why("/notes/usr_ada"), None);
    assert_eq!(why("/notes/usr_ada/2/3"), None);
    assert_eq!(why("/notes/usr_bob/2"), Some(Why::PolicyDenied));
    // A rule can be asked about a path that it is not for; there is nothing to compare then.
    let elsewhere = refusal(&rule, Some(&ada), "GET", "/other").unwrap();
    assert_eq!(elsewhere.why, Why::PolicyDenied);
    assert!(elsewhere.cause.is_some());
}

#[test]
fn segments_are_told_as_they_are_meant() {
    let own = r"permit(principal, action, resource)
        when { principal has email && principal.email == resource.params.owner };";
    let (rule, ada) = (rule(own), ada());
    let path = NormalPath::read("/notes/%61da%40example.com/1").unwrap();
    assert!(refusal(&rule, Some(&ada), "GET", path.as_str()).is_none());
    let path = NormalPath::read("/notes/bob%40example.com/1").unwrap();
    assert!(refusal(&rule, Some(&ada), "GET", path.as_str()).is_some());
}

#[test]
fn names_of_segments_make_sense() {
    for (paths, expect) in [
        (vec!["/a/{b}/{b}"], "a name stands for one segment"),
        (vec!["/a/{}"], "is no name"),
        (vec!["/a/{B}"], "is no name"),
        (vec!["/a/{has}"], "is no name"),
        (vec!["/a/{x-y}"], "is no name"),
    ] {
        let paths = paths.into_iter().map(str::to_owned).collect();
        let told = Rule::compile(RuleSpec { paths, ..spec("") }).unwrap_err().to_string();
        assert!(told.contains(expect), "{told}");
    }
    // What only some of the patterns have, a policy must ask for.
    let two = |policy: &str| {
        let paths = vec!["/a/{b}".to_owned(), "/b".to_owned()];
        Rule::compile(RuleSpec { paths, ..spec(policy) })
    };
    assert!(two(r#"permit(principal, action, resource) when { resource.params.b == "x" };"#).is_err());
    let asking = r#"permit(principal, action, resource)
        when { resource.params has b && resource.params.b == "x" };"#;
    let rule = two(asking).unwrap();
    assert!(refusal(&rule, Some(&ada()), "GET", "/a/x").is_none());
    assert!(refusal(&rule, Some(&ada()), "GET", "/b").is_some_and(|it| it.cause.is_none()));
    // A named segment matches as a star does.
    let named = RuleSpec { name: "n".to_owned(), paths: vec!["/a/{b}".to_owned()], ..RuleSpec::default() };
    let rules = Rules::compile(vec![named]).unwrap();
    for (path, expect) in [("/a/x", true), ("/a/", false), ("/a", false), ("/a/x/y", false)] {
        let path = NormalPath::read(path).unwrap();
        assert_eq!(rules.find("h", "GET", &path).is_some(), expect, "{path}");
    }
}

#[test]
fn the_cheap_rules_are_asked_first() {
    let policy = "permit(principal, action, resource);".to_owned();
    let rule = Rule::compile(RuleSpec { scopes: vec!["notes:write".to_owned()], ..spec(&policy) }).unwrap();
    let found = refusal(&rule, Some(&ada()), "GET", "/notes/usr_ada").unwrap();
    assert_eq!(found.why, Why::MissingScope, "whoever lacks a scope is not helped by a policy");
}

#[test]
fn nobody_is_judged_where_nobody_is_needed() {
    let policy = r#"
        permit(principal, action in Action::"read", resource);
        permit(principal is User, action, resource);
    "#;
    let rule = Rule::compile(RuleSpec { mode: Mode::Optional, ..spec(policy) }).unwrap();
    assert!(refusal(&rule, None, "GET", "/notes/x").is_none());
    let asked = refusal(&rule, None, "POST", "/notes/x").unwrap();
    assert_eq!(asked.why, Why::MissingToken, "to sign in would help");
    assert!(refusal(&rule, Some(&ada()), "POST", "/notes/x").is_none());
    let required = Rule::compile(spec("permit(principal, action, resource);")).unwrap();
    assert_eq!(refusal(&required, None, "GET", "/notes/x").unwrap().why, Why::MissingToken);
    let off = Rule::compile(RuleSpec { mode: Mode::Disabled, ..spec(policy) });
    assert!(off.unwrap_err().to_string().contains("disabled"));
}

#[test]
fn a_request_that_nobody_described_is_not_permitted() {
    let (rule, ada) = (rule("permit(principal, action, resource);"), ada());
    let ask = Ask {
        presented: Presented::Principal(&ada),
        asked: None,
        proof: &Proof::default(),
        address: IpAddr::from([127, 0, 0, 1]),
        now: Time::default(),
        audiences: &[],
    };
    let Verdict::Refused(refusal) = judge(&rule, ask) else { panic!("permitted") };
    assert_eq!(refusal.why, Why::RequestNotDescribed);
}

#[test]
fn what_cannot_be_evaluated_refuses_though_another_permits() {
    // Cedar itself would leave the second one out, and permit.
    let policy = r#"
        permit(principal, action, resource);
        forbid(principal, action, resource)
        when { context.now.offset(duration("106751991167d")) > datetime("2024-01-01") };
    "#;
    let found = refusal(&rule(policy), Some(&ada()), "GET", "/notes/usr_ada").unwrap();
    assert_eq!(found.why, Why::PolicyDenied);
    assert!(found.cause.is_some_and(|cause| cause.contains("overflow")));
}

#[test]
fn what_is_not_known_refuses_whoever_asks_for_it() {
    let ada = ada();
    let decide = |policy: &str| {
        let ask = Ask {
            presented: Presented::Principal(&ada),
            asked: Some(Asked { method: "GET", host: "app.example.com", path: "/notes/usr_ada" }),
            proof: &Proof::default(),
            address: IpAddr::from([0, 0, 0, 0]),
            now: Time::default(),
            audiences: &[],
        };
        match judge(&rule(policy), ask) {
            Verdict::Allowed(_) => None,
            Verdict::Refused(refusal) => refusal.cause,
        }
    };
    let everybody = "permit(principal, action, resource);";
    assert_eq!(decide(everybody), None);
    let forbids = format!(
        "{everybody} forbid(principal, action, resource) when {{ context.address.isInRange(ip(\"10.0.0.0/8\")) }};"
    );
    assert!(decide(&forbids).is_some_and(|cause| cause.contains("address")));
}

#[test]
fn what_makes_no_sense_is_told_with_its_place() {
    for (policy, expect) in [
        ("permit(principal, action, resource)", "line 1, column"),
        ("permit(principal, action, resource);\n  permit principal;", "line 2, column 10"),
        ("permit(principal, action, resource) when { principal.scope == \"x\" };", "line 1, column 44"),
        ("permit(principal, action, resource) when { principal.email == \"x\" };", "line 1, column 44"),
        ("permit(principal, action, resource) when { principal.scopes == \"x\" };", "line 1, column 44"),
        ("permit(principal, action, resource) when { resource.params.other == \"x\" };", "line 1, column 44"),
        ("permit(principal == Usr::\"x\", action, resource);", "Usr"),
        ("permit(principal, action == Action::\"get\", resource);", "get"),
        ("permit(principal, action, resource) when { ip(context.method).isIpv4() };", "line 1"),
        ("permit(principal, action, resource) when { principal.kind.foo() };", "line 1"),
        ("permit(principal == ?principal, action, resource);", "template"),
        ("forbid(principal is Agent, action, resource) when { principal.kind == \"x\" && false };", "line 1"),
        ("// nothing", "no policy in it"),
        ("   ", "no policy in it"),
    ] {
        let told = wrong(policy);
        assert!(told.starts_with("route notes: policy: ") && told.contains(expect), "{policy}: {told}");
    }
}

#[test]
fn methods_of_the_rule_can_be_named() {
    let policy = r#"permit(principal, action == Action::"PURGE", resource);"#;
    assert!(Rule::compile(spec(policy)).is_err());
    let rule = Rule::compile(RuleSpec { methods: vec!["PURGE".to_owned()], ..spec(policy) }).unwrap();
    assert!(refusal(&rule, Some(&ada()), "PURGE", "/notes/x").is_none());
    assert!(refusal(&rule, Some(&ada()), "GET", "/notes/x").is_some());
    // A method that no policy can name may write.
    let all = self::rule("permit(principal, action, resource);");
    assert!(refusal(&all, Some(&ada()), "FROB", "/notes/x").is_none());
    let text =
        r#"permit(principal, action, resource); forbid(principal, action in Action::"write", resource);"#;
    let readers = self::rule(text);
    for method in ["FROB", "ACL", "PURGE", "POST"] {
        assert!(refusal(&readers, Some(&ada()), method, "/notes/x").is_some(), "{method}");
    }
    assert!(refusal(&readers, Some(&ada()), "GET", "/notes/x").is_none());
}

#[test]
fn values_never_become_policy() {
    let policy = r#"
        permit(principal, action, resource) when { principal.roles.contains("admin") };
        permit(principal == User::"root", action, resource);
    "#;
    let rule = rule(policy);
    for name in [
        r#"root"; permit(principal, action, resource); //"#,
        r#"User::"root""#,
        r#"" || true || ""#,
        "root\0",
        "root\n",
        "\u{202e}toor",
        r#"{"__entity":{"type":"User","id":"root"}}"#,
        r#"{"__extn":{"fn":"ip","arg":"0.0.0.0/0"}}"#,
        "",
    ] {
        let identity = Identity {
            subject: name.to_owned(),
            roles: [format!("{name}admin"), name.to_owned()].into(),
            scopes: [name.to_owned()].into(),
            role: Some(name.to_owned()),
            organization: Some(name.to_owned()),
            email: Some(name.to_owned()),
            kind: IdentityType::User,
            ..Identity::default()
        };
        let somebody = Principal::new(identity, CredentialKind::Jwt);
        let found = refusal(&rule, Some(&somebody), "GET", "/notes/x");
        let is_admin = name.is_empty();
        assert_eq!(found.is_none(), is_admin, "{name:?}");
        assert!(found.is_none_or(|it| it.cause.is_none()), "{name:?}");
    }
}

#[test]
fn there_is_a_limit_to_everything() {
    let head = "permit(principal, action, resource) when { ";
    let with = |condition: String| format!("{head}{condition} }};");
    let long = "a".repeat(LONGEST);
    for (policy, expect) in [
        (with(format!("\"{long}\" == \"x\"")), "are the most"),
        (with(format!("{}true{}", "(".repeat(500), ")".repeat(500))), "brackets within brackets"),
        (with(format!("{}1{} == [1]", "[".repeat(40), "]".repeat(40))), "brackets within brackets"),
        ("permit(principal, action, resource);".repeat(MOST + 1), "more than 64 policies"),
        (with(format!("true{}", " && true".repeat(1_100))), "more than 8192 bytes"),
    ] {
        let told = wrong(&policy);
        assert!(told.contains(expect), "{told}");
    }
    // Brackets in words and in remarks are none.
    let quoted = with(format!("context.method != \"{}\\\"((\"", "(".repeat(100)));
    assert!(permits(&format!("// {}\n{quoted}", "((((".repeat(20))));
}

/// The longest of what is accepted must be read, asked and forgotten on the stack of any thread.
#[test]
fn depth_without_brackets_breaks_no_stack() {
    let room = LONGEST_OF_ONE - 200;
    let chain = |begin: &str, link: &str, end: &str| {
        let links = (room - begin.len() - end.len()) / link.len();
        format!("permit(principal, action, resource) when {{ {begin}{}{end} }};", link.repeat(links))
    };
    let deep = [
        chain("true", " && true", ""),
        chain("false", "||false", ""),
        chain("context.method == \"\"", "||context.method==\"x\"", ""),
        chain("1", "+1", " == 2"),
        chain("", "if true then true else ", "true"),
        chain("principal", ".x", ""),
        chain("", "!", "true"),
        chain("", "-", "1 == 1"),
        chain("principal.scopes", ".contains(\"x\")", ""),
        chain("[1", ",1", "] == [2]"),
    ];
    for policy in deep {
        let thread = std::thread::Builder::new().stack_size(2 * 1024 * 1024);
        let asked = thread.spawn(move || {
            // Some are refused; those that are not are asked.
            if let Ok(rule) = Rule::compile(spec(&policy)) {
                drop(refusal(&rule, Some(&ada()), "GET", "/notes/x"));
            }
        });
        asked.unwrap().join().unwrap();
    }
}

#[test]
fn no_text_breaks_the_reader() {
    let corpus: &[&[u8]] = &[
        br#"permit(principal in Role::"editor", action == Action::"GET", resource) when { context.now > datetime("2024-01-01") };"#,
        br#"forbid(principal, action, resource) unless { principal has email && principal.email like "*@x" };"#,
        br#"@id("a") permit(principal, action, resource); // end"#,
    ];
    doorward_fuzz::fuzz("policy", corpus, |input| {
        let Ok(text) = std::str::from_utf8(input) else { return false };
        Rule::compile(spec(text)).is_ok()
    });
}
