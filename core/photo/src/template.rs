//! What a stamp looks like, as data.

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::facts::{Facts, Source, Taken, Text};
use crate::limits::{MAX_FIELDS, MAX_TEMPLATE_BYTES, MAX_VALUE_CHARS};
use crate::logo::Logo;
use crate::reencode::COPY_LONG_SIDE;
use crate::text::Line;

/// What a stamp looks like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Template {
    /// The language of labels and reasons.
    pub language: Language,
    /// Where the plate stands.
    pub corner: Corner,
    /// How wide it is.
    pub shape: Shape,
    /// The height of the letters, in thousandths of the picture's short edge: 15 to 60. Smaller where the stamp would else take more than a
    /// quarter of the picture's height.
    pub text_permille: u16,
    /// How much of the picture the plate takes, in percent: 55, below which white letters cannot be read on a white picture, to 90.
    pub plate_opacity: u8,
    /// The long side of copies for sending, in pixels: 640 to 8192. A picture that is smaller stays as large as it is.
    pub copy_long_side: u16,
    /// Stands at the end of the plate away from the text, beside the code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logo: Option<Logo>,
    /// What is printed, a line each, in this order.
    pub fields: Vec<Field>,
}

impl Default for Template {
    fn default() -> Self {
        Self {
            language: Language::default(),
            corner: Corner::default(),
            shape: Shape::default(),
            text_permille: 26,
            plate_opacity: 60,
            copy_long_side: COPY_LONG_SIDE,
            logo: None,
            fields: ["time", "address", "position", "customer", "rep"]
                .into_iter()
                .map(|key| Field {
                    key: key.to_owned(),
                    label: None,
                    large: key == "time",
                })
                .collect(),
        }
    }
}

/// A language that a stamp can speak.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Language {
    /// English.
    #[default]
    #[serde(rename = "en")]
    En,
    /// Simplified Chinese.
    #[serde(rename = "zh-Hans")]
    ZhHans,
}

/// A corner of the picture as it is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Corner {
    /// At the bottom, from the left.
    #[default]
    BottomLeft,
    /// At the bottom, from the right.
    BottomRight,
    /// At the top, from the left.
    TopLeft,
    /// At the top, from the right.
    TopRight,
}

impl Corner {
    pub(crate) const fn top(self) -> bool {
        matches!(self, Self::TopLeft | Self::TopRight)
    }

    pub(crate) const fn right(self) -> bool {
        matches!(self, Self::BottomRight | Self::TopRight)
    }
}

/// How wide the plate is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// From side to side.
    #[default]
    Band,
    /// As wide as its text.
    Block,
}

/// A line of the stamp.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// `time`, `position`, `source`, or the key of a text.
    pub key: String,
    /// What stands before the value; the key's usual name where it is not given, nothing where it is empty.
    #[serde(default)]
    pub label: Option<String>,
    /// Whether it is written larger.
    #[serde(default)]
    pub large: bool,
}

/// A field that has no value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MissingField {
    /// Its key.
    pub key: String,
    /// Why, as the stamp says it.
    pub reason: String,
}

/// Keys that have a name of their own: key, English, Chinese. Time and position speak for themselves.
const NAMES: &[(&str, &str, &str)] = &[
    ("time", "", ""),
    ("position", "", ""),
    ("address", "", ""),
    ("customer", "Customer", "客户"),
    ("rep", "Rep", "业务员"),
    ("company", "Company", "公司"),
    ("note", "Note", "备注"),
    ("serial", "No.", "编号"),
    ("verdict", "Check-in", "签到"),
    ("source", "Source", "来源"),
    ("weather", "Weather", "天气"),
    ("code", "Code", "防伪码"),
];

