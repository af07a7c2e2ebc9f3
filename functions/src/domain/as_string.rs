//! Types that are a string outside, whose rule is checked when they are read.

/// Converts a type from and into the text that its `FromStr` reads and its `Display` writes, for
/// `#[serde(try_from = "String", into = "String")]`.
macro_rules! from_and_into_string {
    ($name:ty) => {
        impl TryFrom<String> for $name {
            type Error = <Self as std::str::FromStr>::Err;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> String {
                value.to_string()
            }
        }
    };
}
pub(crate) use from_and_into_string;
