//! Lists: looked for, narrowed down, a page at a time. What is asked for stands in the address.

use askama::Template;
use doorward_core::{
    outcome::{Code, Refusal, Result},
    page::PageAsk,
};
use doorward_proto::form::Params;
use url::form_urlencoded::Serializer;

use super::{Link, Table, chart::Chart};
use crate::{
    edge::BODY_LIMIT,
    pages::{console::Shell, form::Errors, frame::Frame},
};

/// Rows on a page.
const LIMIT: u32 = 25;
const LONGEST: usize = 256;
/// A place in a list may be made of several names.
const LONGEST_AFTER: usize = 2048;
const AFTER: &str = "after";

/// What an address asks of a list.
#[derive(Debug, Clone)]
pub struct Asked {
    filters: Vec<(&'static str, String)>,
    after: Option<String>,
}

impl Asked {
    /// Reads a query that may have these filters.
    ///
    /// # Errors
    /// `RequestInvalid`.
    pub fn read(query: &str, filters: &[&'static str]) -> Result<Self> {
        let params = Params::parse(query.as_bytes(), BODY_LIMIT)
            .map_err(|error| Refusal::new(Code::RequestInvalid).hint(error.to_string()))?;
        let one = |name: &'static str| {
            let wrong = || Refusal::new(Code::RequestInvalid).field(name);
            let value = params.one(name).map_err(|_| wrong())?.unwrap_or_default().trim();
            let longest = if name == AFTER { LONGEST_AFTER } else { LONGEST };
            if value.len() > longest { Err(wrong()) } else { Ok(value.to_owned()) }
        };
        let read = |name: &&'static str| one(name).map(|value| (*name, value));
        let filters = filters.iter().map(read).collect::<std::result::Result<_, _>>()?;
        Ok(Self { filters, after: Some(one(AFTER)?).filter(|after| !after.is_empty()) })
    }

    /// What one filter holds; empty for nothing.
    pub fn held(&self, name: &str) -> &str {
        self.filters
            .iter()
            .find_map(|(filter, value)| (*filter == name).then_some(value.as_str()))
            .unwrap_or_default()
    }

    /// The same, unless it holds nothing.
    pub fn some(&self, name: &str) -> Option<String> {
        Some(self.held(name)).filter(|value| !value.is_empty()).map(str::to_owned)
    }

    /// Which one of several a filter names.
    ///
    /// # Errors
    /// `RequestInvalid` for one that there is not.
    pub fn one_of<T: Copy>(
        &self,
        name: &'static str,
        all: impl IntoIterator<Item = T>,
        word: impl Fn(T) -> &'static str,
    ) -> Result<Option<T>> {
        let Some(asked) = self.some(name) else { return Ok(None) };
        match all.into_iter().find(|one| word(*one) == asked) {
            Some(found) => Ok(Some(found)),
            None => {
                Err(Refusal::new(Code::RequestInvalid).field(name).hint("There is no such choice").into())
            }
        }
    }

    /// One page; its query is the filter `query`.
    pub fn page(&self) -> PageAsk {
        self.page_of(LIMIT)
    }

    fn page_of(&self, limit: u32) -> PageAsk {
        PageAsk { after: self.after.clone(), limit, query: self.some("query") }
    }

    /// From the beginning, in pages of an export.
    pub fn whole(&self, after: Option<String>) -> PageAsk {
        Self { after, ..self.clone() }.page_of(super::sheet::BATCH)
    }

    /// The address of the same list elsewhere.
    pub fn address(&self, path: &str, after: Option<&str>) -> String {
        let mut query = Serializer::new(String::new());
        query.extend_pairs(self.filters.iter().filter(|(_, value)| !value.is_empty()));
        query.extend_pairs(after.map(|after| (AFTER, after)));
        let query = query.finish();
        if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
    }

    fn is_narrow(&self) -> bool {
        self.after.is_some() || self.filters.iter().any(|(_, value)| !value.is_empty())
    }
}

/// One way to narrow a list down: a text, or one of several.
#[derive(Template, Debug, Clone)]
#[template(path = "console/part/filter.html")]
pub struct Filter {
    id: &'static str,
    label: String,
    value: String,
    options: Vec<(&'static str, String)>,
    error: Option<String>,
}

impl Filter {
    /// A text.
    pub fn text(asked: &Asked, id: &'static str, label: String) -> Self {
        Self { id, label, value: asked.held(id).to_owned(), options: Vec::new(), error: None }
    }

