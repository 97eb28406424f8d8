//! Sentences about a release that several of its files say in the same words.

use medrec_domain::manifest::{BudgetStatement, Charging, MeasureNoise, Mechanism, Occasion};
use medrec_domain::schema::Table;
use medrec_domain::workload::{MeasureKind, TableQuery};
use medrec_domain::{Rho, Workload};

use super::release::Release;

/// Who released, in one phrase.
pub(super) fn publisher(occasion: &Occasion) -> String {
    match occasion {
        Occasion::CensusShard { provider, .. } | Occasion::Bounty { provider, .. } => {
            format!("Provider {provider}")
        }
        // What `medrec anonymize` writes when nobody was named.
        Occasion::StandAlone { publisher } if publisher == "not stated" => {
            "A publisher who is not named".into()
        }
        Occasion::StandAlone { publisher } => publisher.clone(),
    }
}

/// What occasioned the release, in one sentence.
pub(super) fn occasion(occasion: &Occasion) -> String {
    match occasion {
        Occasion::CensusShard { block, miner, epoch, shard, shards, .. } => format!(
            "Shard {} of {shards} of the census of epoch {epoch}, earned by block {} of chain {} and its miner {miner}.",
            shard + 1,
            block.number,
            block.chain_id
        ),
        Occasion::Bounty { block, miner, bounty, .. } => format!(
            "Answer to bounty {bounty}, owned by the miner {miner} of block {} of chain {}.",
            block.number, block.chain_id
        ),
        Occasion::StandAlone { .. } => "A release without a chain, on the data holder's own account.".into(),
    }
}

/// What a release is, in a few sentences.
pub(super) fn description(release: &Release) -> String {
    let manifest = &release.manifest;
    format!(
        "{}. Differentially private aggregates of health records from {} until before {}, published by {}. Every number carries \
         random noise; the release costs rho {} (zero-concentrated differential privacy) for {}.",
        manifest.title,
        manifest.window_from,
        manifest.window_until,
        publisher(&manifest.occasion),
        rho(&manifest.privacy.rho),
        manifest.privacy.unit
    )
}

/// A short name for files and descriptors: lower-case letters, digits and hyphens.
pub(super) fn slug(release: &Release) -> String {
    format!("{}-{}", release.manifest.query.name, release.manifest.window_from)
}

/// A loss for people: exact where that is short, else a decimal that is rounded up.
pub(super) fn rho(rho: &Rho) -> String {
    let exact = rho.to_string();
    if exact.len() <= 3 {
        exact
    } else {
        rho.to_decimal_text(6).trim_end_matches('0').trim_end_matches('.').to_owned()
    }
}

/// Whom a release charges and what came before, in a few sentences.
pub(super) fn charging(budget: &BudgetStatement) -> String {
    match budget.charging {
        Charging::Everybody => format!(
            "Of a budget of rho {}, {} was spent before this release and {} with it.",
            rho(&budget.cap),
            rho(&budget.spent_before),
            rho(&budget.spent_after)
        ),
        Charging::Each => format!(
            "Each person pays for what she is in, at most the price of this release; who would pass her cap, which is at most \
             rho {}, is left out. The prices of all releases so charged add up to rho {} before this one and {} with it; that may \
             be more than the cap, and no person's loss is.",
            rho(&budget.cap),
            rho(&budget.spent_before),
            rho(&budget.spent_after)
        ),
    }
}

/// What is left of a budget, for people: as [`rho`], but rounded down, so that it is never overstated.
pub(super) fn rho_left(left: &Rho) -> String {
    let exact = left.to_string();
    if exact.len() <= 3 {
        exact
    } else {
        left.to_decimal_text_at_most(6).trim_end_matches('0').trim_end_matches('.').to_owned()
    }
}

/// What one row of a canonical table is.
pub(super) const fn rows_of(table: Table) -> &'static str {
    match table {
        Table::Person => "persons",
        Table::Encounter => "encounters",
        Table::Condition => "diagnoses",
        Table::Measurement => "measurements",
        Table::Medication => "medications",
        Table::Procedure => "procedures",
        Table::Organisation => "organisations",
    }
}

