//! Money: whole minor units of a currency. Never a float.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An ISO 4217 currency by its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency([u8; 3]);

/// Why an amount of money was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not three capital letters.
    #[error("not an ISO 4217 code")]
    NotACurrency,
    /// Not a decimal number.
    #[error("not an amount")]
    NotAnAmount,
    /// More decimals than the currency has.
    #[error("more decimals than the currency has")]
    TooPrecise,
    /// Beyond what 64 bits of minor units hold.
    #[error("amount out of range")]
    OutOfRange,
    /// Two amounts in different currencies do not add up.
    #[error("amounts in different currencies")]
    CurrencyMismatch,
}

impl Currency {
    /// Decimals of the minor unit (ISO 4217 list one, 2026; codes that are not in the table have two).
    #[must_use]
    pub fn exponent(self) -> u32 {
        match &self.0 {
            b"BIF" | b"CLP" | b"DJF" | b"GNF" | b"ISK" | b"JPY" | b"KMF" | b"KRW" | b"PYG"
            | b"RWF" | b"UGX" | b"UYI" | b"VND" | b"VUV" | b"XAF" | b"XOF" | b"XPF" => 0,
            b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
            b"CLF" | b"UYW" => 4,
            _ => 2,
        }
    }

    /// The three letters.
    #[must_use]
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("XXX")
    }
}

impl FromStr for Currency {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        let bytes: [u8; 3] = text
            .as_bytes()
            .try_into()
            .map_err(|_| MoneyError::NotACurrency)?;
        if bytes.iter().all(u8::is_ascii_uppercase) {
            Ok(Self(bytes))
        } else {
            Err(MoneyError::NotACurrency)
        }
    }
}

impl TryFrom<String> for Currency {
    type Error = MoneyError;

    fn try_from(text: String) -> Result<Self, MoneyError> {
        text.parse()
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.code().to_owned()
    }
}

/// An amount in whole minor units (fen, cents, yen).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    /// Whole minor units; negative for money that goes back.
    pub minor: i64,
    /// The currency of `minor`.
    pub currency: Currency,
}

impl Money {
    /// Reads a decimal amount such as `-12.5` in the major unit of `currency`.
    ///
    /// # Errors
    /// [`MoneyError::TooPrecise`] rather than rounding, [`MoneyError::NotAnAmount`], [`MoneyError::OutOfRange`].
    pub fn parse(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let (sign, digits) = match text.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let is_number = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !is_number(whole) || !is_number(fraction) || digits.ends_with('.') {
            return Err(MoneyError::NotAnAmount);
        }
        let places = usize::try_from(currency.exponent()).unwrap_or(0);
        if fraction.len() > places {
            return Err(MoneyError::TooPrecise);
        }
        let unsigned = format!("{whole}{fraction:0<places$}");
        let minor = unsigned
            .parse::<i64>()
            .map_err(|_| MoneyError::OutOfRange)?;
        Ok(Self {
            minor: sign * minor,
            currency,
        })
    }

    /// Adds two amounts of one currency.
    ///
    /// # Errors
    /// [`MoneyError::CurrencyMismatch`], [`MoneyError::OutOfRange`].
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::CurrencyMismatch);
        }
        let minor = self
            .minor
            .checked_add(other.minor)
            .ok_or(MoneyError::OutOfRange)?;
        Ok(Self {
            minor,
            currency: self.currency,
        })
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exponent = self.currency.exponent();
        let unit = 10_u64.pow(exponent);
        let sign = if self.minor < 0 { "-" } else { "" };
        let magnitude = self.minor.unsigned_abs();
        write!(f, "{} {sign}{}", self.currency.code(), magnitude / unit)?;
        if exponent > 0 {
            let places = usize::try_from(exponent).unwrap_or(0);
            write!(f, ".{:0places$}", magnitude % unit)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn currency(code: &str) -> Currency {
        code.parse().unwrap()
    }

    #[test]
    fn each_currency_has_its_own_decimals() {
        for (text, code, minor, shown) in [
            ("72.5", "CNY", 7250, "CNY 72.50"),
            ("1200", "JPY", 1200, "JPY 1200"),
            ("-0.005", "KWD", -5, "KWD -0.005"),
        ] {
            let money = Money::parse(text, currency(code)).unwrap();
            assert_eq!(money.minor, minor);
            assert_eq!(money.to_string(), shown);
        }
    }

    #[test]
    fn an_amount_is_never_rounded_silently() {
        assert_eq!(
            Money::parse("0.705", currency("USD")),
            Err(MoneyError::TooPrecise)
        );
        assert_eq!(
            Money::parse("1.5", currency("JPY")),
            Err(MoneyError::TooPrecise)
        );
        for text in ["", "-", "1.", ".5", "1,5", "1e3", "+1", "９"] {
            assert_eq!(
                Money::parse(text, currency("USD")),
                Err(MoneyError::NotAnAmount),
                "{text}"
            );
        }
        assert_eq!(
            Money::parse("99999999999999999999", currency("USD")),
            Err(MoneyError::OutOfRange)
        );
    }

    #[test]
    fn currencies_do_not_mix_and_sums_do_not_wrap() {
        let one = Money {
            minor: 1,
            currency: currency("USD"),
        };
        assert_eq!(
            one.checked_add(Money {
                minor: 1,
                currency: currency("EUR")
            }),
            Err(MoneyError::CurrencyMismatch)
        );
        assert_eq!(
            one.checked_add(Money {
                minor: i64::MAX,
                ..one
            }),
            Err(MoneyError::OutOfRange)
        );
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_back(minor in -1_000_000_000_000_i64..1_000_000_000_000, code in "JPY|CNY|KWD|CLF") {
            let money = Money { minor, currency: currency(&code) };
            let shown = money.to_string();
            prop_assert_eq!(Money::parse(shown.split_once(' ').unwrap().1, money.currency), Ok(money));
        }
    }
}
