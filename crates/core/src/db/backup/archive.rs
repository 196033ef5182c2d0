//! The archive: a file that holds a database's rows, whichever engine they come from.
//!
//! `DWARCH01`, then a header in JSON, then blocks of rows, then an end mark. Each part carries its length
//! and its SHA-256; the end mark carries the number of rows and a SHA-256 over those of all parts, so a
//! file that was cut short or changed is refused before anything is believed.

use std::io::{ErrorKind, Read, Write};

use aws_lc_rs::digest::{Context, SHA256};

use crate::{
    db::{
        Cells, Value,
        schema::{Column, ValueKind},
    },
    outcome::{Error, Result},
};

pub(super) const MAGIC: &[u8; 8] = b"DWARCH01";
/// No part is larger: a wrong length must not eat the memory.
const MAX_PART: usize = 256 * 1024 * 1024;
const HASH: usize = 32;

/// What an archive holds.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Header {
    /// When it was made, in microseconds since 1970.
    pub made_at: i64,
    /// The migrations that made the schema: number and checksum.
    pub migrations: Vec<(i64, String)>,
    /// The tables, in the order in which they are filled.
    pub tables: Vec<(String, Vec<Column>)>,
}

/// Parts of an archive.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Header = 1,
    Rows = 2,
    End = 3,
}

pub(super) struct Writer<W> {
    to: W,
    all: Context,
    rows: u64,
}

impl<W: Write> Writer<W> {
    pub(super) fn new(mut to: W, header: &Header) -> Result<Self> {
        to.write_all(MAGIC)?;
        let mut writer = Self { to, all: Context::new(&SHA256), rows: 0 };
        writer.part(Part::Header, &serde_json::to_vec(header)?)?;
        Ok(writer)
    }

    /// Rows of table number `table`.
    pub(super) fn rows(&mut self, table: usize, rows: &[Cells]) -> Result<()> {
        let mut body = Vec::new();
        body.extend_from_slice(&u32::try_from(table)?.to_be_bytes());
        body.extend_from_slice(&u32::try_from(rows.len())?.to_be_bytes());
        for value in rows.iter().flatten() {
            encode(&mut body, value)?;
        }
        self.rows += rows.len() as u64;
        self.part(Part::Rows, &body)
    }

    /// Ends the archive; answers how many rows it holds.
    pub(super) fn end(mut self) -> Result<(W, u64)> {
        let rows = self.rows;
        let mut body = rows.to_be_bytes().to_vec();
        body.extend_from_slice(self.all.clone().finish().as_ref());
        self.part(Part::End, &body)?;
        self.to.flush()?;
        Ok((self.to, rows))
    }

    fn part(&mut self, kind: Part, body: &[u8]) -> Result<()> {
        let length = u32::try_from(body.len())?;
        self.to.write_all(&[kind as u8])?;
        self.to.write_all(&length.to_be_bytes())?;
        self.to.write_all(body)?;
        let hash = hash_of(kind as u8, body);
        self.all.update(&hash);
        self.to.write_all(&hash)?;
        Ok(())
    }
}

fn hash_of(kind: u8, body: &[u8]) -> [u8; HASH] {
    let mut hash = Context::new(&SHA256);
    hash.update(&[kind]);
    hash.update(body);
    hash.finish().as_ref().try_into().unwrap_or_default()
}

fn encode(out: &mut Vec<u8>, value: &Value<'_>) -> Result<()> {
    let mut sized = |tag: u8, bytes: &[u8]| -> Result<()> {
        out.push(tag);
        out.extend_from_slice(&u32::try_from(bytes.len())?.to_be_bytes());
        out.extend_from_slice(bytes);
        Ok(())
    };
    match value {
        Value::Text(Some(text)) => sized(2, text.as_bytes()),
        Value::Bytes(Some(bytes)) => sized(3, bytes),
        Value::Int(Some(number)) => {
            out.push(1);
            out.extend_from_slice(&number.to_be_bytes());
            Ok(())
        }
        Value::Int(None) | Value::Text(None) | Value::Bytes(None) => {
            out.push(0);
            Ok(())
        }
    }
}

pub(super) struct Reader<R> {
    from: R,
    all: Context,
    rows: u64,
    header: Header,
}

/// Rows of one table.
pub(super) struct Block {
    pub(super) table: usize,
    pub(super) rows: Vec<Cells>,
}

