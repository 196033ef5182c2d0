//! `doorward.toml`: every mistake is named with its line and column.

use std::{ops::Range, path::Path};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    ConfigError, KEYS, Kind, Layer, Origin, SECTIONS, Set, environment, find, nearest, policies, table::Key,
    unknown,
};

pub(super) fn read(path: &Path) -> Result<Layer, ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| ConfigError(format!("cannot read {}: {error}", path.display())))?;
    parse(path, &text)
}

pub(super) fn parse(path: &Path, text: &str) -> Result<Layer, ConfigError> {
    let reader = Reader { path, text };
    let syntax =
        |error: toml::de::Error| reader.wrong(error.span().unwrap_or_default(), error.message().trim());
    let spans = DeTable::parse(text).map_err(syntax)?;
    let values: toml::Table = toml::from_str(text).map_err(syntax)?;
    let mut layer = Layer::new();
    for (name, spanned) in spans.get_ref() {
        let value = values.get(name.get_ref().as_ref());
        match (spanned.get_ref(), value) {
            (DeValue::Table(table), Some(toml::Value::Table(inner))) => {
                reader.section(name, table, inner, &mut layer)?;
            }
            (_, Some(value)) => {
                reader.key(name.get_ref(), name.span(), (spanned, value), &mut layer)?;
            }
            (_, None) => {}
        }
    }
    Ok(layer)
}

struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Reader<'_> {
    fn section(
        &self,
        name: &Spanned<std::borrow::Cow<'_, str>>,
        table: &DeTable<'_>,
        values: &toml::Table,
        layer: &mut Layer,
    ) -> Result<(), ConfigError> {
        let section = name.get_ref().as_ref();
        if section.is_empty() || !SECTIONS.iter().any(|(known, _)| *known == section) {
            let what = if KEYS.iter().any(|key| key.leaf() == section) {
                unknown(section)
            } else {
                let nearest = nearest(section, SECTIONS.iter().map(|(known, _)| *known).skip(1));
                format!("there is no section `[{section}]`; the nearest is `[{nearest}]`")
            };
            return Err(self.wrong(name.span(), &what));
        }
        for (leaf, spanned) in table {
            let full = format!("{section}.{}", leaf.get_ref());
            if let Some(value) = values.get(leaf.get_ref().as_ref()) {
                self.key(&full, leaf.span(), (spanned, value), layer)?;
            }
        }
        Ok(())
    }

    fn key(
        &self,
        name: &str,
        at: Range<usize>,
        (spanned, value): (&Spanned<DeValue<'_>>, &toml::Value),
        layer: &mut Layer,
    ) -> Result<(), ConfigError> {
        let origin = Origin::File(self.path.to_owned(), self.place(&at).0);
        if let Some(key) = find(name) {
            let mut value = value.clone();
            if key.kind == Kind::Tables {
                policies::beside(self.path, &mut value);
            }
            key.validate(value.clone()).map_err(|why| {
                let at = at_fault(key, spanned, &value).unwrap_or_else(|| spanned.span());
                self.wrong(at, &format!("{name}: {why}"))
            })?;
            layer.insert(key.name, Set { value, origin });
            return Ok(());
        }
        if let (Some(key), Some(file)) = (secret_in_file(name), value.as_str()) {
            let value = environment::read_secret(key, Path::new(file))
                .map_err(|why| self.wrong(spanned.span(), &format!("{name}: {why}")))?;
            layer.insert(key.name, Set { value, origin });
            return Ok(());
        }
        Err(self.wrong(at, &unknown(name)))
    }

    fn wrong(&self, at: Range<usize>, what: &str) -> ConfigError {
        let (line, column) = self.place(&at);
        ConfigError(format!("{}:{line}:{column}: {what}", self.path.display()))
    }

    fn place(&self, at: &Range<usize>) -> (usize, usize) {
        let before = self.text.get(..at.start).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |rest| rest.chars().count()) + 1;
        (line, column)
    }
}

/// The secret key that `…_file` stands for.
pub(super) fn secret_in_file(name: &str) -> Option<&'static Key> {
    let base = name.strip_suffix("_file")?;
    KEYS.iter().find(|key| key.is_secret() && key.name == base)
}

/// Of several tables, the place of the first that is wrong by itself.
fn at_fault(key: &Key, spanned: &Spanned<DeValue<'_>>, value: &toml::Value) -> Option<Range<usize>> {
    let (DeValue::Array(places), toml::Value::Array(items)) = (spanned.get_ref(), value) else { return None };
    let is_wrong = |item: &toml::Value| key.validate(toml::Value::Array(vec![item.clone()])).is_err();
    places.iter().zip(items).find(|(_, item)| is_wrong(item)).map(|(place, _)| place.span())
}
