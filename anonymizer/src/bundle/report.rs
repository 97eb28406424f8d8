//! `report.html`: the release for people who read, print and discuss it. One file, no script, no network.
//!
//! Every number in it is a published figure or a sum of such; the verifier makes the page again and compares.

mod bars;
mod budget;
mod choice;
mod html;
mod plot;
mod series;
mod svg;
mod values;
mod view;

use std::fmt::Write as _;

use html::escape;
use medrec_domain::manifest::Manifest;

use super::release::Release;
use super::{readme, wording};
use crate::figures::TableFigures;

/// Style sheet of the page: light, dark and print.
const STYLE: &str = include_str!("report/style.css");

/// The page.
pub(super) fn report(release: &Release) -> String {
    let manifest = &release.manifest;
    let workload = release.query.workload();
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">\n\
         <title>{}</title>\n<link rel=\"icon\" href=\"data:,\">\n<style>\n{STYLE}</style>\n</head>\n<body>\n",
        escape(&manifest.title)
    );
    head(&mut out, release);
    contents(&mut out, &workload, release);
    out.push_str("<main>\n");
    out.push_str(READING);
    let _ = writeln!(
        out,
        "<section id=\"privacy\"><h2>What it costs in privacy</h2><p>The guarantee protects {}. Neighbouring inputs: {}.</p>{}</section>",
        escape(&manifest.privacy.unit),
        escape(&manifest.privacy.neighbouring),
        budget::budget(manifest)
    );
    for (index, table) in release.tables.iter().enumerate() {
        section(&mut out, &workload, table, index);
    }
    limits(&mut out, manifest);
    out.push_str("</main>\n");
    let _ = writeln!(
        out,
        "<footer><p>{} <a href=\"{}\">{}</a>. Made by {} {}. Verify this page and its tables with <code>medrec verify</code>; the README beside it says how.</p></footer>\n</body>\n</html>",
        escape(&wording::publisher(&manifest.occasion)),
        escape(&web_address(&manifest.license.url)),
        escape(&manifest.license.name),
        escape(&manifest.software.name),
        escape(&manifest.software.version)
    );
    out
}

/// An address that may stand in a link: nothing that a browser would run.
fn web_address(url: &str) -> String {
    if url.starts_with("https://") || url.starts_with("http://") { url.to_owned() } else { String::new() }
}

fn head(out: &mut String, release: &Release) {
    let manifest = &release.manifest;
    let figures: usize = release.tables.iter().map(|table| table.figures.len()).sum();
    let withheld: u64 = manifest.tables.iter().map(|table| table.withheld).sum();
    let epsilon = manifest.privacy.epsilon.first();
    let loss = epsilon
        .map_or_else(String::new, |own| format!("epsilon at most {} at delta {}", own.epsilon, own.delta));
    let facts = [
        (
            "Records from",
            format!("{}", manifest.window_from),
            format!("until before {}", manifest.window_until),
        ),
        (
            "Published figures",
            html::number(f64::from(u32::try_from(figures).unwrap_or(u32::MAX))),
            format!("in {}", plot::counted(release.tables.len(), "table", "tables")),
        ),
        (
            "Withheld",
            html::number(f64::from(u32::try_from(withheld).unwrap_or(u32::MAX))),
            format!("counts below {}, and what would reveal them", manifest.query.small_cell_threshold),
        ),
        ("Privacy loss", format!("rho {}", wording::rho(&manifest.privacy.rho)), loss),
    ];
    let facts = html::joined(facts.iter().map(|(name, number, more)| {
        format!(
            "<div><dt>{name}</dt><dd><strong>{}</strong><span>{}</span></dd></div>",
            escape(number),
            escape(more)
        )
    }));
    let _ = writeln!(
        out,
        "<header><p class=\"publisher\">{}</p><h1>{}</h1><p>{}</p><dl class=\"facts\">{facts}</dl></header>",
        escape(&wording::publisher(&manifest.occasion)),
        escape(&manifest.title),
        escape(&wording::occasion(&manifest.occasion))
    );
}

