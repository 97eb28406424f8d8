//! Every method with the function that does it: the whole service on one page.

use axum::Router;
use medrec_protocol::methods::{acts, claims, consents as papers, notifications, provider as own, records};

use crate::answer::Concern;
use crate::service::{Kind, Routes, Service};
use crate::{consents, notices, provider, reading, relay, releases};

/// The routes of all methods.
pub(crate) fn routes(service: Service) -> Router {
    use Kind::{Ordinary, Release, Waiting};
    let routes = Routes::new(service)
        .with::<records::Read, _, _>(Ordinary, reading::concern, reading::read)
        .with::<records::Audit, _, _>(Ordinary, reading::audit_concern, reading::audit)
        .with::<papers::Put, _, _>(Ordinary, consents::put_concern, consents::put)
        .with::<papers::List, _, _>(Ordinary, consents::list_concern, consents::list)
        .with::<papers::Erase, _, _>(Ordinary, consents::erase_concern, consents::erase)
        .with::<notifications::List, _, _>(Waiting, notices::concern, notices::list)
        .with::<notifications::Stream, _, _>(Waiting, notices::concern, notices::stream)
        .with::<own::RunEpoch, _, _>(Release, releases::epoch_concern, releases::run_epoch)
        .with::<claims::Shard, _, _>(Release, releases::shard_concern, releases::claim_shard)
        .with::<claims::Bounty, _, _>(Release, releases::bounty_concern, releases::claim_bounty);
    business(routes).finish()
}

/// Acts that are carried, and what the provider does itself.
fn business(routes: Routes) -> Routes {
    use Kind::{Ordinary, Waiting};
    routes
        .with::<acts::Relay, _, _>(Ordinary, |_| Concern::nobody("a signed act"), relay::relay)
        .with::<acts::State, _, _>(Waiting, |_| Concern::default(), relay::state_of)
        .with::<own::Invite, _, _>(Ordinary, |body| Concern::of(body.account, "invitation"), provider::invite)
        .with::<own::Link, _, _>(Ordinary, |body| Concern::of(body.account, "link"), provider::link)
        .with::<own::Unlink, _, _>(Ordinary, |body| Concern::of(body.account, "link"), provider::unlink)
        .with::<own::Propose, _, _>(
            Ordinary,
            |body| Concern::of(body.account, "relationship"),
            provider::propose,
        )
        .with::<own::PostUpdate, _, _>(Ordinary, post_concern, provider::post_update)
}

/// An update of one patient concerns her; what one of several concerns nobody can say in one entry.
fn post_concern(body: &own::PostBody) -> Concern {
    let patient = body.patients.first().copied().filter(|_| body.patients.len() == 1);
    Concern { patient, about: format!("update of {} patients", body.patients.len()) }
}
