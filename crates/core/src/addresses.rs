//! From where something may be used: lists of addresses and networks. Pure. An empty list is everywhere.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};

use crate::outcome::{Code, Refusal, Result};

/// Entries of a list at the most.
const MOST: usize = 100;

/// Addresses and networks (CIDR), in one form each; an IPv4 address in IPv6 clothes is an IPv4 address.
///
/// # Errors
/// `RequestInvalid`.
pub fn read(given: &[String]) -> Result<Vec<IpNet>> {
    let bad = |hint| Refusal::new(Code::RequestInvalid).field("allowed_addresses").hint(hint);
    let wrong = || bad("An address range is like 10.0.0.0/8, 203.0.113.7 or 2001:db8::/32");
    if given.len() > MOST {
        return Err(bad("There are too many address ranges").into());
    }
    let mut all = Vec::with_capacity(given.len());
    for text in given {
        let net = match text.trim().parse::<IpNet>() {
            Ok(net) => net,
            Err(_) => IpNet::from(text.trim().parse::<IpAddr>().map_err(|_| wrong())?),
        };
        let net = canonical(net).trunc();
        if !all.contains(&net) {
            all.push(net);
        }
    }
    Ok(all)
}

fn canonical(net: IpNet) -> IpNet {
    let IpNet::V6(six) = net else { return net };
    match (six.addr().to_ipv4_mapped(), six.prefix_len().checked_sub(96)) {
        (Some(four), Some(prefix)) => Ipv4Net::new(four, prefix).map_or(net, IpNet::V4),
        _ => net,
    }
}

/// Whether a list lets an address in.
pub fn admit(allowed: &[IpNet], address: IpAddr) -> bool {
    let address = address.to_canonical();
    allowed.is_empty() || allowed.iter().any(|net| net.contains(&address))
}

/// What both of two lists let in; `None` where that is nowhere.
pub fn both(one: &[IpNet], other: &[IpNet]) -> Option<Vec<IpNet>> {
    if one.is_empty() || other.is_empty() {
        return Some([one, other].concat());
    }
    // Networks lie in one another or apart.
    let narrower = |a: &IpNet, b: &IpNet| match () {
        () if a.contains(b) => Some(*b),
        () if b.contains(a) => Some(*a),
        () => None,
    };
    let mut all: Vec<IpNet> =
        one.iter().flat_map(|a| other.iter().filter_map(move |b| narrower(a, b))).collect();
    all.sort_unstable();
    all.dedup();
    (!all.is_empty()).then_some(all)
}

/// A list as it is stored: JSON.
pub(crate) fn text(of: &[IpNet]) -> Result<String> {
    Ok(serde_json::to_string(of)?)
}

/// A list from how it is stored.
pub(crate) fn stored(text: &str) -> Result<Vec<IpNet>> {
    Ok(serde_json::from_str(text)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(of: &[&str]) -> Vec<IpNet> {
        read(&of.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn address_ranges_have_one_form() {
        for (given, kept) in [
            ("10.0.0.0/8", "10.0.0.0/8"),
            (" 10.1.2.3/8 ", "10.0.0.0/8"),
            ("203.0.113.7", "203.0.113.7/32"),
            ("::ffff:203.0.113.7", "203.0.113.7/32"),
            ("::ffff:203.0.113.0/120", "203.0.113.0/24"),
            ("2001:DB8::1/32", "2001:db8::/32"),
            ("::/0", "::/0"),
        ] {
            assert_eq!(list(&[given])[0].to_string(), kept, "{given}");
        }
        for wrong in
            ["", "10.0.0.0/33", "example.com", "10.0.0", "*", "10.0.0.0/8,11.0.0.0/8", "fe80::1%eth0"]
        {
            assert!(read(&[wrong.to_owned()]).is_err(), "{wrong}");
        }
        assert_eq!(list(&["10.0.0.1/32", "10.0.0.1"]).len(), 1);
        assert!(read(&vec!["10.0.0.1".to_owned(); MOST + 1]).is_err());
    }

    #[test]
    fn two_lists_let_in_what_lies_in_both() {
        let (wide, narrow) = (list(&["10.0.0.0/8", "2001:db8::/32"]), list(&["10.1.0.0/16", "192.0.2.1"]));
        assert_eq!(both(&wide, &narrow).unwrap(), list(&["10.1.0.0/16"]));
        assert_eq!(both(&narrow, &wide).unwrap(), list(&["10.1.0.0/16"]));
        assert_eq!(both(&wide, &[]).unwrap(), wide);
        assert_eq!(both(&[], &narrow).unwrap(), narrow);
        assert_eq!(both(&[], &[]).unwrap(), []);
        assert_eq!(both(&list(&["10.0.0.1"]), &list(&["10.0.0.2"])), None, "and not everywhere");
    }

    #[test]
    fn an_address_is_let_in_by_its_network() {
        let allowed = list(&["203.0.113.0/24", "2001:db8::/32"]);
        for (address, is_in) in [
            ("203.0.113.7", true),
            ("::ffff:203.0.113.7", true),
            ("2001:db8::1", true),
            ("203.0.114.7", false),
            ("::1", false),
            ("127.0.0.1", false),
        ] {
            assert_eq!(admit(&allowed, address.parse().unwrap()), is_in, "{address}");
            assert!(admit(&[], address.parse().unwrap()), "{address}");
        }
    }
}
