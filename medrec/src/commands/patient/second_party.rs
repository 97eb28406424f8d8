//! A second party: required, asked, agreeing, handing over.

use std::path::Path;

use medrec_domain::ConsentDocument;
use medrec_domain::identifier::Address;
use medrec_wallet::desk::Carried;
use medrec_wallet::second_party::{Agreement, Handover, read_consent, write_consent};
use serde::Serialize;

use super::consents::{find, whom};
use super::desk::{Actor, open, tell};
use super::recovery::ward;
use crate::args::{DeskArguments, SecondPartyCommand};
use crate::commands::wallet::{answer, block_on};
use crate::shell::Shell;

pub(super) fn run(command: SecondPartyCommand, shell: &mut Shell) -> anyhow::Result<()> {
    match command {
        SecondPartyCommand::Require { desk, cosigner } => {
            let carried = block_on(async {
                Ok(open(&desk, Actor::Known).await?.desk.require_second_party(cosigner).await?)
            })?;
            tell(shell, &carried)
        }
        SecondPartyCommand::Ask { desk, commitment, out } => {
            let consent = block_on(async { find(&open(&desk, Actor::Known).await?, commitment).await })?;
            write_consent(&out, &consent)?;
            let asked = Asked { patient: consent.document.patient, commitment, file: &out };
            answer(shell, &asked, &format!("{} says {commitment} to whoever reads it", out.display()))
        }
        SecondPartyCommand::Agree { desk, consent: Some(file), withdraw, .. } => {
            agree_to_consent(&desk, &file, withdraw, shell)
        }
        SecondPartyCommand::Agree { desk, guardian, withdraw, .. } => {
            let patient = ward(&desk)?;
            // Without a consent the parser asks for a guardian.
            let guardian = guardian.unwrap_or(patient);
            let agreement = block_on(async {
                Ok(open(&desk, Actor::Own).await?.desk.agree_to_guardian(guardian, !withdraw).await?)
            })?;
            let words =
                sentence(&agreement.carried, withdraw, &format!("{guardian} as guardian of {patient}"));
            answer(shell, &agreement, &words)
        }
        SecondPartyCommand::HandOver { desk, to, out, hours, .. } => {
            ward(&desk)?;
            let handover =
                block_on(async { Ok(open(&desk, Actor::Own).await?.desk.hand_over(to, hours).await?) })?;
            handover.write(&out)?;
            let next = to.map_or_else(|| "nobody".to_owned(), |account| account.to_string());
            let words = format!("{}: {next} may follow; the patient signs too", out.display());
            answer(shell, &handover, &words)
        }
        SecondPartyCommand::Change { desk, handover } => {
            let handover = Handover::read(&handover)?;
            let carried = block_on(async {
                Ok(open(&desk, Actor::Known).await?.desk.change_second_party(&handover).await?)
            })?;
            tell(shell, &carried)
        }
        SecondPartyCommand::Status(desk) => status(&desk, shell),
    }
}

/// A consent that was written down.
#[derive(Serialize)]
struct Asked<'a> {
    patient: Address,
    commitment: medrec_domain::Digest,
    file: &'a Path,
}

/// What was agreed to, and what it says.
#[derive(Serialize)]
struct Agreed<'a> {
    #[serde(flatten)]
    agreement: Agreement,
    commitment: medrec_domain::Digest,
    document: &'a ConsentDocument,
}

fn agree_to_consent(
    arguments: &DeskArguments,
    file: &Path,
    withdraw: bool,
    shell: &mut Shell,
) -> anyhow::Result<()> {
    let consent = read_consent(file)?;
    // The document says whose it is; another --for is caught there.
    let arguments =
        DeskArguments { ward: arguments.ward.or(Some(consent.document.patient)), ..arguments.clone() };
    let agreement = block_on(async {
        let opened = open(&arguments, Actor::Own).await?;
        Ok(opened.desk.agree_to_consent(&consent.document, &consent.commitment, !withdraw).await?)
    })?;
    let document = &consent.document;
    let cap = document.yearly_cap.as_ref().map(|cap| format!(", up to rho {cap}")).unwrap_or_default();
    let what = format!("{:?} for {}{cap}", document.scope.purpose, whom(&document.grantee));
    let words = sentence(&agreement.carried, withdraw, &what);
    answer(shell, &Agreed { agreement, commitment: consent.commitment, document }, &words)
}

fn sentence(carried: &Carried, withdraw: bool, what: &str) -> String {
    let did = if withdraw { "no longer agreed to" } else { "agreed to" };
    format!("{did}: {what}\n{}", carried.act)
}

/// Whether anybody has to agree.
#[derive(Serialize)]
struct Standing {
    patient: Address,
    second_party: Option<Address>,
}

fn status(arguments: &DeskArguments, shell: &mut Shell) -> anyhow::Result<()> {
    let standing = block_on(async {
        let opened = open(arguments, Actor::Known).await?;
        let second_party = opened.desk.second_party().await?;
        Ok(Standing { patient: opened.desk.patient, second_party })
    })?;
    let words = standing
        .second_party
        .map_or_else(|| "nobody has to agree".to_owned(), |key| format!("{key} has to agree"));
    answer(shell, &standing, &words)
}
