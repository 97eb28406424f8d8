//! Every method with the function that does it: the whole service on one page.

use axum::Router;
use medrec_protocol::methods::{claims, consents as papers, notifications, provider as own, records};

use crate::service::{Kind, Routes, Service};
use crate::{consents, notices, reading, releases};

/// The routes of all methods.
pub(crate) fn routes(service: Service) -> Router {
    use Kind::{Ordinary, Release, Waiting};
    Routes::new(service)
        .with::<records::Read, _, _>(Ordinary, reading::concern, reading::read)
        .with::<records::Audit, _, _>(Ordinary, reading::audit_concern, reading::audit)
        .with::<papers::Put, _, _>(Ordinary, consents::put_concern, consents::put)
        .with::<papers::List, _, _>(Ordinary, consents::list_concern, consents::list)
        .with::<papers::Erase, _, _>(Ordinary, consents::erase_concern, consents::erase)
        .with::<notifications::List, _, _>(Waiting, notices::concern, notices::list)
        .with::<notifications::Stream, _, _>(Waiting, notices::concern, notices::stream)
        .with::<own::RunEpoch, _, _>(Release, releases::epoch_concern, releases::run_epoch)
        .with::<claims::Shard, _, _>(Release, releases::shard_concern, releases::claim_shard)
        .with::<claims::Bounty, _, _>(Release, releases::bounty_concern, releases::claim_bounty)
        .finish()
}
