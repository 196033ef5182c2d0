//! Logos: pictures that people hand in, of which nothing is kept that is not the picture.
//!
//! What a picture is, is read from its bytes, never from a name or a header that came with it. PNG, JPEG and
//! WebP are taken apart and put together again from the parts that hold the picture: what else was in them
//! (text, places, other files behind the end) is left out. SVG is refused: it is a document with scripts and
//! addresses, not a picture.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};

use crate::outcome::{Code, Error, Refusal, Result};

/// The most bytes of a logo.
pub const MOST_BYTES: usize = 64 * 1024;
/// The most pixels of a side.
pub const MOST_PIXELS: u32 = 1024;
/// The least.
const LEAST_PIXELS: u32 = 16;

/// What pictures of a kind are called, and how large they may be.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// The member that a refusal names.
    pub field: &'static str,
    /// What it is, at the beginning of a sentence.
    pub what: &'static str,
    /// The most bytes.
    pub bytes: usize,
    /// The most pixels of a side.
    pub pixels: u32,
}

impl Bounds {
    fn wrong(&self, hint: String) -> Error {
        Refusal::new(Code::RequestInvalid).field(self.field).hint(hint).into()
    }
}

const LOGO: Bounds = Bounds { field: "logo", what: "A logo", bytes: MOST_BYTES, pixels: MOST_PIXELS };

/// What kind of picture it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// PNG (ISO/IEC 15948).
    Png,
    /// JPEG (ISO/IEC 10918-1).
    Jpeg,
    /// WebP (RFC 9649).
    Webp,
}

impl Format {
    const ALL: [Self; 3] = [Self::Png, Self::Jpeg, Self::Webp];

    /// The end of its file's name.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::Webp => "webp",
        }
    }

    /// Its media type.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Webp => "image/webp",
        }
    }

    pub(crate) fn from_extension(name: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|format| format.extension() == name);
        found.ok_or_else(|| Error::fault(format!("picture format {name}")))
    }
}

/// A picture that may be shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    /// What kind it is.
    pub format: Format,
    /// Pixels across and down.
    pub size: (u32, u32),
    /// The file.
    pub bytes: Vec<u8>,
}

impl fmt::Debug for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Picture({:?}, {:?}, {} bytes)", self.format, self.size, self.bytes.len())
    }
}

impl Picture {
    /// Takes a logo that somebody hands in.
    ///
    /// # Errors
    /// `RequestInvalid` for what is none, or too large.
    pub fn read(bytes: &[u8]) -> Result<Self> {
        Self::within(bytes, &LOGO)
    }

    /// Takes a picture that somebody hands in.
    ///
    /// # Errors
    /// `RequestInvalid` for what is none, or too large.
    pub fn within(bytes: &[u8], bounds: &Bounds) -> Result<Self> {
        let what = bounds.what;
        if bytes.len() > bounds.bytes {
            return Err(bounds.wrong(format!("{what} has {} KiB at most", bounds.bytes / 1024)));
        }
        let read = match bytes {
            [0x89, b'P', b'N', b'G', ..] => png(bytes).map(|(size, bytes)| (Format::Png, size, bytes)),
            [0xff, 0xd8, ..] => jpeg(bytes).map(|(size, bytes)| (Format::Jpeg, size, bytes)),
            [b'R', b'I', b'F', b'F', ..] => webp(bytes).map(|(size, bytes)| (Format::Webp, size, bytes)),
            _ => return Err(bounds.wrong(format!("{what} is a PNG, JPEG or WebP picture"))),
        };
        let Some((format, size, bytes)) = read else {
            let hint = "The picture is damaged, moves, or is of a kind that is not taken";
            return Err(bounds.wrong(hint.to_owned()));
        };
        let fits = |pixels: u32| (LEAST_PIXELS..=bounds.pixels).contains(&pixels);
        if !fits(size.0) || !fits(size.1) {
            let (width, height) = size;
            let most = bounds.pixels;
            return Err(bounds.wrong(format!(
                "{what} has {LEAST_PIXELS} to {most} pixels on each side; this one is {width} x {height}"
            )));
        }
        Ok(Self { format, size, bytes })
    }

    /// The name of its content.
    pub fn hash(&self) -> String {
        let digest = digest(&SHA256, &self.bytes);
        data_encoding::HEXLOWER.encode(digest.as_ref().get(..16).unwrap_or_default())
    }
}

type Taken = Option<((u32, u32), Vec<u8>)>;

/// Bytes that are taken from the front.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }
}

