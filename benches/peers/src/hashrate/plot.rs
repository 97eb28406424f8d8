//! Bar charts as plain SVG: few enough shapes that a plotting library would be the larger part.

use medrec_benches::harness::{Measurement, Origin};
use medrec_benches::record::Record;

use super::records::Records;

const WIDTH: f64 = 760.0;
const LABEL_WIDTH: f64 = 270.0;
const BAR_WIDTH: f64 = 370.0;
const ROW_HEIGHT: f64 = 24.0;
const TOP: f64 = 44.0;

/// One bar.
#[derive(Debug, Clone, PartialEq)]
struct Bar {
    label: String,
    origin: Origin,
    value: f64,
    minimum: f64,
    maximum: f64,
}

/// File names and pictures.
pub(crate) fn all(records: &Records) -> Vec<(&'static str, String)> {
    let million = |value: f64| format!("{:.2} MH/s", value / 1e6);
    let thousand = |value: f64| format!("{:.1} kH/s", value / 1e3);
    let items = |value: f64| format!("{:.1} k items/s", value / 1e3);
    let keccak = bars(&records.keccak, "keccak-256");
    let dataset = bars(&records.dag, "dataset-part");
    let search = bars(&records.search_huge, "search");
    let mut plots = vec![
        ("keccak.svg", chart("Keccak-256 of 40 bytes, one thread", &keccak, million)),
        ("dataset.svg", chart("Dataset items of epoch 0", &dataset, items)),
        ("search.svg", chart("Full Ethash search", &search, thousand)),
    ];
    if let Some(record) = &records.search_4k {
        let title = "Full Ethash search, 4 KiB pages";
        plots.push(("search-4k.svg", chart(title, &bars(record, "search"), thousand)));
    }
    plots
}

/// All contenders of a measure, the fastest first.
fn bars(record: &Record, measure: &str) -> Vec<Bar> {
    let mut bars: Vec<Bar> =
        record.results.iter().filter(|m| m.identity.measure == measure).map(bar).collect();
    bars.sort_by(|a, b| b.value.total_cmp(&a.value));
    bars
}

fn bar(measurement: &Measurement) -> Bar {
    let identity = &measurement.identity;
    let plural = if identity.threads == 1 { "" } else { "s" };
    Bar {
        label: format!("{}, {} thread{plural}", identity.engine, identity.threads),
        origin: identity.origin,
        value: measurement.rate.median,
        minimum: measurement.rate.minimum,
        maximum: measurement.rate.maximum,
    }
}

/// Horizontal bars from zero, with the range of the samples as a line.
fn chart(title: &str, bars: &[Bar], text: impl Fn(f64) -> String) -> String {
    let largest = bars.iter().map(|bar| bar.maximum).fold(f64::MIN_POSITIVE, f64::max);
    let rows: String = bars.iter().zip(0_u32..).fold(String::new(), |rows, (bar, index)| {
        rows + &row(bar, TOP + f64::from(index) * ROW_HEIGHT, largest, &text(bar.value))
    });
    let count = u32::try_from(bars.len()).unwrap_or(u32::MAX);
    let height = TOP + f64::from(count) * ROW_HEIGHT + 12.0;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"sans-serif\" font-size=\"13\" role=\"img\">\n\
         <title>{title}</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text x=\"12\" y=\"26\" font-size=\"16\">{title}: median, and range of the samples</text>\n\
         {rows}</svg>\n",
        title = escaped(title)
    )
}

fn row(bar: &Bar, y: f64, largest: f64, text: &str) -> String {
    let color = match bar.origin {
        Origin::Medrec => "#1b7f5c",
        Origin::Peer => "#8a8f98",
        Origin::Limit => "#d9a441",
    };
    let at = |value: f64| LABEL_WIDTH + BAR_WIDTH * value / largest;
    let (label_x, middle, baseline) = (LABEL_WIDTH - 8.0, y + 8.0, y + 13.0);
    format!(
        "<text x=\"{label_x}\" y=\"{baseline}\" text-anchor=\"end\">{label}</text>\n\
         <rect x=\"{LABEL_WIDTH}\" y=\"{y}\" width=\"{width:.1}\" height=\"17\" fill=\"{color}\"/>\n\
         <path d=\"M{from:.1} {middle}H{to:.1}\" stroke=\"#222\"/>\n\
         <text x=\"{text_x:.1}\" y=\"{baseline}\">{text}</text>\n",
        label = escaped(&bar.label),
        width = at(bar.value) - LABEL_WIDTH,
        from = at(bar.minimum),
        to = at(bar.maximum),
        text_x = at(bar.maximum) + 6.0,
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar_of(label: &str, value: f64) -> Bar {
        Bar { label: label.to_owned(), origin: Origin::Peer, value, minimum: value, maximum: value }
    }

    #[test]
    fn the_largest_bar_fills_the_width_and_half_of_it_is_half_as_long() {
        let svg = chart("a < b", &[bar_of("one", 10.0), bar_of("two & three", 5.0)], |v| format!("{v} u"));
        assert!(svg.contains("width=\"370.0\"") && svg.contains("width=\"185.0\""), "{svg}");
        assert!(
            svg.contains("a &lt; b") && svg.contains("two &amp; three") && svg.contains(">5 u<"),
            "{svg}"
        );
        assert_eq!(svg.matches("<rect").count(), 3);
    }

    #[test]
    fn a_chart_of_nothing_is_still_a_picture() {
        let svg = chart("empty", &[], |v| v.to_string());
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"));
    }
}
