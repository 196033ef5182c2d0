//! `xtask tidy`: what no compiler checks. File sizes, the places where SQL and the database drivers may
//! be, links that lead somewhere, `docs/rows.md`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail};

/// No source file is longer, except declared flat registries.
const LONGEST: usize = 600;

/// Flat registries: one line for each thing, nothing to split.
const REGISTRIES: [&str; 2] = ["crates/core/src/outcome.rs", "crates/web/src/surface.rs"];

/// Crates that talk to a database engine, and the only places that may name them.
const DRIVERS: [&str; 4] = ["rusqlite", "tokio_postgres", "deadpool_postgres", "tokio_postgres_rustls"];
const DRIVER_PLACES: [&str; 4] =
    ["crates/core/src/db/", "crates/core/tests/it/db_", "tests/load/src/ceiling/", "tests/world/src/"];

/// Words that begin a statement when a text literal begins with them.
const STATEMENTS: [&str; 6] =
    ["\"SELECT ", "\"INSERT INTO ", "\"UPDATE ", "\"DELETE FROM ", "\"WITH RECURSIVE ", "\"CREATE TABLE "];

/// The top of the checkout.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(PathBuf::new, Path::to_owned)
}

/// Runs every check and reports all that is wrong at once.
pub(crate) fn run() -> Result<()> {
    let root = root();
    let mut wrong = Vec::new();
    let mut sizes = Vec::new();
    for path in tracked(&root)? {
        let Ok(text) = fs::read_to_string(root.join(&path)) else { continue };
        let lines = text.lines().count();
        let kind = Path::new(&path).extension().and_then(std::ffi::OsStr::to_str);
        if kind == Some("rs") {
            sizes.push(lines);
            wrong.extend(source(&path, &text, lines));
        }
        if kind == Some("md") {
            wrong.extend(links(&root, &path, &text));
        }
        if !path.ends_with("tidy.rs") {
            wrong.extend(unnumbered(&path, &text));
        }
    }
    let rows = fs::read_to_string(root.join("docs/rows.md")).context("docs/rows.md")?;
    wrong.extend(super::rows::check(&rows));
    sizes.sort_unstable();
    let at = |part: usize| sizes.get(sizes.len() * part / 100).copied().unwrap_or_default();
    eprintln!(
        "{} source files, {} lines; median {}, p90 {}, longest {}",
        sizes.len(),
        sizes.iter().sum::<usize>(),
        at(50),
        at(90),
        sizes.last().copied().unwrap_or_default()
    );
    for line in &wrong {
        eprintln!("{line}");
    }
    match wrong.len() {
        0 => Ok(()),
        count => bail!("{count} things to tidy"),
    }
}

/// Files under version control, and new ones that are not ignored.
fn tracked(root: &Path) -> Result<Vec<String>> {
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .context("git ls-files")?;
    if !listed.status.success() {
        bail!("git ls-files: {}", String::from_utf8_lossy(&listed.stderr));
    }
    Ok(String::from_utf8_lossy(&listed.stdout).lines().map(str::to_owned).collect())
}

fn source(path: &str, text: &str, lines: usize) -> Vec<String> {
    let mut wrong = Vec::new();
    if lines > LONGEST && !REGISTRIES.contains(&path) {
        wrong.push(format!("{path}: {lines} lines, {LONGEST} at the most"));
    }
    let may_name_drivers = DRIVER_PLACES.iter().any(|place| path.starts_with(place));
    let is_test = path.contains("/tests/") || path.ends_with("tests.rs") || path.starts_with("tests/");
    let may_hold_sql = is_test
        || may_name_drivers
        || path.ends_with("/sql.rs")
        || path.contains("/sql/")
        || path.contains("/examples/")
        || path.starts_with("xtask/");
    for (number, line) in (1..).zip(text.lines()) {
        let code = line.trim_start();
        if code.starts_with("//") {
            continue;
        }
        if !may_name_drivers && !path.starts_with("xtask/") && DRIVERS.iter().any(|it| code.contains(it)) {
            wrong.push(format!("{path}:{number}: a database driver outside {}", DRIVER_PLACES[0]));
        }
        if !may_hold_sql && STATEMENTS.iter().any(|start| code.contains(start)) {
            wrong.push(format!("{path}:{number}: SQL belongs in the area's sql.rs"));
        }
    }
    wrong
}

/// A note for later must say where it is written down.
fn unnumbered(path: &str, text: &str) -> Vec<String> {
    let bare = |line: &str| {
        let Some((_, after)) = line.split_once("TODO") else { return false };
        !after.starts_with("(#") && !line.contains("`TODO`")
    };
    (1..)
        .zip(text.lines())
        .filter(|(_, line)| bare(line))
        .map(|(number, _)| format!("{path}:{number}: a TODO without an issue number"))
        .collect()
}

/// Links to files lead somewhere, and so do code-formatted paths in `ARCHITECTURE.md` and
/// `docs/rows.md` (`file::name` for a test in it).
fn links(root: &Path, path: &str, text: &str) -> Vec<String> {
    let folder = root.join(path).parent().map_or_else(|| root.to_owned(), Path::to_owned);
    let mut wrong = Vec::new();
    let mut in_block = false;
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
        }
        if in_block {
            continue;
        }
        for target in line.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next()) {
            let file = target.split('#').next().unwrap_or_default();
            let elsewhere = target.contains("://") || target.starts_with("mailto:") || file.is_empty();
            if !elsewhere && !folder.join(file).exists() {
                wrong.push(format!("{path}:{number}: the link to {target} leads nowhere"));
            }
        }
        if ["ARCHITECTURE.md", "docs/rows.md"].contains(&path) {
            let mentioned = line.split('`').skip(1).step_by(2);
            wrong.extend(
                mentioned
                    .filter(|word| !is_there(root, word))
                    .map(|word| format!("{path}:{number}: there is no {word}")),
            );
        }
    }
    wrong
}

/// Whether a mentioned path exists, and after `::` the file says that name. What is no path is fine.
fn is_there(root: &Path, word: &str) -> bool {
    let is_path = ["crates/", "xtask/", "tests/", "docs/"].iter().any(|top| word.starts_with(top));
    if !is_path || word.contains(['*', '{']) {
        return true;
    }
    match word.split_once("::") {
        Some((file, name)) => fs::read_to_string(root.join(file)).is_ok_and(|text| text.contains(name)),
        None => root.join(word).exists(),
    }
}
