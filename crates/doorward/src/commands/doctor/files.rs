//! The data folder and what lies in it: kinds, owners, modes, and whether this account can work there.

use std::{
    fs::{self, OpenOptions},
    io,
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use doorward_core::db::Place;

use super::Report;
use crate::{
    config::{Config, Loaded},
    data,
};

const ROOT: u32 = 0;
/// Made and removed again, to see that files can be made.
const PROBE: &str = ".doorward-doctor";

/// Answers whether a database in the data folder can be looked at.
pub(super) fn examine(loaded: &Loaded, report: &mut Report) -> bool {
    let config = &loaded.config;
    let folder = &config.data_dir;
    match fs::metadata(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return true,
        // The configuration's check has said so.
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => return false,
        Err(error) => {
            let shown = folder.display();
            report.bad(
                "data folder",
                format!("{shown} cannot be reached ({error}); run this as the account of the server"),
            );
            return false;
        }
        Ok(there) if !there.is_dir() => return false,
        Ok(_) => {}
    }
    let database = match data::place(config) {
        Ok(Place::Sqlite(path)) => Some(path),
        _ => None,
    };
    master_key(config, database.as_deref(), report);
    let succession = data::master::Succession::of(config);
    let others = succession.others();
    for other in &others {
        let what = if other == succession.next() {
            "left by `doorward keys rekey`: either not put in its place yet, or of no use"
        } else {
            "backups of its time need it; keep it with them, not here"
        };
        report.note("master key", format!("{}: {what}", other.display()));
    }
    let mut private = vec![folder.join(data::SOCKET)];
    private.extend(database.clone());
    if config.master_key.is_none() {
        private.push(data::master::path(config));
    }
    private.extend(others);
    links(&private, report);
    modes(folder, &private, report);
    if let Some(me) = this_account() {
        owners(folder, &private, me, report);
    }
    can_write(folder, report) & database.is_none_or(|database| is_file(&database, report))
}

/// The first start makes the key together with the database; one elsewhere is asked later.
fn master_key(config: &Config, database: Option<&Path>, report: &mut Report) {
    let key = data::master::path(config);
    let shown = key.display();
    if config.master_key.is_some() || key.is_file() {
        return;
    }
    if key.exists() {
        report.bad(
            "master key",
            format!("{shown} is no file; move it away, and put the key back from your backup"),
        );
    } else if config.master_key_file.is_some() || database.is_some_and(Path::exists) {
        report.bad("master key", format!("{shown} is missing; put it back from your backup"));
    } else {
        report.note("master key", format!("{shown} is missing; the first start makes it"));
    }
}

/// All that is said of modes and owners is about where a link leads.
fn links(paths: &[PathBuf], report: &mut Report) {
    for (path, to) in paths.iter().filter_map(|path| Some((path, fs::read_link(path).ok()?))) {
        let (shown, to) = (path.display(), to.display());
        if path.exists() {
            report.note("link", format!("{shown} leads to {to}, which was looked at"));
        } else {
            report.bad(
                "link",
                format!("{shown} leads to {to}, where nothing is; put it back, or remove the link"),
            );
        }
    }
}

fn is_file(database: &Path, report: &mut Report) -> bool {
    let is_odd = database.exists() && !database.is_file();
    if is_odd {
        let shown = database.display();
        report.bad(
            "database",
            format!("{shown} is no file; move it away and restore a backup, or set database.url"),
        );
    }
    !is_odd
}

fn modes(folder: &Path, private: &[PathBuf], report: &mut Report) {
    let open: Vec<String> = std::iter::once(folder)
        .chain(private.iter().map(PathBuf::as_path))
        .filter_map(used_by_others)
        .collect();
    if open.is_empty() {
        report.well("permissions", "data folder, database, key and socket belong to their owner alone");
    }
    for line in open {
        report.bad("permissions", line);
    }
}

fn used_by_others(path: &Path) -> Option<String> {
    let mode = fs::metadata(path).ok()?.mode() & 0o777;
    let shown = path.display();
    (mode & 0o077 != 0).then(|| format!("{shown} can be used by others (mode {mode:03o}); chmod go= {shown}"))
}

/// The number of the account that this process works as.
fn this_account() -> Option<u32> {
    Some(fs::metadata("/proc/self").ok()?.uid())
}

/// The server's account is the one that the folder belongs to.
fn owners(folder: &Path, private: &[PathBuf], me: u32, report: &mut Report) {
    let owner_of = |path: &Path| fs::metadata(path).ok().map(|there| there.uid());
    let Some(owner) = owner_of(folder) else { return };
    let shown = folder.display();
    let mut is_well = true;
    if owner != me && me == ROOT {
        report.note(
            "owner",
            format!("{shown} belongs to account {owner}, and this is root; run the server as that account"),
        );
        is_well = false;
    } else if owner != me {
        report.bad(
            "owner",
            format!(
                "{shown} belongs to account {owner}, and this is account {me}; run doorward as that one, or as \
                 root: chown -R {me} {shown}"
            ),
        );
        is_well = false;
    }
    for (path, other) in private.iter().filter_map(|path| Some((path.display(), owner_of(path)?))) {
        if other != owner {
            report.bad(
                "owner",
                format!("{path} belongs to account {other}, and the data folder to {owner}; as root: chown {owner} {path}"),
            );
            is_well = false;
        }
    }
    if is_well {
        report.well("owner", "all of it belongs to this account");
    }
}

fn can_write(folder: &Path, report: &mut Report) -> bool {
    let probe = folder.join(PROBE);
    // What an interrupted one has left is in nobody's way.
    let made = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&probe);
    let outcome = made.and_then(|_| fs::remove_file(&probe));
    if let Err(error) = &outcome {
        report.bad(
            "data folder",
            format!(
                "no file can be made in {} ({error}); it must be on a disk that can be written, and belong to \
                 the account of the server",
                folder.display()
            ),
        );
    }
    outcome.is_ok()
}

#[cfg(test)]
mod tests;
