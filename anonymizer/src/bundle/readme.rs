//! `README.md` of a bundle: what it is, how to read it, how to verify it, what the guarantee does not say.

use std::fmt::Write as _;

use medrec_domain::manifest::Manifest;

use super::release::Release;
use super::signature::provider_of;
use super::wording;

/// The text of the file.
pub(super) fn readme(release: &Release) -> String {
    let manifest = &release.manifest;
    let mut out = format!("# {}\n\n{}\n\n", plain(&manifest.title), plain(&wording::description(release)));
    let _ = writeln!(out, "{}\n", plain(&wording::occasion(&manifest.occasion)));
    tables(&mut out, release);
    out.push_str(READING);
    verifying(&mut out, manifest);
    guarantee(&mut out, manifest);
    questions(&mut out, manifest);
    let _ = writeln!(
        out,
        "## Terms\n\n{}: {}\n\nMade by {} {}.",
        plain(&manifest.license.name),
        manifest.license.url,
        plain(&manifest.software.name),
        plain(&manifest.software.version)
    );
    out
}

/// Text of somebody else as text, not as Markdown or HTML.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '<' => out.push_str("&lt;"),
            '&' => out.push_str("&amp;"),
            '\n' | '\r' => out.push(' '),
            '*' | '_' | '`' | '[' | ']' | '#' | '|' | '\\' => {
                out.push('\\');
                out.push(letter);
            }
            other => out.push(other),
        }
    }
    out
}

fn tables(out: &mut String, release: &Release) {
    out.push_str("## What is in it\n\n| table | what it holds | finest cells | figures withheld |\n|---|---|---|---|\n");
    for (table, released) in release.tables.iter().zip(&release.manifest.tables) {
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} |",
            plain(&table.query.name),
            plain(&wording::table(&table.query)),
            released.cells,
            released.withheld
        );
    }
    out.push('\n');
}

/// How to read a bundle; the same for every one.
const READING: &str = "## How to read it

Open `report.html` in any browser; it needs no network. Each table is there four times: `tables/NAME.csv` and
`tables/NAME.parquet` hold the published figures, `tables/NAME.raw.csv` and `tables/NAME.raw.parquet` the noisy integers as they
were drawn. One row is one figure: its labels, the level of the hierarchy, the measure, the statistic, the
estimate, its standard error, a 95 % confidence interval, and whether it is withheld. `all` means that a level sums over that
dimension; `other` and `unknown` take what no declared cell takes.

- The interval covers the noise alone. That records may be incomplete or wrong, no interval can know.
- Published counts are whole, not negative, and add up along the hierarchy. That makes small counts too high on average: for sums of
  many cells use the raw integers, which are unbiased.
- An empty estimate with `withheld` true is a small cell, or a figure from which one could be derived. It is not zero.
- Spreadsheets turn labels such as `5-17` into dates. Import the columns as text, or read the Parquet files.
- `datapackage.json`, `croissant.json` and `measure-report.ndjson` say the same for programs.

";

fn verifying(out: &mut String, manifest: &Manifest) {
    out.push_str("## How to verify it\n\n```\nmedrec verify FOLDER\n```\n\n");
    out.push_str(
        "checks every file against `manifest.json`, the tables against each other and against the declared noise and budget, \
         this text and the report against the tables, and the signature. It needs no network.\n\n",
    );
    match provider_of(&manifest.occasion) {
        Some(provider) => {
            let _ = writeln!(
                out,
                "The signature in `signature.json` has to be the one of provider {provider}. With `--node URL` the block, its \
                 miner and the commitment on chain are checked as well.\n"
            );
        }
        None => out.push_str(
            "This bundle belongs to no chain. Unless `signature.json` names a signer whom you know, its digests show that it \
             is whole, not who made it.\n\n",
        ),
    }
}

fn guarantee(out: &mut String, manifest: &Manifest) {
    let privacy = &manifest.privacy;
    let _ = writeln!(
        out,
        "## What the guarantee says\n\nIt protects {}. Neighbouring inputs: {}. The loss is rho {} in zero-concentrated differential \
         privacy. The same as epsilon:\n\n| delta | epsilon, at most |\n|---|---|",
        plain(&privacy.unit),
        plain(&privacy.neighbouring),
        privacy.rho
    );
    for epsilon in &privacy.epsilon {
        let _ = writeln!(out, "| {} | {} |", epsilon.delta, epsilon.epsilon);
    }
    let _ = writeln!(out, "\n{}\n\n## What it does not say\n", wording::charging(&manifest.budget));
    for sentence in &privacy.not_covered {
        let _ = writeln!(out, "- {}", plain(sentence));
    }
    out.push('\n');
}

fn questions(out: &mut String, manifest: &Manifest) {
    out.push_str(
        "## Questions of NIST SP 800-226, and the publisher's answers\n\nStatements of the publisher; verification covers only what \
         the section above names.\n\n| question | answer |\n|---|---|\n",
    );
    for (question, answer) in answers(manifest) {
        let _ = writeln!(out, "| {question} | {} |", plain(&answer));
    }
    out.push('\n');
}

/// The questions with their answers, for this text and for the report.
pub(super) fn answers(manifest: &Manifest) -> Vec<(&'static str, String)> {
    let (privacy, assurance) = (&manifest.privacy, &manifest.assurance);
    let epsilon = |own: &medrec_domain::manifest::EpsilonAtDelta| {
        format!("epsilon {} at delta {}", own.epsilon, own.delta)
    };
    let epsilons: Vec<String> = privacy.epsilon.iter().map(epsilon).collect();
    let invariants = match privacy.invariants.as_slice() {
        [] => "None.".to_owned(),
        some => some.join(" "),
    };
    vec![
        ("Which parameter?", format!("rho {} (zCDP); {}", privacy.rho, wording::list(&epsilons))),
        ("Which unit of privacy?", privacy.unit.clone()),
        ("Which neighbours?", privacy.neighbouring.clone()),
        ("Who adds the noise?", privacy.noise_by.clone()),
        ("How are bounds enforced?", assurance.bounds_enforced_by.clone()),
        ("Who sees raw data?", assurance.records_seen_by.clone()),
        ("Who sees sums without noise?", assurance.exact_sums_seen_by.clone()),
        ("Where does randomness come from?", assurance.randomness.clone()),
        ("Which side channels were considered?", assurance.side_channels.clone()),
        ("What was released exactly?", invariants),
        ("How do releases compose?", assurance.composition.clone()),
        ("Which bias is there?", assurance.bias.clone()),
        ("How was the code tested?", assurance.tested_by.clone()),
    ]
}
