//! A row as a line of the file, and back.

use std::fmt::Write as _;

use doorward_proto::time::Time;
use serde_json::{Map, Value as Json};

use super::{
    format::{Form, Kind, Member, OF_USE},
    kinds::KINDS,
    secrets::{FileKeys, decode, encode},
};
use crate::{
    credentials::Hashed,
    db::{
        Cells, Value,
        schema::{self, Column, Table},
    },
    outcome::{Error, Result},
    realm::Realm,
    users::Email,
};

/// A kind of record with the table that it is kept in.
pub(super) struct Shape {
    pub(super) kind: &'static Kind,
    pub(super) table: Table,
    /// How each column is written, in the order of the columns.
    members: Vec<Member>,
}

/// What opens and seals the secrets of a record.
pub(super) struct Hands<'h> {
    pub(super) realm: &'h Realm,
    /// The file's; none where it goes without secrets.
    pub(super) keys: Option<&'h FileKeys>,
}

/// What became of a line or a row.
pub(super) enum Made<T> {
    Whole(T),
    /// It is of no use without a secret that there is no key for.
    LeftOut,
    /// It is there, without its secret.
    Without(T),
}

/// Every kind with its table, in the order of the file.
pub(super) fn shapes() -> Result<Vec<Shape>> {
    let tables = schema::tables()?;
    KINDS
        .iter()
        .map(|kind| {
            let table = tables.iter().find(|table| table.name == kind.table).cloned();
            let table = table.ok_or_else(|| Error::fault(format!("there is no table {}", kind.table)))?;
            let of = |column: &Column| {
                let found = kind.members.iter().find(|member| member.column == column.name).copied();
                found.ok_or_else(|| Error::fault(format!("{} does not hold {}", kind.name, column.name)))
            };
            let members = table.columns.iter().map(of).collect::<Result<_>>()?;
            Ok(Shape { kind, table, members })
        })
        .collect()
}

impl Shape {
    fn spots(&self) -> impl Iterator<Item = (&Column, &Member)> {
        self.table.columns.iter().zip(&self.members)
    }

