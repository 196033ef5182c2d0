//! The file as a whole: its first line, its last, and the digest of everything between.

use std::{
    fs::File,
    io::{BufRead as _, BufReader, BufWriter, Read as _, Write as _},
    path::Path,
};

use aws_lc_rs::digest::{Context, SHA256};
use doorward_proto::{
    id::{Id, Org},
    time::Time,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::{
    Counts,
    secrets::{Envelope, FileKeys, decode, encode},
};
use crate::outcome::{Code, Error, Refusal, Result};

/// What `format` says.
pub(super) const FORMAT: &str = "doorward-export";
/// What this program writes, and the newest that it reads.
pub(super) const VERSION: u32 = 1;
/// No line is longer: a wrong file must not eat the memory.
const LONGEST: u64 = 16 * 1024 * 1024;

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    record: String,
    format: String,
    version: u32,
    /// When it was made.
    pub made_at: Time,
    /// Which program made it.
    pub program: String,
    /// The issuer it was made at.
    pub issuer: String,
    /// The organisation of that instance.
    pub instance: Id<Org>,
    /// The key that the keyed hashes come from.
    pub hash_key: String,
    /// How the secrets are sealed, where there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secrets: Option<Envelope>,
}

/// The last line.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    record: String,
    counts: Counts,
    /// Of every byte before this line, in hexadecimal.
    sha256: String,
    /// Vouches for it under the file's key, where the file has secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mac: Option<String>,
}

impl Header {
    pub(super) fn new(
        (made_at, issuer): (Time, &str),
        (instance, hash_key): (Id<Org>, &str),
        secrets: Option<Envelope>,
    ) -> Self {
        Self {
            record: "header".to_owned(),
            format: FORMAT.to_owned(),
            version: VERSION,
            made_at,
            program: format!("doorward {}", env!("CARGO_PKG_VERSION")),
            issuer: issuer.to_owned(),
            instance,
            hash_key: hash_key.to_owned(),
            secrets,
        }
    }
}

/// A refusal of the file as a whole.
pub(super) fn damaged(what: impl AsRef<str>) -> Error {
    let hint = format!("The file cannot be used: {}. Nothing was changed", what.as_ref());
    Refusal::new(Code::RequestInvalid).field("path").hint(hint).into()
}

pub(super) struct Writer {
    to: BufWriter<File>,
    digest: Context,
    pub(super) counts: Counts,
}

impl Writer {
    pub(super) fn new(to: File, header: &Header) -> Result<Self> {
        let mut writer =
            Self { to: BufWriter::new(to), digest: Context::new(&SHA256), counts: Counts::new() };
        writer.line(&serde_json::to_string(header)?)?;
        Ok(writer)
    }

    pub(super) fn record(&mut self, kind: &str, line: &str) -> Result<()> {
        super::count(&mut self.counts, kind, 1);
        self.line(line)
    }

    fn line(&mut self, line: &str) -> Result<()> {
        for part in [line.as_bytes(), b"\n"] {
            self.digest.update(part);
            self.to.write_all(part)?;
        }
        Ok(())
    }

    pub(super) fn end(mut self, keys: Option<&FileKeys>) -> Result<Counts> {
        let digest = self.digest.clone().finish();
        let end = End {
            record: "end".to_owned(),
            counts: self.counts.clone(),
            sha256: data_encoding::HEXLOWER.encode(digest.as_ref()),
            mac: keys.map(|keys| encode(&keys.vouch(digest.as_ref()))),
        };
        self.line(&serde_json::to_string(&end)?)?;
        self.to.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
        Ok(self.counts)
    }
}

/// Reads a file from its beginning to its end, which vouches for all of it.
pub(super) struct Reader {
    from: BufReader<File>,
    digest: Context,
    pub(super) header: Header,
    pub(super) counts: Counts,
    /// The number of the line that was read last.
    pub(super) line: u64,
    /// What the end said of everything before it; empty until then.
    pub(super) sha256: String,
    mac: Option<Vec<u8>>,
}

impl Reader {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let cannot = |error: std::io::Error| {
            let hint = format!("{} cannot be read: {error}", path.display());
            Error::from(Refusal::new(Code::RequestInvalid).field("path").hint(hint))
        };
        let mut from = BufReader::with_capacity(1 << 18, File::open(path).map_err(cannot)?);
        let mut first = Vec::new();
        from.by_ref().take(LONGEST).read_until(b'\n', &mut first).map_err(cannot)?;
        let json: Json = serde_json::from_slice(&first).unwrap_or_default();
        if json.get("format").and_then(Json::as_str) != Some(FORMAT) {
            return Err(damaged("it does not begin like one that `doorward export` has written"));
        }
        if json.get("version").and_then(Json::as_u64) != Some(u64::from(VERSION)) {
            return Err(damaged("it has another version; a newer program may read it"));
        }
        let header = serde_json::from_value(json).map_err(|error| damaged(format!("line 1: {error}")))?;
        let mut digest = Context::new(&SHA256);
        digest.update(&first);
        Ok(Self { from, digest, header, counts: Counts::new(), line: 1, sha256: String::new(), mac: None })
    }

    /// The next record: its kind and its members. None when the file has ended as it should.
    pub(super) fn next(&mut self) -> Result<Option<(String, Map<String, Json>)>> {
        let mut line = Vec::new();
        self.from.by_ref().take(LONGEST).read_until(b'\n', &mut line)?;
        self.line += 1;
        if line.last() != Some(&b'\n') {
            return Err(damaged(format!("it was cut at line {}", self.line)));
        }
        let no_json = |_| damaged(format!("line {} is no JSON object", self.line));
        let mut members: Map<String, Json> = serde_json::from_slice(&line).map_err(no_json)?;
        match members.remove("record") {
            Some(Json::String(kind)) if kind == "end" => {
                self.finish(&members)?;
                Ok(None)
            }
            Some(Json::String(kind)) => {
                self.digest.update(&line);
                super::count(&mut self.counts, &kind, 1);
                Ok(Some((kind, members)))
            }
            _ => Err(damaged(format!("line {} does not say what it is", self.line))),
        }
    }

    fn finish(&mut self, members: &Map<String, Json>) -> Result<()> {
        let mut members = members.clone();
        members.insert("record".to_owned(), "end".into());
        let end: End = serde_json::from_value(Json::Object(members))
            .map_err(|error| damaged(format!("line {}: {error}", self.line)))?;
        let digest = self.digest.clone().finish();
        if end.sha256 != data_encoding::HEXLOWER.encode(digest.as_ref()) || end.counts != self.counts {
            return Err(damaged("it was changed, or parts of it are missing"));
        }
        if self.from.by_ref().take(1).read_to_end(&mut Vec::new())? > 0 {
            return Err(damaged("something follows its end"));
        }
        self.mac = end.mac.as_deref().and_then(decode);
        self.sha256 = end.sha256;
        Ok(())
    }

    /// Whether who knew the passphrase has written the file that was read to its end.
    pub(super) fn is_vouched_for(&self, keys: &FileKeys) -> bool {
        let digest = self.digest.clone().finish();
        self.mac.as_deref().is_some_and(|mac| keys.has_vouched(digest.as_ref(), mac))
    }
}
