//! The elements of FHIR resources that are looked at, borrowed from the line.
//!
//! Names, telephone numbers, identifiers, narrative and notes have no field here, so the decoder skips
//! them. `valueString` has none either: free text may hold anything.

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

/// What every resource says first.
#[derive(Deserialize)]
pub(super) struct Kind<'a> {
    #[serde(borrow, rename = "resourceType")]
    pub(super) resource_type: Option<Text<'a>>,
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
    fn is_any(&self, codes: &[&str]) -> bool {
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
    /// The id that is referred to: of `Patient/x`, `https://host/fhir/Patient/x/_history/2`, `urn:uuid:x`.
    pub(super) fn id(&self) -> Option<&str> {
        let reference = self.reference.as_ref()?.as_str();
        let reference = reference.split_once("/_history/").map_or(reference, |(id, _)| id);
        let id = reference.rsplit('/').next().unwrap_or(reference);
        Some(id.strip_prefix("urn:uuid:").unwrap_or(id)).filter(|id| !id.is_empty())
    }
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
pub(super) struct Organization<'a> {
    #[serde(borrow)]
    pub(super) id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) name: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) address: Vec<Address<'a>>,
}

#[derive(Deserialize)]
struct Extension<'a> {
    #[serde(borrow)]
    url: Option<Text<'a>>,
    #[serde(borrow, default, rename = "extension")]
    inner: Vec<Extension<'a>>,
    #[serde(borrow, rename = "valueCoding")]
    value_coding: Option<Coding<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Patient<'a> {
    #[serde(borrow)]
    pub(super) id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) gender: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) birth_date: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) deceased_date_time: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) address: Vec<Address<'a>>,
    #[serde(borrow)]
    pub(super) managing_organization: Option<Reference<'a>>,
    #[serde(borrow, default)]
    extension: Vec<Extension<'a>>,
}

impl Patient<'_> {
    /// Code of the OMB category in a US Core extension, or nothing.
    pub(super) fn us_core(&self, name: &str) -> &str {
        let ends_with = |extension: &&Extension<'_>, end: &str| {
            extension.url.as_ref().is_some_and(|url| url.as_str().ends_with(end))
        };
        let outer = self.extension.iter().find(|extension| ends_with(extension, name));
        let inner = outer.and_then(|outer| outer.inner.iter().find(|inner| ends_with(inner, "ombCategory")));
        let coding = inner.and_then(|inner| inner.value_coding.as_ref());
        coding.and_then(|coding| coding.code.as_ref()).map_or("", Text::as_str)
    }
}

/// Status codes that say that something did not happen or should not be here.
const VOID: [&str; 8] =
    ["entered-in-error", "cancelled", "not-done", "refuted", "planned", "preparation", "registered", "draft"];

fn is_void_status(status: Option<&Text<'_>>) -> bool {
    status.is_some_and(|status| VOID.contains(&status.as_str()))
}

/// A resource whose `status` tells whether it counts.
macro_rules! with_status {
    ($($name:ident),*) => {$(
        impl $name<'_> {
            /// Whether the resource says that it did not happen or is an error.
            pub(super) fn is_void(&self) -> bool {
                is_void_status(self.status.as_ref())
            }
        }
    )*};
}

with_status!(Encounter, Observation, MedicationRequest, Immunization, Procedure);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Encounter<'a> {
    #[serde(borrow)]
    pub(super) id: Option<Text<'a>>,
    #[serde(borrow)]
    status: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) class: Option<Coding<'a>>,
    #[serde(borrow, default, rename = "type")]
    pub(super) kind: Vec<Concept<'a>>,
    #[serde(borrow)]
    pub(super) subject: Option<Reference<'a>>,
    #[serde(borrow)]
    pub(super) period: Option<Period<'a>>,
    #[serde(borrow)]
    pub(super) service_provider: Option<Reference<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Condition<'a> {
    #[serde(borrow)]
    verification_status: Option<Concept<'a>>,
    #[serde(borrow)]
    pub(super) code: Option<Concept<'a>>,
    #[serde(borrow)]
    pub(super) subject: Option<Reference<'a>>,
    #[serde(borrow)]
    pub(super) encounter: Option<Reference<'a>>,
    #[serde(borrow)]
    pub(super) onset_date_time: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) onset_period: Option<Period<'a>>,
    #[serde(borrow)]
    pub(super) recorded_date: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) abatement_date_time: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) abatement_period: Option<Period<'a>>,
}

