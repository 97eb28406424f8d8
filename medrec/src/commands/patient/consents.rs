//! Grants, releases to research, revocations.

use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

use medrec_domain::consent::Grantee;
use medrec_domain::identifier::Address;
use medrec_domain::schema::Field;
use medrec_domain::{CalendarDate, ConditionScope, Digest, DomainError, FieldScope, Purpose, Rho, Scope};
use medrec_protocol::bridge::{from_chain, group_id, to_chain};
use medrec_protocol::methods::consents as papers;
use medrec_wallet::WalletError;
use medrec_wallet::consent::{self, Wish, salt};
use medrec_wallet::desk::Carried;
use medrec_wallet::keystore::StoredConsent;
use medrec_wallet::second_party::check_commitment;
use serde::Serialize;

use super::desk::{Actor, Opened, open, tell};
use crate::args::{DeskArguments, PurposeArgument, ScopeArguments};
use crate::commands::wallet::{answer, block_on};
use crate::exit::Usage;
use crate::shell::Shell;

/// The first second of a day, in universal time.
pub(super) fn seconds_of(day: CalendarDate) -> anyhow::Result<u64> {
    let days = u64::try_from(day.days()).map_err(|_| Usage(format!("{day} lies before 1970")))?;
    Ok(days * 86_400)
}

pub(super) const fn purpose_of(argument: PurposeArgument) -> Purpose {
    match argument {
        PurposeArgument::Treatment => Purpose::Treatment,
        PurposeArgument::Personal => Purpose::Personal,
        PurposeArgument::PublicHealth => Purpose::PublicHealth,
    }
}

