use doorward_judge::rule::RuleSpec;

use super::*;

fn somebody(organization: Option<&str>) -> Principal {
    let organization = organization.map(str::to_owned);
    let identity = Identity { subject: "ada".to_owned(), organization, ..Identity::default() };
    Principal::new(identity, CredentialKind::ServiceToken)
}

fn route() -> Route {
    Route { errors: Errors::Chroma, ..Route::default() }
}

fn checked(route: &Route, principal: Option<&Principal>, method: &str, target: &str) -> &'static str {
    checked_by(&RuleSpec::default(), route, principal, (method, target))
}

fn checked_by(
    rule: &RuleSpec,
    route: &Route,
    principal: Option<&Principal>,
    (method, target): (&str, &str),
) -> &'static str {
    let rule = Rule::compile(rule.clone()).unwrap();
    let path = NormalPath::read(target).unwrap();
    let asked = Asked { method, host: "chroma.example", path: path.as_str() };
    check((&rule, route), principal, Some(asked)).err().map_or("good", |refusal| refusal.why.code())
}

#[test]
fn everybody_stays_in_their_tenant() {
    let ada = somebody(Some("org_1"));
    for (method, target, code) in [
        ("GET", "/api/v2/tenants/org_1", "good"),
        ("POST", "/api/v2/tenants/org_1/databases/notes/collections", "good"),
        ("GET", "/api/v2/tenants/%6frg%5f1/databases", "good"),
        ("GET", "/api/v2/tenants/org_2", "auth.forbidden"),
        ("GET", "/api/v2/tenants/org_1x/databases/notes/collections", "auth.forbidden"),
        ("GET", "/api/v2/tenants/ORG_1", "auth.forbidden"),
        ("GET", "/api/v2/tenants/org_1%20", "auth.forbidden"),
        ("GET", "/api/v2/tenants/", "auth.forbidden"),
        ("GET", "/api/v2/tenants", "auth.forbidden"),
        ("POST", "/api/v2/tenants", "auth.forbidden"),
        ("POST", "/api/v2/reset", "auth.forbidden"),
        ("GET", "/API/v2/tenants/org_1", "auth.forbidden"),
        ("GET", "/api/v2/collections", "auth.forbidden"),
        ("GET", "/api/v1/collections", "auth.forbidden"),
        ("GET", "/docs", "auth.forbidden"),
        ("GET", "/api/v2/heartbeat", "good"),
        ("GET", "/api/v2/auth/identity", "good"),
        ("POST", "/api/v2/heartbeat", "auth.forbidden"),
        ("GET", "/api/v2/heartbeat/", "auth.forbidden"),
    ] {
        assert_eq!(checked(&route(), Some(&ada), method, target), code, "{method} {target}");
    }
    let own = "/api/v2/tenants/org_1";
    assert_eq!(checked(&route(), Some(&somebody(None)), "GET", own), "auth.forbidden");
    assert_eq!(checked(&route(), Some(&somebody(Some(""))), "GET", "/api/v2/tenants/"), "auth.forbidden");
    assert_eq!(checked(&route(), Some(&somebody(Some("a b"))), "GET", "/api/v2/tenants/a%20b"), "good");
    assert_eq!(
        checked(&route(), Some(&somebody(Some("a/b"))), "GET", "/api/v2/tenants/a/b"),
        "auth.forbidden"
    );
    assert_eq!(checked(&route(), None, "GET", own), "auth.missing_token");
}

/// Every issuer that is believed could name everybody's organisation.
#[test]
fn another_issuer_says_who_belongs_where_only_if_the_route_names_it() {
    let mut ada = somebody(Some("org_1"));
    ada.credential = CredentialKind::Jwt;
    let own = ("GET", "/api/v2/tenants/org_1");
    let named = RuleSpec { issuers: vec!["https://login.example".to_owned()], ..RuleSpec::default() };
    let only = Route { has_one_issuer: true, ..route() };
    for (rule, route, code, tenant) in [
        (&RuleSpec::default(), &route(), "auth.forbidden", Value::Null),
        (&named, &route(), "good", json!("org_1")),
        (&RuleSpec::default(), &only, "good", json!("org_1")),
    ] {
        assert_eq!(checked_by(rule, route, Some(&ada), own), code);
        let rule = Rule::compile(rule.clone()).unwrap();
        let said = identity(Some((&ada.identity, tenant_of((&rule, route), &ada))));
        assert_eq!(said["tenant"], tenant, "who is kept out is not told that it is theirs");
    }
    for credential in [CredentialKind::AccessToken, CredentialKind::ApiKey, CredentialKind::StaticToken] {
        ada.credential = credential;
        assert_eq!(checked(&route(), Some(&ada), own.0, own.1), "good");
    }
}

#[test]
fn it_is_only_chromas_and_can_be_left_out() {
    let ada = somebody(Some("org_1"));
    let others = [Route { any_tenant: true, ..route() }, Route { errors: Errors::Problem, ..route() }];
    for route in &others {
        assert_eq!(checked(route, Some(&ada), "GET", "/api/v2/tenants/org_2"), "good");
        assert!(!asks_who(route, &Method::GET, &NormalPath::read(IDENTITY).unwrap()));
    }
    let open = Rule::compile(RuleSpec { mode: Mode::Disabled, ..RuleSpec::default() }).unwrap();
    assert!(check((&open, &route()), None, None).is_ok());
    let rule = Rule::compile(RuleSpec::default()).unwrap();
    let undescribed = check((&rule, &route()), Some(&ada), None).unwrap_err();
    assert_eq!(undescribed.why.code(), "gateway.request_not_described");
}

#[test]
fn a_client_is_told_who_it_is() {
    let claims = json!({ "sub": "ada", "tenant_id": "org_1", "workspace_ids": ["notes", "ledger"], "role": "user",
        "scope": "chroma:use" });
    let who = Identity::of(claims.as_object().unwrap());
    assert_eq!(
        identity(Some((&who, who.organization.as_deref()))),
        json!({ "user_id": "ada", "tenant": "org_1", "databases": ["ledger", "notes"],
            "attributes": { "role": "user", "scopes": ["chroma:use"] } })
    );
    let who = Identity { subject: "bob".to_owned(), ..Identity::default() };
    assert_eq!(
        identity(Some((&who, who.organization.as_deref()))),
        json!({ "user_id": "bob", "tenant": null, "databases": null, "attributes": { "role": null, "scopes": [] } })
    );
    assert_eq!(identity(None)["user_id"], "");
    let path = |path| NormalPath::read(path).unwrap();
    assert!(asks_who(&route(), &Method::GET, &path("/api/v2/auth/identity")));
    assert!(!asks_who(&route(), &Method::POST, &path("/api/v2/auth/identity")));
    assert!(!asks_who(&route(), &Method::GET, &path("/api/v2/auth/identity/x")));
}
