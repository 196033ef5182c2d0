//! Reading a file to its end before anything of it is believed.

use std::path::Path;

use super::{
    Progress, Tell,
    file::{Header, Reader, damaged},
    record::{Hands, Shape},
    secrets::FileKeys,
};
use crate::{
    outcome::{Code, Error, Refusal, Result},
    realm::Realm,
};

/// How often it tells how far it is.
const EVERY: u64 = 5_000;

/// A file that is whole.
pub(super) struct Checked {
    pub(super) total: u64,
    pub(super) sha256: String,
}

/// The first line of a file.
///
/// # Errors
/// Refused when it is no export, or of another version.
pub fn header(path: &Path) -> Result<Header> {
    Ok(Reader::open(path)?.header)
}

/// Reads the whole file: its digest, its counts, and that every record makes sense.
pub(super) fn check(
    realm: &Realm,
    (path, shapes): (&Path, &[Shape]),
    keys: Option<&FileKeys>,
    tell: &Tell,
) -> Result<Checked> {
    let mut file = Reader::open(path)?;
    let hands = Hands { realm, keys };
    let (mut place, mut done) = (0, 0);
    while let Some((kind, members)) = file.next()? {
        let line = file.line;
        let found = shapes.iter().position(|shape| shape.kind.name == kind);
        let at =
            found.ok_or_else(|| damaged(format!("line {line} holds a {kind}, which is unknown here")))?;
        if at < place {
            return Err(damaged(format!("line {line} holds a {kind} behind what may refer to it")));
        }
        place = at;
        let shape = shapes.get(at).ok_or_else(|| Error::fault("an unknown kind"))?;
        shape.read(&members, &hands).map_err(|what| damaged(format!("line {line}: {what}")))?;
        done += 1;
        // How many there are is said at the end.
        if done % EVERY == 0 && !tell(Progress { what: "checked", done, total: 0 }) {
            return Err(Error::fault("nobody waits for the import any more"));
        }
    }
    if let Some(keys) = keys
        && !file.is_vouched_for(keys)
    {
        let hint = "The file was changed by somebody who does not know its passphrase. Nothing was changed";
        return Err(Refusal::new(Code::RequestInvalid).field("path").hint(hint).into());
    }
    Ok(Checked { total: done, sha256: file.sha256 })
}
