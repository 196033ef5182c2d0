//! Lists are read a page at a time, by key: stable while rows come and go, and as quick at the end as
//! at the beginning.

/// Which page of a list.
#[derive(Debug, Clone, Default)]
pub struct PageAsk {
    /// The last key of the page before.
    pub after: Option<String>,
    /// How many items, 1 to 500.
    pub limit: u32,
    /// A prefix to look for.
    pub query: Option<String>,
}

impl PageAsk {
    /// How many rows to read: one more than asked for, which tells whether there is another page.
    pub fn rows(&self) -> i64 {
        i64::from(self.limit.clamp(1, 500)) + 1
    }

    /// The prefix, folded, without surrounding space; `None` when there is nothing to look for.
    pub fn folded_query(&self) -> Option<String> {
        let query = self.query.as_deref().map(str::trim).filter(|query| !query.is_empty())?;
        Some(query.to_lowercase())
    }

    /// Makes a page of the rows that were read.
    pub fn page<T>(&self, mut rows: Vec<T>, key: impl Fn(&T) -> String) -> Page<T> {
        let limit = usize::try_from(self.rows() - 1).unwrap_or(500);
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let next = if has_more { rows.last().map(key) } else { None };
        Page { items: rows, next }
    }
}

/// One page of a list.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// Its items.
    pub items: Vec<T>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<String>,
}

/// The texts that begin with `prefix` lie between these two, in byte order.
pub fn prefix_range(prefix: &str) -> (String, String) {
    (prefix.to_owned(), format!("{prefix}{}", char::MAX))
}
