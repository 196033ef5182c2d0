//! `docs/attacks.md`: what is sent to Doorward by those who mean it ill, and what comes of it, written from the
//! very tables that tests run. `cargo xtask gen` writes the page; a test fails while it says something else.

use std::fmt::Write as _;

use anyhow::{Context as _, Result};
use serde_json::Value;

/// The page, from the top of the checkout.
pub(crate) const PAGE: &str = "docs/attacks.md";
/// A longer value is cut off.
const SHOWN: usize = 90;

const BEGINNING: &str = "# Attacks, and what comes of them

What is sent to Doorward by those who mean it ill. The tables are those that the tests run, and this page is written \
from them (`cargo xtask gen`): it cannot say anything else than what was seen. Something is missing? Add a line to \
the file, and see.
";

/// Writes the page.
pub(crate) fn run() -> Result<()> {
    let root = super::tidy::root();
    std::fs::write(root.join(PAGE), page(&root)?).context(PAGE)
}

/// The page, from the files below this folder.
fn page(root: &std::path::Path) -> Result<String> {
    let read = |name: &str| -> Result<Value> {
        let text = std::fs::read_to_string(root.join("vectors").join(name)).context(name.to_owned())?;
        serde_json::from_str(&text).context(name.to_owned())
    };
    let mut page = BEGINNING.to_owned();
    spellings(&mut page, &read("attacks/headers.json")?, &read("http/headers.json")?)?;
    paths(&mut page, &read("attacks/paths.json")?, &read("http/rules.json")?)?;
    smuggling(&mut page)?;
    tokens(&mut page, &read("http/tokens.json")?)?;
    forgery(&mut page, &read("attacks/ssrf.json")?)?;
    Ok(page)
}

fn spellings(page: &mut String, identity: &Value, credentials: &Value) -> Result<()> {
    section(
        page,
        "Headers",
        "Whoever sends a request may write the headers that say who it is. They are taken away in every spelling that \
         an application might read as one of them, before our own are set; those beside them are kept.",
        &["vectors/attacks/headers.json", "crates/sdk/src/server/identity_headers.rs"],
    )?;
    let rows = cases(identity)?.iter().map(|case| vec![code(&case["name"]), plain(&case["answer"])]);
    table(page, &["header", ""], rows)?;
    lead(
        page,
        "Where a credential stands, and how it is written:",
        &[
            "vectors/http/headers.json",
            "crates/sdk/tests/conformance.rs",
            "crates/gateway/tests/it/conformance.rs",
        ],
    )?;
    let rows = cases(credentials)?.iter().map(|case| {
        let sent: Vec<String> =
            at(case, "/request/headers").as_array().into_iter().flatten().map(header).collect();
        vec![plain(&case["name"]), sent.join(", "), answer(&case["expect"])]
    });
    table(page, &["", "sent", "answer"], rows)
}

fn paths(page: &mut String, alone: &Value, asked: &Value) -> Result<()> {
    section(
        page,
        "Paths",
        "A path that two servers could read differently is refused with 400 `gateway.path_ambiguous`; of every other \
         one there is one form, by which it is decided and in which it is sent on.",
        &["vectors/attacks/paths.json", "crates/judge/src/path/tests.rs"],
    )?;
    let rows = cases(alone)?.iter().map(|case| {
        let is_path = case["answer"].as_str().is_some_and(|answer| answer.starts_with('/'));
        let answer = if is_path { code(&case["answer"]) } else { plain(&case["answer"]) };
        vec![code(&case["path"]), answer]
    });
    table(page, &["target", "read as"], rows)?;
    lead(
        page,
        "The same at a door, where `/public/**` is open and `/reports/**` is not:",
        &["vectors/http/rules.json"],
    )?;
    let is_trick = |case: &&Value| {
        let target = at(case, "/request/target").as_str().unwrap_or_default();
        target.contains(['%', ';', '\\'])
            || target.contains("..")
            || target.contains("//")
            || target.contains("/./")
    };
    let rows = cases(asked)?
        .iter()
        .filter(is_trick)
        .map(|case| vec![code(at(case, "/request/target")), answer(&case["expect"])]);
    table(page, &["target", "answer"], rows)
}

fn smuggling(page: &mut String) -> Result<()> {
    section(
        page,
        "Request smuggling",
        "Lengths, codings, chunks, trailers, lines and targets that two servers could read differently, in HTTP/1.1 and \
         HTTP/2, go through the real program to an application that is a bare socket. Each is refused with 400, or \
         arrives as the one request that it is, and nothing that follows a refusal on its connection is a request. The \
         cases stand in the test itself.",
        &[
            "crates/doorward/tests/binary/smuggling/cases.rs",
            "crates/doorward/tests/binary/smuggling/http2.rs",
        ],
    )
}

fn tokens(page: &mut String, vectors: &Value) -> Result<()> {
    section(
        page,
        "JWTs",
        "What pretends to be a token of an issuer that is believed: at the layer of the library and at `/validate`. \
         How each of them is made stands beside it in the file.",
        &[
            "vectors/http/tokens.json",
            "crates/sdk/tests/conformance.rs",
            "crates/gateway/tests/it/conformance.rs",
        ],
    )?;
    let rows = cases(vectors)?.iter().map(|case| vec![plain(&case["name"]), answer(&case["expect"])]);
    table(page, &["token", "answer"], rows)
}