/// The chunks that hold the picture, and how its colours are meant.
const PNG_KEPT: [&[u8; 4]; 6] = [b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"sRGB", b"gAMA"];

fn png(bytes: &[u8]) -> Taken {
    let mut rest = Rest(bytes);
    let mut kept = rest.take(8).filter(|start| *start == b"\x89PNG\r\n\x1a\n")?.to_vec();
    let (mut size, mut has_data) = (None, false);
    loop {
        let whole = rest.0;
        let length = usize::try_from(u32::from_be_bytes(rest.array()?)).ok()?;
        let kind: [u8; 4] = rest.array()?;
        let mut body = Rest(rest.take(length)?);
        rest.take(4)?;
        let chunk = whole.get(..length.checked_add(12)?)?;
        match &kind {
            b"IHDR" if size.is_none() && length == 13 => {
                size = Some((u32::from_be_bytes(body.array()?), u32::from_be_bytes(body.array()?)));
            }
            b"IHDR" => return None,
            _ if size.is_none() => return None,
            b"IDAT" => has_data = true,
            b"IEND" if length == 0 && has_data => {
                kept.extend_from_slice(chunk);
                return Some((size?, kept));
            }
            b"IEND" => return None,
            // A critical chunk that nobody knows: what it changes is not known either.
            [first, ..] if first.is_ascii_uppercase() && !PNG_KEPT.contains(&&kind) => return None,
            _ => {}
        }
        if PNG_KEPT.contains(&&kind) {
            kept.extend_from_slice(chunk);
        }
    }
}

fn jpeg(bytes: &[u8]) -> Taken {
    let mut rest = Rest(bytes);
    let mut kept = rest.take(2)?.to_vec();
    let (mut size, mut has_data, mut is_turned) = (None, false, false);
    loop {
        let [0xff, marker] = rest.array()? else { return None };
        match marker {
            // Filling before a marker.
            0xff => {
                rest.0 = bytes.get(bytes.len() - rest.0.len() - 1..)?;
                continue;
            }
            0xd9 if size.is_some() && has_data => {
                kept.extend_from_slice(&[0xff, 0xd9]);
                return Some((size?, kept));
            }
            0xc4 | 0xda..=0xdd | 0xc0..=0xc3 | 0xe0..=0xef | 0xfe => {}
            _ => return None,
        }
        let length: [u8; 2] = rest.array()?;
        let body = rest.take(usize::from(u16::from_be_bytes(length)).checked_sub(2)?)?;
        if let (0xc0..=0xc3, [_, high, low, left, right, ..]) = (marker, body) {
            if size.is_some() {
                return None;
            }
            let pixels = |one: &u8, two: &u8| u32::from(u16::from_be_bytes([*one, *two]));
            size = Some((pixels(left, right), pixels(high, low)));
        }
        if let (0xe1, false, Some(turn)) = (marker, is_turned, orientation(body)) {
            is_turned = true;
            kept.extend_from_slice(&exif(turn));
        }
        // JFIF and Adobe say how the colours are meant; all other such parts, and comments, are not the picture.
        let is_picture = match marker {
            0xe0 => body.starts_with(b"JFIF\0"),
            0xee => body.starts_with(b"Adobe"),
            0xe1..=0xef | 0xfe => false,
            _ => true,
        };
        if is_picture {
            kept.extend_from_slice(&[0xff, marker]);
            kept.extend_from_slice(&length);
            kept.extend_from_slice(body);
        }
        if marker == 0xda {
            has_data = true;
            let is_marker = |pair: &[u8]| matches!(pair, [0xff, next] if !matches!(next, 0 | 0xd0..=0xd7));
            let end = rest.0.windows(2).position(is_marker)?;
            kept.extend_from_slice(rest.take(end)?);
        }
    }
}

/// How a camera was held (Exif 2.32, tag 0x0112), where the picture has to be turned to be seen as it was taken.
/// It is all of Exif that is the picture.
fn orientation(body: &[u8]) -> Option<u8> {
    let tiff = body.strip_prefix(b"Exif\0\0")?;
    let is_little = match tiff.first_chunk::<4>()? {
        b"II*\0" => true,
        b"MM\0*" => false,
        _ => return None,
    };
    let short =
        |bytes: [u8; 2]| if is_little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) };
    let start = tiff.get(4..8)?.try_into().ok()?;
    let start = if is_little { u32::from_le_bytes(start) } else { u32::from_be_bytes(start) };
    let mut rest = Rest(tiff.get(usize::try_from(start).ok()?..)?);
    for _ in 0..short(rest.array()?) {
        let entry: [u8; 12] = rest.array()?;
        let [tag, kind, _, _, value, _] = [0, 2, 4, 6, 8, 10].map(|at| {
            let pair = entry.get(at..at + 2).and_then(|pair| pair.try_into().ok());
            pair.map_or(0, short)
        });
        if (tag, kind) == (0x0112, 3) {
            return u8::try_from(value).ok().filter(|turn| (2..=8).contains(turn));
        }
    }
    None
}

