//! Text on a terminal: how wide it is, what of it is safe to show, and tables.

/// What a wide column is cut to.
pub(crate) const WIDE: usize = 44;

/// Columns that `text` takes on a terminal: East Asian wide and full-width characters two, combining marks none (after UAX #11).
pub(crate) fn width(text: &str) -> usize {
    text.chars().map(char_width).sum()
}

const fn char_width(c: char) -> usize {
    match c as u32 {
        0x0300..=0x036F | 0x200B..=0x200F | 0xFE00..=0xFE0F => 0,
        0x1100..=0x115F
        | 0x2E80..=0x303E
        | 0x3041..=0xA4CF
        | 0xAC00..=0xD7A3
        | 0xF900..=0xFAFF
        | 0xFE30..=0xFE6F => 2,
        0xFF00..=0xFF60
        | 0xFFE0..=0xFFE6
        | 0x1F300..=0x1F64F
        | 0x1F900..=0x1F9FF
        | 0x20000..=0x3FFFD => 2,
        _ => 1,
    }
}

/// `text` without what could command a terminal or turn its reading direction: names come from files and from other people.
pub(crate) fn plain(text: &str) -> String {
    let harmful = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars()
        .map(|c| if harmful(c) { '\u{fffd}' } else { c })
        .collect()
}

/// `text` in one line of at most `most` columns; what is cut is marked by an ellipsis.
pub(crate) fn cut(text: &str, most: usize) -> String {
    let line = text.replace('\n', " ");
    if width(&line) <= most {
        return line;
    }
    let mut room = most.saturating_sub(1);
    let mut short = String::new();
    for c in line.chars() {
        let wide = char_width(c);
        if wide > room {
            break;
        }
        room -= wide;
        short.push(c);
    }
    short.push('…');
    short
}

/// Rows of cells under their heads, aligned by width.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these heads.
    pub(crate) fn new<const N: usize>(heads: [String; N]) -> Self {
        Self {
            rows: vec![heads.into()],
        }
    }

    /// Adds a row.
    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.into());
    }

    /// The table as lines. Columns in which no row has anything are left out.
    pub(crate) fn render(&self) -> String {
        let cell = |row: &[String], column: usize| {
            row.get(column)
                .map(|text| cut(text, WIDE))
                .unwrap_or_default()
        };
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let filled: Vec<(usize, usize)> = (0..columns)
            .filter(|column| {
                self.rows
                    .iter()
                    .skip(1)
                    .any(|row| !cell(row, *column).is_empty())
            })
            .map(|column| {
                (
                    column,
                    self.rows
                        .iter()
                        .map(|row| width(&cell(row, column)))
                        .max()
                        .unwrap_or(0),
                )
            })
            .collect();
        let lines = self.rows.iter().map(|row| {
            let mut line = String::new();
            for (column, wide) in &filled {
                let text = cell(row, *column);
                let pad = wide.saturating_sub(width(&text)) + 2;
                line.push_str(&text);
                line.push_str(&" ".repeat(pad));
            }
            line.trim_end().to_owned()
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chinese_takes_two_columns_and_a_combining_mark_none() {
        assert_eq!(width("abc"), 3);
        assert_eq!(width("已完成"), 6);
        assert_eq!(width("e\u{301}té"), 3);
        assert_eq!(width("（ａ）"), 6);
        assert_eq!(width("✓ done"), 6);
    }

    #[test]
    fn columns_line_up_by_width_and_empty_ones_go() {
        let mut table = Table::new(["客户".to_owned(), "empty".to_owned(), "id".to_owned()]);
        table.row(["药店".to_owned(), String::new(), "1".to_owned()]);
        table.row(["Café Roma".to_owned(), String::new(), "2".to_owned()]);
        assert_eq!(table.render(), "客户       id\n药店       1\nCafé Roma  2");
    }

    #[test]
    fn a_name_cannot_command_the_terminal() {
        assert_eq!(
            plain("a\u{1b}[2Jb\u{202e}c\nd"),
            "a\u{fffd}[2Jb\u{fffd}c\nd"
        );
    }

    #[test]
    fn what_is_too_wide_is_cut_and_says_so() {
        assert_eq!(cut("药店和餐厅", 7), "药店和…");
        assert_eq!(cut("药店和餐厅", 10), "药店和餐厅");
        assert_eq!(width(&cut(&"店".repeat(100), WIDE)), 43);
    }
}