impl Condition<'_> {
    /// Whether the diagnosis was refuted or entered in error.
    pub(super) fn is_void(&self) -> bool {
        self.verification_status.as_ref().is_some_and(|status| status.is_any(&VOID))
    }
}

#[derive(Deserialize)]
pub(super) struct Quantity<'a> {
    value: Option<f64>,
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

/// The value of an observation or a component, in the types that the tables hold.
pub(super) struct Value<'v> {
    pub(super) quantity: Option<&'v Quantity<'v>>,
    integer: Option<i32>,
    pub(super) concept: Option<&'v Concept<'v>>,
}

impl Value<'_> {
    pub(super) fn is_some(&self) -> bool {
        self.quantity.is_some() || self.integer.is_some() || self.concept.is_some()
    }

    /// The measured number, if there is one.
    pub(super) fn number(&self) -> Result<Option<f64>, RowProblem> {
        let number = self.quantity.and_then(|quantity| quantity.value).or(self.integer.map(f64::from));
        match number {
            Some(number) if !number.is_finite() => {
                Err(RowProblem::new("valueQuantity.value", &number.to_string(), "is not a number"))
            }
            number => Ok(number),
        }
    }
}

/// An element with a value. (Flattening a common struct would make the decoder keep every other field of
/// the line, free text included.)
macro_rules! with_value {
    ($($name:ident),*) => {$(
        impl $name<'_> {
            pub(super) fn value(&self) -> Value<'_> {
                Value {
                    quantity: self.value_quantity.as_ref(),
                    integer: self.value_integer,
                    concept: self.value_codeable_concept.as_ref(),
                }
            }
        }
    )*};
}

with_value!(Observation, Component);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Component<'a> {
    #[serde(borrow)]
    pub(super) code: Option<Concept<'a>>,
    #[serde(borrow)]
    value_quantity: Option<Quantity<'a>>,
    value_integer: Option<i32>,
    #[serde(borrow)]
    value_codeable_concept: Option<Concept<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Observation<'a> {
    #[serde(borrow)]
    status: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) category: Vec<Concept<'a>>,
    #[serde(borrow)]
    pub(super) code: Option<Concept<'a>>,
    #[serde(borrow)]
    pub(super) subject: Option<Reference<'a>>,
    #[serde(borrow)]
    pub(super) encounter: Option<Reference<'a>>,
    #[serde(borrow)]
    pub(super) effective_date_time: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) effective_period: Option<Period<'a>>,
    #[serde(borrow)]
    pub(super) effective_instant: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) issued: Option<Text<'a>>,
    #[serde(borrow)]
    value_quantity: Option<Quantity<'a>>,
    value_integer: Option<i32>,
    #[serde(borrow)]
    value_codeable_concept: Option<Concept<'a>>,
    #[serde(borrow, default)]
    pub(super) component: Vec<Component<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DispenseRequest<'a> {
    #[serde(borrow)]
    pub(super) validity_period: Option<Period<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MedicationRequest<'a> {
    #[serde(borrow)]
    status: Option<Text<'a>>,
    #[serde(borrow, rename = "medicationCodeableConcept")]
    pub(super) medication: Option<Concept<'a>>,
    #[serde(borrow)]
    pub(super) subject: Option<Reference<'a>>,
    #[serde(borrow)]
    pub(super) encounter: Option<Reference<'a>>,
    #[serde(borrow)]
    pub(super) authored_on: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) dispense_request: Option<DispenseRequest<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Immunization<'a> {
    #[serde(borrow)]
    status: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) vaccine_code: Option<Concept<'a>>,
    #[serde(borrow)]
    pub(super) patient: Option<Reference<'a>>,
    #[serde(borrow)]
    pub(super) encounter: Option<Reference<'a>>,
    #[serde(borrow)]
    pub(super) occurrence_date_time: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) recorded: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Procedure<'a> {
    #[serde(borrow)]
    status: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) code: Option<Concept<'a>>,
    #[serde(borrow)]
    pub(super) subject: Option<Reference<'a>>,
    #[serde(borrow)]
    pub(super) encounter: Option<Reference<'a>>,
    #[serde(borrow)]
    pub(super) performed_date_time: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) performed_period: Option<Period<'a>>,
}