/// The part of a JPEG that says so and nothing else.
fn exif(turn: u8) -> Vec<u8> {
    let head = b"\xff\xe1\0\x22Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0";
    [head.as_slice(), &[turn], &[0; 6]].concat()
}

/// What the extended header says of parts that are left out: ICC profile, Exif, XMP.
const WEBP_LEFT_OUT: u8 = 0b0010_1100;

/// Width and height, fourteen bits each, as a lossy picture begins (RFC 6386 9.1).
fn lossy(size: &[u8]) -> Option<(u32, u32)> {
    let (width, rest) = size.split_first_chunk::<2>()?;
    let (height, _) = rest.split_first_chunk::<2>()?;
    let pixels = |pair: &[u8; 2]| u32::from(u16::from_le_bytes(*pair) & 0x3fff);
    Some((pixels(width), pixels(height)))
}

/// The same, less one, packed together, as a lossless picture begins (RFC 9649 3.4).
fn lossless(size: &[u8]) -> Option<(u32, u32)> {
    let bits = u32::from_le_bytes(*size.first_chunk::<4>()?);
    Some(((bits & 0x3fff) + 1, ((bits >> 14) & 0x3fff) + 1))
}

/// The same, less one, three bytes each, of the canvas (RFC 9649 2.7).
fn canvas(size: &[u8]) -> Option<(u32, u32)> {
    let [width @ .., _, _, _] = size.first_chunk::<6>()?;
    let [_, _, _, height @ ..] = size.first_chunk::<6>()?;
    let pixels = |[low, middle, high]: [u8; 3]| u32::from_le_bytes([low, middle, high, 0]) + 1;
    Some((pixels(*width), pixels(*height)))
}

fn webp(bytes: &[u8]) -> Taken {
    let mut rest = Rest(bytes);
    rest.take(4)?;
    let length = usize::try_from(u32::from_le_bytes(rest.array()?)).ok()?;
    let mut rest = Rest(rest.0.get(..length)?);
    if rest.take(4)? != b"WEBP" {
        return None;
    }
    let (mut size, mut kept, mut has_data) = (None, b"WEBP".to_vec(), false);
    while !rest.0.is_empty() {
        let kind: [u8; 4] = rest.array()?;
        let length: [u8; 4] = rest.array()?;
        let count = usize::try_from(u32::from_le_bytes(length)).ok()?;
        let mut body = rest.take(count)?.to_vec();
        if count % 2 == 1 {
            rest.take(1)?;
        }
        let found = match (&kind, body.as_slice()) {
            (b"VP8 ", [_, _, _, 0x9d, 0x01, 0x2a, size @ ..]) => lossy(size),
            (b"VP8L", [0x2f, size @ ..]) => lossless(size),
            // Eight bits of flags; 0x02 says that it moves.
            (b"VP8X", [flags, _, _, _, size @ ..]) if flags & 0x02 == 0 => canvas(size),
            (b"ALPH", _) if size.is_some() => size,
            (b"VP8 " | b"VP8L" | b"VP8X" | b"ALPH" | b"ANIM" | b"ANMF", _) => return None,
            _ => continue,
        };
        // The canvas and the picture in it are of one size.
        if found.is_none() || size.is_some_and(|before| Some(before) != found) {
            return None;
        }
        size = found;
        has_data |= matches!(&kind, b"VP8 " | b"VP8L");
        if let (b"VP8X", Some(flags)) = (&kind, body.first_mut()) {
            *flags &= !WEBP_LEFT_OUT;
        }
        kept.extend_from_slice(&kind);
        kept.extend_from_slice(&length);
        kept.extend_from_slice(&body);
        kept.extend_from_slice(if count % 2 == 1 { &[0] } else { &[] });
    }
    let mut whole = b"RIFF".to_vec();
    whole.extend_from_slice(&u32::try_from(kept.len()).ok()?.to_le_bytes());
    whole.append(&mut kept);
    if has_data { Some((size?, whole)) } else { None }
}

#[cfg(test)]
mod tests;
