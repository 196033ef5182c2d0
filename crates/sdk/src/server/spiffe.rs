//! SPIFFE ids (SPIFFE-ID 2): `spiffe://trust-domain/path`.

/// No id is longer (SPIFFE-ID 2.3).
const LONGEST: usize = 2048;
const LONGEST_DOMAIN: usize = 255;
const SCHEME: &str = "spiffe://";

/// What is no SPIFFE id, in words for whoever showed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadSpiffeId(pub &'static str);

/// The name of a workload, or of a whole trust domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpiffeId<'i> {
    text: &'i str,
    domain: &'i str,
    path: &'i str,
}

impl<'i> SpiffeId<'i> {
    /// Whether a URI wants to be one, in whatever spelling.
    pub fn is_meant_by(uri: &str) -> bool {
        uri.get(.."spiffe:".len()).is_some_and(|scheme| scheme.eq_ignore_ascii_case("spiffe:"))
    }

    /// Reads one.
    ///
    /// # Errors
    /// Why it is none.
    pub fn parse(text: &'i str) -> Result<Self, BadSpiffeId> {
        let rest = text.strip_prefix(SCHEME).ok_or(BadSpiffeId("A SPIFFE id begins with spiffe://"))?;
        if text.len() > LONGEST {
            return Err(BadSpiffeId("A SPIFFE id has 2048 bytes at the most"));
        }
        let (domain, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let is_of_domain = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'_')
        };
        if domain.is_empty() || domain.len() > LONGEST_DOMAIN || !domain.bytes().all(is_of_domain) {
            return Err(BadSpiffeId("Its trust domain is not one of SPIFFE's"));
        }
        let is_of_path = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        let is_segment = |segment: &str| {
            !segment.is_empty() && !matches!(segment, "." | "..") && segment.bytes().all(is_of_path)
        };
        if !path.is_empty() && !path.split('/').skip(1).all(is_segment) {
            return Err(BadSpiffeId("Its path is not one of SPIFFE's"));
        }
        Ok(Self { text, domain, path })
    }

    /// As it is written.
    pub const fn as_str(&self) -> &'i str {
        self.text
    }

    /// `example.org`.
    pub const fn domain(&self) -> &'i str {
        self.domain
    }

    /// `/ns/shop/sa/reporter`; empty for the trust domain itself.
    pub const fn path(&self) -> &'i str {
        self.path
    }
}

/// Whether a pattern of ids makes sense: `*` is one segment, `**` at the end all that follow.
pub(super) fn check_pattern(pattern: &str) -> Result<(), String> {
    let wrong = |what: &str| Err(format!("`{pattern}`: {what}"));
    let plain = pattern.strip_suffix("/**").unwrap_or(pattern);
    // A segment that could be any is one of letters.
    let sample = plain.split('/').map(|segment| if segment == "*" { "a" } else { segment });
    match SpiffeId::parse(&sample.collect::<Vec<_>>().join("/")) {
        Ok(_) if plain.starts_with("spiffe://*") => wrong("it has to name its trust domain"),
        Ok(id) if id.path().is_empty() && plain == pattern => wrong("it has to name a path, such as /**"),
        Ok(_) => Ok(()),
        Err(BadSpiffeId(what)) => wrong(what),
    }
}

/// Whether an id is one of those of a pattern.
pub(super) fn fits(pattern: &str, id: SpiffeId<'_>) -> bool {
    let mut segments = id.as_str().split('/');
    for wanted in pattern.split('/') {
        match (wanted, segments.next()) {
            ("**", Some(_)) => return true,
            ("*", Some(_)) => {}
            (wanted, Some(segment)) if wanted == segment => {}
            _ => return false,
        }
    }
    segments.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_what_the_specification_says() {
        for (text, domain, path) in [
            ("spiffe://example.org/ns/shop/sa/reporter", "example.org", "/ns/shop/sa/reporter"),
            ("spiffe://example.org", "example.org", ""),
            ("spiffe://a_b-c.1/X.y_z-9", "a_b-c.1", "/X.y_z-9"),
            ("spiffe://example.org/...", "example.org", "/..."),
        ] {
            let id = SpiffeId::parse(text).unwrap();
            assert_eq!((id.domain(), id.path(), id.as_str()), (domain, path, text));
        }
        let long = format!("spiffe://example.org/{}", "a".repeat(2048));
        let wide = format!("spiffe://{}/a", "a".repeat(256));
        for text in [
            "",
            "example.org/a",
            "https://example.org/a",
            "SPIFFE://example.org/a",
            "spiffe:example.org/a",
            "spiffe:///a",
            "spiffe://Example.org/a",
            "spiffe://example.org:8443/a",
            "spiffe://root@example.org/a",
            "spiffe://example.org/a?b",
            "spiffe://example.org/a#b",
            "spiffe://example.org/",
            "spiffe://example.org/a/",
            "spiffe://example.org//a",
            "spiffe://example.org/a/../b",
            "spiffe://example.org/./b",
            "spiffe://example.org/a%2fb",
            "spiffe://example.org/a b",
            "spiffe://exämple.org/a",
            &long,
            &wide,
        ] {
            assert!(SpiffeId::parse(text).is_err(), "{text}");
        }
        assert!(SpiffeId::is_meant_by("SpIfFe:x") && !SpiffeId::is_meant_by("https://spiffe:x"));
    }
}
