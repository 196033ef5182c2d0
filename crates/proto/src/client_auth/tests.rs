use super::*;

fn read(headers: &[&str], body: &str) -> Result<Presented, Problem> {
    let params = Params::parse(body.as_bytes(), 10_000).unwrap();
    presented(headers.iter().map(|header| header.as_bytes()), &params)
}

fn basic_header(pair: &str) -> String {
    format!("Basic {}", BASE64.encode(pair.as_bytes()))
}

fn pair(id: &str, secret: &str) -> Credentials {
    Credentials { client_id: id.into(), client_secret: secret.into() }
}

#[test]
fn nothing_presented() {
    assert_eq!(read(&[], ""), Ok(Presented::None { client_id: None }));
    assert_eq!(read(&[], "client_id=app"), Ok(Presented::None { client_id: Some("app".into()) }));
    assert_eq!(
        read(&[], "client_id=app&client_secret="),
        Ok(Presented::None { client_id: Some("app".into()) })
    );
}

#[test]
fn basic_in_both_readings() {
    let cases = [
        ("app:hush", vec![pair("app", "hush")]),
        ("app:", vec![pair("app", "")]),
        ("app:a:b", vec![pair("app", "a:b")]),
        ("app:a+b", vec![pair("app", "a b"), pair("app", "a+b")]),
        ("app:a%2Bb", vec![pair("app", "a+b"), pair("app", "a%2Bb")]),
        (
            "https%3A%2F%2Fapp.example:x",
            vec![pair("https://app.example", "x"), pair("https%3A%2F%2Fapp.example", "x")],
        ),
        ("app:100%", vec![pair("app", "100%")]),
        ("app:%ff", vec![pair("app", "%ff")]),
        ("app:pässword", vec![pair("app", "pässword")]),
    ];
    for (text, candidates) in cases {
        assert_eq!(read(&[&basic_header(text)], ""), Ok(Presented::Basic { candidates }), "{text}");
    }
    let one = Ok(Presented::Basic { candidates: vec![pair("app", "hush")] });
    assert_eq!(read(&["basic YXBwOmh1c2g="], ""), one);
    assert_eq!(read(&["Basic  YXBwOmh1c2g"], "client_id=app"), one);
    let picked = read(&[&basic_header("a%2Fb:x")], "client_id=a/b");
    assert_eq!(picked, Ok(Presented::Basic { candidates: vec![pair("a/b", "x")] }));
}

#[test]
fn post_assertion_and_bearer() {
    assert_eq!(read(&[], "client_id=app&client_secret=a%2Bb"), Ok(Presented::Post(pair("app", "a+b"))));
    let body = format!("client_assertion_type={JWT_BEARER}&client_assertion=e30.e30.x");
    let expect = Presented::Assertion { client_id: None, assertion: "e30.e30.x".into() };
    assert_eq!(read(&[], &body), Ok(expect));
    let expect = Presented::Assertion { client_id: Some("app".into()), assertion: "e30.e30.x".into() };
    assert_eq!(read(&[], &format!("{body}&client_id=app")), Ok(expect));
    assert_eq!(read(&["Bearer dw_st_x"], ""), Ok(Presented::Bearer("dw_st_x".into())));
    assert!(!format!("{:?}", read(&[], "client_id=app&client_secret=hush")).contains("hush"));
}

#[test]
fn what_is_refused() {
    use ErrorCode::{InvalidClient, InvalidRequest};
    let good = basic_header("app:hush");
    let jwt = format!("client_assertion_type={JWT_BEARER}&client_assertion=e30.e30.x");
    let long = format!("Basic {}", "A".repeat(MAX_HEADER));
    let (no_colon, no_id, zero) = (basic_header("app"), basic_header(":x"), basic_header("app:\0"));
    let cases: [(&[&str], &str, ErrorCode); 18] = [
        (&[&good, &good], "", InvalidClient),
        (&[&good], "client_secret=hush", InvalidRequest),
        (&[&good], "client_id=app&client_secret=hush", InvalidRequest),
        (&[&good], &jwt, InvalidRequest),
        (&["Bearer x"], "client_secret=hush", InvalidRequest),
        (&[], &format!("{jwt}&client_id=app&client_secret=hush"), InvalidRequest),
        (&[&good], "client_id=other", InvalidRequest),
        (&[], "client_secret=hush", InvalidRequest),
        (&[], "client_assertion=x", InvalidRequest),
        (&[], "client_assertion_type=x", InvalidRequest),
        (&[], "client_assertion_type=x&client_assertion=x", InvalidClient),
        (&[], "client_id=a&client_id=a", InvalidRequest),
        (&["Basic !!!"], "", InvalidClient),
        (&["Negotiate x"], "", InvalidClient),
        (&[&no_colon], "", InvalidClient),
        (&[&no_id], "", InvalidClient),
        (&[&zero], "", InvalidClient),
        (&[&long], "", InvalidClient),
    ];
    for (headers, body, error) in cases {
        assert_eq!(read(headers, body).unwrap_err().error, error, "{headers:?} {body}");
    }
    for header in ["", "Basic", "Bearer", "Bearer "] {
        assert!(read(&[header], "").is_err(), "{header:?}");
    }
    let params = Params::default();
    assert!(presented([b"Basic \xff".as_slice()], &params).is_err());
}
