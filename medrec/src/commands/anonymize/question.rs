//! What is asked, over which days, for how much.

use std::path::Path;

use anyhow::Context as _;
use medrec_anonymizer::bundle::QueryDocument;
use medrec_anonymizer::plan::{Budget, Plan};
use medrec_anonymizer::{accounting, postprocess};
use medrec_domain::workload::catalogue::Catalogue;
use medrec_domain::workload::cells::{PublicOrganisation, Window};
use medrec_domain::{CalendarDate, Rho, Workload};

use crate::args::{AnonymizeArguments, BudgetArguments};
use crate::exit::Usage;

/// Years that count when no first day is named.
const DEFAULT_YEARS: i32 = 10;

/// The census, a query of the catalogue, or a file.
pub(super) fn document(name: &str) -> anyhow::Result<QueryDocument> {
    if name == "census" {
        return Ok(QueryDocument::Workload(Workload::census()?));
    }
    let mut catalogue = Catalogue::standard()?;
    if let Some(query) = catalogue.queries.remove(name) {
        return Ok(QueryDocument::Catalogue(query));
    }
    if !Path::new(name).is_file() {
        let names: Vec<&str> = catalogue.queries.keys().map(String::as_str).collect();
        let text = format!(
            "there is no workload {name:?}\n\nhint: it is census, a file, or one of {}",
            names.join(", ")
        );
        return Err(Usage(text).into());
    }
    let text = std::fs::read_to_string(name).with_context(|| format!("cannot read {name}"))?;
    Ok(QueryDocument::Workload(Workload::parse(name, &text)?))
}

/// The days that count. Without arguments they follow from today's date and from no record.
pub(super) fn window(arguments: &AnonymizeArguments) -> anyhow::Result<Window> {
    let january = |year| CalendarDate::from_year_month_day(year, 1, 1);
    let until = match arguments.until {
        Some(until) => until,
        None => january(this_year()).context("the clock shows no date of the calendar")?,
    };
    let from = if let Some(from) = arguments.from {
        from
    } else {
        let (year, month, day) = until.year_month_day();
        let back = CalendarDate::from_year_month_day(year - DEFAULT_YEARS, month, day);
        back.or_else(|| january(year - DEFAULT_YEARS)).context("--until lies before the calendar")?
    };
    if from >= until {
        return Err(Usage(format!("--from {from} does not lie before --until {until}")).into());
    }
    Ok(Window { from, until })
}

fn this_year() -> i32 {
    let seconds = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let days = seconds.map_or(0, |passed| passed.as_secs() / 86_400);
    i32::try_from(days).ok().and_then(CalendarDate::from_days).map_or(1970, CalendarDate::year)
}

/// Makes the plan. With epsilon and delta both noises are planned, and the one that errs less is taken: it follows
/// from public parameters alone.
pub(super) fn plan(
    workload: &Workload,
    budget: &BudgetArguments,
    organisations: &[PublicOrganisation],
    window: Window,
) -> anyhow::Result<Plan> {
    let plan = |budget| Plan::new(workload, budget, organisations, window);
    match (&budget.rho, &budget.epsilon, &budget.delta) {
        (Some(rho), _, _) => Ok(plan(Budget::Rho(positive(rho, "--rho")?))?),
        (None, Some(epsilon), None) => Ok(plan(Budget::Epsilon(positive(epsilon, "--epsilon")?))?),
        (None, Some(epsilon), Some(delta)) => {
            let epsilon = positive(epsilon, "--epsilon")?;
            let pure = plan(Budget::Epsilon(epsilon.clone()))?;
            let gaussian = plan(Budget::Rho(accounting::largest_rho(&epsilon, delta.to_f64_at_most())?))?;
            Ok(if error(&gaussian) < error(&pure) { gaussian } else { pure })
        }
        (None, None, _) => Err(Usage("a release needs --rho or --epsilon".into()).into()),
    }
}

fn positive(amount: &Rho, option: &str) -> anyhow::Result<Rho> {
    if amount.is_zero() { Err(Usage(format!("{option} is 0")).into()) } else { Ok(amount.clone()) }
}

/// Geometric mean of the standard errors of a plan: what two plans of one workload are compared by.
fn error(plan: &Plan) -> f64 {
    postprocess::forecast(plan).iter().map(|forecast| forecast.standard_error.ln()).sum()
}
