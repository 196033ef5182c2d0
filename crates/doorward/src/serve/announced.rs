//! The PROXY protocol, versions 1 and 2: a proxy that hands connections on as they are says first whose they are.
//!
//! Where it is spoken, every connection has to begin with it, and only `trusted_proxies` may speak it: a header
//! that may be there or not could be written by the client. What a client was to the proxy it is to us: when the
//! proxy does not know, nobody does, and a loopback address is of the proxy's machine.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::Duration,
};

use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::peer::UNKNOWN;

/// How version 2 begins.
const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// The longest line of version 1.
const LONGEST_LINE: usize = 107;
/// Addresses and what proxies add to them; the longest that version 2 could say are for nothing we read.
const LONGEST: usize = 4096;

/// Why a connection is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unsound {
    /// It did not come, or not whole, in time.
    #[error("there is no PROXY protocol header")]
    Missing,
    /// It is none of either version.
    #[error("the PROXY protocol header is malformed")]
    Malformed,
}

/// The address of the client whose connection this is, and nothing but the header taken from the stream.
///
/// # Errors
/// Whatever is wrong with the header.
pub(super) async fn client(
    stream: &mut (impl AsyncRead + Unpin),
    proxy: IpAddr,
    limit: Duration,
) -> Result<IpAddr, Unsound> {
    let said = tokio::time::timeout(limit, header(stream)).await.map_err(|_| Unsound::Missing)??;
    let client = said.to_canonical();
    let is_elsewhere = client.is_loopback() && !proxy.to_canonical().is_loopback();
    Ok(if is_elsewhere { UNKNOWN } else { client })
}

async fn header(stream: &mut (impl AsyncRead + Unpin)) -> Result<IpAddr, Unsound> {
    let mut start = [0; SIGNATURE.len()];
    stream.read_exact(&mut start).await.map_err(|_| Unsound::Missing)?;
    if start == SIGNATURE {
        let mut fixed = [0; 4];
        stream.read_exact(&mut fixed).await.map_err(|_| Unsound::Missing)?;
        let [command, family, high, low] = fixed;
        let length = usize::from(u16::from_be_bytes([high, low]));
        if length > LONGEST {
            return Err(Unsound::Malformed);
        }
        let mut rest = vec![0; length];
        stream.read_exact(&mut rest).await.map_err(|_| Unsound::Missing)?;
        return second(command, family, &rest).ok_or(Unsound::Malformed);
    }
    if !start.starts_with(b"PROXY ") {
        return Err(Unsound::Malformed);
    }
    let mut line = start.to_vec();
    while !line.ends_with(b"\r\n") {
        if line.len() == LONGEST_LINE {
            return Err(Unsound::Malformed);
        }
        line.push(stream.read_u8().await.map_err(|_| Unsound::Missing)?);
    }
    first(&line).ok_or(Unsound::Malformed)
}

/// Version 1: a line of text, perhaps that the proxy does not know. `None` when it is malformed.
fn first(line: &[u8]) -> Option<IpAddr> {
    let line = std::str::from_utf8(line).ok()?.strip_suffix("\r\n")?.strip_prefix("PROXY ")?;
    if line == "UNKNOWN" || line.starts_with("UNKNOWN ") {
        return Some(UNKNOWN);
    }
    let mut words = line.split(' ');
    let (family, source, target) = (words.next()?, words.next()?, words.next()?);
    let are_ports = is_port(words.next()?) && is_port(words.next()?) && words.next().is_none();
    let source: IpAddr = match family {
        "TCP4" => (source.parse::<Ipv4Addr>().ok()?, target.parse::<Ipv4Addr>().ok()?).0.into(),
        "TCP6" => (source.parse::<Ipv6Addr>().ok()?, target.parse::<Ipv6Addr>().ok()?).0.into(),
        _ => return None,
    };
    are_ports.then_some(source)
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
        && text.parse::<u16>().is_ok()
        && (text == "0" || !text.starts_with('0'))
}

/// Version 2: addresses in bytes, and what the proxy adds; or that it is the proxy's own connection, or one without
/// an address. `None` when it is malformed.
fn second(command: u8, family: u8, rest: &[u8]) -> Option<IpAddr> {
    const LOCAL: u8 = 0x20;
    const PROXY: u8 = 0x21;
    if command == LOCAL {
        return Some(UNKNOWN);
    }
    if command != PROXY {
        return None;
    }
    let (source, more) = match family {
        // Nothing is known of the rest then.
        0x00 => return Some(UNKNOWN),
        0x11 => {
            let (addresses, more) = rest.split_first_chunk::<12>()?;
            (IpAddr::from(*addresses.first_chunk::<4>()?), more)
        }
        0x21 => {
            let (addresses, more) = rest.split_first_chunk::<36>()?;
            (IpAddr::from(*addresses.first_chunk::<16>()?), more)
        }
        0x31 => (UNKNOWN, rest.get(216..)?),
        _ => return None,
    };
    are_values(more).then_some(source)
}

/// What a proxy adds: a type, a length and as many bytes, one after another.
fn are_values(mut rest: &[u8]) -> bool {
    while !rest.is_empty() {
        let Some(([_, high, low], more)) = rest.split_first_chunk::<3>() else { return false };
        let Some(next) = more.get(usize::from(u16::from_be_bytes([*high, *low]))..) else { return false };
        rest = next;
    }
    true
}

#[cfg(test)]
mod tests;