    /// One of several, or `any` of them.
    pub fn choice(
        asked: &Asked,
        id: &'static str,
        (label, any): (String, String),
        options: impl IntoIterator<Item = (&'static str, String)>,
    ) -> Self {
        let options = std::iter::once(("", any)).chain(options).collect();
        Self { id, label, value: asked.held(id).to_owned(), options, error: None }
    }
}

impl Filter {
    /// With what is wrong with it, if anything is.
    #[must_use]
    pub fn checked(self, errors: &Errors) -> Self {
        Self { error: errors.about(self.id).map(str::to_owned), ..self }
    }
}

/// The page of a list.
#[derive(Template)]
#[template(path = "console/list.html")]
pub struct ListPage<'a> {
    frame: &'a Frame,
    shell: &'a Shell<'a>,
    path: String,
    what: String,
    first_of_all: Option<Link>,
    beside: Vec<Link>,
    filters: Vec<Filter>,
    chart: Option<Chart>,
    sum: String,
    table: Table,
    is_narrow: bool,
    none: (String, &'static str),
    first: Option<String>,
    next: Option<String>,
    exports: Vec<Link>,
    errors: Errors,
}

impl<'a> ListPage<'a> {
    /// The list at `path`; `next` is where the page after this one begins.
    pub fn new(
        shell: &'a Shell<'a>,
        (path, asked): (&str, &Asked),
        filters: Vec<Filter>,
        table: Table,
        next: Option<&str>,
    ) -> Self {
        Self {
            frame: shell.frame,
            shell,
            path: path.to_owned(),
            what: String::new(),
            first_of_all: None,
            beside: Vec::new(),
            filters,
            chart: None,
            sum: String::new(),
            table,
            is_narrow: asked.is_narrow(),
            none: (String::new(), ""),
            first: asked.after.as_ref().map(|_| asked.address(path, None)),
            next: next.map(|after| asked.address(path, Some(after))),
            exports: Vec::new(),
            errors: Errors::none(),
        }
    }

    /// What the list is of.
    #[must_use]
    pub fn what(mut self, key: &str) -> Self {
        self.what = self.frame.t(key);
        self
    }

    /// A chart above the table, and what all of it comes to.
    #[must_use]
    pub fn chart(mut self, chart: Chart, sum: String) -> Self {
        (self.chart, self.sum) = (Some(chart), sum);
        self
    }

    /// What can be made here.
    #[must_use]
    pub fn makes(mut self, to: String, key: &str) -> Self {
        self.first_of_all = Some(Link::new(to, self.frame.t(key)));
        self
    }

    /// Another page, beside that.
    #[must_use]
    pub fn beside(mut self, link: Link) -> Self {
        self.beside.push(link);
        self
    }

    /// What an empty list is for, and the command that makes the first.
    #[must_use]
    pub fn empty(mut self, key: &str, command: &'static str) -> Self {
        self.none = (self.frame.t(key), command);
        self
    }

    /// What is wrong with the filters; such a list is not looked for.
    #[must_use]
    pub fn wrong(mut self, errors: Errors) -> Self {
        self.filters = self.filters.into_iter().map(|filter| filter.checked(&errors)).collect();
        self.errors = errors;
        self
    }

    /// The same as a file.
    #[must_use]
    pub fn export(mut self, to: String, key: &str) -> Self {
        self.exports.push(Link::new(to, self.frame.t(key)));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_what_is_asked_for() {
        let asked = Asked::read("query=ada+l&status=active&after=usr_1&else=x", &["query", "status", "role"])
            .unwrap();
        assert_eq!(asked.address("/x", None), "/x?query=ada+l&status=active");
        assert_eq!(asked.address("/x", Some("usr_2")), "/x?query=ada+l&status=active&after=usr_2");
        assert_eq!(
            (asked.page().after.as_deref(), asked.page().query.as_deref()),
            (Some("usr_1"), Some("ada l"))
        );
        assert_eq!(Asked::read("", &["query"]).unwrap().address("/x", None), "/x");
        let known = asked.one_of("status", [true, false], |it| if it { "active" } else { "suspended" });
        assert_eq!(known.unwrap(), Some(true));
        assert!(asked.one_of("query", [true], |_| "no").is_err());
        let long = format!("query={}", "x".repeat(257));
        for wrong in ["query=%00", "query=a&query=b", "query=%ff", "after=1&after=2", long.as_str()] {
            assert!(Asked::read(wrong, &["query"]).is_err(), "{wrong}");
        }
    }
}
