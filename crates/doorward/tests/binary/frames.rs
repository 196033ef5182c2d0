//! HTTP/2 as no client library would write it: frames by hand, header fields as literals (RFC 7541 6.2.2).

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
/// `:status: 200` in the static table (RFC 7541 A).
const OK: u8 = 0x88;

/// A part of what is sent on one stream.
#[derive(Debug, Clone)]
pub(crate) enum Part {
    /// Fields, in this order.
    Fields(Vec<(&'static str, String)>),
    /// A part of the body.
    Data(&'static str),
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

fn literals(fields: &[(&str, String)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        // Neither indexed nor compressed; all of these are shorter than 127 bytes.
        block.push(0);
        for text in [name.as_bytes(), value.as_bytes()] {
            block.push(u8::try_from(text.len()).ok().filter(|length| *length < 127).unwrap());
            block.extend(text);
        }
    }
    block
}

/// Sends one request on a connection of its own. Answers whether it was answered with 200; else it was refused,
/// its stream reset or the connection ended.
pub(crate) fn is_answered(stream: &mut TcpStream, parts: &[Part]) -> bool {
    let mut sent = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    sent.extend(frame(SETTINGS, 0, 0, &[]));
    for (number, part) in parts.iter().enumerate() {
        let end = if number + 1 == parts.len() { END_STREAM } else { 0 };
        sent.extend(match part {
            Part::Fields(fields) => frame(HEADERS, END_HEADERS | end, 1, &literals(fields)),
            Part::Data(data) => frame(DATA, end, 1, data.as_bytes()),
        });
    }
    let _ = stream.write_all(&sent);
    loop {
        let mut head = [0; 9];
        if let Err(error) = stream.read_exact(&mut head) {
            assert_ne!(error.kind(), std::io::ErrorKind::WouldBlock, "{parts:?} is not answered");
            return false;
        }
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        stream.read_exact(&mut payload).unwrap();
        match (head[3], head[8]) {
            (RST_STREAM, 1) | (GOAWAY, _) => return false,
            (HEADERS, 1) => return payload[0] == OK,
            _ => {}
        }
    }
}
