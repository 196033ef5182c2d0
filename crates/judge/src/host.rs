//! One way to read a host, so that no spelling of a name falls out of the rules that are for it.

use std::net::Ipv6Addr;

/// The name that a `Host` header or an authority stands for: in lower case, without its port and without one
/// dot at its end. `None` when it is no host at all (RFC 9112 3.2).
pub fn name(text: &str) -> Option<String> {
    let (name, rest) = if let Some(bracketed) = text.strip_prefix('[') {
        let (address, rest) = bracketed.split_once(']')?;
        (format!("[{}]", address.parse::<Ipv6Addr>().ok()?), rest)
    } else {
        let (name, rest) = text.split_at(text.find(':').unwrap_or(text.len()));
        let name = name.strip_suffix('.').unwrap_or(name);
        name.split('.').all(is_label).then(|| (name.to_ascii_lowercase(), rest))?
    };
    let is_port = |port: &str| {
        port.is_empty() || (port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok())
    };
    (rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port)).then_some(name)
}

fn is_label(label: &str) -> bool {
    !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn a_host_has_one_name() {
        for (text, expect) in [
            ("App.Example.com", Some("app.example.com")),
            ("app.example.com:8443", Some("app.example.com")),
            ("app.example.com.", Some("app.example.com")),
            ("app.example.com.:80", Some("app.example.com")),
            ("a:", Some("a")),
            ("127.0.0.1:1", Some("127.0.0.1")),
            ("[::1]:443", Some("[::1]")),
            ("[0:0:0:0:0:0:0:1]", Some("[::1]")),
            ("my_service.ns", Some("my_service.ns")),
            ("", None),
            (".", None),
            (".example.com", None),
            ("example..com", None),
            ("example.com..", None),
            ("example.com:abc", None),
            ("example.com:80:80", None),
            ("example.com:65536", None),
            ("example.com:+80", None),
            ("ada@example.com", None),
            ("strict%2eexample", None),
            ("a b", None),
            ("a,b", None),
            ("a/b", None),
            ("*.example.com", None),
            ("[::1", None),
            ("[::1]x", None),
            ("::1", None),
            ("bücher.example", None),
        ] {
            assert_eq!(name(text).as_deref(), expect, "{text}");
        }
    }

    #[test]
    fn no_host_breaks_the_reader() {
        let corpus: &[&[u8]] = &[b"App.example.com.:8443", b"[2001:db8::1]:65535", b"a%2eb"];
        doorward_fuzz::fuzz("host", corpus, |input| {
            let Some(found) = std::str::from_utf8(input).ok().and_then(name) else { return false };
            assert_eq!(name(&found).as_deref(), Some(found.as_str()));
            true
        });
    }
}
