//! The little HTML that the report needs, with everything foreign escaped.

/// Text as HTML or XML text, safe in attributes too.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // XML has no other control characters.
            control if control.is_control() && !matches!(control, '\n' | '\t') => out.push('\u{fffd}'),
            other => out.push(other),
        }
    }
    out
}

/// Pieces in a row.
pub(super) fn joined(pieces: impl Iterator<Item = String>) -> String {
    pieces.fold(String::new(), |text, piece| text + &piece)
}

/// A table with a caption and headings; numbers are aligned by class from the second column on.
pub(super) fn table(caption: &str, headings: &[String], rows: &[Vec<String>], labels: usize) -> String {
    let cell = |tag: &str, index: usize, text: &str| {
        let class = if index >= labels { " class=\"number\"" } else { "" };
        let scope = if tag == "th" { " scope=\"col\"" } else { "" };
        format!("<{tag}{class}{scope}>{}</{tag}>", escape(text))
    };
    let line = |tag: &str, cells: &[String]| {
        let cells = joined(cells.iter().enumerate().map(|(index, text)| cell(tag, index, text)));
        format!("<tr>{cells}</tr>")
    };
    let body = joined(rows.iter().map(|row| line("td", row)));
    format!(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{0}\"><table><caption>{0}</caption><thead>{1}</thead><tbody>{body}</tbody></table></div>\n",
        escape(caption),
        line("th", headings)
    )
}

/// A number for people: thousands set apart, as many decimals as its size asks for.
pub(super) fn number(value: f64) -> String {
    let decimals = match value.abs() {
        _ if value.fract() == 0.0 => 0,
        size if size >= 1000.0 => 0,
        size if size >= 100.0 => 1,
        size if size >= 0.1 => 2,
        _ => 4,
    };
    let text = format!("{:.decimals$}", value.abs());
    let (whole, fraction) =
        text.split_once('.').map_or((text.as_str(), ""), |(whole, fraction)| (whole, fraction));
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let fraction = fraction.trim_end_matches('0');
    let is_zero = whole == "0" && fraction.is_empty();
    let sign = if value < 0.0 && !is_zero { "\u{2212}" } else { "" };
    if fraction.is_empty() { format!("{sign}{grouped}") } else { format!("{sign}{grouped}.{fraction}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_people_write_them() {
        for (value, text) in [
            (0.0, "0"),
            (1_234_567.0, "1,234,567"),
            (-12.5, "\u{2212}12.5"),
            (1234.56, "1,235"),
            (0.00004, "0"),
            (5.129, "5.13"),
            (100.0, "100"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn markup_in_text_is_text() {
        assert_eq!(escape("<a href=\"x\">&'\u{1}"), "&lt;a href=&quot;x&quot;&gt;&amp;&#39;\u{fffd}");
    }
}
