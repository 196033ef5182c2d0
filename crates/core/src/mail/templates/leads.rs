//! What a mail program makes a link of by itself, and how a value says the same without being one.
//!
//! A mail that an organisation has a part in leads where the server's link leads. Its words are checked when they
//! are written; what stands in place of a variable (a name that somebody chose) is broken when the mail is written.

use crate::clients::is_unseen;

/// Full stops, as domain names know them (UTS 46), and what looks like one.
pub(super) const fn is_dot(c: char) -> bool {
    matches!(c, '.' | '\u{3002}' | '\u{ff0e}' | '\u{ff61}' | '\u{2024}')
}

/// What looks like, or is folded to, the sign of a mail address.
pub(super) const fn is_at(c: char) -> bool {
    matches!(c, '@' | '\u{ff20}' | '\u{fe6b}')
}

/// Whether an address goes on with it: a letter or digit, or what nobody sees before one.
pub(super) fn goes_on(c: char) -> bool {
    c.is_alphanumeric() || is_joiner(c) || (is_unseen(c) && !c.is_whitespace())
}

/// Joiners and selectors, which writing and pictures need and which show nothing of themselves.
pub(super) const fn is_joiner(c: char) -> bool {
    matches!(c, '\u{34f}' | '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e01ef}')
}

/// Whether a mail program would make a link of some of it.
pub(super) fn leads(text: &str) -> bool {
    let letters: Vec<char> = text.chars().collect();
    let joined = |pair: &[char]| matches!(pair, [dot, next] if is_dot(*dot) && goes_on(*next));
    text.contains("//") || text.contains(is_at) || letters.windows(2).any(joined)
}

/// A value in which nothing is a link: a space parts what would be one.
pub(crate) fn broken(value: &str) -> String {
    let mut parted = String::with_capacity(value.len());
    let mut before = None;
    for c in value.chars() {
        let is_glued = match before {
            Some('/') => c == '/',
            Some(last) => is_at(last) || is_at(c) || (is_dot(last) && goes_on(c)),
            None => false,
        };
        if is_glued {
            parted.push(' ');
        }
        parted.push(c);
        before = Some(c);
    }
    parted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_value_leads_nowhere_and_can_still_be_read() {
        for (value, parted) in [
            ("Analytical Engine Inc.", "Analytical Engine Inc."),
            ("Booking.com", "Booking. com"),
            ("https://evil.example/x", "https:/ /evil. example/x"),
            ("ada@evil.example", "ada @ evil. example"),
            ("evil\u{3002}example", "evil\u{3002} example"),
            ("evil.\u{200d}example", "evil. \u{200d}example"),
            ("evil.\u{2060}example", "evil. \u{2060}example"),
        ] {
            let broken = broken(value);
            assert_eq!(broken, parted, "{value}");
            assert_eq!(leads(value), value != parted, "{value}");
            assert!(!leads(&broken.replace(" @ ", "")), "{broken}");
        }
    }
}
