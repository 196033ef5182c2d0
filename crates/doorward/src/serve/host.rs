//! Which host a request is for (RFC 9112 3.2). Where it is not plain, a proxy in front and this server may
//! see two different requests.

use std::net::Ipv6Addr;

use http::{HeaderMap, Version, header};

/// Whether a request names its host once, and as `uri-host [ ":" port ]`.
pub(super) fn is_named(version: Version, headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().is_ok_and(is_host),
        (None, None) => version != Version::HTTP_11,
        _ => false,
    }
}

fn is_host(text: &str) -> bool {
    let (is_name, rest) = if let Some(bracketed) = text.strip_prefix('[') {
        let Some((address, rest)) = bracketed.split_once(']') else { return false };
        (address.parse::<Ipv6Addr>().is_ok(), rest)
    } else {
        let (name, rest) = text.split_at(text.find(':').unwrap_or(text.len()));
        (!name.is_empty() && name.bytes().all(is_of_a_name), rest)
    };
    is_name && (rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port))
}

/// Unreserved or a sub-delimiter (RFC 3986 2). Nobody's name needs to be percent-encoded.
const fn is_of_a_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'&' | b'\'' | b'(' | b')')
        || matches!(byte, b'*' | b'+' | b',' | b';' | b'=')
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && (text.is_empty() || text.parse::<u16>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_or_an_address_with_a_port_or_none() {
        for good in [
            "id.example",
            "localhost:8080",
            "a:",
            "127.0.0.1:1",
            "[::1]",
            "[::1]:443",
            "[2001:db8::1]:65535",
            "my_service.ns.svc.cluster.local.",
            "xn--bcher-kva.example",
        ] {
            assert!(is_host(good), "{good}");
        }
        for bad in [
            "",
            ":80",
            "a b",
            "a/b",
            "a b/<x>",
            "<x>",
            "a\"b",
            "a\\b",
            "ada@id.example",
            "a?b",
            "a#b",
            "a:b",
            "a:80:80",
            "a:65536",
            "a:+80",
            "a:-1",
            "[::1",
            "::1",
            "[::1]x",
            "[::1]:x",
            "[id.example]",
            "[fe80::1%25eth0]",
            "a%20b",
            "http://id.example",
            "a,b c",
        ] {
            assert!(!is_host(bad), "{bad}");
        }
    }
}
