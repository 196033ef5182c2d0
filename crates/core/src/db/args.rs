//! Parameter values: three kinds, each nullable.

use std::borrow::Cow;

use doorward_proto::{
    id::{Id, Kind},
    secret::TokenHash,
    time::Time,
};

use super::schema::ValueKind;

/// One parameter of a statement.
#[derive(Debug, Clone)]
pub enum Value<'a> {
    /// A whole number or a time.
    Int(Option<i64>),
    /// A text or an id.
    Text(Option<Cow<'a, str>>),
    /// Bytes.
    Bytes(Option<Cow<'a, [u8]>>),
}

impl Value<'_> {
    /// NULL in a column of this kind.
    pub(crate) const fn null(kind: ValueKind) -> Self {
        match kind {
            ValueKind::Int => Self::Int(None),
            ValueKind::Text => Self::Text(None),
            ValueKind::Bytes => Self::Bytes(None),
        }
    }
}

macro_rules! values {
    ($($from:ty => |$value:ident| $make:expr;)*) => {
        $(impl<'a> From<$from> for Value<'a> {
            fn from($value: $from) -> Self { $make }
        }
        impl<'a> From<Option<$from>> for Value<'a> {
            fn from(value: Option<$from>) -> Self {
                value.map_or_else(|| <$from as Null>::null(), Self::from)
            }
        })*
    };
}

/// The typed NULL of a Rust type.
trait Null {
    fn null<'a>() -> Value<'a>;
}

macro_rules! nulls {
    ($($kind:ident: $($of:ty),*;)*) => {
        $($(impl Null for $of { fn null<'a>() -> Value<'a> { Value::$kind(None) } })*)*
    };
}

nulls! {
    Int: i64, u32, bool, Time;
    Text: &str, String, &String, Cow<'_, str>;
    Bytes: Vec<u8>, &[u8], &Vec<u8>, TokenHash;
}

values! {
    i64 => |value| Value::Int(Some(value));
    u32 => |value| Value::Int(Some(i64::from(value)));
    bool => |value| Value::Int(Some(i64::from(value)));
    Time => |value| Value::Int(Some(value.as_micros()));
    &'a str => |value| Value::Text(Some(Cow::Borrowed(value)));
    String => |value| Value::Text(Some(Cow::Owned(value)));
    &'a String => |value| Value::Text(Some(Cow::Borrowed(value.as_str())));
    Cow<'a, str> => |value| Value::Text(Some(value));
    Vec<u8> => |value| Value::Bytes(Some(Cow::Owned(value)));
    &'a Vec<u8> => |value| Value::Bytes(Some(Cow::Borrowed(value.as_slice())));
    &'a [u8] => |value| Value::Bytes(Some(Cow::Borrowed(value)));
    TokenHash => |value| Value::Bytes(Some(Cow::Owned(value.0.to_vec())));
}

impl<K: Kind> From<Id<K>> for Value<'_> {
    fn from(id: Id<K>) -> Self {
        Value::Text(Some(Cow::Owned(id.to_string())))
    }
}

impl<K: Kind> From<Option<Id<K>>> for Value<'_> {
    fn from(id: Option<Id<K>>) -> Self {
        Value::Text(id.map(|id| Cow::Owned(id.to_string())))
    }
}

impl<'a> From<&'a Option<String>> for Value<'a> {
    fn from(value: &'a Option<String>) -> Self {
        Value::Text(value.as_deref().map(Cow::Borrowed))
    }
}
