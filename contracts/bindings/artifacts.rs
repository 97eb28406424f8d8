//! The contracts, generated from their artifacts.
//!
//! What: one module a contract. Why here: generated code takes no documentation of ours, so the lint is off in this file and
//! in no other. What not: nothing written by hand.
#![expect(missing_docs, reason = "generated from the artifacts; docs/CONTRACTS.md documents the contracts")]

alloy_sol_types::sol!(
    #[sol(all_derives)]
    Registrar,
    "artifacts/Registrar.json"
);
alloy_sol_types::sol!(
    #[sol(all_derives)]
    Relationships,
    "artifacts/Relationships.json"
);
alloy_sol_types::sol!(
    #[sol(all_derives)]
    Consents,
    "artifacts/Consents.json"
);
alloy_sol_types::sol!(
    #[sol(all_derives)]
    Bounties,
    "artifacts/Bounties.json"
);
alloy_sol_types::sol!(
    #[sol(all_derives)]
    Releases,
    "artifacts/Releases.json"
);
