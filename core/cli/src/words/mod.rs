//! Every sentence that the command line says, in every language that it speaks.
//!
//! A sentence is a function of the language and of what varies in it. Nothing else in this crate holds text for people.

pub(crate) mod demo;
pub(crate) mod help;
pub(crate) mod office;
pub(crate) mod photo;
pub(crate) mod photo_check;
pub(crate) mod photos;
pub(crate) mod presence;
pub(crate) mod rep;
pub(crate) mod route;
pub(crate) mod track;

/// Defines sentences: `name(values…) english / chinese;`.
macro_rules! sentences {
    ($($name:ident($($value:ident),*) $en:literal / $zh:literal;)+) => {
        $(
            #[doc = $en]
            pub(crate) fn $name(lang: waymark_client::Lang $(, $value: impl std::fmt::Display)*) -> String {
                match lang {
                    waymark_client::Lang::En => format!($en),
                    waymark_client::Lang::ZhHans => format!($zh),
                }
            }
        )+

        #[cfg(test)]
        pub(super) const ALL: &[(&str, &str, &str)] = &[$((stringify!($name), $en, $zh),)+];
    };
}

pub(crate) use sentences;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    fn placeholders(text: &str) -> BTreeSet<&str> {
        text.split('{')
            .skip(1)
            .filter_map(|rest| rest.split(['}', ':']).next())
            .collect()
    }

    #[test]
    fn every_sentence_says_the_same_in_both_languages() {
        let all = [
            super::rep::ALL,
            super::track::ALL,
            super::office::ALL,
            super::presence::ALL,
            super::photo::ALL,
            super::photos::ALL,
            super::photo_check::ALL,
            super::route::ALL,
            super::demo::ALL,
        ]
        .concat();
        assert!(all.len() > 50, "{}", all.len());
        for (name, en, zh) in all {
            assert!(!en.is_empty() && !zh.is_empty(), "{name}");
            assert_eq!(placeholders(en), placeholders(zh), "{name}");
            assert!(
                en.is_ascii() || en.contains(['±', '≤', '©', '°', 'ü', '✓', '–', '…', '→', '✗']),
                "{name}: {en}"
            );
            let chinese = zh.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
            let only_values = zh
                .split(['{', '}'])
                .step_by(2)
                .all(|between| !between.contains(char::is_alphabetic));
            assert!(chinese || only_values, "{name}: {zh}");
        }
    }
}
