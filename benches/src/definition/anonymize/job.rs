//! What is asked: public parameters of the job.

/// Regions.
pub const REGIONS: usize = 51;
/// Conditions.
pub const CONDITIONS: usize = 40;
/// Most rows of a person that count.
pub const ROWS_PER_PERSON: u32 = 32;
/// Bounds of the values.
pub const BOUNDS: (f64, f64) = (0.0, 300.0);
/// Pure privacy loss of the whole answer.
pub const EPSILON: &str = "1";

/// The job as a workload file of `medrec anonymize`.
pub const WORKLOAD: &str = include_str!("job.toml");

/// Label of a region.
pub(super) fn region(number: usize) -> String {
    format!("R{number:02}")
}

/// Label of a condition.
pub(super) fn condition(number: usize) -> String {
    format!("C{number:02}")
}

/// Name of a cell.
pub fn cell(region: &str, condition: &str) -> String {
    format!("{region}|{condition}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use medrec_domain::Workload;

    #[test]
    fn the_workload_declares_every_condition_and_the_job_s_limits() {
        let workload = Workload::parse("job.toml", WORKLOAD).unwrap();
        let table = &workload.tables[0];
        assert_eq!(table.rows_per_person, ROWS_PER_PERSON);
        let (_, bounds) = table.measures[0].kind.value().unwrap();
        assert_eq!((bounds.lower.to_f64(), bounds.upper.to_f64()), BOUNDS);
        for number in 0..CONDITIONS {
            assert!(WORKLOAD.contains(&format!("\"{}\"", condition(number))));
        }
    }
}
