//! What the words alone give back.

use medrec_e2e::funded;
use medrec_protocol::bridge::{from_chain, to_chain};

use crate::town::Town;

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_is_found_by_name_and_a_stranger_is_told_whom_there_is() {
    let town = Town::start(funded(3).address()).await;
    let found = town.place.provider("hospital").await.unwrap();
    assert_eq!(found.account, town.provider());
    assert_eq!(town.place.provider(&town.provider().to_string()).await.unwrap(), found);
    let error = town.place.provider("clinic").await.unwrap_err().to_string();
    assert!(error.contains("hospital"), "{error}");
    let stranger = from_chain(funded(7).address());
    let error = town.place.gatekeeper(stranger, medrec_wallet::GatekeeperOptions::default()).await;
    assert!(error.unwrap_err().to_string().contains("is no provider"));
    assert!(town.place.key_of(stranger).await.is_err());
    assert_eq!(town.place.key_of(town.provider()).await.unwrap(), to_chain(town.provider()));
    let status = town.staff.status().await.unwrap();
    assert_eq!(status.provider, town.provider());
    town.stop().await;
}
