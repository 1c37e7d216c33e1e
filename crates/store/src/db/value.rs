//! Values that go into statements.

use bytes::BytesMut;
use jiff::Timestamp;
use postgres_types::{IsNull, ToSql, Type, to_sql_checked};
use rusqlite::types::{ToSqlOutput, ValueRef};

/// A value for a placeholder.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// SQL's NULL.
    Null,
    /// BIGINT.
    Int(i64),
    /// BOOLEAN.
    Bool(bool),
    /// TEXT.
    Text(String),
    /// BYTEA.
    Bytes(Vec<u8>),
}

macro_rules! from {
    ($($type:ty => |$value:ident| $make:expr),* $(,)?) => { $(
        impl From<$type> for Value {
            fn from($value: $type) -> Self { $make }
        }
    )* };
}
from! {
    i64 => |value| Self::Int(value),
    bool => |value| Self::Bool(value),
    String => |value| Self::Text(value),
    &str => |value| Self::Text(value.to_owned()),
    &String => |value| Self::Text(value.clone()),
    Vec<u8> => |value| Self::Bytes(value),
    Timestamp => |value| Self::Int(value.as_millisecond()),
}

macro_rules! from_id {
    ($($name:ident),*) => { $(
        impl From<doorward_core::id::$name> for Value {
            fn from(id: doorward_core::id::$name) -> Self { Self::Text(id.to_string()) }
        }
    )* };
}
from_id!(
    UserId,
    GroupId,
    ApplicationId,
    ProviderId,
    LdapProviderId,
    ProxyProviderId,
    AppPasswordId,
    SigningKeyId,
    KeyVersionId,
    MappingId,
    SessionId,
    GrantId,
    ConnectorId,
    ConnectorJobId,
    EventId,
    AttemptId,
    LogoutNoticeId
);

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// The values of a statement, in order of its placeholders.
#[macro_export]
macro_rules! values {
    ($($value:expr),* $(,)?) => { &[$($crate::db::Value::from($value)),*] };
}

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(value) => ValueRef::Integer(*value),
            Self::Bool(value) => ValueRef::Integer(i64::from(*value)),
            Self::Text(value) => ValueRef::Text(value.as_bytes()),
            Self::Bytes(value) => ValueRef::Blob(value),
        }))
    }
}

impl ToSql for Value {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(value) if *kind == Type::INT4 => i32::try_from(*value)?.to_sql(kind, out),
            Self::Int(value) => value.to_sql(kind, out),
            Self::Bool(value) => value.to_sql(kind, out),
            Self::Text(value) => value.to_sql(kind, out),
            Self::Bytes(value) => value.to_sql(kind, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}