    /// Where a value is sealed for.
    fn place(&self, row: &[Value<'static>]) -> String {
        let key = self.table.key_of(row).into_iter().next();
        let key = key.as_ref().and_then(text_of).unwrap_or_default();
        format!("{}/{key}", self.table.name)
    }

    /// Whether a row is one of these.
    pub(super) fn is_any(&self, row: &[Value<'static>], ids: &[String]) -> bool {
        matches!(self.table.key_of(row).as_slice(), [Value::Text(Some(id))] if ids.iter().any(|own| own == id))
    }

    /// Whether a row is one of these, or belongs to one.
    pub(super) fn is_of_any(&self, row: &[Value<'static>], ids: &[String]) -> bool {
        let columns: Vec<String> =
            self.table.references.iter().map(|reference| reference.column.clone()).collect();
        let is_one = |value: &Value<'static>| matches!(value, Value::Text(Some(id)) if ids.iter().any(|own| own == id));
        self.is_any(row, ids) || self.table.cells_of(row, &columns).iter().any(is_one)
    }

    /// Puts another id in the place of one, wherever a row names an organisation.
    pub(super) fn rename_org(&self, row: &mut Cells, from: &str, to: &str) {
        for reference in self.table.references.iter().filter(|reference| reference.table == "orgs") {
            let at = self.table.columns.iter().position(|column| column.name == reference.column);
            if let Some(cell) = at.and_then(|at| row.get_mut(at))
                && matches!(cell, Value::Text(Some(id)) if id == from)
            {
                *cell = to.to_owned().into();
            }
        }
    }

    /// How a record is called where something is said of it.
    pub(super) fn name_of(&self, row: &[Value<'static>]) -> String {
        let mut name = self.kind.name.to_owned();
        for value in self.table.key_of(row) {
            let _ = match &value {
                Value::Text(Some(text)) => write!(name, " {text}"),
                Value::Int(Some(number)) => write!(name, " {number}"),
                Value::Bytes(Some(bytes)) => write!(name, " {}", encode(bytes)),
                _ => Ok(()),
            };
        }
        name
    }

    /// The member that a column is written as.
    pub(super) fn member_of(&self, column: &str) -> &'static str {
        let found = self.kind.members.iter().find(|member| member.column == column);
        found.map_or("", |member| match member.form {
            Form::Folded(of) | Form::FoldedEmail(of) | Form::Scheme(of) => of,
            _ => member.name,
        })
    }

    /// Writes a row.
    pub(super) fn write(&self, row: &[Value<'static>], hands: &Hands<'_>) -> Result<Made<String>> {
        let mut line = format!("{{\"record\":\"{}\"", self.kind.name);
        let mut is_whole = true;
        for ((column, member), value) in self.spots().zip(row) {
            let json = match member.form {
                Form::Sealed => match (sealed(value), hands.keys) {
                    (None, _) => None,
                    (Some(value), Some(keys)) => {
                        let place = self.place(row);
                        let plain = hands.realm.vault.open(&place, value)?;
                        Some(encode(&keys.seal(&hands.realm.env, &place, &plain)?).into())
                    }
                    (Some(_), None) if column.nullable => {
                        is_whole = false;
                        None
                    }
                    (Some(_), None) => return Ok(Made::LeftOut),
                },
                _ => written(member.form, value)?,
            };
            if let Some(json) = json {
                let _ = write!(line, ",\"{}\":{json}", member.name);
            }
            // Nobody signs in with a hash that cannot be verified; a file that holds it could not be read.
            if matches!(member.form, Form::Scheme(_)) && self.hash_of(row).is_none() {
                return Ok(Made::LeftOut);
            }
        }
        line.push('}');
        Ok(if is_whole { Made::Whole(line) } else { Made::Without(line) })
    }

    /// The password hash in a row.
    pub(super) fn hash_of(&self, row: &[Value<'static>]) -> Option<Hashed> {
        let column = [self.kind.members.iter().find(|member| member.name == "hash")?.column.to_owned()];
        let value = self.table.cells_of(row, &column).into_iter().next()?;
        Hashed::parse(&text_of(&value)?).ok()
    }

    /// Reads a record; says what is wrong with one that makes no sense.
    pub(super) fn read(
        &self,
        members: &Map<String, Json>,
        hands: &Hands<'_>,
    ) -> std::result::Result<Made<Cells>, String> {
        let is_known = |name: &String| {
            let derived = |form| matches!(form, Form::Folded(_) | Form::FoldedEmail(_) | Form::Scheme(_));
            self.members.iter().any(|member| member.name == name && !derived(member.form))
        };
        if let Some(other) = members.keys().find(|name| !is_known(name)) {
            return Err(format!("a {} has no {other}", self.kind.name));
        }
        let mut row = Cells::with_capacity(self.members.len());
        for (column, member) in self.spots() {
            let from = |name: &str| members.get(name).filter(|value| !value.is_null());
            let value = match member.form {
                Form::Folded(of) => from(of).and_then(Json::as_str).map(|text| text.to_lowercase().into()),
                Form::FoldedEmail(of) => from(of).map(folded_email).transpose()?,
                Form::Scheme(of) => from(of).map(scheme).transpose()?,
                Form::Sealed => None,
                form => from(member.name)
                    .map(|json| read(form, json).ok_or_else(|| format!("{} is {json}", member.name)))
                    .transpose()?,
            };
            let is_missing = value.is_none() && !column.nullable && member.form != Form::Sealed;
            if is_missing {
                return Err(format!("a {} without {}", self.kind.name, self.member_of(member.column)));
            }
            row.push(value.unwrap_or(Value::null(column.kind)));
        }
        self.unseal(row, members, hands)
    }

    fn unseal(
        &self,
        mut row: Cells,
        members: &Map<String, Json>,
        hands: &Hands<'_>,
    ) -> std::result::Result<Made<Cells>, String> {
        let Some(at) = self.members.iter().position(|member| member.form == Form::Sealed) else {
            return Ok(Made::Whole(row));
        };
        let nullable = self.table.columns.get(at).is_some_and(|column| column.nullable);
        let name = self.members.get(at).map_or("", |member| member.name);
        let sealed = members.get(name).and_then(Json::as_str);
        let (Some(sealed), Some(keys)) = (sealed, hands.keys) else {
            return Ok(match (sealed, nullable) {
                (None, true) => Made::Whole(row),
                (Some(_), true) => Made::Without(row),
                (_, false) => Made::LeftOut,
            });
        };
        let place = self.place(&row);
        let plain = decode(sealed).and_then(|sealed| keys.open(&place, &sealed));
        let plain = plain.ok_or_else(|| format!("{name} of {place} does not open"))?;
        let again = hands.realm.vault.seal(&hands.realm.env, &place, &plain);
        if let (Some(cell), Ok(again)) = (row.get_mut(at), again) {
            *cell = again.into();
        }
        Ok(Made::Whole(row))
    }

    /// The members in which two rows differ, leaving out what use alone changes.
    pub(super) fn differences(
        &self,
        one: &[Value<'static>],
        other: &[Value<'static>],
        hands: &Hands<'_>,
    ) -> Vec<&'static str> {
        let open = |row: &[Value<'static>], value: &Value<'static>| {
            hands.realm.vault.open(&self.place(row), sealed(value)?).ok()
        };
        let differ = |member: &Member, a: &Value<'static>, b: &Value<'static>| match member.form {
            Form::Json => written(Form::Json, a).ok() != written(Form::Json, b).ok(),
            // A file without secrets does not say that there is none.
            Form::Sealed => sealed(b).is_some() && open(one, a) != open(other, b),
            _ => !is_same(a, b),
        };
        let mut found = Vec::new();
        for ((_, member), (a, b)) in self.spots().zip(one.iter().zip(other)) {
            if !OF_USE.contains(&member.name) && differ(member, a, b) {
                found.push(self.member_of(member.column));
            }
        }
        found.dedup();
        found
    }
}

fn sealed<'v>(value: &'v Value<'static>) -> Option<&'v [u8]> {
    if let Value::Bytes(Some(bytes)) = value { Some(bytes) } else { None }
}

fn text_of(value: &Value<'static>) -> Option<String> {
    if let Value::Text(Some(text)) = value { Some(text.to_string()) } else { None }
}

fn is_same(one: &Value<'static>, other: &Value<'static>) -> bool {
    match (one, other) {
        (Value::Int(one), Value::Int(other)) => one == other,
        (Value::Text(one), Value::Text(other)) => one == other,
        (Value::Bytes(one), Value::Bytes(other)) => one == other,
        _ => false,
    }
}

/// A value as it is written; none for NULL and for what is not written.
pub(crate) fn written(form: Form, value: &Value<'static>) -> Result<Option<Json>> {
    let json = match (form, value) {
        (Form::Folded(_) | Form::FoldedEmail(_) | Form::Scheme(_), _)
        | (_, Value::Int(None) | Value::Text(None) | Value::Bytes(None)) => return Ok(None),
        (Form::Text, Value::Text(Some(text))) => Json::String(text.to_string()),
        (Form::Json, Value::Text(Some(text))) => serde_json::from_str(text)?,
        (Form::Int, Value::Int(Some(number))) => Json::from(*number),
        (Form::Time, Value::Int(Some(micros))) => Json::String(Time::from_micros(*micros).to_string()),
        (Form::Flag, Value::Int(Some(number))) => Json::Bool(*number != 0),
        (Form::Word(words), Value::Int(Some(number))) => {
            let word = usize::try_from(*number).ok().and_then(|number| words.get(number));
            Json::from(*word.ok_or_else(|| Error::fault(format!("the number {number} means nothing")))?)
        }
        (Form::Bytes, Value::Bytes(Some(bytes))) => Json::String(encode(bytes)),
        _ => return Err(Error::fault("a column holds another type than the format says")),
    };
    Ok(Some(json))
}

fn read(form: Form, json: &Json) -> Option<Value<'static>> {
    Some(match form {
        Form::Text => json.as_str()?.to_owned().into(),
        Form::Json => json.to_string().into(),
        Form::Int => json.as_i64()?.into(),
        Form::Time => json.as_str()?.parse::<Time>().ok()?.into(),
        Form::Flag => json.as_bool()?.into(),
        Form::Word(words) => {
            let word = json.as_str()?;
            i64::try_from(words.iter().position(|known| *known == word)?).ok()?.into()
        }
        Form::Bytes => decode(json.as_str()?)?.into(),
        Form::Sealed | Form::Folded(_) | Form::FoldedEmail(_) | Form::Scheme(_) => return None,
    })
}

fn folded_email(json: &Json) -> std::result::Result<Value<'static>, String> {
    let email = json.as_str().and_then(|text| Email::parse(text).ok());
    let email = email.ok_or_else(|| format!("{json} is no mail address"))?;
    Ok(email.folded().to_owned().into())
}

fn scheme(json: &Json) -> std::result::Result<Value<'static>, String> {
    let hash = json.as_str().and_then(|text| Hashed::parse(text).ok());
    Ok(hash.ok_or("a password hash cannot be verified here")?.scheme().name().into())
}
