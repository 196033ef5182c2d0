use super::*;

#[test]
fn syntax() {
    for text in ["https://api.example/", "https://api.example", "http://localhost:1/x?y", "urn:example:api"] {
        let resource: Resource = text.parse().unwrap();
        assert_eq!((resource.as_str(), resource.to_string().as_str()), (text, text));
        let json = serde_json::to_string(&resource).unwrap();
        assert_eq!(serde_json::from_str::<Resource>(&json).unwrap(), resource);
    }
    let long = format!("https://api.example/{}", "x".repeat(MAX_BYTES));
    let bad = [
        "",
        "api",
        "/api",
        "//api.example",
        "https://",
        "https://a/#f",
        "https://a#",
        " https://a",
        "https://a b/",
        "https://é.example/",
        "ht\ntps://a",
        &long,
    ];
    for text in bad {
        assert_eq!(text.parse::<Resource>(), Err(BadResource), "{text}");
    }
}

#[test]
fn comparison() {
    let covers = |registered: &str, asked: &str| {
        registered.parse::<Resource>().unwrap().covers(&asked.parse().unwrap())
    };
    let same = [
        ("https://api.example", "https://api.example/"),
        ("https://api.example/", "https://api.example"),
        ("https://api.example/mcp", "https://API.example:443/mcp/"),
        ("https://api.example/mcp", "HTTPS://api.example/mcp"),
        ("https://api.example/mcp", "https://api.example/mcp?kb_name=X"),
        ("https://api.example/mcp?a=1", "https://api.example/mcp?a=1"),
        ("https://api.example/a/../mcp", "https://api.example/mcp"),
        ("urn:example:api", "urn:example:api"),
    ];
    for (registered, asked) in same {
        assert!(covers(registered, asked), "{registered} {asked}");
    }
    let other = [
        ("https://api.example/mcp", "https://api.example/MCP"),
        ("https://api.example/mcp", "https://api.example/mcp//"),
        ("https://api.example/mcp", "https://api.example/mcp/x"),
        ("https://api.example/mcp", "http://api.example/mcp"),
        ("https://api.example/mcp", "https://api.example:8443/mcp"),
        ("https://api.example/mcp", "https://api.example.evil/mcp"),
        ("https://api.example/mcp", "https://user@api.example/mcp"),
        ("https://api.example/mcp?a=1", "https://api.example/mcp"),
        ("https://api.example/mcp?a=1", "https://api.example/mcp?a=2"),
        ("urn:example:api", "urn:example:API"),
    ];
    for (registered, asked) in other {
        assert!(!covers(registered, asked), "{registered} {asked}");
    }
}
