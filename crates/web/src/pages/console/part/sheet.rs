//! Lists for a spreadsheet: comma-separated values (RFC 4180) in which nothing is a formula.

use std::fmt::Write as _;

use axum::{
    body::{Body, Bytes},
    response::{IntoResponse, Response},
};
use doorward_core::{
    outcome::Result,
    page::{Page, PageAsk},
};
use futures_util::{StreamExt as _, stream};
use http::{
    HeaderName, HeaderValue,
    header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE},
};
use serde::Serialize;
use serde_json::json;

use super::list::Asked;
use crate::{api::answer::cursor_of, csv};

/// What one read of an export takes.
pub const BATCH: u32 = 500;
/// Rows of an export at the most.
pub const MOST: usize = 100_000;

/// Such a file in the making.
#[derive(Debug)]
pub struct Sheet {
    columns: usize,
    text: String,
}

impl Sheet {
    /// With these columns.
    pub fn new(columns: &[&str]) -> Self {
        Self { columns: columns.len(), text: format!("{}\r\n", columns.join(",")) }
    }

    /// Adds a line.
    pub fn line(&mut self, fields: &[String]) {
        csv::line(&mut self.text, fields.iter().map(String::as_str));
    }

    /// Says in a last line that there would be more.
    pub fn cut(&mut self) {
        let what = "The export ends here: it has";
        let rest = "rows at the most. Narrow the list down for the rest";
        let _ = write!(self.text, "{what} {MOST} {rest}{}\r\n", ",".repeat(self.columns - 1));
    }

    /// Fills it from pages of a list.
    ///
    /// # Errors
    /// What reading a page is refused with.
    pub async fn fill<T, F>(
        mut self,
        asked: &Asked,
        read: impl Fn(PageAsk) -> F,
        fields: impl Fn(&T) -> Vec<String>,
    ) -> Result<Self>
    where
        F: Future<Output = Result<Page<T>>>,
    {
        let mut after = None;
        for _ in 0..MOST / BATCH as usize {
            let found = read(asked.whole(after)).await?;
            for item in &found.items {
                self.line(&fields(item));
            }
            if found.next.is_none() {
                return Ok(self);
            }
            after = found.next;
        }
        self.cut();
        Ok(self)
    }

    /// Answers with pages of a list as they are read: the file may be larger than what fits into memory. What breaks
    /// off halfway ends the connection, so that nobody takes a part for the whole.
    ///
    /// # Errors
    /// What reading the first page is refused with.
    pub async fn send<T, F>(
        mut self,
        (name, asked): (&str, Asked),
        read: impl Fn(PageAsk) -> F + Send + 'static,
        fields: impl Fn(&T) -> Vec<String> + Send + 'static,
    ) -> Result<Response>
    where
        T: Send + 'static,
        F: Future<Output = Result<Page<T>>> + Send + 'static,
    {
        let first = read(asked.whole(None)).await?;
        first.items.iter().for_each(|item| self.line(&fields(item)));
        let (head, columns, pages) = (self.text, self.columns, MOST / BATCH as usize - 1);
        let rest = Rest { asked, read, fields, columns, after: first.next, left: pages };
        let rest = stream::try_unfold(rest, |mut rest| async move {
            let Some(after) = rest.after.take() else { return Ok::<_, std::io::Error>(None) };
            let mut sheet = Self { columns: rest.columns, text: String::new() };
            if rest.left == 0 {
                sheet.cut();
                return Ok(Some((Bytes::from(sheet.text), rest)));
            }
            let found = (rest.read)(rest.asked.whole(Some(after))).await.map_err(|error| {
                tracing::error!(?error, "an export broke off");
                std::io::Error::other("the export broke off")
            })?;
            found.items.iter().for_each(|item| sheet.line(&(rest.fields)(item)));
            rest.after = found.next;
            rest.left -= 1;
            Ok(Some((Bytes::from(sheet.text), rest)))
        });
        let begin = stream::once(async move { Ok(Bytes::from(head)) });
        let kind = [(CONTENT_TYPE, HeaderValue::from_static(csv::TYPE))];
        Ok((kind, kept_as(&format!("{name}.csv")), Body::from_stream(begin.chain(rest))).into_response())
    }

    /// The answer that is kept as a file of this name.
    pub fn answer(self, name: &str) -> Response {
        let kind = [(CONTENT_TYPE, HeaderValue::from_static(csv::TYPE))];
        (kind, kept_as(&format!("{name}.csv")), self.text).into_response()
    }
}

/// What is left of a file that is being sent.
struct Rest<R, L> {
    asked: Asked,
    read: R,
    fields: L,
    columns: usize,
    after: Option<String>,
    /// Pages that it may still have.
    left: usize,
}

/// All of a list as JSON, in the form of a page of the API: where the file is cut, `next_cursor` says where the rest
/// begins.
///
/// # Errors
/// What reading a page is refused with.
pub async fn whole<T, F, V: Serialize>(
    asked: &Asked,
    read: impl Fn(PageAsk) -> F,
    view: impl Fn(&T) -> V,
    name: &str,
) -> Result<Response>
where
    F: Future<Output = Result<Page<T>>>,
{
    let (mut items, mut next) = (Vec::new(), None);
    for _ in 0..MOST / BATCH as usize {
        let found = read(asked.whole(next.take())).await?;
        items.extend(found.items.iter().map(&view));
        next = found.next;
        if next.is_none() {
            break;
        }
    }
    let body = json!({ "items": items, "next_cursor": next.as_deref().map(cursor_of) });
    let body = serde_json::to_vec_pretty(&body)?;
    Ok((
        [(CONTENT_TYPE, HeaderValue::from_static("application/json"))],
        kept_as(&format!("{name}.json")),
        body,
    )
        .into_response())
}

/// The headers of an answer that is kept as a file of this name.
fn kept_as(name: &str) -> [(HeaderName, HeaderValue); 2] {
    let place = HeaderValue::from_str(&format!("attachment; filename=\"{name}\""));
    [
        (CONTENT_DISPOSITION, place.unwrap_or_else(|_| HeaderValue::from_static("attachment"))),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_export_that_is_cut_says_so() {
        let mut sheet = Sheet::new(&["name", "id", "status"]);
        sheet.cut();
        let last = sheet.text.lines().last().unwrap();
        assert!(last.starts_with("The export ends here: it has 100000 rows at the most."));
        assert_eq!(last.split(',').count(), 3);
    }
}
