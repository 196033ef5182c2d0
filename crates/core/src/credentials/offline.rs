//! The passwords that people use most, shipped with the program: 65,536 marks of four bytes.
//!
//! A mark is the beginning of the SHA-256 of the folded password; the file holds them sorted, so a
//! look-up is a binary search in read-only memory. About one strong password in 65,000 is refused by
//! chance. `cargo xtask known-passwords` makes the file; `docs/passwords.md` tells from what.

use aws_lc_rs::digest;

static MARKS: &[u8] = include_bytes!("../../data/known-passwords.bin");

/// The mark of a password: what the list holds of it.
pub fn mark(password: &str) -> [u8; 4] {
    let digest = digest::digest(&digest::SHA256, password.to_lowercase().as_bytes());
    digest.as_ref().first_chunk().copied().unwrap_or_default()
}

/// Whether the password is in the list.
pub(super) fn contains(password: &str) -> bool {
    let (marks, _) = MARKS.as_chunks::<4>();
    marks.binary_search(&mark(password)).is_ok()
}

/// Whether the file is what the search relies on.
#[cfg(test)]
pub(super) fn is_sorted_and_full() -> bool {
    let (marks, rest) = MARKS.as_chunks::<4>();
    rest.is_empty() && marks.len() == 65_536 && marks.is_sorted()
}
