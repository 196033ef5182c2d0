//! Client names that a person may choose: `[A-Za-z0-9._-]{3,64}`, not posing as a generated id.

use crate::id::PREFIXES;

/// Why a chosen `client_id` is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadClientName {
    /// Another length or other characters.
    #[error("must be 3 to 64 letters, digits, dots, underscores or hyphens")]
    Syntax,
    /// It begins like a generated id.
    #[error("must not begin like a generated id")]
    LooksGenerated,
}

/// Checks a chosen `client_id`.
pub fn check_chosen(name: &str) -> Result<(), BadClientName> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    if !(3..=64).contains(&name.len()) || !name.bytes().all(fits) {
        return Err(BadClientName::Syntax);
    }
    match name.split_once('_') {
        Some((start, _)) if PREFIXES.iter().any(|prefix| start.eq_ignore_ascii_case(prefix)) => {
            Err(BadClientName::LooksGenerated)
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for name in ["app", "my-app", "My.App_2", "cli", "cli-1", "clip_1", "_cli_", "123", &"x".repeat(64)] {
            assert_eq!(check_chosen(name), Ok(()), "{name}");
        }
        for name in ["", "ab", &"x".repeat(65), "a b", "app!", "äpp", "a/b", "a:b", "app\n"] {
            assert_eq!(check_chosen(name), Err(BadClientName::Syntax), "{name}");
        }
        for prefix in PREFIXES {
            assert_eq!(check_chosen(&format!("{prefix}_x")), Err(BadClientName::LooksGenerated));
        }
        assert_eq!(check_chosen("CLI_x"), Err(BadClientName::LooksGenerated));
    }
}
