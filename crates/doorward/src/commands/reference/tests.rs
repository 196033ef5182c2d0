use std::{collections::BTreeSet, fs, path::Path};

use super::pages;

#[test]
fn the_committed_pages_are_what_the_program_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference");
    let pages = pages().unwrap();
    for (name, text) in &pages {
        let committed = fs::read_to_string(folder.join(name)).unwrap_or_default();
        assert!(committed == *text, "docs/reference/{name} is not up to date; run: cargo xtask gen");
    }
    let there: BTreeSet<String> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let known = pages.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(there, known, "docs/reference holds what nothing writes");
}
