use super::*;

// RFC 7636 appendix B
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

#[test]
fn the_specifications_pair() {
    let challenge: Challenge = CHALLENGE.parse().unwrap();
    assert!(challenge.accepts(&VERIFIER.parse().unwrap()));
    assert!(!challenge.accepts(&CHALLENGE.parse().unwrap()));
    assert_eq!(challenge.to_string(), CHALLENGE);
    assert_eq!(serde_json::from_str::<Challenge>(&format!("\"{CHALLENGE}\"")).unwrap(), challenge);
    assert!(!format!("{:?}", VERIFIER.parse::<Verifier>().unwrap()).contains(VERIFIER));
}

#[test]
fn syntax() {
    let (short, long) = ("a".repeat(42), "a".repeat(129));
    for text in
        ["", &short, &long, &format!("{VERIFIER}="), &format!("{VERIFIER} "), &VERIFIER.replace('V', "é")]
    {
        assert!(text.parse::<Verifier>().is_err(), "{text}");
    }
    assert!("a".repeat(128).parse::<Verifier>().is_ok());
    assert!("-._~".repeat(11).parse::<Verifier>().is_ok());
    for text in [
        "",
        VERIFIER.get(1..).unwrap(),
        &format!("{CHALLENGE}="),
        &format!("{CHALLENGE}A"),
        &CHALLENGE.replace('-', "+"),
        &CHALLENGE.replace("cM", "cN"),
    ] {
        assert!(text.parse::<Challenge>().is_err(), "{text}");
    }
}
