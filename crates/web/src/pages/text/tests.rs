use std::{collections::BTreeSet, fs, path::Path};

use super::*;

/// Every file of templates and page code, tests left out.
fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut waiting = vec![root.join("templates"), root.join("src")];
    let mut found = Vec::new();
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.display().to_string();
            if path.is_dir() {
                waiting.push(path);
            } else if !name.ends_with("tests.rs") {
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found
}

fn keys(source: &str) -> BTreeSet<&str> {
    let starts = |line: &&str| line.starts_with(|c: char| c.is_ascii_lowercase());
    source.lines().filter(starts).filter_map(|line| line.split(" =").next()).collect()
}

/// String literals handed to the catalogue by a call that names its key.
fn called(source: &str) -> impl Iterator<Item = &str> {
    ["t(\"", "tv(\"", "get(\"", "count(\"", "with(\"", "with2(\"", "with_each(\""].into_iter().flat_map(
        move |call| {
            let after = source.split(call).skip(1);
            // The parts of an address are looked up in `names`.
            let last = |before: &str| before.chars().last().filter(|_| !before.ends_with("names."));
            let own = source.split(call).map(last);
            own.zip(after).filter_map(|(before, after)| {
                let is_method = before == Some('.');
                is_method.then(|| after.split('"').next().unwrap_or_default())
            })
        },
    )
}

#[test]
fn templates_and_code_use_only_messages_that_exist() {
    let english = keys(LANGUAGES[0].1);
    let is_page = |file: &str| file.contains("/templates/") || file.contains("/src/pages/");
    for (file, source) in sources().into_iter().filter(|(file, _)| is_page(file)) {
        for key in called(&source) {
            assert!(english.contains(key), "{file} asks for {key}");
        }
    }
}

#[test]
fn every_message_is_used() {
    let all: String = sources().into_iter().map(|(_, source)| source).collect();
    let english = LANGUAGES[0].1;
    for key in keys(english) {
        let is_part = english.contains(&format!("{{ {key} }}"));
        assert!(is_part || all.contains(&format!("\"{key}\"")), "{key} is never used");
    }
}

#[test]
fn every_language_parses_and_has_only_messages_that_english_has() {
    let english = keys(LANGUAGES[0].1);
    for (tag, source) in LANGUAGES {
        assert!(FluentResource::try_new((*source).to_owned()).is_ok(), "{tag}");
        assert!(tag.parse::<LanguageIdentifier>().is_ok(), "{tag}");
        assert!(keys(source).is_subset(&english), "{tag}");
    }
}

/// The second of two would silently be what everybody reads.
#[test]
fn no_message_is_written_twice() {
    for (tag, source) in LANGUAGES {
        let resource = FluentResource::try_new((*source).to_owned()).unwrap();
        let twice = FluentBundle::new_concurrent(vec![tag.parse().unwrap()]).add_resource(resource);
        assert!(twice.is_ok(), "{tag}: {:?}", twice.unwrap_err());
    }
}

#[test]
fn values_and_plurals_are_filled_in() {
    let text = Text::fallback();
    assert_eq!(text.with("password-continue-as", "name", "Ada"), "Continue as Ada");
    assert_eq!(text.count("when-hours", 1), "an hour ago");
    assert_eq!(text.count("when-hours", 5), "5 hours ago");
}

#[test]
fn the_best_language_we_have_is_chosen() {
    for (ui_locales, own, accept) in [
        (None, None, None),
        (Some("xx en-GB"), Some("de"), Some("fr")),
        (Some(""), Some("not a tag"), Some("en;q=0, fr;q=x, *")),
        (None, None, Some("de-CH, en-US;q=0.7")),
    ] {
        assert_eq!(Text::negotiate(ui_locales, own, accept).tag(), "en");
    }
    assert_eq!(accepted("fr;q=0.5, de-CH, en;q=0.8, it;q=0"), ["de-CH", "en", "fr"]);
}
