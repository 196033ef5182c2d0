//! Shell blocks of the documentation, as a reader would paste them.
//!
//! A fenced block marked `sh` is run; one marked `console` or `text` is for the eye. What a block needs
//! stands in a comment line before it: `<!-- run: server -->` gives it a running server (and
//! `DOORWARD_URL`, `DOORWARD_SERVICE_TOKEN` and `doorward` on the path), `<!-- run: stopped server -->` the
//! data folder that one has left, `<!-- run: no, because … -->` exempts it, which is for commands that start something that never ends.

use std::{fs, path::Path};

use crate::program::root;

/// A block that a reader may paste.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The file, from the top of the checkout, and the line of the fence.
    pub place: String,
    /// What it needs.
    pub needs: Needs,
    /// Its lines.
    pub script: String,
}

/// What a block needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Needs {
    /// Nothing said: a folder of its own.
    Nothing,
    /// A running server.
    Server,
    /// The data folder of a server that was stopped.
    Stopped,
    /// Not run, and why.
    Exempt(String),
}

/// Every `sh` block of README.md and of `docs/`.
pub fn blocks() -> Vec<Block> {
    let mut files = vec!["README.md".to_owned()];
    pages(&root().join("docs"), "docs", &mut files);
    files.sort();
    files
        .iter()
        .flat_map(|file| blocks_of(file, &fs::read_to_string(root().join(file)).expect("a page")))
        .collect()
}

fn pages(folder: &Path, name: &str, into: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = format!("{name}/{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            pages(&entry.path(), &path, into);
        } else if entry.path().extension().is_some_and(|kind| kind == "md") {
            into.push(path);
        }
    }
}

/// The `sh` blocks of one page.
pub fn blocks_of(file: &str, text: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut needs = Needs::Nothing;
    let mut open: Option<(Option<usize>, String)> = None;
    for (number, line) in (1..).zip(text.lines()) {
        let fence = line.trim_start().strip_prefix("```");
        match (open.as_mut(), fence) {
            (None, Some(kind)) => open = Some(((kind.trim() == "sh").then_some(number), String::new())),
            (Some((at, script)), Some(_)) => {
                if let Some(at) = at {
                    let place = format!("{file}:{at}");
                    found.push(Block { place, needs: needs.clone(), script: script.clone() });
                }
                needs = Needs::Nothing;
                open = None;
            }
            (Some((_, script)), None) => {
                script.push_str(line);
                script.push('\n');
            }
            (None, None) => {
                if let Some(said) = line.trim().strip_prefix("<!-- run: ") {
                    let said = said.trim_end_matches("-->").trim();
                    needs = match said {
                        "server" => Needs::Server,
                        "stopped server" => Needs::Stopped,
                        other => Needs::Exempt(other.to_owned()),
                    };
                }
            }
        }
    }
    found
}
