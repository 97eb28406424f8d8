//! Registration, relationships, guardians, groups, keys.

use alloy_primitives::{B256, keccak256};
use medrec_chain::acts::{consents, registrar};
use medrec_chain::{PatientAct, Role};
use medrec_contracts::Consents;
use medrec_protocol::bridge::{from_chain, to_chain};
use medrec_wallet::consent::{salt, unix_seconds};
use medrec_wallet::desk::Carried;
use medrec_wallet::keystore::AccountEntry;
use serde::Serialize;

use super::consents::seconds_of;
use super::desk::{Actor, Opened, open, tell};
use crate::args::{DeskArguments, GroupCommand, GuardianCommand, PowerArgument, RelateArgument};
use crate::commands::wallet::{answer, block_on, next_index};
use crate::shell::Shell;

/// The account for a provider.
pub(super) fn account(arguments: &DeskArguments, shell: &mut Shell) -> anyhow::Result<()> {
    let opened = block_on(open(arguments, Actor::Fresh))?;
    answer(shell, &opened.entry, &opened.entry.account.to_string())
}

/// A commitment that says nothing: random, so that nobody can try identities on it.
fn identity() -> anyhow::Result<B256> {
    Ok(keccak256(salt()?.0))
}

pub(super) fn register(arguments: &DeskArguments, shell: &mut Shell) -> anyhow::Result<()> {
    let carried = block_on(async {
        let opened = open(arguments, Actor::Fresh).await?;
        Ok(opened.desk.onboard(identity()?).await?)
    })?;
    tell(shell, &carried)
}

pub(super) fn register_guardian(arguments: &DeskArguments, shell: &mut Shell) -> anyhow::Result<()> {
    let carried = block_on(async {
        let opened = open(arguments, Actor::Own).await?;
        let act = registrar::Register { role: Role::Guardian, identity_commitment: identity()? };
        Ok(opened.desk.carry(&act).await?)
    })?;
    tell(shell, &carried)
}

pub(super) fn relate(
    act: RelateArgument,
    arguments: &DeskArguments,
    shell: &mut Shell,
) -> anyhow::Result<()> {
    let act = match act {
        RelateArgument::Request => PatientAct::Request,
        RelateArgument::Accept => PatientAct::Accept,
        RelateArgument::Reject => PatientAct::Reject,
        RelateArgument::Acknowledge => PatientAct::Acknowledge,
        RelateArgument::End => PatientAct::End,
    };
    let carried = block_on(async { Ok(open(arguments, Actor::Known).await?.desk.relate(act).await?) })?;
    tell(shell, &carried)
}

#[derive(Serialize)]
struct Standing {
    patient: medrec_domain::identifier::Address,
    provider: medrec_domain::identifier::Address,
    status: String,
    block: u64,
}

pub(super) fn status(arguments: &DeskArguments, shell: &mut Shell) -> anyhow::Result<()> {
    let standing = block_on(async {
        let opened = open(arguments, Actor::Known).await?;
        let (desk, provider) = (&opened.desk, opened.desk.gatekeeper.provider());
        let view = desk.place.view().await?;
        let reader = desk.place.contracts.at(&view);
        let status = reader.status_of(to_chain(desk.patient), to_chain(provider)).await?;
        Ok(Standing {
            patient: desk.patient,
            provider,
            status: format!("{status:?}").to_lowercase(),
            block: view.head().block.number,
        })
    })?;
    answer(shell, &standing, &format!("{} at block {}", standing.status, standing.block))
}

const fn power(argument: PowerArgument) -> u8 {
    match argument {
        PowerArgument::Relate => 1,
        PowerArgument::Grant => 2,
        PowerArgument::Revoke => 4,
        PowerArgument::Research => 8,
    }
}

