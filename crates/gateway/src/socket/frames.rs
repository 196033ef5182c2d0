//! Where one frame ends and the next begins (RFC 6455 5.2), in bytes that are handed on.

/// What has been seen of the frame at hand.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Frames {
    /// The head so far; a frame's payload follows when it is whole.
    head: Vec<u8>,
    payload: u64,
}

/// The longest head: two bytes, eight of length, four of mask.
const LONGEST_HEAD: usize = 14;

impl Frames {
    /// Whether the next byte begins a frame.
    pub(crate) fn is_between(&self) -> bool {
        self.head.is_empty() && self.payload == 0
    }

    /// Takes note of bytes that are handed on.
    pub(crate) fn pass(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            bytes = self.step(bytes);
        }
    }

    /// As much of these bytes as finishes the frame at hand.
    pub(crate) fn finish<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let mut rest = bytes;
        while !rest.is_empty() && !self.is_between() {
            rest = self.step(rest);
        }
        bytes.get(..bytes.len() - rest.len()).unwrap_or_default()
    }

    /// Takes a piece of a head or of a payload, and answers what is left.
    fn step<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        if self.payload > 0 {
            let taken = usize::try_from(self.payload).unwrap_or(usize::MAX).min(bytes.len());
            self.payload -= u64::try_from(taken).unwrap_or(self.payload);
            return bytes.get(taken..).unwrap_or_default();
        }
        let Some((byte, rest)) = bytes.split_first() else { return bytes };
        self.head.push(*byte);
        if let Some(payload) = payload_of(&self.head) {
            self.head.clear();
            self.payload = payload;
        }
        rest
    }
}

/// The length of the payload, once the head is whole.
fn payload_of(head: &[u8]) -> Option<u64> {
    debug_assert!(head.len() <= LONGEST_HEAD, "a head ends");
    let second = *head.get(1)?;
    let mask = if second & 0x80 == 0 { 0 } else { 4 };
    let (length, bytes) = match second & 0x7f {
        126 => (head.get(2..4)?.iter().fold(0, |sum, byte| (sum << 8) | u64::from(*byte)), 2),
        127 => (head.get(2..10)?.iter().fold(0, |sum, byte| (sum << 8) | u64::from(*byte)), 8),
        short => (u64::from(short), 0),
    };
    (head.len() == 2 + bytes + mask).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(masked: bool, payload: usize) -> Vec<u8> {
        let mask = if masked { 0x80 } else { 0 };
        let mut frame = vec![0x82];
        match payload {
            0..126 => frame.push(mask | u8::try_from(payload).unwrap()),
            126..65_536 => {
                frame.push(mask | 0x7e);
                frame.extend(u16::try_from(payload).unwrap().to_be_bytes());
            }
            _ => {
                frame.push(mask | 0x7f);
                frame.extend(u64::try_from(payload).unwrap().to_be_bytes());
            }
        }
        frame.extend(std::iter::repeat_n(0x88, payload + if masked { 4 } else { 0 }));
        frame
    }

    #[test]
    fn ends_are_found_however_the_bytes_come() {
        let sizes = [0, 1, 125, 126, 127, 65_535, 65_536, 70_000];
        for masked in [false, true] {
            for size in sizes {
                let (one, next) = (frame(masked, size), frame(masked, 3));
                for piece in [1, 2, 3, 7, 4096, usize::MAX] {
                    let mut frames = Frames::default();
                    for part in one.chunks(piece.min(one.len())) {
                        assert!(frames.is_between() == std::ptr::eq(part, &raw const one[..part.len()]));
                        frames.pass(part);
                    }
                    assert!(frames.is_between(), "{masked} {size} {piece}");
                }
                let both = [one.clone(), next].concat();
                for at in
                    [1, 2, one.len() / 2, one.len() - 1].into_iter().filter(|at| (1..one.len()).contains(at))
                {
                    let mut frames = Frames::default();
                    frames.pass(&both[..at]);
                    assert_eq!(frames.finish(&both[at..]).len(), one.len() - at, "{masked} {size} {at}");
                    assert!(frames.is_between());
                    assert!(frames.finish(&both[one.len()..]).is_empty(), "no frame is begun");
                }
            }
        }
    }
}