fn names(text: &str) -> BTreeSet<String> {
    text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

fn scope_of(arguments: &ScopeArguments, purpose: Purpose) -> anyhow::Result<Scope> {
    let fields = if arguments.fields == "all" {
        FieldScope::All
    } else {
        let fields = names(&arguments.fields).into_iter().map(|name| name.parse::<Field>());
        FieldScope::Only(
            fields.collect::<Result<_, _>>().map_err(|error: DomainError| Usage(error.to_string()))?,
        )
    };
    let conditions = match arguments.conditions.split_once(':') {
        None if arguments.conditions == "all" => ConditionScope::All,
        Some(("only", list)) => ConditionScope::Only(names(list)),
        Some(("except", list)) => ConditionScope::Except(names(list)),
        _ => {
            let problem =
                format!("--conditions {:?} is not all, only:NAMES or except:NAMES", arguments.conditions);
            return Err(Usage(problem).into());
        }
    };
    Ok(Scope { purpose, fields, conditions })
}

#[derive(Serialize)]
struct Given {
    commitment: Digest,
    #[serde(flatten)]
    carried: Carried,
}

/// Makes the document, keeps it, leaves it at the gatekeeper, puts it in force.
fn give(
    arguments: &DeskArguments,
    grantee: Grantee,
    scope: Scope,
    period: &ScopeArguments,
    yearly_cap: Option<Rho>,
    shell: &mut Shell,
) -> anyhow::Result<()> {
    let now_s = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let start_s = period.from.map(seconds_of).transpose()?.unwrap_or(now_s);
    let wish = Wish { grantee, scope, start_s, expiry_s: seconds_of(period.until)?, yearly_cap };
    let given = block_on(async {
        let mut opened = open(arguments, Actor::Known).await?;
        let Opened { keystore, desk, .. } = &mut opened;
        let signer = from_chain(desk.signer.address());
        let (chain_id, provider) = (desk.place.contracts.chain_id, desk.gatekeeper.provider());
        let document = consent::document(chain_id, provider, desk.patient, signer, wish)?;
        let salt = salt()?;
        let commitment = keystore.remember_consent(&document, salt)?;
        let carried = desk.consent(&document, salt).await?;
        Ok(Given { commitment, carried })
    })?;
    answer(shell, &given, &format!("consent {}\n{}", given.commitment, given.carried.act))
}

pub(super) fn grant(
    arguments: &DeskArguments,
    to: Option<Address>,
    group: Option<Address>,
    purpose: PurposeArgument,
    scope: &ScopeArguments,
    shell: &mut Shell,
) -> anyhow::Result<()> {
    let grantee = match (to, group) {
        (Some(address), _) => Grantee::Person { address },
        (None, Some(group)) => Grantee::Group { id: group_id(to_chain(group)) },
        (None, None) => {
            return Err(Usage("nobody is granted anything\n\nhint: --to or --group".to_owned()).into());
        }
    };
    give(arguments, grantee, scope_of(scope, purpose_of(purpose))?, scope, None, shell)
}

pub(super) fn research(
    arguments: &DeskArguments,
    cap: Rho,
    scope: &ScopeArguments,
    shell: &mut Shell,
) -> anyhow::Result<()> {
    let covered = scope_of(scope, Purpose::ResearchAggregate)?;
    give(arguments, Grantee::Purpose, covered, scope, Some(cap), shell)
}

/// A consent with its salt: from the keystore, else from the gatekeeper, whose word for it is checked.
pub(super) async fn find(opened: &Opened, commitment: Digest) -> anyhow::Result<StoredConsent> {
    let known = opened.keystore.consents().iter().find(|consent| consent.commitment == commitment);
    if let Some(consent) = known {
        return Ok(consent.clone());
    }
    let body = papers::ListBody { patient: opened.desk.patient };
    let list = opened.desk.gatekeeper.ask::<papers::List>(&opened.desk.signer, &body).await?;
    let found = list.documents.into_iter().find(|stored| stored.commitment == commitment);
    let found = found.ok_or_else(|| WalletError::Unknown(format!("there is no consent {commitment}")))?;
    check_commitment(&found.document, &found.salt.0, &commitment).map_err(|problem| {
        WalletError::OtherGatekeeper { endpoint: opened.desk.gatekeeper.endpoint().to_owned(), problem }
    })?;
    Ok(StoredConsent { document: found.document, salt: found.salt, commitment })
}

pub(super) fn revoke(
    arguments: &DeskArguments,
    commitment: Digest,
    erase: bool,
    shell: &mut Shell,
) -> anyhow::Result<()> {
    let carried = block_on(async {
        let mut opened = open(arguments, Actor::Known).await?;
        let consent = find(&opened, commitment).await?;
        let carried = opened.desk.revoke(&consent.document, &commitment).await?;
        if erase {
            let body = papers::EraseBody { patient: opened.desk.patient, commitment };
            opened.desk.gatekeeper.ask::<papers::Erase>(&opened.desk.signer, &body).await?;
            opened.keystore.forget_consent(commitment)?;
        }
        Ok(carried)
    })?;
    tell(shell, &carried)
}

/// Whom a consent is for.
pub(super) fn whom(grantee: &Grantee) -> String {
    match grantee {
        Grantee::Person { address } => address.to_string(),
        Grantee::Group { id } => format!("group {id}"),
        Grantee::Purpose => "research".to_owned(),
    }
}

pub(super) fn list(arguments: &DeskArguments, shell: &mut Shell) -> anyhow::Result<()> {
    let list = block_on(async {
        let opened = open(arguments, Actor::Either).await?;
        let body = papers::ListBody { patient: opened.desk.patient };
        Ok(opened.desk.gatekeeper.ask::<papers::List>(&opened.desk.signer, &body).await?)
    })?;
    let line = |stored: &papers::StoredDocument| {
        let standing = if stored.is_in_force { "in force" } else { "not in force" };
        let whom = whom(&stored.document.grantee);
        format!("{}  {standing}  {:?} for {whom}", stored.commitment, stored.document.scope.purpose)
    };
    answer(shell, &list, &list.documents.iter().map(line).collect::<Vec<_>>().join("\n"))
}
