//! What is typed into forms of the console, read.

use ipnet::IpNet;

/// Words with spaces or commas between them.
pub(super) fn words(text: &str) -> Vec<String> {
    let between = |c: char| c.is_whitespace() || c == ',';
    text.split(between).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// A text, unless there is none.
pub(super) fn some(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// Lines, without those that are empty.
pub(super) fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// Address ranges as they are typed, each in a line of its own.
pub(super) fn joined(ranges: &[IpNet]) -> String {
    ranges.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
