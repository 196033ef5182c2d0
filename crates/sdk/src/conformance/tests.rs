use super::*;

fn suite(cases: &Value) -> Suite {
    let suite = json!({ "about": "", "now": 1_000, "credentials": { "good": { "compact": "abc", "made": "so" } }, "cases": cases });
    Suite::read(&suite.to_string()).unwrap()
}

#[test]
fn requests_are_for_one_kind_of_adapter_and_hold_their_credentials() {
    let expect = json!({ "status": 200 });
    let suite = suite(&json!([
        { "name": "a", "request": { "headers": [["authorization", "Bearer {good}"]] }, "expect": expect },
        { "name": "b", "doors": ["validate"], "request": { "method": "POST", "target": "/x" }, "expect": expect },
    ]));
    let layer = suite.requests(Door::Layer).unwrap();
    assert_eq!((layer.len(), layer[0].1.headers()["authorization"].to_str().unwrap()), (1, "Bearer abc"));
    let validate = suite.requests(Door::Validate).unwrap();
    assert_eq!(
        (validate.len(), validate[1].1.method().as_str(), validate[1].1.uri().path()),
        (2, "POST", "/x")
    );
    let unknown = self::suite(
        &json!([{ "name": "a", "request": { "headers": [["x", "{bad}"]] }, "expect": { "status": 200 } }]),
    );
    assert!(unknown.requests(Door::Layer).is_err());
    assert!(Suite::read("{\"about\":\"\",\"now\":1,\"cases\":[],\"case\":[]}").is_err());
}

#[test]
fn what_is_another_answer_is_told() {
    let suite = suite(&json!([
        { "name": "let through", "request": {}, "expect": { "status": 200, "caller": { "subject": "ada" } } },
        { "name": "nobody", "request": {}, "expect": { "status": 200, "caller": null } },
        { "name": "refused", "request": {}, "expect": { "status": 401, "code": "auth.missing_token", "challenge": "Bearer realm=\"a\"" } },
    ]));
    let differences = |case: usize, status: u16, headers: &[(&'static str, &'static str)], body: Value| {
        let headers =
            headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        let answer = Answer { status, headers, body: body.to_string().into_bytes() };
        suite.cases[case].differences(&answer, Errors::Problem).len()
    };
    let ada = |headers: Value| json!({ "caller": { "subject": "ada", "role": "user" }, "headers": headers });
    assert_eq!(differences(0, 200, &[], ada(json!({}))), 0);
    assert_eq!(differences(0, 200, &[], ada(json!({ "x-user-id": "eve" }))), 1);
    assert_eq!(differences(0, 200, &[], json!({ "caller": null, "headers": {} })), 1);
    assert_eq!(differences(1, 200, &[], json!({ "caller": null, "headers": {} })), 0);
    assert_eq!(differences(1, 200, &[], ada(json!({}))), 1);
    let told = [
        ("content-type", "application/problem+json"),
        ("cache-control", "no-store"),
        ("www-authenticate", "Bearer realm=\"a\""),
    ];
    let problem = json!({ "status": 401, "code": "auth.missing_token" });
    assert_eq!(differences(2, 401, &told, problem.clone()), 0);
    assert_eq!(differences(2, 401, &told[..2], problem.clone()), 1);
    assert_eq!(differences(2, 401, &[], problem), 3);
    assert_eq!(differences(2, 403, &told, json!({ "status": 403, "code": "auth.forbidden" })), 3);
    assert_eq!(differences(2, 200, &told, Value::Null), 3);
}
