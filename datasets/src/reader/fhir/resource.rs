//! The elements of FHIR resources that are looked at, borrowed from the line.
//!
//! Names, telephone numbers, identifiers, narrative and notes have no field here, so the decoder skips
//! them. `valueString` has none either: free text may hold anything.

use serde::Deserialize;

use super::element::{Address, Coding, Concept, Extension, Period, Quantity, Reference, Text};
use crate::error::RowProblem;

/// What every resource says first.
#[derive(Deserialize)]
pub(super) struct Kind<'a> {
    #[serde(borrow, rename = "resourceType")]
    pub(super) resource_type: Option<Text<'a>>,
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
pub(super) struct Medication<'a> {
    #[serde(borrow)]
    pub(super) id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) code: Option<Concept<'a>>,
}

/// A resource inside of another one. Only medications are looked for; `code` of others may have any shape.
#[derive(Deserialize)]
pub(super) struct Contained<'a> {
    #[serde(borrow, rename = "resourceType")]
    resource_type: Option<Text<'a>>,
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    code: Option<AnyCode<'a>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum AnyCode<'a> {
    Concept(#[serde(borrow)] Concept<'a>),
    Other(serde::de::IgnoredAny),
}

impl Contained<'_> {
    /// Whether it is the medication of this id.
    pub(super) fn is(&self, id: &str) -> bool {
        let text = |text: &Option<Text<'_>>| text.as_ref().map(|text| text.as_str().to_owned());
        text(&self.resource_type).as_deref() == Some("Medication") && text(&self.id).as_deref() == Some(id)
    }

    pub(super) fn concept(&self) -> Option<&Concept<'_>> {
        match self.code.as_ref()? {
            AnyCode::Concept(concept) => Some(concept),
            AnyCode::Other(_) => None,
        }
    }
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
    pub(super) medication_reference: Option<Reference<'a>>,
    #[serde(borrow, default)]
    pub(super) contained: Vec<Contained<'a>>,
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
