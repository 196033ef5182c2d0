//! `doorward explain CODE`: what happened and what to do.

use std::io::Write as _;

use anyhow::Result;
use clap::Args;
use doorward_core::outcome::Code;
use doorward_web::{explain, surface::wire_of};
use serde_json::{Value as Json, json};

use super::{
    Exit,
    manage::output::{Format, render},
};
use crate::config::nearest;

/// What `explain` takes.
#[derive(Debug, Args)]
pub(super) struct Explain {
    /// A code (`refresh.reused`), an OAuth error (`invalid_grant`) or a problem type; all codes without it.
    code: Option<String>,
    /// How to print it.
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    output: Format,
}

impl Explain {
    pub(super) fn run(self) -> Result<Exit> {
        let mut out = std::io::stdout().lock();
        let Some(asked) = self.code else {
            write!(out, "{}", render(&listed(Code::ALL), self.output, "explain"))?;
            return Ok(Exit::Done);
        };
        let found = lookup(&asked);
        if found.is_empty() {
            let nearest = nearest(&asked, Code::ALL.iter().map(|code| code.name()));
            anyhow::bail!("there is no code `{asked}`; the nearest is `{nearest}`");
        }
        if self.output != Format::Table {
            let listed = listed(&found);
            let only = listed.pointer("/items/0").filter(|_| found.len() == 1);
            write!(out, "{}", render(only.unwrap_or(&listed), self.output, "explain"))?;
            return Ok(Exit::Done);
        }
        for (number, code) in found.into_iter().enumerate() {
            if number > 0 {
                writeln!(out)?;
            }
            write!(out, "{}", text(code))?;
        }
        Ok(Exit::Done)
    }
}

/// The codes that a name stands for: one by its own name, several by an OAuth error.
fn lookup(asked: &str) -> Vec<Code> {
    let slug = asked.rsplit('/').next().unwrap_or(asked);
    let is = |code: &&Code| code.name() == asked || code.name().replace(['.', '_'], "-") == slug;
    if let Some(code) = Code::ALL.iter().find(is) {
        return vec![*code];
    }
    Code::ALL.iter().copied().filter(|code| wire_of(*code).oauth == asked).collect()
}

/// The same for programs.
fn listed(codes: &[Code]) -> Json {
    let items = codes.iter().map(|code| {
        let wire = wire_of(*code);
        let explained = explain::of(*code);
        json!({
            "code": code.name(),
            "title": wire.title,
            "status": wire.status.as_u16(),
            "oauth_error": wire.oauth,
            "happened": explained.map(|line| line.happened),
            "to_do": explained.map(|line| line.to_do),
        })
    });
    json!({ "items": items.collect::<Vec<Json>>() })
}

fn text(code: Code) -> String {
    let wire = wire_of(code);
    let explained = explain::of(code);
    let (happened, to_do) = explained.map_or(("", ""), |line| (line.happened, line.to_do));
    format!(
        "{}: {} (HTTP {}, OAuth error {})\n\nWhat happened: {happened}\nWhat to do: {to_do}\n",
        code.name(),
        wire.title,
        wire.status.as_u16(),
        wire.oauth
    )
}

/// `docs/reference/errors.md`.
pub(super) fn markdown() -> String {
    let mut page = String::from(
        "# Errors\n\nThis page is generated from the program (`cargo xtask gen`). Every refusal carries one of these \
         codes; `doorward explain CODE` prints the same.\n",
    );
    for code in Code::ALL {
        let wire = wire_of(*code);
        let explained = explain::of(*code);
        let (happened, to_do) = explained.map_or(("", ""), |line| (line.happened, line.to_do));
        page.push_str(&format!(
            "\n## {}\n\n{}. HTTP {}, OAuth error `{}`.\n\n{happened}\n\n{to_do}\n",
            code.name(),
            wire.title,
            wire.status.as_u16(),
            wire.oauth
        ));
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_found_by_every_name_it_has_on_the_wire() {
        assert_eq!(lookup("refresh.reused"), [Code::RefreshReused]);
        assert_eq!(lookup("/problems/refresh-reused"), [Code::RefreshReused]);
        assert_eq!(lookup("https://id.example.com/problems/sign-in-failed"), [Code::SignInFailed]);
        assert!(lookup("invalid_grant").contains(&Code::CodeReused));
        assert!(lookup("nonsense").is_empty());
        assert!(text(Code::RefreshReused).contains("What to do: "));
    }
}