/// A measure in plain words.
pub(super) fn measure(query: &TableQuery, kind: &MeasureKind) -> String {
    let rows = rows_of(query.of);
    let value = kind.value().map_or_else(String::new, |(field, _)| {
        let name = field.to_string();
        name.rsplit('.').next().unwrap_or_default().replace('_', " ")
    });
    match kind {
        MeasureKind::PersonCount if query.of == Table::Person => "number of persons".into(),
        MeasureKind::PersonCount => format!("number of distinct persons with {rows}"),
        MeasureKind::RowCount => format!("number of {rows}"),
        MeasureKind::Sum { .. } => format!("sum of the {value} of {rows}"),
        MeasureKind::Mean { .. } => format!("mean {value} of {rows}"),
        MeasureKind::Histogram { bins, .. } => format!("{rows} in {bins} equal bins of their {value}"),
        MeasureKind::Quantiles { .. } => format!("quantiles of the {value} of {rows}"),
        _ => kind.name().to_owned(),
    }
}

/// Which rows count and within which bounds values do, in sentences; empty where there is no limit.
pub(super) fn limits(workload: &Workload, query: &TableQuery) -> String {
    let mut sentences = String::new();
    for condition in &query.filter {
        let set = condition.value_set.as_ref().map(|id| label(workload, id));
        let accepted = set.unwrap_or_else(|| list(&condition.any_of));
        sentences
            .push_str(&format_args!("Only rows with {accepted} count ({}). ", condition.field).to_string());
    }
    let mut bounds: Vec<String> = query
        .measures
        .iter()
        .filter_map(|measure| measure.kind.value())
        .map(|(_, bounds)| format!("{} to {}", bounds.lower, bounds.upper))
        .collect();
    bounds.dedup();
    if !bounds.is_empty() {
        sentences
            .push_str(&format_args!("Values beyond {} count as the nearer end. ", list(&bounds)).to_string());
    }
    sentences
}

/// Heading of a table: the title of the value set that it is named after, else its name.
pub(super) fn table_heading(workload: &Workload, query: &TableQuery) -> String {
    workload.value_sets.get(&query.name).map_or_else(|| heading(&query.name), |set| set.title.clone())
}

/// A name as a heading: `conditions-by-age` is `Conditions by age`.
pub(super) fn heading(name: &str) -> String {
    capital(&name.replace(['-', '_'], " "))
}

/// What a table holds, in one sentence.
pub(super) fn table(query: &TableQuery) -> String {
    let measures: Vec<String> = query.measures.iter().map(|own| measure(query, &own.kind)).collect();
    let by = if query.dimensions.is_empty() {
        "over all records".to_owned()
    } else {
        format!(
            "by {}",
            list(&query.dimensions.iter().map(|name| name.replace('_', " ")).collect::<Vec<_>>())
        )
    };
    format!("{}.", capital(&format!("{} {by}", measures.join("; "))))
}

/// The text with a capital letter first.
pub(super) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}", first.to_uppercase(), letters.as_str()))
}

/// How one person's part in a table is limited, in one sentence.
pub(super) fn contribution(query: &TableQuery) -> String {
    match query.rows_per_person {
        1 => "One person counts at most once in the whole table.".into(),
        limit => format!("One person counts with at most {limit} {} in the whole table.", rows_of(query.of)),
    }
}

/// The noise of a measure, in a few words.
pub(super) fn noise(noise: &MeasureNoise) -> String {
    let scale = noise.scale.to_decimal_text(2);
    match noise.mechanism {
        Mechanism::DiscreteGaussian => format!("discrete Gaussian noise, standard deviation {scale}"),
        Mechanism::DiscreteLaplace => format!("discrete Laplace noise, scale {scale}"),
        _ => format!("noise of scale {scale}"),
    }
}

/// A label for people: the title of a value set, the name behind a slug, a band of ages with a proper dash.
pub(super) fn label(workload: &Workload, label: &str) -> String {
    if let Some(set) = workload.value_sets.get(label) {
        return set.title.clone();
    }
    let is_age = |part: &str| (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    match label.split_once('-') {
        Some((from, to)) if is_age(from) && is_age(to) => format!("{from}\u{2013}{to}"),
        _ => label.to_owned(),
    }
}

/// `a, b and c`.
pub(super) fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [many @ .., last] => format!("{} and {last}", many.join(", ")),
    }
}
