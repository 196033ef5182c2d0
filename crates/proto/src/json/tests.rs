use serde_json::json;

use super::*;

const LIMITS: Limits = Limits { bytes: 200, depth: 3 };

#[test]
fn what_is_read_and_what_is_not() {
    let read = |text: &str| parse_value(text.as_bytes(), LIMITS);
    let good = [
        ("null", json!(null)),
        (r#"{"a":[1,-2,2.5,true,"x"]}"#, json!({"a": [1, -2, 2.5, true, "x"]})),
        (r#""[[[[[[{{{{""#, json!("[[[[[[{{{{")),
        (r#""a\"[[[[[[\\""#, json!("a\"[[[[[[\\")),
        ("[[[]]]", json!([[[]]])),
        (r#"[{"a":1},{"a":2}]"#, json!([{"a": 1}, {"a": 2}])),
    ];
    for (text, value) in good {
        assert_eq!(read(text), Ok(value), "{text}");
    }
    let long = format!("\"{}\"", "x".repeat(200));
    let bad = [
        ("", JsonError::Malformed),
        ("{", JsonError::Malformed),
        ("{} {}", JsonError::Malformed),
        (r#"{"a":1,"a":1}"#, JsonError::Malformed),
        (r#"{"b":{"a":1,"\u0061":2}}"#, JsonError::Malformed),
        ("[[[[]]]]", JsonError::TooDeep),
        ("[[[[[[[[[[[[[[[", JsonError::TooDeep),
        (&long, JsonError::TooLarge),
    ];
    for (text, error) in bad {
        assert_eq!(read(text), Err(error), "{text}");
    }
}