impl Template {
    /// Reads a template as JSON.
    ///
    /// # Errors
    /// [`Error::Template`] when it is no template, or out of bounds.
    pub fn from_json(json: &[u8]) -> Result<Self, Error> {
        if json.len() > MAX_TEMPLATE_BYTES {
            return Err(Error::Template("it is too long".to_owned()));
        }
        let template: Self =
            serde_json::from_slice(json).map_err(|error| Error::Template(error.to_string()))?;
        template.check()?;
        Ok(template)
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        let wrong = |why: &str| Err(Error::Template(why.to_owned()));
        if !(15..=60).contains(&self.text_permille) {
            return wrong("text_permille must be from 15 to 60");
        }
        if !(640..=8192).contains(&self.copy_long_side) {
            return wrong("copy_long_side must be from 640 to 8192");
        }
        if self.fields.is_empty() || self.fields.len() > MAX_FIELDS {
            return wrong("fields must be from 1 to 24");
        }
        if let Some(logo) = &self.logo {
            logo.ink()?;
        }
        let long = |text: &str| text.chars().count() > MAX_VALUE_CHARS;
        if self
            .fields
            .iter()
            .any(|field| long(&field.key) || field.label.as_deref().is_some_and(long))
        {
            return wrong("a key or a label is too long");
        }
        Ok(())
    }

    /// The lines to print, and the fields that have no value.
    pub(crate) fn lines(&self, facts: &Facts) -> (Vec<Line>, Vec<MissingField>) {
        let mut lines = Vec::new();
        let mut missing = Vec::new();
        for field in &self.fields {
            let value = self.value(&field.key, facts);
            let known = NAMES.iter().find(|(key, ..)| *key == field.key);
            let label = match (&field.label, known) {
                (Some(label), _) => label.clone(),
                (None, Some((_, en, zh))) => self.say(en, zh).to_owned(),
                (None, None) => field.key.clone(),
            };
            let text = match value {
                Ok(value) if label.is_empty() => cut(&value),
                Ok(value) => format!("{label} {}", cut(&value)),
                Err(reason) => {
                    missing.push(MissingField {
                        key: field.key.clone(),
                        reason: reason.clone(),
                    });
                    // a dash alone would not say what it stands for
                    let label = if label.is_empty() {
                        self.plain_name(&field.key)
                    } else {
                        label
                    };
                    match self.language {
                        Language::En => format!("{label} — ({})", cut(&reason)),
                        Language::ZhHans => format!("{label} —（{}）", cut(&reason)),
                    }
                }
            };
            lines.push(Line {
                text,
                large: field.large,
            });
        }
        (lines, missing)
    }

    /// What a field is called where its value is missing.
    fn plain_name(&self, key: &str) -> String {
        match key {
            "time" => self.say("Time", "时间").to_owned(),
            "position" => self.say("Position", "位置").to_owned(),
            "address" => self.say("Address", "地址").to_owned(),
            other => other.to_owned(),
        }
    }

    const fn say<'s>(&self, en: &'s str, zh: &'s str) -> &'s str {
        match self.language {
            Language::En => en,
            Language::ZhHans => zh,
        }
    }

    /// What is printed for a key, or why there is nothing.
    fn value(&self, key: &str, facts: &Facts) -> Result<String, String> {
        let not_given = || self.say("not given", "未提供").to_owned();
        match key {
            "time" => facts
                .time
                .as_ref()
                .map(|time| self.time(time))
                .ok_or_else(not_given),
            "position" => facts
                .position
                .as_ref()
                .map(|fix| {
                    let side = |value: f64, positive: char, negative: char| {
                        let letter = if value < 0.0 { negative } else { positive };
                        format!("{:.6}°{letter}", value.abs())
                    };
                    let accuracy = fix
                        .accuracy_m
                        .map(|metres| format!(" ±{metres:.0} m"))
                        .unwrap_or_default();
                    format!(
                        "{} {}{accuracy} WGS-84",
                        side(fix.lat, 'N', 'S'),
                        side(fix.lon, 'E', 'W')
                    )
                })
                .ok_or_else(|| facts.position_missing.clone().unwrap_or_else(not_given)),
            "source" => match facts.source {
                Source::Camera => Ok(self.say("taken in the app", "应用内拍摄").to_owned()),
                Source::Gallery => Ok(self.say("from the gallery", "相册导入").to_owned()),
                Source::OtherApp => Ok(self.say("from another app", "其他应用").to_owned()),
                Source::Unknown => Err(not_given()),
            },
            key => match facts.texts.get(key) {
                Some(Text::Is(text)) if !text.trim().is_empty() => Ok(text.trim().to_owned()),
                Some(Text::Missing(reason)) if !reason.trim().is_empty() => {
                    Err(reason.trim().to_owned())
                }
                _ => Err(not_given()),
            },
        }
    }

