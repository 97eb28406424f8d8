// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Permit} from "../src/SignedActs.sol";
import {Terms} from "../src/consents/Terms.sol";
import {PatientAct} from "../src/Relationships.sol";
import {Network} from "./Network.sol";

/// @title What each act costs
/// @notice Runs isolated, so that each call is a transaction of its own: 21,000, calldata, execution from cold storage, less
/// refunds. `snapshots/transaction.json` keeps the figures and the gate compares them.
contract GasTest is Network {
    string private constant GROUP = "transaction";

    function test_granting_costs_at_most_46000() public {
        Terms terms = termsFor("document");
        vm.prank(who(PATIENT));
        consents.grant(terms);
        uint256 gas = vm.snapshotGasLastCall(GROUP, "grant");
        vm.assertLe(gas, 46_000, "grant");
    }

    function test_revoking_costs_at_most_24000() public {
        Terms terms = termsFor("document");
        vm.prank(who(PATIENT));
        consents.grant(terms);
        vm.prank(who(PATIENT));
        consents.revoke(terms);
        uint256 gas = vm.snapshotGasLastCall(GROUP, "revoke");
        vm.assertLe(gas, 24_000, "revoke");
    }

    function test_relayed_grants_and_revocations() public {
        Terms first = termsFor("document");
        Terms second = termsFor("another document");
        Permit memory permit = permitOf(consents, PATIENT, grantType("Grant"), grantFields(PATIENT, first));
        consents.grantBySig(who(PATIENT), first, permit);
        vm.snapshotGasLastCall(GROUP, "grant by signature, the patient's first");
        permit = permitOf(consents, PATIENT, grantType("Grant"), grantFields(PATIENT, second));
        consents.grantBySig(who(PATIENT), second, permit);
        vm.snapshotGasLastCall(GROUP, "grant by signature, later ones");
        permit = permitOf(consents, PATIENT, grantType("Revocation"), grantFields(PATIENT, first));
        consents.revokeBySig(who(PATIENT), first, permit);
        vm.snapshotGasLastCall(GROUP, "revoke by signature");
    }

    function test_ten_grants_in_one_signed_batch() public {
        Terms[] memory terms = new Terms[](10);
        for (uint256 i = 0; i < 10; ++i) {
            terms[i] = termsFor(vm.toString(i));
        }
        Permit memory permit = permitOf(
            consents,
            PATIENT,
            "Grants(address patient,bytes32[] terms,uint256 nonce,uint256 deadline)",
            abi.encode(who(PATIENT), keccak256(abi.encodePacked(terms)))
        );
        consents.grantManyBySig(terms, permit);
        vm.snapshotGasLastCall(GROUP, "10 grants by one signature");
    }

    function test_onboarding_a_patient_with_one_relationship_costs_at_most_150000() public {
        Permit memory permit = onboarding(PATIENT, HOSPITAL);
        vm.prank(who(HOSPITAL));
        relationships.onboard(SALTED, permit);
        uint256 gas = vm.snapshotGasLastCall(GROUP, "onboard a patient with one relationship");
        vm.assertLe(gas, 150_000, "onboard");
    }

    function test_a_record_pointer_in_a_batch_of_50_costs_at_most_1000() public {
        vm.prank(who(HOSPITAL));
        relationships.updateBatch(ROOT, QUERY, COST);
        uint256 gas = vm.snapshotGasLastCall(GROUP, "update with 50 record pointers of several patients, and a bounty");
        vm.assertLe(gas, 50_000, "batch of 50");
    }

    function test_updates_of_one_relationship() public {
        relate(PATIENT, HOSPITAL);
        vm.prank(who(HOSPITAL));
        relationships.update(who(PATIENT), ROOT, QUERY, COST);
        vm.snapshotGasLastCall(GROUP, "update of one relationship, first since acknowledged");
        vm.prank(who(HOSPITAL));
        relationships.update(who(PATIENT), keccak256("another root"), QUERY, COST);
        vm.snapshotGasLastCall(GROUP, "update of one relationship, later ones");
        Permit memory permit = permitOf(
            relationships,
            PATIENT,
            "Acknowledge(address patient,address provider,uint256 nonce,uint256 deadline)",
            abi.encode(who(PATIENT), who(HOSPITAL))
        );
        relationships.actBySig(PatientAct.Acknowledge, who(PATIENT), who(HOSPITAL), permit);
        vm.snapshotGasLastCall(GROUP, "acknowledge by signature, the patient's first");
    }

    function test_releases_and_claims() public {
        vm.prank(who(PATIENT));
        consents.releaseToResearch(
            who(PATIENT), QUERY, ROOT, uint32(NOW), uint32(NOW + 365 days), 50_000_000
        );
        vm.snapshotGasLastCall(GROUP, "release to research");
        vm.prank(who(HOSPITAL));
        releases.declareCap(10_000_000_000);
        vm.prank(who(HOSPITAL));
        releases.commit(1, ROOT, ROOT, 1000, 15_000_000);
        vm.snapshotGasLastCall(GROUP, "commit a census release, the first");
        vm.prank(who(HOSPITAL));
        releases.anchorAuditHead(ROOT, 1);
        vm.snapshotGasLastCall(GROUP, "anchor an audit log, the first time");
        vm.prank(who(HOSPITAL));
        relationships.updateBatch(ROOT, QUERY, COST);
        vm.roll(block.number + 12);
        vm.prank(who(HOSPITAL));
        bounties.answer(posting(HOSPITAL, address(0)), ROOT);
        vm.snapshotGasLastCall(GROUP, "answer a bounty");
        vm.prank(MINER);
        bounties.confirm(posting(HOSPITAL, address(0)), ROOT);
        vm.snapshotGasLastCall(GROUP, "confirm a bundle");
    }
}
