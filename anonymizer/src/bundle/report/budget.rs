//! What the release costs: the budget as one bar, the loss as epsilon.

use medrec_domain::{Manifest, Rho};

use super::html::{escape, joined, table};
use super::svg::{Anchor, Canvas, WIDTH};
use crate::bundle::wording;

/// What the bar means where everybody pays the same.
const EVERYBODY: &str = "Losses of several releases add up; when the bar is full, nothing more is released.";

/// The section's content.
pub(super) fn budget(manifest: &Manifest) -> String {
    let budget = &manifest.budget;
    // Where each pays for what she is in, what is left of anybody's cap is nobody's business: the bar is one person's
    // cap with the most that this release can take of it.
    let is_each = !budget.charging.is_everybody();
    let taken = if is_each { &manifest.privacy.rho } else { &budget.spent_after };
    let left = budget.cap.checked_sub(taken).unwrap_or_else(Rho::zero);
    let cap = budget.cap.to_f64_at_least().max(f64::MIN_POSITIVE);
    let parts = if is_each {
        vec![
            ("This release, at most", "a", &manifest.privacy.rho),
            ("The rest of one person's cap", "left", &left),
        ]
    } else {
        vec![
            ("Spent before", "spent", &budget.spent_before),
            ("This release", "a", &manifest.privacy.rho),
            ("Left", "left", &left),
        ]
    };
    let mut canvas = Canvas::default();
    let mut x = 4.0;
    let room = WIDTH - 8.0;
    for &(_, class, rho) in &parts {
        let width = rho.to_f64_at_least() / cap * room;
        if width > 0.0 {
            canvas.bar(class, x, 8.0, (width - 1.0).max(1.0), 24.0);
        }
        x += width;
    }
    canvas.text("tick", Anchor::Start, 4.0, 48.0, 60.0, "0");
    canvas.text("tick", Anchor::End, WIDTH - 4.0, 48.0, 200.0, &format!("rho {}", wording::rho(&budget.cap)));
    let words: Vec<String> =
        parts.iter().map(|(words, class, rho)| format!("{words}: rho {}", shown(class, rho))).collect();
    let svg = canvas.finish("budget", 54.0, "Privacy budget", &format!("{}.", words.join(". ")));
    let legend = joined(parts.iter().zip(&words).map(|((_, class, _), words)| {
        format!("<li><span class=\"swatch {class}\"></span>{}</li>", escape(words))
    }));
    let rows: Vec<Vec<String>> =
        manifest.privacy.epsilon.iter().map(|own| vec![own.delta.clone(), own.epsilon.to_string()]).collect();
    let note = if is_each { escape(&wording::charging(budget)) } else { EVERYBODY.into() };
    let headings = ["Delta".to_owned(), "Epsilon, at most".to_owned()];
    format!(
        "<div class=\"plots\"><figure><figcaption>Privacy budget of the data, in rho</figcaption><ul class=\"legend\">{legend}</ul>{svg}</figure>\
         <div class=\"beside\">{}<p class=\"note\">Smaller is stronger. {note}</p></div></div>\n",
        table("The same loss as epsilon at three deltas", &headings, &rows, 1)
    )
    .replace("at three deltas", if rows.len() == 3 { "at three deltas" } else { "at its deltas" })
}

/// What was spent is rounded up, what is left is rounded down.
fn shown(class: &str, rho: &Rho) -> String {
    if class == "left" { wording::rho_left(rho) } else { wording::rho(rho) }
}