    fn time(&self, time: &Taken) -> String {
        let at = time.at.format("%Y-%m-%d %H:%M:%S");
        let zone = time.at.format("%:z");
        let bound = time.plus_minus_s.map(|seconds| match self.language {
            Language::En => format!(" ±{seconds} s"),
            Language::ZhHans => format!(" ±{seconds} 秒"),
        });
        let unverified = if time.verified {
            ""
        } else {
            self.say(" (time unverified)", "（时间未核实）")
        };
        format!("{at} UTC{zone}{}{unverified}", bound.unwrap_or_default())
    }
}

fn cut(text: &str) -> String {
    if text.chars().count() <= MAX_VALUE_CHARS {
        return text.to_owned();
    }
    text.chars()
        .take(MAX_VALUE_CHARS - 1)
        .chain(['…'])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Fix;

    fn printed(template: &Template, facts: &Facts) -> Vec<String> {
        template
            .lines(facts)
            .0
            .into_iter()
            .map(|line| line.text)
            .collect()
    }

    #[test]
    fn what_is_missing_prints_a_dash_and_the_reason() {
        let facts = Facts {
            texts: [
                ("rep".to_owned(), Text::Is("王小明".to_owned())),
                ("address".to_owned(), Text::Missing("无网络".to_owned())),
                ("customer".to_owned(), Text::Is("  ".to_owned())),
            ]
            .into(),
            position_missing: Some("无定位".to_owned()),
            ..Facts::default()
        };
        let template = Template {
            language: Language::ZhHans,
            ..Template::default()
        };
        assert_eq!(
            printed(&template, &facts),
            [
                "时间 —（未提供）",
                "地址 —（无网络）",
                "位置 —（无定位）",
                "客户 —（未提供）",
                "业务员 王小明"
            ]
        );
        let keys: Vec<String> = template
            .lines(&facts)
            .1
            .into_iter()
            .map(|m| m.key)
            .collect();
        assert_eq!(keys, ["time", "address", "position", "customer"]);
    }

    #[test]
    fn time_and_position_say_how_far_they_can_be_trusted() {
        let mut facts = Facts {
            time: Some(Taken {
                at: DateTimeText::parse("2026-11-22T14:35:08+08:00"),
                plus_minus_s: Some(2),
                verified: true,
            }),
            position: Some(Fix {
                lat: -30.274_085,
                lon: 120.155_07,
                accuracy_m: Some(12.4),
                altitude_m: None,
                heading_deg: None,
                dop: None,
            }),
            ..Facts::default()
        };
        let template = Template {
            fields: ["time", "position"]
                .map(|key| Field {
                    key: key.to_owned(),
                    label: None,
                    large: false,
                })
                .to_vec(),
            ..Template::default()
        };
        assert_eq!(
            printed(&template, &facts),
            [
                "2026-11-22 14:35:08 UTC+08:00 ±2 s",
                "30.274085°S 120.155070°E ±12 m WGS-84"
            ]
        );
        let time = facts.time.as_mut().unwrap();
        (time.verified, time.plus_minus_s) = (false, None);
        assert_eq!(
            printed(&template, &facts)[0],
            "2026-11-22 14:35:08 UTC+08:00 (time unverified)"
        );
    }

    struct DateTimeText;
    impl DateTimeText {
        fn parse(text: &str) -> chrono::DateTime<chrono::FixedOffset> {
            chrono::DateTime::parse_from_rfc3339(text).unwrap()
        }
    }

    #[test]
    fn a_template_out_of_bounds_is_refused() {
        assert!(Template::from_json(b"{}").is_ok());
        for wrong in [
            r#"{"text_permille":5}"#,
            r#"{"fields":[]}"#,
            r#"{"colour":"red"}"#,
            "7",
        ] {
            assert!(Template::from_json(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
