//! Who is at the other end: decided once per request, from trusted peers only.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use ipnet::IpNet;

/// No address.
pub(super) const UNKNOWN: IpAddr = IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED);

/// The client's address, from `Forwarded` (RFC 7239) or `X-Forwarded-For`, read from the right over as many
/// addresses as are trusted proxies, so that what a client wrote itself never counts. A proxy that writes
/// one of the two often passes the other on as the client sent it: where they differ neither is believed, and
/// nobody knows the address. It is then none, which is in no list of addresses.
pub(super) fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let peer = peer.to_canonical();
    if !is_trusted(peer, trusted) {
        return peer;
    }
    let chains = [hops(headers, "forwarded", forwarded_for), hops(headers, "x-forwarded-for", plain)];
    let mut found =
        chains.into_iter().filter(|chain| !chain.is_empty()).map(|chain| nearest(chain, peer, trusted));
    match (found.next(), found.next()) {
        (Some(one), None) => one,
        (Some(one), Some(other)) if one == other => one,
        (Some(_), _) => UNKNOWN,
        (None, _) => peer,
    }
}

/// The nearest address of a chain that is no trusted proxy.
fn nearest(chain: Vec<Option<IpAddr>>, peer: IpAddr, trusted: &[IpNet]) -> IpAddr {
    let mut nearest = peer;
    for hop in chain.into_iter().rev() {
        // A hop that is not an address (obfuscated, "unknown") ends what can be known.
        let Some(address) = hop else { return nearest };
        nearest = address;
        if !is_trusted(address, trusted) {
            return address;
        }
    }
    nearest
}

/// Whether this peer's describing headers count.
pub(super) fn is_trusted(peer: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|network| network.contains(&peer.to_canonical()))
}

fn hops(headers: &HeaderMap, name: &str, read: fn(&str) -> Option<IpAddr>) -> Vec<Option<IpAddr>> {
    headers
        .get_all(name)
        .iter()
        .flat_map(|value| value.to_str().unwrap_or("?").split(','))
        .map(|hop| read(hop.trim()))
        .collect()
}

fn plain(hop: &str) -> Option<IpAddr> {
    let hop = hop.trim_matches('"');
    let bare = hop.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(hop);
    let address = bare.parse::<IpAddr>().ok().or_else(|| hop.parse::<SocketAddr>().ok().map(|a| a.ip()));
    address.map(|address| address.to_canonical())
}

fn forwarded_for(element: &str) -> Option<IpAddr> {
    element.split(';').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then(|| plain(value.trim()))?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trusted_peers_may_say_who_is_behind_them() {
        let trusted: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
        for (peer, headers, expect) in [
            ("192.0.2.9", vec![("x-forwarded-for", "1.2.3.4")], "192.0.2.9"),
            ("10.0.0.1", vec![], "10.0.0.1"),
            ("10.0.0.1", vec![("x-forwarded-for", "1.2.3.4")], "1.2.3.4"),
            ("::ffff:10.0.0.1", vec![("x-forwarded-for", "1.2.3.4")], "1.2.3.4"),
            ("10.0.0.1", vec![("x-forwarded-for", "6.6.6.6, 1.2.3.4, 10.9.9.9")], "1.2.3.4"),
            ("10.0.0.1", vec![("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "1.2.3.4")], "1.2.3.4"),
            ("10.0.0.1", vec![("x-forwarded-for", "1.2.3.4:5678")], "1.2.3.4"),
            ("10.0.0.1", vec![("x-forwarded-for", "unknown, 10.2.2.2")], "10.2.2.2"),
            ("10.0.0.1", vec![("forwarded", "for=1.2.3.4;proto=https")], "1.2.3.4"),
            ("::1", vec![("forwarded", "for=6.6.6.6, For=\"[2001:db8::7]:4711\"")], "2001:db8::7"),
            ("10.0.0.1", vec![("forwarded", "for=1.2.3.4"), ("x-forwarded-for", "1.2.3.4")], "1.2.3.4"),
            ("10.0.0.1", vec![("forwarded", "for=6.6.6.6"), ("x-forwarded-for", "1.2.3.4")], "0.0.0.0"),
            ("10.0.0.1", vec![("forwarded", "for=1.2.3.4"), ("x-forwarded-for", "6.6.6.6")], "0.0.0.0"),
            ("10.0.0.1", vec![("forwarded", "for=_hidden"), ("x-forwarded-for", "6.6.6.6")], "0.0.0.0"),
            ("10.0.0.1", vec![("forwarded", "proto=https"), ("x-forwarded-for", "6.6.6.6")], "0.0.0.0"),
        ] {
            let mut map = HeaderMap::new();
            for (name, value) in &headers {
                map.append(*name, value.parse().unwrap());
            }
            let found = client_address(peer.parse().unwrap(), &map, &trusted);
            assert_eq!(found, expect.parse::<IpAddr>().unwrap(), "{peer} {headers:?}");
        }
    }

    #[test]
    fn no_header_breaks_the_reader() {
        let trusted: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
        let peer = IpAddr::from([10, 0, 0, 1]);
        let corpus: &[&[u8]] = &[
            b"for=6.6.6.6, For=\"[2001:db8::7]:4711\";proto=https",
            b"1.2.3.4, 10.9.9.9",
            b"[::1]:80, unknown",
        ];
        for name in ["forwarded", "x-forwarded-for"] {
            doorward_fuzz::fuzz(name, corpus, |input| {
                let Ok(value) = http::HeaderValue::from_bytes(input) else { return false };
                let mut headers = HeaderMap::new();
                headers.append(name, value);
                assert_eq!(
                    client_address([192, 0, 2, 9].into(), &headers, &trusted),
                    IpAddr::from([192, 0, 2, 9])
                );
                client_address(peer, &headers, &trusted) != peer
            });
        }
    }
}
