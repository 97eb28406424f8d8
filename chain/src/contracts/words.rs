//! The contracts' enumerations as Rust enums.
//!
//! Why here: the ABI knows them as bare numbers, and a number that means nothing must not pass for a
//! permission. What not: rules about them; docs/CONTRACTS.md has those.

/// What a participant is to the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// No participant.
    None,
    /// A patient's account at one provider.
    Patient,
    /// A guardian.
    Guardian,
    /// A researcher.
    Researcher,
    /// A provider.
    Provider,
}

/// Where a patient and a provider stand with each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// Never had to do with each other.
    None,
    /// The provider proposed.
    New,
    /// The patient asked.
    Pending,
    /// Both agreed, nothing unread.
    Accepted,
    /// Both agreed, and the provider posted since the patient last acknowledged.
    Updated,
    /// The other side said no.
    Rejected,
    /// Ended.
    Deleted,
}

impl Status {
    /// Whether both agreed and neither ended it.
    pub const fn stands(self) -> bool {
        matches!(self, Self::Accepted | Self::Updated)
    }
}

/// How far a bounty's claim is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Progress {
    /// Nothing on chain since it was posted.
    Unclaimed,
    /// The owner asks; the time-out runs.
    Claimed,
    /// The provider named the bundle.
    Answered,
    /// The owner confirmed that bundle.
    Received,
    /// Nothing came in time.
    Undelivered,
    /// The provider named a bundle and the owner says that it never came.
    Contested,
}

/// What a patient can do about a relationship by signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PatientAct {
    /// Ask a provider for a relationship.
    Request,
    /// Accept what a provider proposed.
    Accept,
    /// Reject it.
    Reject,
    /// Take note of an update.
    Acknowledge,
    /// End the relationship, or take back the request.
    End,
}

macro_rules! numbered {
    ($($name:ident: $($variant:ident)*;)*) => {
        $(impl $name {
            const ALL: &[Self] = &[$(Self::$variant),*];

            /// The number that the contracts use.
            pub const fn number(self) -> u8 {
                self as u8
            }

            /// The value of a number; `None` if the contracts have none.
            pub fn from_number(number: u8) -> Option<Self> {
                Self::ALL.get(usize::from(number)).copied()
            }
        })*
    };
}

numbered! {
    Role: None Patient Guardian Researcher Provider;
    Status: None New Pending Accepted Updated Rejected Deleted;
    Progress: Unclaimed Claimed Answered Received Undelivered Contested;
    PatientAct: Request Accept Reject Acknowledge End;
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    /// The variants of a Solidity enum, in their order.
    fn solidity(file: &str, name: &str) -> Vec<String> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../contracts/src").join(file);
        let text = fs::read_to_string(path).unwrap();
        let body = text.split(&format!("enum {name} {{")).nth(1).unwrap().split('}').next().unwrap();
        body.split(',').map(|variant| variant.trim().to_owned()).collect()
    }

    #[test]
    fn numbers_are_those_of_the_solidity_sources() {
        macro_rules! same {
            ($name:ident, $file:literal) => {
                let variants: Vec<_> = $name::ALL.iter().map(|variant| format!("{variant:?}")).collect();
                assert_eq!(variants, solidity($file, stringify!($name)));
                for (number, variant) in (0..).zip($name::ALL) {
                    assert_eq!(variant.number(), number);
                    assert_eq!($name::from_number(number), Some(*variant));
                }
                assert_eq!($name::from_number(u8::try_from($name::ALL.len()).unwrap()), None);
            };
        }
        same!(Role, "Interfaces.sol");
        same!(Status, "Relationships.sol");
        same!(Progress, "Bounties.sol");
        same!(PatientAct, "Relationships.sol");
    }
}
