use super::*;

const PNG: &[u8] = include_bytes!("../../../../../tests/data/pictures/logo.png");
const JPEG: &[u8] = include_bytes!("../../../../../tests/data/pictures/photo.jpg");
const LOSSY: &[u8] = include_bytes!("../../../../../tests/data/pictures/lossy.webp");
const ALPHA: &[u8] = include_bytes!("../../../../../tests/data/pictures/alpha.webp");
const LOSSLESS: &[u8] = include_bytes!("../../../../../tests/data/pictures/lossless.webp");

fn hint(bytes: &[u8]) -> String {
    match Picture::read(bytes) {
        Err(Error::Refused(refusal)) => {
            assert_eq!(refusal.field.as_deref(), Some("logo"));
            refusal.hint.into_owned()
        }
        other => panic!("{other:?}"),
    }
}

fn has(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[test]
fn pictures_are_told_by_their_bytes_and_keep_only_the_picture() {
    for (bytes, format, size) in [
        (PNG, Format::Png, (48, 48)),
        (JPEG, Format::Jpeg, (32, 24)),
        (LOSSY, Format::Webp, (32, 24)),
        (ALPHA, Format::Webp, (32, 24)),
        (LOSSLESS, Format::Webp, (32, 24)),
    ] {
        let picture = Picture::read(bytes).unwrap();
        assert_eq!((picture.format, picture.size), (format, size));
        assert!(picture.bytes.len() < bytes.len(), "what is not the picture is left out");
        assert!(!has(&picture.bytes, b"Comment") && !has(&picture.bytes, b"Google"), "{picture:?}");
        assert_eq!(Picture::read(&picture.bytes).unwrap(), picture, "what is kept is kept whole");
        assert_eq!(picture.hash().len(), 32);
    }
}

#[test]
fn what_stands_behind_a_picture_is_left_out() {
    for bytes in [PNG, JPEG, LOSSY] {
        let evil = [bytes, b"<script>alert(1)</script>"].concat();
        let picture = Picture::read(&evil).unwrap();
        assert_eq!(picture, Picture::read(bytes).unwrap());
    }
}

#[test]
fn what_is_no_picture_is_refused() {
    let svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>";
    let gif = b"GIF89a\x01\0\x01\0\0\0\0;";
    for bad in [&svg[..], gif, b"", b"<!doctype html>", b"%PDF-1.7", &[0xef, 0xbb, 0xbf, b'<']] {
        assert_eq!(hint(bad), "A logo is a PNG, JPEG or WebP picture");
    }
    assert_eq!(hint(&vec![0x89; MOST_BYTES + 1]), "A logo has 64 KiB at most");
    for whole in [PNG, JPEG, LOSSY, ALPHA, LOSSLESS] {
        for end in 0..whole.len() - 30 {
            assert!(Picture::read(&whole[..end]).is_err(), "cut at {end} of {}", whole.len());
        }
    }
}

#[test]
fn a_picture_of_too_many_pixels_is_refused() {
    let mut large = PNG.to_vec();
    large[16..20].copy_from_slice(&60_000_u32.to_be_bytes());
    assert_eq!(hint(&large), "A logo has 16 to 1024 pixels on each side; this one is 60000 x 48");
    large[16..20].copy_from_slice(&0_u32.to_be_bytes());
    assert!(hint(&large).contains("0 x 48"));
}

#[test]
fn what_moves_or_is_not_known_is_refused() {
    let mut moving = LOSSY.to_vec();
    moving[20] |= 0x02;
    assert!(hint(&moving).contains("moves"));
    let critical: Vec<u8> = [&PNG[..33], b"\0\0\0\0XXXX\0\0\0\0", &PNG[33..]].concat();
    assert!(hint(&critical).contains("not taken"));
    let twice: Vec<u8> = [&PNG[..33], &PNG[8..]].concat();
    assert!(hint(&twice).contains("damaged"));
}

/// A JPEG as cameras write it: held on its side, with a place in it.
fn taken(turn: u8, is_little: bool) -> Vec<u8> {
    let short = |number: u16| if is_little { number.to_le_bytes() } else { number.to_be_bytes() };
    let long = |number: u32| if is_little { number.to_le_bytes() } else { number.to_be_bytes() };
    let mut body = b"Exif\0\0".to_vec();
    body.extend_from_slice(if is_little { b"II*\0" } else { b"MM\0*" });
    body.extend(long(8));
    body.extend(short(2));
    // Where it was taken: a pointer to what stands behind.
    body.extend([&short(0x8825)[..], &short(4), &long(1), &long(38)].concat());
    body.extend([&short(0x0112)[..], &short(3), &long(1), &short(turn.into()), &[0; 2]].concat());
    body.extend_from_slice(b"\0\0\0\0GPS 52.5200N 13.4050E");
    let length = u16::try_from(body.len() + 2).unwrap().to_be_bytes();
    [&JPEG[..2], &[0xff, 0xe1], &length, &body, &JPEG[2..]].concat()
}

#[test]
fn a_photograph_stays_upright_and_does_not_say_where_it_was_taken() {
    let plain = Picture::read(JPEG).unwrap();
    for is_little in [true, false] {
        for turn in 0..=9 {
            let photo = taken(turn, is_little);
            assert!(has(&photo, b"GPS"));
            let kept = Picture::read(&photo).unwrap();
            assert!(!has(&kept.bytes, b"GPS"));
            assert_eq!(Picture::read(&kept.bytes).unwrap(), kept, "what is kept is kept whole");
            if (2..=8).contains(&turn) {
                assert_eq!(kept.bytes.len(), plain.bytes.len() + 36);
                assert!(has(&kept.bytes, &[0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, turn, 0, 0]));
            } else {
                assert_eq!(kept, plain);
            }
            for end in 0..60 {
                let mut cut = photo.clone();
                cut[5] = end;
                let _ = Picture::read(&cut);
            }
        }
    }
}
