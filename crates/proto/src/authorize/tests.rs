use super::*;

const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn read(query: &str) -> Parsed {
    parse(&Params::parse(query.as_bytes(), MAX_BYTES).unwrap())
}

#[test]
fn a_full_request_is_read_and_stored() {
    let query = format!(
        "response_type=code&client_id=app&redirect_uri=https%3A%2F%2Fapp.example%2Fcb&scope=openid+profile&state=x%20y\
         &nonce=n&code_challenge={CHALLENGE}&code_challenge_method=S256&response_mode=form_post&prompt=login+consent\
         &max_age=3600&acr_values=a+b&login_hint=ada%40example.org&id_token_hint=e30.e30.x&ui_locales=de-AT+en\
         &display=popup&resource=https%3A%2F%2Fa.example&resource=https%3A%2F%2Fb.example&audience=orcheo\
         &organization=org_1&organization_name=acme&invitation=i&screen_hint=signup&connection=github\
         &claims=%7B%22id_token%22%3A%7B%22email%22%3Anull%7D%7D\
         &authorization_details=%5B%7B%22type%22%3A%22pay%22%7D%5D\
         &dpop_jkt=NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs&request=r&request_uri=urn%3Ax&unknown=1"
    );
    let parsed = read(&query);
    assert_eq!(parsed.problems, []);
    let request = parsed.ok().unwrap();
    assert_eq!(request.redirect_uri.as_deref(), Some("https://app.example/cb"));
    assert_eq!(request.state.as_deref(), Some("x y"));
    assert_eq!(request.scope.as_ref().map(ScopeSet::as_str), Some("openid profile"));
    assert_eq!(request.prompt.iter().collect::<Vec<_>>(), [Prompt::Login, Prompt::Consent]);
    assert_eq!(request.prompt.without(Prompt::Login).iter().collect::<Vec<_>>(), [Prompt::Consent]);
    assert_eq!((request.max_age, request.response_mode), (Some(3600), Some(ResponseMode::FormPost)));
    assert_eq!((request.ui_locales.len(), request.acr_values.len(), request.resource.len()), (2, 2, 2));
    assert_eq!(request.display, Some(Display::Popup));
    assert_eq!(request.code_challenge.unwrap().to_string(), CHALLENGE);
    assert!(
        request.claims.is_some() && request.authorization_details.is_some() && request.dpop_jkt.is_some()
    );
    let stored = serde_json::to_string(&request).unwrap();
    assert_eq!(serde_json::from_str::<AuthorizationRequest>(&stored).unwrap(), request);
}

#[test]
fn an_empty_request_has_no_faults_and_no_members() {
    let parsed = read("");
    assert_eq!(parsed, Parsed { request: AuthorizationRequest::default(), problems: vec![] });
    assert_eq!(serde_json::to_string(&parsed.request).unwrap(), "{}");
    assert_eq!(serde_json::from_str::<AuthorizationRequest>("{}").unwrap(), parsed.request);
    assert_eq!(read("scope=&prompt=&max_age=&display=").problems, []);
}

#[test]
fn faults_are_named_and_leave_the_rest_readable() {
    use ErrorCode::{InvalidAuthorizationDetails, InvalidRequest, InvalidScope, InvalidTarget};
    let many = format!("{}r=1", (0..17).fold(String::new(), |all, n| format!("{all}resource=urn:a:{n}&")));
    let cases = [
        ("state=1&state=2", InvalidRequest, "state"),
        ("nonce=1&nonce=1", InvalidRequest, "nonce"),
        ("unknown=1&unknown=2", InvalidRequest, "unknown"),
        ("unknown=&%75nknown", InvalidRequest, "unknown"),
        ("scope=a%09b", InvalidScope, "scope"),
        ("scope=a&scope=b", InvalidRequest, "scope"),
        ("response_mode=web_message", InvalidRequest, "response_mode"),
        ("prompt=none+login", InvalidRequest, "prompt"),
        ("prompt=later", InvalidRequest, "prompt"),
        ("prompt=None", InvalidRequest, "prompt"),
        ("max_age=-1", InvalidRequest, "max_age"),
        ("max_age=1.5", InvalidRequest, "max_age"),
        ("max_age=%2B1", InvalidRequest, "max_age"),
        ("resource=api", InvalidTarget, "resource"),
        ("resource=https://a.example%23f", InvalidTarget, "resource"),
        (&many, InvalidTarget, "resource"),
        ("claims=x", InvalidRequest, "claims"),
        ("authorization_details=%7B%7D", InvalidAuthorizationDetails, "authorization_details"),
        ("dpop_jkt=abc", InvalidRequest, "dpop_jkt"),
        ("code_challenge=abc&code_challenge_method=S256", InvalidRequest, "code_challenge"),
        ("request=a&request=b", InvalidRequest, "request"),
    ];
    for (query, error, parameter) in cases {
        let parsed = read(&format!("{query}&client_id=app&redirect_uri=https://app.example/cb"));
        assert_eq!(parsed.problems.len(), 1, "{query} {:?}", parsed.problems);
        assert_eq!((parsed.problems[0].error, &*parsed.problems[0].parameter), (error, parameter), "{query}");
        assert_eq!(parsed.request.client_id.as_deref(), Some("app"));
        assert_eq!(parsed.request.redirect_uri.as_deref(), Some("https://app.example/cb"));
        assert_eq!(parsed.redirect_problem(), None);
        assert!(parsed.ok().is_err());
    }
}

#[test]
fn only_s256_is_a_method() {
    for rest in ["", "&code_challenge_method=plain", "&code_challenge_method=s256", "&code_challenge_method="]
    {
        let parsed = read(&format!("code_challenge={CHALLENGE}{rest}"));
        assert_eq!(parsed.problems, [Problem::invalid("code_challenge_method", "must be S256")], "{rest}");
        assert_eq!(parsed.request.code_challenge, None);
    }
    assert_eq!(read("code_challenge_method=S256").problems, []);
}

#[test]
fn a_doubtful_redirect_is_told_apart() {
    for query in
        ["client_id=a&client_id=b", "redirect_uri=https://a&redirect_uri=https://b", "client_id=a&client_id="]
    {
        let parsed = read(&format!("prompt=x&{query}"));
        assert!(parsed.redirect_problem().is_some(), "{query}");
        assert_eq!(parsed.problems[0], parsed.redirect_problem().unwrap());
    }
    assert_eq!(read("client_id=a&client_id=b&redirect_uri=https://a").request.client_id, None);
}

#[test]
fn forgiven() {
    let request = read(
        "display=holo&max_age=99999999999999999999&resource=urn:a:b&resource=urn:a:b&prompt=login+login",
    )
    .ok()
    .unwrap();
    assert_eq!((request.display, request.max_age, request.resource.len()), (None, Some(u32::MAX), 1));
    assert_eq!(request.prompt.iter().count(), 1);
}
