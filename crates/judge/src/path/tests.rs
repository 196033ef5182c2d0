use proptest::prelude::*;

use super::*;

#[test]
fn a_path_has_one_normal_form() {
    for (path, expect) in [
        ("/", "/"),
        ("/a/b", "/a/b"),
        ("/a/b/", "/a/b/"),
        ("/a?x=/../y", "/a"),
        ("/%61dmin", "/admin"),
        ("/%7euser/%2D", "/~user/-"),
        ("/caf%c3%a9", "/caf%C3%A9"),
        ("/a%20b", "/a%20b"),
        ("/a+b:c@d,e=f&g!$'()*", "/a+b:c@d,e=f&g!$'()*"),
        ("/100%25", "/100%25"),
        ("/a.b/..c/c../.d", "/a.b/..c/c../.d"),
        ("/%3f%23", "/%3F%23"),
    ] {
        assert_eq!(NormalPath::read(path).unwrap().as_str(), expect, "{path}");
    }
}

#[test]
fn what_can_be_read_in_two_ways_is_refused() {
    use Trick::*;
    for (path, expect) in [
        ("", NoPath),
        ("admin", NoPath),
        ("*", NoPath),
        ("http://evil.example/admin", NoPath),
        ("?x", NoPath),
        ("/a/../admin", Segment),
        ("/a/./admin", Segment),
        ("/..", Segment),
        ("/a/%2e%2e/admin", Segment),
        ("/a/%2E./admin", Segment),
        ("/a/.%2e", Segment),
        ("//admin", Segment),
        ("/a//admin", Segment),
        ("/a//", Segment),
        ("//evil.example/admin", Segment),
        ("/a%2fadmin", Hidden),
        ("/a%2Fadmin", Hidden),
        ("/a%5cadmin", Hidden),
        ("/a%00", Hidden),
        ("/a%0d%0ax:y", Hidden),
        ("/a%7f", Hidden),
        ("/%252e%252e/admin", Hidden),
        ("/%252fadmin", Hidden),
        ("/%25%32%65%25%32%65/admin", Hidden),
        ("/%25%32%66admin", Hidden),
        ("/%252%65", Hidden),
        ("/%25%32e", Hidden),
        ("/%c0%ae%c0%ae/admin", Escape),
        ("/%c0%af", Escape),
        ("/%ff", Escape),
        ("/a;x=1/admin", Parameter),
        ("/a%3bx/admin", Parameter),
        ("/..;/admin", Parameter),
        ("/a\\admin", Character),
        ("/a#b", Character),
        ("/a b", Character),
        ("/a\tb", Character),
        ("/a\0", Character),
        ("/café", Character),
        ("/a%", Escape),
        ("/a%2", Escape),
        ("/a%zz", Escape),
        ("/a%u002e", Escape),
    ] {
        assert_eq!(NormalPath::read(path), Err(expect), "{path}");
    }
    assert_eq!(NormalPath::read(&format!("/{}", "a".repeat(LONGEST))), Err(TooLong));
}

proptest! {
    /// The normal form is its own normal form, and hides nothing.
    #[test]
    fn normal_forms_stay(path in "/[a-zA-Z0-9%./;\\\\ ~-]{0,40}") {
        if let Ok(normal) = NormalPath::read(&path) {
            let again = NormalPath::read(normal.as_str());
            prop_assert_eq!(again.as_ref(), Ok(&normal));
            prop_assert!(normal.segments().all(|segment| segment != ".." && segment != "."));
        }
    }
}

#[test]
fn no_path_breaks_the_reader() {
    let corpus: &[&[u8]] = &[b"/a/%2e%2e/b?c", b"/caf%c3%a9/%25zz", b"//x;y\\z"];
    doorward_fuzz::fuzz("path", corpus, |input| {
        let Ok(Ok(normal)) = std::str::from_utf8(input).map(NormalPath::read) else { return false };
        assert_eq!(NormalPath::read(normal.as_str()).as_ref(), Ok(&normal));
        true
    });
}
