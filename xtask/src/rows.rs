//! `docs/rows.md`: every row that Doorward is measured by is there, once, with a state that says the
//! truth in one of three words.

use std::collections::BTreeMap;

/// The states a row can have.
const STATES: [&str; 3] = ["works", "partly", "not yet"];

/// How many rows each series has, and how many digits their numbers take at the least.
const SERIES: [(&str, usize, u32); 12] = [
    ("S0-", 2, 48),
    ("S0-R", 1, 4),
    ("S1-", 2, 33),
    ("S1-R", 1, 9),
    ("S2-", 2, 128),
    ("S2-R", 2, 8),
    ("S3-", 2, 33),
    ("S3-R", 1, 5),
    ("S4-", 2, 124),
    ("S4-R", 2, 11),
    ("", 1, 120),
    ("B", 1, 47),
];

/// What is wrong with the page, as one line each.
pub(crate) fn check(page: &str) -> Vec<String> {
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    let mut wrong = Vec::new();
    for line in page.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = line
            .trim()
            .strip_prefix('|')
            .unwrap_or(line)
            .strip_suffix('|')
            .unwrap_or(line)
            .split('|')
            .map(str::trim)
            .collect();
        let [id, _, state, shown] = cells.as_slice() else {
            wrong.push(format!("docs/rows.md: not four cells: {line}"));
            continue;
        };
        if *id == "Row" || id.starts_with("--") {
            continue;
        }
        if !STATES.contains(state) {
            wrong.push(format!("docs/rows.md: {id}: `{state}` is none of {STATES:?}"));
        }
        if *state == "not yet" {
            if !shown.is_empty() {
                wrong.push(format!("docs/rows.md: {id}: nothing can show what is not there yet"));
            }
        } else if shown.is_empty() {
            wrong.push(format!("docs/rows.md: {id}: nothing shows that it {state}"));
        }
        *seen.entry((*id).to_owned()).or_default() += 1;
    }
    for id in expected() {
        match seen.remove(&id) {
            Some(1) => {}
            Some(times) => wrong.push(format!("docs/rows.md: {id} is there {times} times")),
            None => wrong.push(format!("docs/rows.md: {id} is missing")),
        }
    }
    wrong.extend(seen.into_keys().map(|id| format!("docs/rows.md: {id} is no row")));
    wrong
}

/// The ids of all rows.
fn expected() -> impl Iterator<Item = String> {
    SERIES
        .into_iter()
        .flat_map(|(series, digits, last)| (1..=last).map(move |number| format!("{series}{number:0digits$}")))
}