impl<R: Read> Reader<R> {
    pub(super) fn new(mut from: R) -> Result<Self> {
        let mut magic = [0; MAGIC.len()];
        let read = from.read_exact(&mut magic);
        if read.as_ref().is_err_and(|error| error.kind() != ErrorKind::UnexpectedEof) {
            read?;
        }
        if &magic != MAGIC {
            return Err(Error::fault("it is no backup that `doorward db backup` has made"));
        }
        let mut all = Context::new(&SHA256);
        let (kind, body) = part(&mut from, &mut all)?;
        if kind != Part::Header as u8 {
            return Err(damaged("it does not begin with its header"));
        }
        Ok(Self { from, all, rows: 0, header: serde_json::from_slice(&body)? })
    }

    pub(super) const fn header(&self) -> &Header {
        &self.header
    }

    /// The next rows; none when the archive has ended as it should.
    pub(super) fn next(&mut self) -> Result<Option<Block>> {
        let so_far = self.all.clone().finish();
        let (kind, body) = part(&mut self.from, &mut self.all)?;
        if kind == Part::End as u8 {
            let mut wanted = self.rows.to_be_bytes().to_vec();
            wanted.extend_from_slice(so_far.as_ref());
            if body != wanted {
                return Err(damaged("parts of it are missing"));
            }
            if self.from.by_ref().take(1).read_to_end(&mut Vec::new())? > 0 {
                return Err(damaged("something follows its end"));
            }
            return Ok(None);
        }
        if kind != Part::Rows as u8 {
            return Err(damaged("it has an unknown part"));
        }
        let mut bytes = Bytes(&body);
        let (table, count) = (bytes.number()?, bytes.number()?);
        let (_, columns) = self.header.tables.get(table).ok_or_else(|| damaged("it has an unknown table"))?;
        // Rows without columns take no bytes: any number of them would fit.
        if columns.is_empty() {
            return Err(damaged("it has a table without columns"));
        }
        let mut rows = Vec::new();
        for _ in 0..count {
            rows.push(columns.iter().map(|column| bytes.value(column)).collect::<Result<Cells>>()?);
        }
        if !bytes.0.is_empty() {
            return Err(damaged("a part is longer than its rows"));
        }
        self.rows += count as u64;
        Ok(Some(Block { table, rows }))
    }
}

fn damaged(how: &'static str) -> Error {
    Error::fault(format!("the archive is damaged: {how}"))
}

fn part(from: &mut impl Read, all: &mut Context) -> Result<(u8, Vec<u8>)> {
    let mut head = [0; 5];
    from.read_exact(&mut head).map_err(|_| damaged("it was cut short"))?;
    let [kind, length @ ..] = head;
    let length = usize::try_from(u32::from_be_bytes(length))?;
    if length > MAX_PART {
        return Err(damaged("a part is too long"));
    }
    let mut body = vec![0; length];
    let mut hash = [0; HASH];
    from.read_exact(&mut body).map_err(|_| damaged("it was cut short"))?;
    from.read_exact(&mut hash).map_err(|_| damaged("it was cut short"))?;
    if hash_of(kind, &body) != hash {
        return Err(damaged("a checksum is wrong"));
    }
    all.update(&hash);
    Ok((kind, body))
}

struct Bytes<'b>(&'b [u8]);

impl<'b> Bytes<'b> {
    fn take(&mut self, length: usize) -> Result<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or_else(|| damaged("a row is cut short"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn number(&mut self) -> Result<usize> {
        let bytes: [u8; 4] = self.take(4)?.try_into()?;
        Ok(usize::try_from(u32::from_be_bytes(bytes))?)
    }

    fn value(&mut self, column: &Column) -> Result<Value<'static>> {
        let tag = self.take(1)?.first().copied();
        match (tag, column.kind) {
            (Some(0), kind) if column.nullable => Ok(Value::null(kind)),
            (Some(1), ValueKind::Int) => {
                let bytes: [u8; 8] = self.take(8)?.try_into()?;
                Ok(Value::Int(Some(i64::from_be_bytes(bytes))))
            }
            (Some(2), ValueKind::Text) => {
                let length = self.number()?;
                Ok(String::from_utf8(self.take(length)?.to_vec())?.into())
            }
            (Some(3), ValueKind::Bytes) => {
                let length = self.number()?;
                Ok(self.take(length)?.to_vec().into())
            }
            _ => Err(damaged("a value has the wrong type")),
        }
    }
}

#[cfg(test)]
mod tests;
