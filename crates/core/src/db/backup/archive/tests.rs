//! What is read from an archive is what was written, or nothing: bytes from anywhere break no reader.

use doorward_fuzz::fuzz;

use super::*;

fn header() -> Header {
    let column = |name: &str, kind, nullable| Column { name: name.to_owned(), kind, nullable };
    let columns = vec![
        column("id", ValueKind::Int, false),
        column("name", ValueKind::Text, true),
        column("key", ValueKind::Bytes, true),
    ];
    Header { made_at: 7, migrations: vec![(1, "x".to_owned())], tables: vec![("things".to_owned(), columns)] }
}

fn archive() -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), &header()).unwrap();
    let row = |id: i64| vec![Value::Int(Some(id)), "Ünï".to_owned().into(), vec![0_u8, 255].into()];
    writer.rows(0, &[row(1), vec![Value::Int(Some(2)), Value::Text(None), Value::Bytes(None)]]).unwrap();
    writer.rows(0, &[row(3)]).unwrap();
    writer.end().unwrap().0
}

fn read(bytes: &[u8]) -> Result<usize> {
    let mut reader = Reader::new(bytes)?;
    let mut rows = 0;
    while let Some(block) = reader.next()? {
        rows += block.rows.len();
        assert!(rows <= bytes.len(), "more rows than bytes");
    }
    Ok(rows)
}

/// The parts of an archive, each with a good checksum again, so that what is inside them is met.
fn mended(bytes: &[u8]) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    let mut all = Context::new(&SHA256);
    let mut rest = bytes.get(MAGIC.len()..).unwrap_or_default();
    while let Some((head, after)) = rest.split_at_checked(5) {
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
        let (body, after) = after.split_at(length.min(after.len()));
        rest = after.get(HASH..).unwrap_or_default();
        let mut body = body.to_vec();
        if head[0] == Part::End as u8 && body.len() == 8 + HASH {
            body.splice(8.., all.clone().finish().as_ref().iter().copied());
        }
        let hash = hash_of(head[0], &body);
        all.update(&hash);
        out.push(head[0]);
        out.extend_from_slice(&u32::try_from(body.len()).unwrap().to_be_bytes());
        out.extend_from_slice(&body);
        out.extend_from_slice(&hash);
    }
    out
}

#[test]
fn an_archive_is_read_as_it_was_written_and_a_changed_one_is_not() {
    let archive = archive();
    assert_eq!(mended(&archive), archive);
    assert_eq!(read(&archive).unwrap(), 3);
    for more in [&b"\0"[..], b"junk", &archive] {
        let refused = read(&[&archive, more].concat()).unwrap_err();
        assert!(format!("{refused:?}").contains("something follows its end"), "{refused:?}");
    }
    for at in 0..archive.len() {
        let mut changed = archive.clone();
        changed[at] ^= 1;
        assert!(read(&changed).is_err(), "byte {at} may be changed");
        assert!(read(&archive[..at]).is_err(), "it may end at {at}");
    }
}

#[test]
fn rows_of_nothing_are_no_rows() {
    let nothing = Header { tables: vec![("things".to_owned(), Vec::new())], ..header() };
    let mut archive = Writer::new(Vec::new(), &nothing).unwrap();
    let body = [0_u32.to_be_bytes(), u32::MAX.to_be_bytes()].concat();
    archive.part(Part::Rows, &body).unwrap();
    let archive = archive.end().unwrap().0;
    assert!(read(&archive).is_err(), "four thousand million rows in eight bytes");
}

#[test]
fn no_bytes_break_the_reader() {
    let archive = archive();
    fuzz("archive", &[&archive], |input| read(input).is_ok());
    fuzz("archive with good checksums", &[&archive], |input| read(&mended(input)).is_ok());
}
