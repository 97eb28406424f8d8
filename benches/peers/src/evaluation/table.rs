//! Words and tables that the sections share.

use medrec_benches::machine::Machine;

use crate::document::Document;

/// A table in Markdown.
pub(super) fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let header: Vec<String> = header.iter().map(|cell| (*cell).to_owned()).collect();
    let rule = format!("|{}\n", "---|".repeat(header.len()));
    let rows: String = rows.iter().map(|row| line(row)).collect();
    format!("{}{rule}{rows}", line(&header))
}

/// Where something was measured.
pub(super) fn machine(machine: &Machine) -> String {
    let hypervisor = if machine.is_virtual { " (a virtual machine)" } else { "" };
    format!(
        "{}{hypervisor}, {} processors, {} GiB of memory, {}",
        machine.cpu_model,
        machine.logical_cpus,
        machine.memory_bytes.div_ceil(1 << 30),
        machine.system
    )
}

/// When, where and by which command a document came about, and who is missing.
pub(super) fn origin(document: &Document) -> String {
    let missing: Vec<String> = document
        .missing
        .iter()
        .map(|missing| format!("- missing: {}: {}\n", missing.engine, missing.reason.replace('\n', " ")))
        .collect();
    let missing = missing.concat();
    format!(
        "Measured {} on {}: `{}`.\n\n{missing}",
        document.started_at,
        machine(&document.machine),
        document.command
    )
}

/// A figure with as many digits as it deserves.
pub(super) fn figure(value: f64) -> String {
    match value.abs() {
        _ if value.is_nan() => "-".to_owned(),
        0.0 => "0".to_owned(),
        size if size >= 1_000.0 => thousands(value),
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 0.1 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}

/// Whole numbers with commas.
fn thousands(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if value < 0.0 { format!("-{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_keep_the_digits_that_mean_something() {
        let shown: Vec<String> =
            [1_234_567.8, 999.6, 12.34, 0.5, 0.01234, 0.0, -1_500.0, f64::NAN].map(figure).into();
        assert_eq!(shown, ["1,234,568", "1000", "12.3", "0.50", "0.0123", "0", "-1,500", "-"]);
        assert_eq!(table(&["a", "b"], &[vec!["1".into(), "2".into()]]), "| a | b |\n|---|---|\n| 1 | 2 |\n");
    }
}
