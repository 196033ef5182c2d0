use super::*;

/// Name, hosts, paths, methods.
type Line<'l> = (&'l str, &'l [&'l str], &'l [&'l str], &'l [&'l str]);

fn rules(specs: &[Line<'_>]) -> Rules {
    let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
    let specs = specs.iter().map(|(name, hosts, paths, methods)| RuleSpec {
        name: (*name).to_owned(),
        hosts: texts(hosts),
        paths: texts(paths),
        methods: texts(methods),
        ..RuleSpec::default()
    });
    Rules::compile(specs.collect()).unwrap()
}

fn found<'r>(rules: &'r Rules, host: &str, method: &str, path: &str) -> &'r str {
    let path = NormalPath::read(path).unwrap();
    rules.find(host, method, &path).map_or("none", Rule::name)
}

#[test]
fn the_most_specific_rule_counts() {
    let rules = rules(&[
        ("everything", &[], &["/**"], &[]),
        ("api", &[], &["/api/**"], &[]),
        ("admin", &[], &["/api/admin/**"], &[]),
        ("any-report", &[], &["/api/*/report"], &[]),
        ("exact", &[], &["/api"], &[]),
        ("writing", &[], &["/api/**"], &["POST", "PUT"]),
        ("second-api", &[], &["/api/**"], &[]),
        ("own-host", &["App.example.com"], &[], &[]),
        ("below", &["*.example.com"], &["/api/admin/**"], &[]),
        ("further-below", &["*.eu.example.com"], &[], &[]),
    ]);
    let order: Vec<&str> = rules.in_order().into_iter().map(Rule::name).collect();
    assert_eq!(
        order,
        [
            "own-host",
            "further-below",
            "below",
            "exact",
            "admin",
            "any-report",
            "writing",
            "api",
            "second-api",
            "everything"
        ]
    );
    for (host, method, path, expect) in [
        ("x", "GET", "/", "everything"),
        ("x", "GET", "/apis", "everything"),
        ("x", "GET", "/api/", "api"),
        ("x", "GET", "/api/x", "api"),
        ("x", "POST", "/api/x", "writing"),
        ("x", "GET", "/api", "exact"),
        ("x", "POST", "/api", "exact"),
        ("x", "GET", "/api/admin", "admin"),
        ("x", "POST", "/api/admin/x/y", "admin"),
        ("x", "GET", "/api/%61dmin/x", "admin"),
        ("x", "GET", "/api/Admin/x", "api"),
        ("x", "GET", "/api/7/report", "any-report"),
        ("x", "GET", "/api/7/report/", "api"),
        ("app.example.com", "GET", "/api/admin/x", "own-host"),
        ("APP.example.com:8443", "GET", "/", "own-host"),
        ("app.example.com.", "GET", "/", "own-host"),
        ("b.example.com", "GET", "/api/admin/x", "below"),
        ("b.example.com", "GET", "/x", "everything"),
        ("a.eu.example.com", "GET", "/api/admin", "further-below"),
        ("example.com", "GET", "/api/admin", "admin"),
        (".example.com", "GET", "/api/admin", "none"),
        ("app.example.com:abc", "GET", "/api/admin", "none"),
        ("evilexample.com", "GET", "/api/admin", "admin"),
    ] {
        assert_eq!(found(&rules, host, method, path), expect, "{method} {host} {path}");
    }
}

#[test]
fn without_a_matching_rule_there_is_none() {
    let rules = rules(&[("one", &["a.example"], &["/x"], &["GET"])]);
    for (host, method, path) in [
        ("b.example", "GET", "/x"),
        ("a.example", "POST", "/x"),
        ("a.example", "GET", "/x/"),
        ("", "GET", "/x"),
    ] {
        assert_eq!(found(&rules, host, method, path), "none", "{method} {host} {path}");
    }
}

#[test]
fn rules_that_make_no_sense_are_told() {
    let named = |name: &str| RuleSpec { name: name.to_owned(), ..RuleSpec::default() };
    let list = |text: &str| vec![text.to_owned()];
    for (spec, field) in [
        (named(""), "name"),
        (RuleSpec { hosts: list("http://a"), ..named("x") }, "hosts"),
        (RuleSpec { hosts: list("a:80"), ..named("x") }, "hosts"),
        (RuleSpec { hosts: list("*."), ..named("x") }, "hosts"),
        (RuleSpec { paths: list("x"), ..named("x") }, "paths"),
        (RuleSpec { paths: list("/x*"), ..named("x") }, "paths"),
        (RuleSpec { paths: list("/**/x"), ..named("x") }, "paths"),
        (RuleSpec { paths: list("/a/../b"), ..named("x") }, "paths"),
        (RuleSpec { methods: list("get"), ..named("x") }, "methods"),
        (RuleSpec { scopes: list("a b"), ..named("x") }, "scopes"),
        (RuleSpec { mode: Mode::Disabled, scopes: list("a"), ..named("x") }, "mode"),
    ] {
        let told = Rules::compile(vec![spec.clone()]).expect_err(&format!("{spec:?}"));
        assert_eq!(told.field, field, "{spec:?}");
    }
    assert_eq!(Rules::compile(vec![named("x"), named("x")]).unwrap_err().field, "name");
}

#[test]
fn rules_that_never_count_are_told_with_the_one_that_does() {
    let rules = rules(&[
        ("both", &["a.example", "*.b.example"], &["/x/**", "/y/{owner}"], &[]),
        ("first-again", &["A.example"], &["/x/**"], &[]),
        ("other-words", &["*.b.example"], &["/y/*"], &[]),
        ("more-hosts", &["a.example", "c.example"], &["/x/**"], &[]),
        ("more-paths", &["a.example"], &["/x/**", "/z"], &[]),
        ("narrower", &["a.example"], &["/x/*"], &[]),
        ("method", &["a.example"], &["/x/**"], &["GET", "PUT"]),
        ("one-method", &["a.example"], &["/x/**"], &["GET"]),
        ("other-method", &["a.example"], &["/x/**"], &["GET", "POST"]),
        ("every-host", &[], &["/x/**"], &[]),
        ("every-path", &["a.example"], &[], &[]),
        ("every-path-again", &["a.example"], &[], &[]),
    ]);
    let idle: Vec<_> = rules.idle().map(|(rule, first)| (rule.name(), first.name())).collect();
    assert_eq!(
        idle,
        [
            ("first-again", "both"),
            ("other-words", "both"),
            ("one-method", "method"),
            ("every-path-again", "every-path")
        ]
    );
}
