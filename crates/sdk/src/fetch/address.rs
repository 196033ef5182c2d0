//! Which addresses are whose: this machine's, the public network's, nobody's.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether a host, as a URL writes it, is this machine by a name that nobody else can have (RFC 6761 6.3), or by
/// a loopback address.
pub fn is_here(host: &str) -> bool {
    match literal(host) {
        Some(address) => address.to_canonical().is_loopback(),
        None => is_localhost(host),
    }
}

/// Whether a name is this machine's, whatever a resolver says of it.
pub fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

/// The address that a host is, in brackets or not.
pub(super) fn literal(host: &str) -> Option<IpAddr> {
    host.trim_matches(['[', ']']).parse().ok()
}

/// Whether resolvers may read a host as an address that is no [`literal`]: `2130706433`, `127.1`, `0x7f.0.0.1`. A
/// name of the web never ends in a number (WHATWG URL 3.6).
pub(super) fn is_hidden_literal(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let last = host.rsplit('.').next().unwrap_or_default();
    let digits = last.strip_prefix("0x").or_else(|| last.strip_prefix("0X"));
    let is_hexadecimal = digits.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    is_hexadecimal || (!last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether an address belongs to the public network: an allow-list by exclusion of every block that the
/// IANA special-purpose registries do not mark as globally reachable.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = match a {
        0 | 10 | 127 | 224..=255 => true,
        100 => (64..128).contains(&b),
        169 => b == 254,
        172 => (16..32).contains(&b),
        192 => matches!((b, c), (168, _) | (0, 0 | 2) | (88, 99) | (31, 196) | (52, 193) | (175, 48)),
        198 => matches!((b, c), (18 | 19, _) | (51, 100)),
        203 => (b, c) == (0, 113),
        _ => false,
    };
    // Azure's platform address: reachable from inside only, and it answers with credentials.
    !special && address != AZURE
}

const AZURE: Ipv4Addr = Ipv4Addr::new(168, 63, 129, 16);

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(inner) = embedded_v4(address) {
        return is_public_v4(inner);
    }
    let [first, second, ..] = address.segments();
    // Only 2000::/3 is allotted to the public network; these blocks within it are special.
    let global = first & 0xe000 == 0x2000;
    let special = match first {
        0x2001 => second < 0x0200 || second == 0x0db8,
        0x3ffe => true,
        0x3fff => second < 0x1000,
        _ => false,
    };
    global && !special
}

/// The IPv4 address that an IPv6 address stands for: mapped, compatible, NAT64, 6to4.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let pair = |high: u16, low: u16| Some(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)));
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => pair(high, low),
        _ => None,
    }
}

/// Whether an address is one at which no application can be: one that means every address, or many machines; or the
/// one at which a cloud tells each of its machines its own secrets.
pub fn is_nobodys(address: IpAddr) -> bool {
    let address = match address {
        IpAddr::V6(v6) => embedded_v4(v6).map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    };
    match address {
        IpAddr::V4(v4) => {
            let alibaba = Ipv4Addr::new(100, 100, 100, 200);
            v4.is_link_local() || v4.octets()[0] == 0 || v4.octets()[0] >= 224 || v4 == AZURE || v4 == alibaba
        }
        IpAddr::V6(v6) => {
            let amazon = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
            v6.is_unspecified() || v6.is_multicast() || v6.is_unicast_link_local() || v6 == amazon
        }
    }
}
