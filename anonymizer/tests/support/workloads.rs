//! Workloads of made-up bundles: the census, a small one, and one with foreign words in every place.

use medrec_domain::Workload;

/// A workload of a few cells with every kind of measure.
const SMALL: &str = r#"
name = "small"
version = 1
title = "A small release"
hierarchy = ["nation", "region"]
small_cell_threshold = 11
[dimensions]
region = { level = "region" }
sex = { field = "person.sex", values = ["female", "male"] }
[[tables]]
name = "people"
of = "person"
dimensions = ["region", "sex"]
measures = [{ kind = "person-count" }]
[[tables]]
name = "weights"
of = "measurement"
measures = [
    { kind = "mean", field = "measurement.value", lower = 0, upper = 20, step = 1 },
    { kind = "sum", field = "measurement.value", lower = 0, upper = 20, step = 1 },
    { kind = "histogram", field = "measurement.value", lower = 0, upper = 20, step = 1, bins = 4 },
    { kind = "quantiles", field = "measurement.value", lower = 0, upper = 20, step = 5, levels = [0.25, 0.5] },
    { kind = "row-count" },
]
rows_per_person = 4
"#;

/// A workload with labels that are formulas, quotes, markup and other scripts.
const FOREIGN: &str = r#"
name = "foreign"
version = 3
title = "Ünïcode & <b>markup</b>, \"quotes\" | pipes"
small_cell_threshold = 0
[dimensions]
level = { field = "encounter.class", values = ["=1+1", "a,b", "say \"x\"", "<script>alert(1)</script>", "日本語の長いラベルがここにあります", "@cmd", "a-very-long-label-without-a-single-blank-that-goes-on-and-on-and-on"] }
quarter = { calendar = "quarter" }
week = { calendar = "week" }
[[tables]]
name = "classes"
of = "encounter"
dimensions = ["level"]
measures = [{ kind = "row-count" }, { kind = "person-count" }]
rows_per_person = 16
[[tables]]
name = "classes-by-quarter"
of = "encounter"
dimensions = ["quarter", "level"]
measures = [{ kind = "person-count" }]
rows_per_person = 16
[[tables]]
name = "weekly"
of = "encounter"
dimensions = ["week"]
measures = [{ kind = "row-count" }]
rows_per_person = 16
[[tables]]
name = "everything"
of = "person"
measures = [{ kind = "person-count" }]
"#;

/// A workload and the number of persons in it.
pub(crate) fn named(name: &str) -> (Workload, f64) {
    match name {
        "small" => (Workload::parse("small.toml", SMALL).unwrap(), 400.0),
        "foreign" => (Workload::parse("foreign.toml", FOREIGN).unwrap(), 40_000.0),
        _ => (Workload::census().unwrap(), 120_000.0),
    }
}
