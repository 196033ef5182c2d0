//! Just enough HTML to find the form that a person would fill in.
//!
//! It reads tags and attributes of pages we serve ourselves. It is no parser for other people's HTML.

/// A form as it would be sent.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Form {
    /// Empty where the form goes back to its own page.
    pub(super) action: String,
    pub(super) fields: Vec<Field>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) value: String,
}

impl Form {
    pub(super) fn has(&self, kind: &str) -> bool {
        self.fields.iter().any(|field| field.kind == kind)
    }
}

/// The forms of a page that are sent by POST.
pub(super) fn forms(page: &str) -> Vec<Form> {
    let mut found = Vec::new();
    let mut open: Option<Form> = None;
    for tag in page.split('<').skip(1).filter_map(|rest| rest.split('>').next()) {
        let (name, rest) = tag.split_once(|c: char| c.is_ascii_whitespace()).unwrap_or((tag, ""));
        match name.to_ascii_lowercase().as_str() {
            "form" => {
                let post =
                    attribute(rest, "method").is_some_and(|method| method.eq_ignore_ascii_case("post"));
                open = post.then(|| Form {
                    action: attribute(rest, "action").unwrap_or_default(),
                    fields: Vec::new(),
                });
            }
            "/form" => found.extend(open.take()),
            "input" => {
                if let Some(form) = &mut open {
                    form.fields.extend(field(rest, "text"));
                }
            }
            "button" => {
                if let Some(form) = &mut open {
                    form.fields.extend(field(rest, "submit").filter(|f| f.kind == "submit"));
                }
            }
            _ => {}
        }
    }
    found
}

fn field(attributes: &str, kind: &str) -> Option<Field> {
    Some(Field {
        name: attribute(attributes, "name")?,
        kind: attribute(attributes, "type").unwrap_or_else(|| kind.to_owned()),
        value: attribute(attributes, "value").unwrap_or_default(),
    })
}

/// The value of an attribute, quoted or not, its character references resolved.
fn attribute(tag: &str, wanted: &str) -> Option<String> {
    let mut rest = tag.trim_start();
    while !rest.is_empty() {
        let end = rest.find(|c: char| c == '=' || c.is_ascii_whitespace()).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let after = after.trim_start();
        let (value, next) = match after.strip_prefix('=') {
            None => ("", after),
            Some(after) => {
                let after = after.trim_start();
                match after.chars().next().filter(|c| matches!(c, '"' | '\'')) {
                    Some(quote) => after.get(1..)?.split_once(quote)?,
                    None => after.split_once(|c: char| c.is_ascii_whitespace()).unwrap_or((after, "")),
                }
            }
        };
        if name.eq_ignore_ascii_case(wanted) {
            return Some(resolve(value));
        }
        rest = next.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
    }
    None
}

fn resolve(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let mut rest = value;
    while let Some((before, after)) = rest.split_once('&') {
        text.push_str(before);
        let character = after.split_once(';').and_then(|(name, next)| Some((reference(name)?, next)));
        let (character, next) = character.unwrap_or(('&', after));
        text.push(character);
        rest = next;
    }
    text.push_str(rest);
    text
}

fn reference(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(page: &str, action: &str, fields: &[(&str, &str, &str)]) {
        let fields = fields
            .iter()
            .map(|(kind, name, value)| Field {
                kind: (*kind).to_owned(),
                name: (*name).to_owned(),
                value: (*value).to_owned(),
            })
            .collect();
        assert_eq!(forms(page), [Form { action: action.to_owned(), fields }], "{page}");
    }

    #[test]
    fn finds_the_form_that_is_posted() {
        check(
            "<form action=/search><input name=q></form>\
             <form method=\"post\" action=\"/a?b=c&amp;d=&#x2F;&#38;\"><input type=\"hidden\" name=\"csrf\" \
             value=\"a&quot;b\"/><input type='password' name='password' required>\
             <button type=\"button\" name=\"show\">Show</button><button name=go value=yes>Go</button></form>",
            "/a?b=c&d=/&",
            &[("hidden", "csrf", "a\"b"), ("password", "password", ""), ("submit", "go", "yes")],
        );
        check("<FORM METHOD=POST><input name = n value = v ></FORM>", "", &[("text", "n", "v")]);
        check(
            "<form method=post action='/x'><input disabled name=a value=\"1 & 2\"></form>",
            "/x",
            &[("text", "a", "1 & 2")],
        );
    }
}
