//! `medrec patient`: acts of patients, guardians and doctors, signed here and carried by the provider's gatekeeper.

mod acts;
mod consents;
mod desk;
mod reading;
mod recovery;
mod second_party;

use super::keys;
use crate::args::PatientCommand;
use crate::shell::Shell;

pub(super) fn run(command: PatientCommand, shell: &mut Shell) -> anyhow::Result<()> {
    match command {
        PatientCommand::Keys(command) => keys::run(&command, shell),
        PatientCommand::Account(arguments) => acts::account(&arguments, shell),
        PatientCommand::Register(arguments) => acts::register(&arguments, shell),
        PatientCommand::RegisterGuardian(arguments) => acts::register_guardian(&arguments, shell),
        PatientCommand::Relate { act, desk } => acts::relate(act, &desk, shell),
        PatientCommand::Status(arguments) => acts::status(&arguments, shell),
        PatientCommand::Guardian(command) => acts::guardian(command, shell),
        PatientCommand::Group(command) => acts::group(command, shell),
        PatientCommand::RotateKey(arguments) => acts::rotate_key(&arguments, shell),
        PatientCommand::EraseIdentity(arguments) => acts::erase_identity(&arguments, shell),
        PatientCommand::Grant { desk, to, group, purpose, scope } => {
            consents::grant(&desk, to, group, purpose, &scope, shell)
        }
        PatientCommand::Research { desk, cap, scope } => consents::research(&desk, cap, &scope, shell),
        PatientCommand::Revoke { commitment, erase, desk } => {
            consents::revoke(&desk, commitment, erase, shell)
        }
        PatientCommand::Consents(arguments) => consents::list(&arguments, shell),
        PatientCommand::SecondParty(command) => second_party::run(command, shell),
        PatientCommand::Recovery(command) => recovery::run(command, shell),
        asked => reading::run(asked, shell),
    }
}
