use serde_json::json;

use super::*;

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

fn parse(body: &str) -> Result<TokenRequest, TokenRequestError> {
    TokenRequest::parse(&Params::parse(body.as_bytes(), MAX_BYTES).unwrap())
}

#[test]
fn every_grant_is_read_by_its_name() {
    for grant in Grant::ALL {
        assert_eq!(Grant::from_wire(grant.as_str()), Some(*grant));
        assert_eq!(serde_json::to_value(grant).unwrap(), grant.as_str());
        let body = format!("grant_type={}&code=c&refresh_token=r", grant.as_str());
        assert_eq!(parse(&body).unwrap().grant(), *grant);
    }
}

#[test]
fn a_code_is_redeemed() {
    let body = format!(
        "grant_type=authorization_code&code=dw_ac_x&redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2Fcb&code_verifier={VERIFIER}\
         &resource=https://a.example&resource=https://b.example&scope=a+b&audience=api&client_id=app&x=1"
    );
    let Ok(TokenRequest::AuthorizationCode(ask)) = parse(&body) else { panic!("not a code request") };
    assert_eq!(ask.code.expose(), "dw_ac_x");
    assert_eq!(ask.redirect_uri.as_deref(), Some("http://127.0.0.1:1/cb"));
    assert!(ask.code_verifier.is_some());
    assert_eq!(ask.target.resource.len(), 2);
    assert_eq!(ask.target.scope.as_ref().unwrap().as_str(), "a b");
    assert_eq!(ask.target.audience.as_deref(), Some("api"));
    assert!(!format!("{ask:?}").contains("dw_ac_x") && !format!("{ask:?}").contains(VERIFIER));
}

#[test]
fn absent_members_stay_absent() {
    let Ok(TokenRequest::RefreshToken(ask)) = parse("grant_type=refresh_token&refresh_token=r&scope=") else {
        panic!("not a refresh request")
    };
    assert_eq!(ask.target, Target::default());
    let Ok(TokenRequest::ClientCredentials(ask)) = parse("grant_type=client_credentials") else {
        panic!("not a client request")
    };
    assert_eq!(ask.target, Target::default());
}

#[test]
fn what_is_refused() {
    let cases = [
        ("", ErrorCode::InvalidRequest, "grant_type"),
        ("grant_type=", ErrorCode::InvalidRequest, "grant_type"),
        ("grant_type=refresh_token&grant_type=refresh_token", ErrorCode::InvalidRequest, "grant_type"),
        ("grant_type=authorization_code", ErrorCode::InvalidRequest, "code"),
        ("grant_type=authorization_code&code=a&code=b", ErrorCode::InvalidRequest, "code"),
        ("grant_type=refresh_token&refresh_token=r&x=1&x=2", ErrorCode::InvalidRequest, "x"),
        ("grant_type=client_credentials&scope=&scope=a", ErrorCode::InvalidRequest, "scope"),
        (
            "grant_type=authorization_code&code=a&code_verifier=short",
            ErrorCode::InvalidRequest,
            "code_verifier",
        ),
        ("grant_type=refresh_token&refresh_token=", ErrorCode::InvalidRequest, "refresh_token"),
        ("grant_type=client_credentials&scope=a%22", ErrorCode::InvalidScope, "scope"),
        ("grant_type=client_credentials&resource=x", ErrorCode::InvalidTarget, "resource"),
        (
            "grant_type=client_credentials&authorization_details=1",
            ErrorCode::InvalidAuthorizationDetails,
            "authorization_details",
        ),
    ];
    for (body, error, parameter) in cases {
        match parse(body).unwrap_err() {
            TokenRequestError::Problem(problem) => {
                assert_eq!((problem.error, &*problem.parameter), (error, parameter), "{body}");
            }
            TokenRequestError::UnsupportedGrant(_) => panic!("{body}"),
        }
    }
    for name in ["password", "implicit", "Authorization_Code", "urn:x"] {
        let refused = parse(&format!("grant_type={name}")).unwrap_err();
        assert_eq!(refused, TokenRequestError::UnsupportedGrant(name.into()));
    }
}

#[test]
fn the_answer_leaves_out_what_is_absent_and_prints_no_secret() {
    let mut answer = TokenResponse {
        access_token: "hush".into(),
        token_type: TokenType::Bearer,
        expires_in: 600,
        refresh_token: None,
        id_token: None,
        scope: None,
        authorization_details: None,
    };
    let value = serde_json::to_value(&answer).unwrap();
    assert_eq!(value, json!({"access_token": "hush", "token_type": "Bearer", "expires_in": 600}));
    answer.scope = Some("a b".parse().unwrap());
    answer.refresh_token = Some("hush".into());
    answer.token_type = TokenType::DPoP;
    let value = serde_json::to_value(&answer).unwrap();
    assert_eq!((&value["token_type"], &value["scope"]), (&json!("DPoP"), &json!("a b")));
    assert_eq!(serde_json::from_value::<TokenResponse>(value).unwrap(), answer);
    assert!(!format!("{answer:?}").contains("hush"));
}