fn forgery(page: &mut String, corpus: &Value) -> Result<()> {
    let server = "crates/doorward/src/fetch/tests.rs";
    let providers = "crates/core/tests/it/providers/reach.rs";
    section(
        page,
        "Server-side request forgery",
        "Addresses that are read because somebody named them. Those that come from a client, or stand in a document of \
         somebody else's, lead to the public network by https, whatever a name resolves to, and the connection goes to \
         the address that was looked at. The operator's own, in the configuration, may lead into the own network, and \
         by plain http to this machine.",
        &["vectors/attacks/ssrf.json", server, "crates/sdk/src/fetch/tests.rs", providers],
    )?;
    let list = |name: &str| corpus[name].as_array().with_context(|| format!("there are no {name}"));
    let rows = list("urls")?.iter().map(|case| {
        let resolved = case["resolves_to"].as_array().into_iter().flatten().map(code).collect::<Vec<_>>();
        let arrow = if resolved.is_empty() { String::new() } else { format!(" → {}", resolved.join(", ")) };
        let url = format!("{}{arrow}", code(&case["url"]));
        vec![plain(&case["what"]), url, plain(&case["client"]), plain(&case["operator"])]
    });
    table(page, &["", "address", "named by a client", "named by the operator"], rows)?;
    lead(page, "Whoever is asked may answer as it likes:", &[server])?;
    let rows = list("answers")?.iter().map(|case| vec![plain(&case["what"]), plain(&case["outcome"])]);
    table(page, &["answer", "what comes of it"], rows)?;
    lead(
        page,
        "Where a route sends requests (`upstream`), made by the API or in the configuration:",
        &["crates/doorward/src/serve/gateway/book/tests.rs"],
    )?;
    let rows = list("upstreams")?.iter().map(|case| {
        vec![plain(&case["what"]), code(&case["upstream"]), plain(&case["api"]), plain(&case["file"])]
    });
    table(page, &["", "upstream", "by the API", "in the configuration"], rows)
}

fn section(page: &mut String, title: &str, text: &str, files: &[&str]) -> Result<()> {
    write!(page, "\n## {title}\n")?;
    lead(page, text, files)
}

/// A sentence, and where it is shown.
fn lead(page: &mut String, text: &str, files: &[&str]) -> Result<()> {
    let files: Vec<String> = files.iter().map(|file| format!("[`{file}`](../{file})")).collect();
    write!(page, "\n{text}\n\n{}\n", files.join(" · "))?;
    Ok(())
}

fn table(page: &mut String, head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> Result<()> {
    write!(page, "\n| {} |\n|{}\n", head.join(" | "), " --- |".repeat(head.len()))?;
    for row in rows {
        writeln!(page, "| {} |", row.join(" | "))?;
    }
    Ok(())
}

fn cases(file: &Value) -> Result<&Vec<Value>> {
    file["cases"].as_array().context("there are no cases")
}

/// What stands there, or nothing.
fn at<'v>(value: &'v Value, place: &str) -> &'v Value {
    value.pointer(place).unwrap_or(&Value::Null)
}

/// How a request ended: its status, with the code of a refusal.
fn answer(expect: &Value) -> String {
    match expect["code"].as_str() {
        Some(code) => format!("{} `{code}`", expect["status"]),
        None => expect["status"].to_string(),
    }
}

fn header(pair: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    code(&Value::from(format!("{}: {}", text(at(pair, "/0")), text(at(pair, "/1")))))
}

fn plain(value: &Value) -> String {
    value.as_str().unwrap_or_default().replace('|', "\\|")
}

/// As it is written, cut off where it goes on for long; what cannot be seen is named.
fn code(value: &Value) -> String {
    let whole = value.as_str().unwrap_or_default();
    let mut text: String = whole.chars().take(SHOWN).collect();
    if text.len() < whole.len() {
        text.push('…');
    }
    let text: String = text
        .chars()
        .map(|letter| if letter.is_control() { letter.escape_default().to_string() } else { letter.into() })
        .collect();
    match text.as_str() {
        "" => "(nothing)".to_owned(),
        text if text.contains('`') => format!("`` {} ``", text.replace('|', "\\|")),
        text => format!("`{}`", text.replace('|', "\\|")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_page_is_what_the_tables_say() {
        let root = super::super::tidy::root();
        let committed = std::fs::read_to_string(root.join(PAGE)).unwrap_or_default();
        assert!(committed == page(&root).unwrap(), "{PAGE} is not up to date; run: cargo xtask gen");
    }

    #[test]
    fn what_would_end_a_cell_does_not() {
        assert_eq!(code(&Value::from("a|b\n")), "`a\\|b\\n`");
        assert_eq!(code(&Value::from("x`y")), "`` x`y ``");
        assert_eq!(code(&Value::from("")), "(nothing)");
        assert_eq!(code(&Value::from("x".repeat(91))).chars().count(), SHOWN + 3);
    }
}
