use super::*;

fn set(text: &str) -> ScopeSet {
    text.parse().unwrap()
}

#[test]
fn syntax() {
    let good = [
        ("", ""),
        ("openid", "openid"),
        ("openid profile openid", "openid profile"),
        ("  a  b ", "a b"),
        ("admin:* workflows:read https://x/y#z !", "admin:* workflows:read https://x/y#z !"),
        ("A a", "A a"),
    ];
    for (text, expect) in good {
        assert_eq!(set(text).as_str(), expect);
        assert_eq!(set(text).to_string().parse::<ScopeSet>().unwrap().as_str(), expect);
    }
    let (long, many) = ("x".repeat(MAX_BYTES + 1), "x ".repeat(MAX_NAMES + 1));
    for text in ["a\tb", "a\nb", "a\"b", "a\\b", "é", "a\u{0}", &long, &many] {
        assert_eq!(text.parse::<ScopeSet>(), Err(BadScope), "{text:?}");
    }
    assert!(ScopeSet::from_names(["a b"]).is_err());
    assert!(!is_scope_name(""));
}

#[test]
fn sets() {
    let (ab, bc) = (set("a b"), set("b c"));
    assert_eq!(ab, set("b a"));
    assert_ne!(ab, bc);
    assert!(set("").is_subset(&ab) && set("b").is_subset(&ab) && !bc.is_subset(&ab));
    assert_eq!(ab.intersect(&bc).as_str(), "b");
    assert_eq!(ab.union(&bc).as_str(), "a b c");
    assert_eq!(ab.without(&bc).as_str(), "a");
    assert!(ab.contains("a") && !ab.contains("A") && !ab.contains("") && !ab.contains("a b"));
    assert_eq!((ab.len(), set("").len(), set("").is_empty()), (2, 0, true));
    assert_eq!(serde_json::to_string(&ab).unwrap(), r#""a b""#);
    assert_eq!(serde_json::from_str::<ScopeSet>(r#""b a""#).unwrap(), ab);
    assert!(serde_json::from_str::<ScopeSet>(r#""b\ta""#).is_err());
}
