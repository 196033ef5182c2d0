use super::*;

fn parse(text: &str) -> Params {
    Params::parse(text.as_bytes(), 1000).unwrap()
}

#[test]
fn values_are_decoded() {
    let cases = [
        ("a=b", "b"),
        ("a=b+c%20d", "b c d"),
        ("a=%C3%A9%2B%26%3D", "é+&="),
        ("a=%c3%a9", "é"),
        ("&&a=x&&", "x"),
        ("a=x=y", "x=y"),
        ("a=100%", "100%"),
        ("a=%zz%4", "%zz%4"),
        ("%61=x", "x"),
    ];
    for (text, value) in cases {
        assert_eq!(parse(text).one("a"), Ok(Some(value)), "{text}");
    }
}

#[test]
fn absent_repeated_and_empty() {
    assert_eq!(parse("").one("a"), Ok(None));
    assert_eq!(parse("a").one("a"), Ok(None));
    assert_eq!(parse("a=").one("a"), Ok(None));
    assert_eq!(parse("A=x").one("a"), Ok(None));
    assert_eq!(parse("b=x").required("a"), Err(Problem::missing("a")));
    for text in ["a=1&a=2", "a=1&a=1", "a=&a=1", "a&a", "a=1&%61=2"] {
        assert_eq!(parse(text).one("a"), Err(Problem::invalid("a", "is repeated")), "{text}");
    }
    assert_eq!(parse("a=1&b=2&a=&a=3").all("a").collect::<Vec<_>>(), ["1", "3"]);
}

#[test]
fn any_parameter_may_come_once() {
    for text in ["", "a=1", "a=1&b=1&A=1", "resource=1&resource=2&a=1", "resource=&resource="] {
        assert_eq!(parse(text).once_each(&["resource"]), Ok(()), "{text}");
    }
    for (text, said) in [
        ("a=1&a=2", "a is repeated"),
        ("b=1&a=1&c&%61", "a is repeated"),
        ("resource=1&resource=2&x-1=&x-1=", "x-1 is repeated"),
        ("resources=1&resources=1", "resources is repeated"),
        ("=1&=2", "a parameter is repeated"),
        ("<b>=1&<b>=1", "a parameter is repeated"),
    ] {
        assert_eq!(parse(text).once_each(&["resource"]).unwrap_err().to_string(), said, "{text}");
    }
    let long = "n".repeat(65);
    let twice = parse(&format!("{long}&{long}")).once_each(&[]);
    assert_eq!(twice.unwrap_err().to_string(), "a parameter is repeated");
}

#[test]
fn what_is_not_read_at_all() {
    let many = "a=1&".repeat(MAX_PAIRS + 1);
    let long = "a".repeat(1001);
    for (bytes, error) in [
        (many.as_bytes(), FormError::TooLarge),
        (long.as_bytes(), FormError::TooLarge),
        (b"a=%ff".as_slice(), FormError::NotText),
        (b"a=\xff", FormError::NotText),
        (b"a=%00", FormError::NotText),
        (b"a=\0", FormError::NotText),
        (b"%C3=a", FormError::NotText),
    ] {
        assert_eq!(Params::parse(bytes, 1000), Err(error));
    }
}

#[test]
fn values_are_not_printed() {
    assert_eq!(format!("{:?}", parse("client_secret=hush")), r#"["client_secret"]"#);
}
