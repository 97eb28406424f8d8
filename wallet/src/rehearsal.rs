//! Signed acts that are tried on one's own node before anybody is asked to carry them.
//!
//! A gatekeeper says no more than that an act conflicts with what was done before; the contract says why. Nothing is sent by a
//! rehearsal, and what it found can have changed when the act is carried: the contract decides then.
//!
//! What not: acts whose contract looks at who carries them (onboarding); those are handed over as they are.

use medrec_chain::acts::SignedAct;
use medrec_chain::{Call, ContractCall, Refusal};

use crate::desk::{Carried, Desk};
use crate::error::WalletError;

impl Desk {
    /// Signs an act, has the contract judge it without sending it, has it carried, and waits.
    ///
    /// # Errors
    /// [`WalletError::Act`] with the contract's own refusal; as [`Desk::carry`].
    pub(crate) async fn carry_rehearsed<A: SignedAct>(&self, act: &A) -> Result<Carried, WalletError> {
        let signed = self.authorise(act, &self.signer).await?;
        let call = act.carried(&signed);
        self.rehearse(&call).await?;
        self.carry_call(A::CONTRACT, self.place.contracts.act(&call)).await
    }

    /// Has the contract judge a call at the newest block.
    ///
    /// # Errors
    /// [`WalletError::Act`] with the contract's refusal; [`WalletError::Chain`].
    pub(crate) async fn rehearse<C: ContractCall>(&self, call: &C) -> Result<(), WalletError> {
        let act = self.place.contracts.act(call);
        let call = Call { from: None, to: act.to, data: act.data, value: act.value };
        match self.place.view().await?.simulate(&call).await? {
            Ok(_) => Ok(()),
            Err(reverted) => {
                let refusal = Refusal::decode(&reverted, Some(C::CONTRACT));
                Err(WalletError::Act { act: act.what, problem: format!("the contract refuses: {refusal}") })
            }
        }
    }
}
