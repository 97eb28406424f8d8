//! The elements that resources are made of, borrowed from the line.

use std::borrow::Cow;

use serde::Deserialize;

use crate::error::RowProblem;
use crate::vocabulary::code;

/// A string, borrowed unless it holds an escape.
#[derive(Debug, Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl Text<'_> {
    pub(super) fn as_str(&self) -> &str {
        self.0.trim()
    }
}

#[derive(Deserialize)]
pub(super) struct Coding<'a> {
    #[serde(borrow)]
    system: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) code: Option<Text<'a>>,
}

#[derive(Deserialize)]
pub(super) struct Concept<'a> {
    #[serde(borrow, default)]
    coding: Vec<Coding<'a>>,
}

impl Concept<'_> {
    /// System and code: the first coding of a known system, else the first that has a code.
    pub(super) fn coded(&self) -> Option<(&'static str, &str)> {
        let known = self.coding.iter().find_map(|coding| {
            let system = code::system(coding.system.as_ref()?.as_str())?;
            Some((system, coding.code.as_ref()?.as_str()))
        });
        known.or_else(|| {
            let code = self.coding.iter().find_map(|coding| coding.code.as_ref())?;
            Some(("other", code.as_str()))
        })
    }

    /// Whether a coding has one of these codes.
    pub(super) fn is_any(&self, codes: &[&str]) -> bool {
        self.coding
            .iter()
            .filter_map(|coding| coding.code.as_ref())
            .any(|code| codes.contains(&code.as_str()))
    }
}

#[derive(Deserialize)]
pub(super) struct Reference<'a> {
    #[serde(borrow)]
    reference: Option<Text<'a>>,
}

impl Reference<'_> {
    /// The id that is referred to.
    pub(super) fn id(&self) -> Option<&str> {
        id_of(self.as_str()?)
    }

    /// The reference as it is written.
    pub(super) fn as_str(&self) -> Option<&str> {
        self.reference.as_ref().map(Text::as_str)
    }
}

/// The id in a reference: of `Patient/x`, `https://host/fhir/Patient/x/_history/2`, `urn:uuid:x`.
pub(super) fn id_of(reference: &str) -> Option<&str> {
    let reference = reference.split_once("/_history/").map_or(reference, |(id, _)| id);
    let id = reference.rsplit('/').next().unwrap_or(reference);
    Some(id.strip_prefix("urn:uuid:").unwrap_or(id)).filter(|id| !id.is_empty())
}

#[derive(Deserialize)]
pub(super) struct Period<'a> {
    #[serde(borrow)]
    pub(super) start: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) end: Option<Text<'a>>,
}

#[derive(Deserialize)]
pub(super) struct Address<'a> {
    #[serde(borrow)]
    pub(super) state: Option<Text<'a>>,
    #[serde(borrow, rename = "postalCode")]
    pub(super) postal_code: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) country: Option<Text<'a>>,
}

#[derive(Deserialize)]
pub(super) struct Extension<'a> {
    #[serde(borrow)]
    pub(super) url: Option<Text<'a>>,
    #[serde(borrow, default, rename = "extension")]
    pub(super) inner: Vec<Extension<'a>>,
    #[serde(borrow, rename = "valueCoding")]
    pub(super) value_coding: Option<Coding<'a>>,
}

#[derive(Deserialize)]
pub(super) struct Quantity<'a> {
    pub(super) value: Option<f64>,
    #[serde(borrow)]
    code: Option<Text<'a>>,
    #[serde(borrow)]
    unit: Option<Text<'a>>,
}

impl Quantity<'_> {
    /// UCUM code of the unit, or its name where there is none.
    pub(super) fn unit(&self) -> Option<&str> {
        self.code.as_ref().or(self.unit.as_ref()).map(Text::as_str)
    }
}

/// System and code of a concept: the first coding of a known system, else the first that has a code.
pub(super) fn coded<'c>(
    element: &str,
    concept: Option<&'c Concept<'_>>,
) -> Result<(&'static str, &'c str), RowProblem> {
    let Some((system, code)) = concept.and_then(Concept::coded) else {
        return Err(RowProblem::new(element, "", "has no coding"));
    };
    if code::is_code(code) {
        Ok((system, code))
    } else {
        Err(RowProblem::new(element, code, "is not a code"))
    }
}
