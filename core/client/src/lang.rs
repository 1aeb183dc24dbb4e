//! Languages of the words that the core itself says.

use std::str::FromStr;

/// A language.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Simplified Chinese.
    ZhHans,
}

impl Lang {
    /// The one of two texts that is in this language.
    #[must_use]
    pub const fn pick(self, en: &'static str, zh: &'static str) -> &'static str {
        match self {
            Self::En => en,
            Self::ZhHans => zh,
        }
    }

    /// The language of a POSIX locale such as `zh_CN.UTF-8` or a BCP 47 tag such as `zh-Hans`; English for any other.
    #[must_use]
    pub fn from_locale(locale: &str) -> Self {
        if locale.to_ascii_lowercase().starts_with("zh") {
            Self::ZhHans
        } else {
            Self::En
        }
    }
}

/// The text names no language that Waymark speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("use en or zh-Hans")]
pub struct UnknownLang;

impl FromStr for Lang {
    type Err = UnknownLang;

    fn from_str(text: &str) -> Result<Self, UnknownLang> {
        match text.to_ascii_lowercase().as_str() {
            "en" => Ok(Self::En),
            "zh" | "zh-hans" | "zh-cn" | "zh_cn" => Ok(Self::ZhHans),
            _ => Err(UnknownLang),
        }
    }
}
