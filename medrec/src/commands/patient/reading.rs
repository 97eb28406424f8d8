//! Reading records, notifications and the audit log.

use medrec_protocol::methods::{notifications, records};
use medrec_wallet::Notifications;

use super::consents::purpose_of;
use super::desk::{Actor, open};
use crate::args::PatientCommand;
use crate::commands::wallet::{answer, block_on};
use crate::exit::{Interrupted, Usage};
use crate::shell::Shell;

/// Rows of one question; what is longer is asked for page by page.
const PAGE_ROWS: u32 = 1_000;

pub(super) fn run(command: PatientCommand, shell: &mut Shell) -> anyhow::Result<()> {
    match command {
        PatientCommand::Read { .. } => read(command, shell),
        PatientCommand::Notifications { .. } => notifications(command, shell),
        PatientCommand::Audit { desk, after } => {
            let log = block_on(async {
                let opened = open(&desk, Actor::Either).await?;
                let body = records::AuditBody { patient: opened.desk.patient, after, limit: PAGE_ROWS };
                Ok(opened.desk.gatekeeper.ask::<records::Audit>(&opened.desk.signer, &body).await?)
            })?;
            let line = |entry: &records::AuditEntry| {
                let verdict = if entry.is_allowed { "allowed" } else { "refused" };
                format!(
                    "{:>6}  {}  {}  {verdict}  {}  {}",
                    entry.sequence, entry.time_s, entry.actor, entry.method, entry.about
                )
            };
            answer(shell, &log, &log.entries.iter().map(line).collect::<Vec<_>>().join("\n"))
        }
        _ => Err(Usage("that is no question of a reader".to_owned()).into()),
    }
}

fn read(command: PatientCommand, shell: &mut Shell) -> anyhow::Result<()> {
    let PatientCommand::Read { desk, of, table, purpose, columns, from, until } = command else {
        return Ok(());
    };
    let table = table.parse().map_err(|error: medrec_domain::DomainError| Usage(error.to_string()))?;
    let whole = block_on(async {
        let opened = open(&desk, Actor::Either).await?;
        let mut body = records::ReadBody {
            patient: of.unwrap_or(opened.desk.patient),
            purpose: purpose_of(purpose),
            table,
            columns: Some(columns).filter(|columns| !columns.is_empty()),
            from,
            until,
            after: 0,
            limit: PAGE_ROWS,
        };
        let mut whole: Option<records::ReadAnswer> = None;
        loop {
            let page = opened.desk.gatekeeper.ask::<records::Read>(&opened.desk.signer, &body).await?;
            let next = page.next;
            match &mut whole {
                // Permissions may change between two pages: rows of other columns do not go together.
                Some(whole) if whole.columns == page.columns => {
                    whole.rows.extend(page.rows);
                    (whole.next, whole.block) = (page.next, page.block);
                }
                Some(_) => {
                    return Err(Usage("what may be read changed meanwhile; read again".to_owned()).into());
                }
                None => whole = Some(page),
            }
            match next {
                Some(next) if next > body.after => body.after = next,
                _ => return whole.ok_or_else(|| Usage("nothing was answered".to_owned()).into()),
            }
        }
    })?;
    let cell = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Null => "-".to_owned(),
        other => other.to_string(),
    };
    let rows = whole.rows.iter().map(|row| row.iter().map(cell).collect::<Vec<_>>().join("\t"));
    let lines: Vec<String> = std::iter::once(whole.columns.join("\t")).chain(rows).collect();
    answer(shell, &whole, &lines.join("\n"))
}

fn notifications(command: PatientCommand, shell: &mut Shell) -> anyhow::Result<()> {
    let PatientCommand::Notifications { desk, after, follow } = command else { return Ok(()) };
    let outcome = block_on(async {
        let opened = open(&desk, Actor::Either).await?;
        if !follow {
            let body = notifications::ListBody { after, wait_s: 0 };
            let list = opened.desk.gatekeeper.ask::<notifications::List>(&opened.desk.signer, &body).await?;
            let lines = list.notifications.iter().map(words).collect::<Vec<_>>();
            return answer(shell, &list, &lines.join("\n"));
        }
        let mut stream = Notifications::new(&opened.desk.gatekeeper, &opened.desk.signer, after);
        loop {
            let notification = stream.next().await?;
            if shell.wants_json() {
                shell.json_line(&notification)?;
            } else {
                shell.result(&format!("{}\n", words(&notification)))?;
            }
        }
    });
    match outcome {
        // A stream that is followed ends by a signal, as it is meant to.
        Err(error) if follow && error.is::<Interrupted>() => Ok(()),
        other => other,
    }
}

fn words(notification: &notifications::Notification) -> String {
    use notifications::NotificationEvent as Event;
    let what = match &notification.event {
        Event::RelationshipChanged { patient, status } => format!("relationship of {patient} is {status}"),
        Event::RecordUpdated { patient, bounty } => {
            format!("records of {patient} were updated, bounty {bounty}")
        }
        Event::Granted { patient, commitment } => format!("{patient} granted {commitment}"),
        Event::Revoked { patient, commitment } => format!("{patient} revoked {commitment}"),
        Event::RecordRead { patient, reader } => format!("{reader} read records of {patient}"),
        other => format!("{other:?}"),
    };
    format!("{:>6}  {}  {what}", notification.sequence, notification.time_s)
}
