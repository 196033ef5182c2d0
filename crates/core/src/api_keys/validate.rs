//! What a key may be made with. Pure.

use std::time::Duration;

use doorward_proto::rate::Rate;
use serde_json::{Map, Value as Json};

use super::Terms;
use crate::{
    outcome::{Code, Refusal, Result},
    service_tokens::{SHORTEST, check_text},
};

const LONGEST_NAME: usize = 64;
const MOST_METADATA: usize = 4096;

fn bad(field: &'static str, hint: &'static str) -> Refusal {
    Refusal::new(Code::RequestInvalid).field(field).hint(hint)
}

pub(super) fn terms(terms: &Terms) -> Result<()> {
    name(&terms.name)?;
    metadata(&terms.metadata)?;
    match &terms.rate_limit {
        Some(text) if text.parse::<Rate>().is_err() => {
            Err(bad("rate_limit", "A rate is like 100/minute").into())
        }
        _ => Ok(()),
    }
}

/// A name of one's choice; not a secret that was put in its place, which would stand in lists and logs.
fn name(name: &str) -> Result<()> {
    if name.trim().get(..3).is_some_and(|start| start.eq_ignore_ascii_case("dw_")) {
        return Err(bad("name", "A name must not begin like a secret").into());
    }
    let is_plain = !name.chars().any(char::is_control) && name.trim() == name;
    if name.is_empty() || name.chars().count() > LONGEST_NAME || !is_plain {
        return Err(bad("name", "A name of 1 to 64 letters is needed").into());
    }
    Ok(())
}

fn metadata(metadata: &Map<String, Json>) -> Result<()> {
    if serde_json::to_string(metadata)?.len() > MOST_METADATA {
        return Err(bad("metadata", "The metadata is 4096 bytes at most").into());
    }
    Ok(())
}

pub(super) fn reason(reason: &str) -> Result<()> {
    check_text("reason", reason)
}

/// How long a key lives, in seconds: as long as it may unless less is asked for.
pub(super) fn lifetime(seconds: Option<u64>, longest: Duration) -> Result<Duration> {
    match seconds {
        None => Ok(longest),
        Some(seconds) if (SHORTEST..=longest.as_secs()).contains(&seconds) => {
            Ok(Duration::from_secs(seconds))
        }
        Some(_) => {
            let hint = format!(
                "A key lives for 60 seconds at least, and {} at the most (api_keys.max_lifetime)",
                longest.as_secs()
            );
            Err(Refusal::new(Code::TokenLifetime).field("expires_in_seconds").hint(hint).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_no_secret() {
        for wrong in ["", " ", "a ", "dw_ak_x", " DW_pk_x", "a\nb", &"x".repeat(65)] {
            assert!(name(wrong).is_err(), "{wrong:?}");
        }
        assert!(name("Laptop of Ada \u{2013} tests").is_ok());
    }
}
