//! Columns as CSV: RFC 4180, UTF-8, safe to open in a spreadsheet.
//!
//! A label that starts with a sign by which spreadsheets recognise a formula gets an apostrophe before it.
//! Numbers are not labels and keep their sign. A pure function of the columns: one table, one text.

use arrow_array::{Array, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray};

use super::names::number_text;

/// Signs that make a spreadsheet take a cell for a formula.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// The bytes of a CSV file.
pub(super) fn csv(batch: &RecordBatch) -> Vec<u8> {
    let mut out = String::new();
    for (index, field) in batch.schema().fields().iter().enumerate() {
        separate(&mut out, index);
        label(&mut out, field.name());
    }
    out.push_str("\r\n");
    for row in 0..batch.num_rows() {
        for (index, column) in batch.columns().iter().enumerate() {
            separate(&mut out, index);
            value(&mut out, column.as_ref(), row);
        }
        out.push_str("\r\n");
    }
    out.into_bytes()
}

fn separate(out: &mut String, index: usize) {
    if index > 0 {
        out.push(',');
    }
}

fn value(out: &mut String, column: &dyn Array, row: usize) {
    if column.is_null(row) {
        return;
    }
    let column = column.as_any();
    if let Some(texts) = column.downcast_ref::<StringArray>() {
        label(out, texts.value(row));
    } else if let Some(numbers) = column.downcast_ref::<Float64Array>() {
        out.push_str(&number_text(numbers.value(row)));
    } else if let Some(integers) = column.downcast_ref::<Int64Array>() {
        out.push_str(&integers.value(row).to_string());
    } else if let Some(flags) = column.downcast_ref::<BooleanArray>() {
        out.push_str(if flags.value(row) { "true" } else { "false" });
    }
}

/// A text, quoted where RFC 4180 asks for it, guarded where a spreadsheet would compute it.
fn label(out: &mut String, text: &str) {
    let guard = if text.starts_with(FORMULA) { "'" } else { "" };
    if text.contains(['"', ',', '\r', '\n']) || text.starts_with(' ') || text.ends_with(' ') {
        out.push('"');
        out.push_str(guard);
        out.push_str(&text.replace('"', "\"\""));
        out.push('"');
    } else {
        out.push_str(guard);
        out.push_str(text);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn labels_are_quoted_and_guarded_and_numbers_are_plain() {
        let labels = StringArray::from(vec!["=1+1", "a,b", "say \"x\"", "@x,\r\ny", "0-4", "plain"]);
        let numbers =
            Float64Array::from(vec![Some(-1.5), None, Some(2.0), Some(-0.0), Some(1e-7), Some(3.25)]);
        let batch = RecordBatch::try_from_iter([
            ("label", Arc::new(labels) as Arc<dyn Array>),
            ("number", Arc::new(numbers) as Arc<dyn Array>),
        ])
        .unwrap();
        let expected = "label,number\r\n'=1+1,-1.5\r\n\"a,b\",\r\n\"say \"\"x\"\"\",2\r\n\"'@x,\r\ny\",0\r\n0-4,0.0000001\r\nplain,3.25\r\n";
        assert_eq!(String::from_utf8(csv(&batch)).unwrap(), expected);
    }
}
