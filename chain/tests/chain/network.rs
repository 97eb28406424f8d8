//! People with keys, and the five contracts deployed by one of them.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use alloy_primitives::{Address, B256, FixedBytes, U256, keccak256};
use alloy_signer_local::{MnemonicBuilder, PrivateKeySigner};
use medrec_chain::{
    Client, Contract, Contracts, FeePolicy, Request, Sender, SenderOptions, SignedAct, State,
};
use medrec_contracts::Registrar;
use tempfile::TempDir;

use crate::anvil::Anvil;

/// Account 0 founds and provides, the others hold ether too.
pub(crate) fn funded(index: u32) -> PrivateKeySigner {
    const MNEMONIC: &str = "test test test test test test test test test test test junk";
    MnemonicBuilder::from_phrase_nth(MNEMONIC, index)
}

/// Somebody without ether.
pub(crate) fn person(name: &str) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&keccak256(name)).unwrap()
}

/// Seconds since 1970, now and later.
pub(crate) fn in_an_hour_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() + 3_600
}

/// Terms that hold at once until the year 2096: the same word whenever it is asked for.
pub(crate) fn terms(document: u8) -> B256 {
    medrec_contracts::hashes::terms(FixedBytes::repeat_byte(document), 0, 4_000_000_000)
}

/// Quick passes, and no confirmations beyond the block itself.
pub(crate) fn quick() -> SenderOptions {
    SenderOptions {
        confirmations: 0,
        poll_interval: Duration::from_millis(20),
        fees: FeePolicy::default(),
        ..SenderOptions::default()
    }
}

/// Opens the outbox of an account.
pub(crate) fn sender(
    client: &Client,
    signer: PrivateKeySigner,
    path: &Path,
    options: SenderOptions,
) -> Sender {
    Sender::open(client.clone(), Arc::new(signer), path, options).unwrap()
}

/// Waits until a transaction is settled, but not for ever.
pub(crate) async fn settle(outbox: &Sender, nonce: u64) -> State {
    let settled = tokio::time::timeout(Duration::from_mins(1), outbox.wait(nonce)).await;
    settled.unwrap_or_else(|_| panic!("not settled: {:?}", outbox.entry(nonce))).unwrap()
}

/// A founding provider.
pub(crate) fn founder(account: Address, name: &str) -> Registrar::Candidate {
    Registrar::Candidate {
        account,
        role: 4,
        identityCommitment: keccak256(name),
        institution: Registrar::Institution {
            name: name.to_owned(),
            endpoint: "https://gatekeeper.example".to_owned(),
            encryptionKey: keccak256("encryption key"),
        },
    }
}

/// A node that makes blocks at once, with the contracts on it; account 0 is the only provider.
pub(crate) struct Network {
    pub(crate) anvil: Anvil,
    pub(crate) client: Client,
    pub(crate) contracts: Contracts,
    /// Account 0, the provider.
    pub(crate) provider: Sender,
    pub(crate) folder: TempDir,
}

impl Network {
    pub(crate) async fn deploy() -> Self {
        let anvil = Anvil::automatic();
        let client = Client::connect(anvil.options()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let provider = sender(&client, funded(0), &folder.path().join("provider.redb"), quick());
        let founders = vec![founder(provider.account(), "hospital")];
        let contracts = provider.deploy("contracts", founders).await.unwrap();
        Self { anvil, client, contracts, provider, folder }
    }

    /// Sends and waits until it is executed.
    pub(crate) async fn execute(&self, request: impl Into<Request>) {
        let request = request.into();
        let what = request.act.what.clone();
        let nonce = self.provider.send(request).await.unwrap_or_else(|error| panic!("{what}: {error}"));
        let state = settle(&self.provider, nonce).await;
        assert!(matches!(state, State::Confirmed(_)), "{what}: {state:?}");
    }

    /// Has somebody sign an act and the provider carry it.
    pub(crate) async fn relay<A: SignedAct>(&self, act: &A, signer: &PrivateKeySigner) {
        let nonce = self.nonce(A::CONTRACT, signer).await;
        let authorisation = self.contracts.authorise(act, signer, nonce, in_an_hour_s()).await.unwrap();
        self.execute(self.contracts.relay(act, &authorisation)).await;
    }

    /// The nonce of somebody's next signature at a contract.
    pub(crate) async fn nonce(&self, contract: Contract, signer: &PrivateKeySigner) -> U256 {
        let view = self.client.view().await.unwrap();
        self.contracts.at(&view).nonce(contract, signer.address()).await.unwrap()
    }
}
