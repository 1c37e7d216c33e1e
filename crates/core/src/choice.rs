//! Settings with a few named values.

/// An enum with one name per value, kept in the database and used by the API, and the words people read.
macro_rules! choice {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal, $label:literal;)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $text)] $variant,)* }
        impl $name {
            /// All of them: value, name in database and API, words people read.
            pub const ALL: &'static [(Self, &'static str, &'static str)] = &[$((Self::$variant, $text, $label),)*];
            /// The name kept in the database and used by the API.
            pub fn as_str(self) -> &'static str { match self { $(Self::$variant => $text,)* } }
            /// The choice of that name.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)* _ => None }
            }
        }
    };
}
pub(crate) use choice;
