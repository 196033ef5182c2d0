//! How a file is written: its kinds of record, and how each of their columns becomes a member.

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A text or an id.
    Text,
    /// A whole number.
    Int,
    /// RFC 3339, UTC.
    Time,
    /// `true` or `false`.
    Flag,
    /// A JSON value.
    Json,
    /// One of these words, by the number that is stored.
    Word(&'static [&'static str]),
    /// Base64url without padding.
    Bytes,
    /// What is sealed at rest: base64url, sealed anew under the file's key for `TABLE/KEY`.
    Sealed,
    /// Not written: the member of this name in lower case.
    Folded(&'static str),
    /// Not written: the mail address in the member of this name, folded.
    FoldedEmail(&'static str),
    /// Not written: how the hash in the member of this name was made.
    Scheme(&'static str),
}

/// A column, and the member of a record that it is written as.
#[derive(Debug, Clone, Copy)]
pub struct Member {
    /// Of the record.
    pub name: &'static str,
    /// Of the table.
    pub column: &'static str,
    /// How it is written.
    pub form: Form,
}

/// A kind of record.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// What `record` says.
    pub name: &'static str,
    /// Where it is kept.
    pub table: &'static str,
    /// What it is, for the documentation.
    pub about: &'static str,
    /// Whether it holds a keyed hash and is of no use without its key.
    pub is_keyed: bool,
    /// Its members, and the columns that follow from them.
    pub members: &'static [Member],
}

pub(crate) const fn member(name: &'static str, form: Form) -> Member {
    Member { name, column: name, form }
}
pub(crate) const fn text(name: &'static str) -> Member {
    member(name, Form::Text)
}
pub(crate) const fn int(name: &'static str) -> Member {
    member(name, Form::Int)
}
pub(crate) const fn time(name: &'static str) -> Member {
    member(name, Form::Time)
}
pub(crate) const fn flag(name: &'static str) -> Member {
    member(name, Form::Flag)
}
pub(crate) const fn json(name: &'static str) -> Member {
    member(name, Form::Json)
}
pub(crate) const fn bytes(name: &'static str) -> Member {
    member(name, Form::Bytes)
}
pub(crate) const fn word(name: &'static str, words: &'static [&'static str]) -> Member {
    member(name, Form::Word(words))
}
pub(super) const fn folded(column: &'static str, of: &'static str) -> Member {
    member(column, Form::Folded(of))
}
pub(super) const fn kind(
    name: &'static str,
    table: &'static str,
    about: &'static str,
    members: &'static [Member],
) -> Kind {
    Kind { name, table, about, is_keyed: false, members }
}
pub(super) const fn keyed(
    name: &'static str,
    table: &'static str,
    about: &'static str,
    members: &'static [Member],
) -> Kind {
    Kind { name, table, about, is_keyed: true, members }
}

/// What use alone changes: two records that differ in nothing else are the same.
pub(super) const OF_USE: &[&str] =
    &["last_used_at", "last_used_address", "use_count", "reminded", "last_step"];