fn contents(out: &mut String, workload: &medrec_domain::Workload, release: &Release) {
    let links = html::joined(release.tables.iter().enumerate().map(|(index, table)| {
        format!(
            "<li><a href=\"#table-{index}\">{}</a></li>",
            escape(&wording::table_heading(workload, &table.query))
        )
    }));
    let _ = writeln!(
        out,
        "<nav aria-label=\"Tables\"><ul>{links}<li><a href=\"#limits\">Limits of the guarantee</a></li></ul></nav>"
    );
}

/// How to read the page; the same for every release.
const READING: &str = "<section id=\"reading\"><h2>How to read this report</h2>
<ul>
<li><strong>Every number carries random noise.</strong> It was added on purpose, so that nobody can tell from this report whether one particular person is in the data. Small differences mean nothing.</li>
<li><strong>Thin lines and shaded bands are 95 % intervals for that noise.</strong> They say nothing about records that are missing or wrong. For sums of several cells they are approximate.</li>
<li><strong>Withheld is not zero.</strong> A small count is left out, and so are others from which it could be worked out.</li>
<li><strong>Other and unknown</strong> hold what no named group holds. Every group exists whether or not anybody is in it.</li>
</ul>
</section>
";

fn section(out: &mut String, workload: &medrec_domain::Workload, table: &TableFigures, index: usize) {
    let query = &table.query;
    let _ = write!(
        out,
        "<section id=\"table-{index}\"><h2>{}</h2><p>{} {}{}</p>",
        escape(&wording::table_heading(workload, query)),
        escape(&wording::table(query)),
        escape(&wording::limits(workload, query)),
        escape(&wording::contribution(query))
    );
    let numbers = html::joined(choice::single_numbers(table).iter().map(|(name, number)| {
        format!("<div><dt>{}</dt><dd><strong>{}</strong></dd></div>", escape(name), escape(number))
    }));
    if !numbers.is_empty() {
        let _ = write!(out, "<dl class=\"facts\">{numbers}</dl>");
    }
    out.push_str("<div class=\"plots\">");
    for measure in (0_u32..).take(query.measures.len()) {
        for plot in choice::plots(workload, table, measure, &format!("t{index}m{measure}")) {
            out.push_str(&plot.html());
        }
    }
    out.push_str("</div>");
    let withheld = table.figures.iter().filter(|figure| figure.withheld).count();
    let share = if withheld == 0 {
        "No figure is withheld.".to_owned()
    } else {
        format!("{} of {} figures are withheld.", withheld, table.figures.len())
    };
    let mut noises: Vec<String> = table.noise.iter().map(wording::noise).collect();
    noises.dedup();
    let _ = writeln!(
        out,
        "<p class=\"note\">{share} Noise: {}. This table costs rho {}. All its figures: <code>tables/{}.csv</code>.</p></section>",
        escape(&wording::list(&noises)),
        escape(&wording::rho(&table.rho_charged())),
        escape(&query.name)
    );
}

impl TableFigures {
    /// Loss of the table as the sum of its measures' charges.
    fn rho_charged(&self) -> medrec_domain::Rho {
        self.noise.iter().map(|noise| &noise.rho).sum()
    }
}

fn limits(out: &mut String, manifest: &Manifest) {
    let sentences = html::joined(
        manifest.privacy.not_covered.iter().map(|sentence| format!("<li>{}</li>", escape(sentence))),
    );
    let answers = html::joined(readme::answers(manifest).iter().map(|(question, answer)| {
        format!("<div><dt>{}</dt><dd>{}</dd></div>", escape(question), escape(answer))
    }));
    let _ = writeln!(
        out,
        "<section id=\"limits\"><h2>What the guarantee does not say</h2><ul>{sentences}</ul>\
         <h3>Questions of NIST SP 800-226, answered by the publisher</h3><dl class=\"answers\">{answers}</dl></section>"
    );
}