pub(super) fn guardian(command: GuardianCommand, shell: &mut Shell) -> anyhow::Result<()> {
    let carried = block_on(async {
        match command {
            GuardianCommand::Appoint { desk, guardian, powers, until } => {
                let act = consents::Appoint {
                    guardian: to_chain(guardian),
                    powers: powers.into_iter().map(power).fold(0, |all, one| all | one),
                    start_s: 0,
                    expiry_s: unix_seconds(seconds_of(until)?)?,
                };
                Ok(open(&desk, Actor::Known).await?.desk.carry(&act).await?)
            }
            GuardianCommand::Dismiss { desk, guardian } => {
                let opened = open(&desk, Actor::Known).await?;
                let patient = opened.desk.patient_key().await?;
                let act = consents::Dismiss { patient, guardian: to_chain(guardian) };
                Ok(opened.desk.carry(&act).await?)
            }
        }
    })?;
    tell(shell, &carried)
}

#[derive(Serialize)]
struct Founded {
    group: medrec_domain::identifier::Address,
    #[serde(flatten)]
    carried: Carried,
}

pub(super) fn group(command: GroupCommand, shell: &mut Shell) -> anyhow::Result<()> {
    let (arguments, group, member, admitted) = match command {
        GroupCommand::Found(arguments) => return found(&arguments, shell),
        GroupCommand::Add { desk, group, member } => (desk, group, member, true),
        GroupCommand::Remove { desk, group, member } => (desk, group, member, false),
    };
    let carried = block_on(async {
        let opened = open(&arguments, Actor::Either).await?;
        let owner = to_chain(opened.entry.account);
        let act = consents::SetMember { owner, group: to_chain(group), member: to_chain(member), admitted };
        Ok(opened.desk.carry(&act).await?)
    })?;
    tell(shell, &carried)
}

fn found(arguments: &DeskArguments, shell: &mut Shell) -> anyhow::Result<()> {
    let founded = block_on(async {
        let opened = open(arguments, Actor::Either).await?;
        let (owner, salt) = (to_chain(opened.entry.account), B256::new(salt()?.0));
        let view = opened.desk.place.view().await?;
        let name = Consents::groupNameCall { owner, salt };
        let group = from_chain(opened.desk.place.contracts.at(&view).ask(&name).await?);
        let carried = opened.desk.carry(&consents::FoundGroup { owner, salt }).await?;
        Ok(Founded { group, carried })
    })?;
    answer(shell, &founded, &format!("group {}", founded.group))
}

#[derive(Serialize)]
struct Rotated {
    new_key: medrec_domain::identifier::Address,
    /// Missing where an earlier command that was cut off had changed it already.
    #[serde(flatten)]
    carried: Option<Carried>,
}

pub(super) fn rotate_key(arguments: &DeskArguments, shell: &mut Shell) -> anyhow::Result<()> {
    let rotated = block_on(async {
        let Opened { mut keystore, desk, entry } = open(arguments, Actor::Known).await?;
        // On disk before anything is sent: the chain may know the key before this process does.
        let index = next_index(&mut keystore, &desk.place, &entry).await?;
        let fresh = keystore.signer(index)?;
        let view = desk.place.view().await?;
        let speaks = desk.place.contracts.at(&view).key_of(to_chain(entry.account)).await?;
        let carried =
            if speaks == Some(fresh.address()) { None } else { Some(desk.rotate_key(&fresh).await?) };
        keystore.adopt(AccountEntry { index, ..entry })?;
        Ok(Rotated { new_key: from_chain(fresh.address()), carried })
    })?;
    shell.status("everything that was granted with the old key is void; grant again what shall hold");
    let words = format!("{} speaks for the account now", rotated.new_key);
    answer(shell, &rotated, &words)
}

pub(super) fn erase_identity(arguments: &DeskArguments, shell: &mut Shell) -> anyhow::Result<()> {
    let carried = block_on(async { Ok(open(arguments, Actor::Known).await?.desk.erase_identity().await?) })?;
    tell(shell, &carried)
}
