//! An act of the provider's own that happens once, however often it is asked for.
//!
//! ```text
//! key stands for this body? -> outbox has its act? -> decided anew -> noted, on the disk -> accepted by the outbox -> answered
//!          |no: refused             |yes: answered
//! ```
//!
//! A process that dies anywhere goes on when the wish is asked for again: the outbox takes one act under the wish's name and no
//! second. What the outbox does not have was not done, so everything that decides is decided anew.

use medrec_domain::Digest;
use medrec_domain::canonical;
use medrec_domain::digest::keccak256_of;
use medrec_protocol::methods::provider::{Posting, act_key};
use medrec_protocol::{Hexadecimal, Method, RefusalCode};

use crate::answer::Refused;
use crate::relay::name;
use crate::state::{State, now_s};
use crate::store::{ActRow, PointerRow};

/// A wish.
pub(super) struct Wish {
    /// What it and its act are known by.
    pub(super) key: Digest,
    request: Digest,
}

/// How far a wish has come.
pub(super) enum Standing {
    /// It was never noted.
    New,
    /// It is noted; its act may not be.
    Noted(Option<Posting>),
    /// The outbox has its act.
    Done(Option<Posting>),
}

impl Wish {
    /// The wish of a body under its key.
    pub(super) fn of<M: Method>(
        state: &State,
        body: &M::Body,
        idempotency_key: &Hexadecimal<32>,
    ) -> Result<Self, Refused> {
        let request = keccak256_of(&[M::NAME.as_bytes(), &canonical::digest(body)?.0]);
        Ok(Self { key: act_key(state.provider, idempotency_key), request })
    }

    /// The outbox's name for its act.
    pub(super) fn name(&self) -> String {
        name(self.key)
    }

    /// How far it has come; a key that stands for another body is refused.
    pub(super) async fn standing(&self, state: &State) -> Result<Standing, Refused> {
        let key = self.key;
        let Some(row) = state.stored(move |store| store.act(&key)).await? else { return Ok(Standing::New) };
        let posting = self.check(&row)?;
        let is_done = state.outboxes.find(&self.name()).is_some();
        Ok(if is_done { Standing::Done(posting) } else { Standing::Noted(posting) })
    }

    /// Notes the wish, on the disk when this returns. Gives the posting that it stands for: of two requests at the same time both get
    /// that of the first.
    pub(super) async fn note(
        &self,
        state: &State,
        posting: Option<Posting>,
        pointers: Vec<(Digest, PointerRow)>,
    ) -> Result<Option<Posting>, Refused> {
        (state.step)("noting the wish");
        let key = self.key;
        let row = ActRow { request: self.request, time_s: now_s(), posting };
        let row = state.stored(move |store| store.note_act(&key, row, &pointers)).await?;
        self.check(&row)
    }

    fn check(&self, row: &ActRow) -> Result<Option<Posting>, Refused> {
        if row.request == self.request {
            Ok(row.posting)
        } else {
            Err(RefusalCode::IdempotencyKeyReused.into())
        }
    }
}
