// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Role} from "../src/Interfaces.sol";
import {Candidate, Institution, Registrar} from "../src/Registrar.sol";
import {Status} from "../src/Relationships.sol";
import {Permit, SignedActs} from "../src/SignedActs.sol";
import {Terms} from "../src/consents/Terms.sol";
import {Participant, Participants} from "../src/registrar/Participants.sol";
import {Recovery} from "../src/registrar/Recovery.sol";
import {Network} from "./Network.sol";

/// @title Registrar: entry, votes, keys, recovery, erasure
contract RegistrarTest is Network {
    function test_patients_and_guardians_enter_by_themselves_and_nobody_else() public {
        registerPatient(PATIENT);
        vm.prank(who(GUARDIAN));
        registrar.register(Role.Guardian, SALTED);
        vm.assertEq(uint8(registrar.roleOf(who(GUARDIAN))), uint8(Role.Guardian));
        Role[3] memory voted = [Role.None, Role.Researcher, Role.Provider];
        for (uint256 i = 0; i < 3; ++i) {
            vm.prank(who(STRANGER));
            vm.expectRevert(abi.encodeWithSelector(Participants.RoleNeedsBallot.selector, voted[i]));
            registrar.register(voted[i], SALTED);
        }
        Candidate memory patient = candidate(STRANGER, Role.Patient, "nobody");
        vm.prank(who(HOSPITAL));
        vm.expectRevert(abi.encodeWithSelector(Registrar.NotForBallot.selector, who(STRANGER), Role.Patient));
        registrar.voteToAdmit(patient);
    }

    function test_a_registration_by_signature_names_role_and_commitment() public {
        string memory registration =
            "Registration(address account,uint8 role,bytes32 identityCommitment,uint256 nonce,uint256 deadline)";
        Permit memory permit =
            permitOf(registrar, PATIENT, registration, abi.encode(who(PATIENT), Role.Patient, SALTED));
        vm.expectRevert(abi.encodeWithSelector(SignedActs.SignatureRefused.selector, who(PATIENT)));
        registrar.registerBySig(Role.Guardian, SALTED, permit);
        vm.expectEmit(address(registrar));
        emit Participants.Registered(who(PATIENT), Role.Patient, SALTED);
        registrar.registerBySig(Role.Patient, SALTED, permit);
    }

    function test_an_erased_identity_leaves_the_state() public {
        registerPatient(PATIENT);
        vm.prank(who(PATIENT));
        registrar.eraseIdentity();
        vm.assertEq(registrar.participant(who(PATIENT)).identityCommitment, bytes32(0));
        registerPatient(OTHER_PATIENT);
        Permit memory permit = permitOf(
            registrar,
            OTHER_PATIENT,
            "IdentityErasure(address account,bytes32 identityCommitment,uint256 nonce,uint256 deadline)",
            abi.encode(who(OTHER_PATIENT), SALTED)
        );
        registrar.eraseIdentityBySig(permit);
        Participant memory erased = registrar.participant(who(OTHER_PATIENT));
        vm.assertEq(erased.identityCommitment, bytes32(0));
        vm.assertEq(uint8(erased.role), uint8(Role.Patient));
    }

    /// @dev For any number of providers and any number of votes: entry exactly when twice the votes pass the electorate.
    function testFuzz_a_candidate_enters_by_a_strict_majority_and_not_before(uint8 extra) public {
        uint256 electorate = 3 + extra % 8;
        for (uint256 i = 3; i < electorate; ++i) {
            Candidate memory more = candidate(0x100 + i, Role.Provider, string.concat("provider ", vm.toString(i)));
            for (uint256 j = 0; j < i && registrar.roleOf(more.account) == Role.None; ++j) {
                vm.prank(provider(j));
                registrar.voteToAdmit(more);
            }
        }
        vm.assertEq(registrar.providerCount(), electorate);
        Candidate memory last = candidate(NEW_KEY, Role.Researcher, "last");
        for (uint256 votes = 1; 2 * (votes - 1) <= electorate; ++votes) {
            vm.prank(provider(votes - 1));
            registrar.voteToAdmit(last);
            bool entered = registrar.roleOf(who(NEW_KEY)) == Role.Researcher;
            vm.assertEq(entered, 2 * votes > electorate);
        }
    }

    function provider(uint256 index) private pure returns (address) {
        return index < 3 ? who(HOSPITAL + index) : who(0x100 + index);
    }

    function test_only_providers_vote_and_each_once() public {
        Candidate memory other = candidate(NEW_KEY, Role.Provider, "other");
        vm.prank(who(STRANGER));
        vm.expectRevert(abi.encodeWithSelector(Registrar.NotAProvider.selector, who(STRANGER)));
        registrar.voteToAdmit(other);
        vm.prank(who(HOSPITAL));
        registrar.voteToAdmit(other);
        vm.prank(who(HOSPITAL));
        vm.expectRevert(abi.encodeWithSelector(Registrar.AlreadyVoted.selector, who(HOSPITAL)));
        registrar.voteToAdmit(other);
        // Another endpoint is another candidate: votes are for what was read.
        other.institution.endpoint = "https://elsewhere.example";
        vm.prank(who(CLINIC));
        registrar.voteToAdmit(other);
        vm.assertEq(uint8(registrar.roleOf(who(NEW_KEY))), uint8(Role.None));
    }

    function test_the_votes_of_removed_providers_and_of_closed_ballots_do_not_count() public {
        Candidate memory fourth = candidate(NEW_KEY, Role.Provider, "fourth");
        vm.prank(who(SURGERY));
        registrar.voteToAdmit(fourth);
        vm.prank(who(SURGERY));
        registrar.resign();
        vm.prank(who(HOSPITAL));
        registrar.voteToAdmit(fourth);
        vm.assertEq(uint8(registrar.roleOf(who(NEW_KEY))), uint8(Role.None));
        vm.warp(block.timestamp + 30 days + 1);
        vm.prank(who(CLINIC));
        registrar.voteToAdmit(fourth);
        vm.assertEq(uint8(registrar.roleOf(who(NEW_KEY))), uint8(Role.None));
        vm.prank(who(HOSPITAL));
        registrar.voteToAdmit(fourth);
        vm.assertEq(uint8(registrar.roleOf(who(NEW_KEY))), uint8(Role.Provider));
    }

    function test_who_was_removed_is_gone_and_its_name_is_free() public {
        vm.prank(who(HOSPITAL));
        registrar.voteToRemove(who(SURGERY));
        vm.assertEq(registrar.providerCount(), 3);
        vm.expectEmit(address(registrar));
        emit Participants.Removed(who(SURGERY), Role.Provider);
        vm.prank(who(CLINIC));
        registrar.voteToRemove(who(SURGERY));
        vm.assertEq(registrar.providerCount(), 2);
        vm.assertEq(registrar.keyOf(who(SURGERY)), address(0));
        vm.assertEq(registrar.accountOf(who(SURGERY)), address(0));
        vm.assertEq(registrar.accountOfName("surgery"), address(0));
        vm.assertEq(bytes(registrar.institution(who(SURGERY)).name).length, 0);
        vm.assertEq(relationships.providerOfKey(who(SURGERY)), address(0));
        Candidate memory successor = candidate(0x55, Role.Provider, "surgery");
        vm.prank(who(HOSPITAL));
        registrar.voteToAdmit(successor);
        vm.prank(who(CLINIC));
        registrar.voteToAdmit(successor);
        vm.assertEq(registrar.accountOfName("surgery"), who(0x55));
    }

    function test_an_institution_changes_its_own_endpoint() public {
        vm.expectEmit(address(registrar));
        emit Registrar.InstitutionChanged(who(HOSPITAL), "hospital", "https://new.example", ROOT);
        vm.prank(who(HOSPITAL));
        registrar.setEndpoint("https://new.example", ROOT);
        Institution memory shown = registrar.institution(who(HOSPITAL));
        vm.assertEq(shown.endpoint, "https://new.example");
        registerPatient(PATIENT);
        vm.prank(who(PATIENT));
        vm.expectRevert(abi.encodeWithSelector(Registrar.NotForBallot.selector, who(PATIENT), Role.Patient));
        registrar.setEndpoint("https://new.example", ROOT);
    }

    function test_a_new_key_keeps_relationships_and_voids_grants() public {
        relate(PATIENT, HOSPITAL);
        Terms terms = termsFor("document");
        vm.prank(who(PATIENT));
        consents.grant(terms);
        Permit memory ofOldKey = permitOf(
            registrar,
            PATIENT,
            "KeyRotation(address account,address newKey,uint256 nonce,uint256 deadline)",
            abi.encode(who(PATIENT), who(NEW_KEY))
        );
        registrar.rotateKeyBySig(ofOldKey, acceptance(who(PATIENT), NEW_KEY));
        vm.assertEq(uint8(relationships.statusOf(who(PATIENT), who(HOSPITAL))), uint8(Status.Accepted));
        vm.assertFalse(consents.isInForce(who(PATIENT), terms));
        // The old key writes to nobody's record.
        vm.prank(who(PATIENT));
        consents.grant(terms);
        vm.assertFalse(consents.isInForce(who(PATIENT), terms));
        vm.prank(who(NEW_KEY));
        consents.grant(terms);
        vm.assertTrue(consents.isInForce(who(PATIENT), terms));
    }

    function test_a_key_serves_once() public {
        registerPatient(PATIENT);
        rotate(PATIENT, who(PATIENT), NEW_KEY);
        rotate(NEW_KEY, who(PATIENT), 0xF2);
        // Neither an old key nor the account's first one comes back, nor enters by itself.
        uint256[2] memory old = [NEW_KEY, PATIENT];
        for (uint256 i = 0; i < 2; ++i) {
            Permit memory again = acceptance(who(PATIENT), old[i]);
            vm.prank(who(0xF2));
            vm.expectRevert(abi.encodeWithSelector(Participants.AddressTaken.selector, who(old[i])));
            registrar.rotateKey(again);
            vm.prank(who(old[i]));
            vm.expectRevert(abi.encodeWithSelector(Participants.AddressTaken.selector, who(old[i])));
            registrar.register(Role.Patient, SALTED);
        }
        vm.prank(who(NEW_KEY));
        vm.expectRevert(abi.encodeWithSelector(Participants.NotAParticipant.selector, who(NEW_KEY)));
        registrar.eraseIdentity();
    }

    function guarded() private returns (address[] memory guardians) {
        registerPatient(PATIENT);
        guardians = new address[](3);
        guardians[0] = who(GUARDIAN);
        guardians[1] = who(VIEWER);
        guardians[2] = who(OTHER_PATIENT);
        vm.prank(who(PATIENT));
        registrar.setGuardians(guardians, 2);
    }

    function test_enough_guardians_recover_a_lost_key_after_the_delay() public {
        guarded();
        vm.prank(who(GUARDIAN));
        registrar.supportRecovery(who(PATIENT), who(NEW_KEY));
        vm.prank(who(VIEWER));
        registrar.supportRecovery(who(PATIENT), who(NEW_KEY));
        (address[] memory supporters, uint256 readyAt) = registrar.recovery(who(PATIENT), who(NEW_KEY));
        vm.assertEq(supporters.length, 2);
        vm.assertEq(readyAt, block.timestamp + registrar.RECOVERY_DELAY());
        vm.warp(readyAt - 1);
        Permit memory permit = acceptance(who(PATIENT), NEW_KEY);
        vm.expectRevert(abi.encodeWithSelector(Recovery.RecoveryNotReady.selector, readyAt));
        registrar.finishRecovery(who(PATIENT), permit);
        vm.warp(readyAt);
        vm.expectEmit(address(registrar));
        emit Participants.KeyRotated(who(PATIENT), who(PATIENT), who(NEW_KEY));
        registrar.finishRecovery(who(PATIENT), permit);
        vm.assertEq(registrar.accountOf(who(NEW_KEY)), who(PATIENT));
        vm.assertEq(registrar.accountOf(who(PATIENT)), address(0));
    }

    function test_support_for_one_key_is_none_for_another_and_ends_with_the_guardians() public {
        address[] memory guardians = guarded();
        vm.prank(who(GUARDIAN));
        registrar.supportRecovery(who(PATIENT), who(NEW_KEY));
        vm.prank(who(VIEWER));
        registrar.supportRecovery(who(PATIENT), who(0xF2));
        (, uint256 readyAt) = registrar.recovery(who(PATIENT), who(NEW_KEY));
        vm.assertEq(readyAt, 0);
        vm.prank(who(PATIENT));
        registrar.setGuardians(guardians, 2);
        (address[] memory supporters,) = registrar.recovery(who(PATIENT), who(NEW_KEY));
        vm.assertEq(supporters.length, 0);
        vm.prank(who(STRANGER));
        vm.expectRevert(
            abi.encodeWithSelector(Recovery.NotAGuardian.selector, who(PATIENT), who(STRANGER))
        );
        registrar.supportRecovery(who(PATIENT), who(NEW_KEY));
    }

    function test_guardian_sets_that_make_no_sense_are_refused() public {
        registerPatient(PATIENT);
        address[] memory guardians = new address[](2);
        guardians[0] = who(GUARDIAN);
        guardians[1] = who(GUARDIAN);
        expectRefusedGuardians(guardians, 1);
        guardians[1] = who(PATIENT);
        expectRefusedGuardians(guardians, 1);
        guardians[1] = address(0);
        expectRefusedGuardians(guardians, 1);
        guardians[1] = who(VIEWER);
        expectRefusedGuardians(guardians, 0);
        expectRefusedGuardians(guardians, 3);
        expectRefusedGuardians(new address[](9), 1);
    }

    function expectRefusedGuardians(address[] memory guardians, uint8 threshold) private {
        vm.prank(who(PATIENT));
        vm.expectRevert(Recovery.GuardiansRefused.selector);
        registrar.setGuardians(guardians, threshold);
    }

    function test_guardians_are_named_and_recoveries_stopped_by_signature() public {
        registerPatient(PATIENT);
        address[] memory guardians = new address[](1);
        guardians[0] = who(GUARDIAN);
        Permit memory permit = permitOf(
            registrar,
            PATIENT,
            "GuardianChange(address account,address[] guardians,uint8 threshold,uint256 nonce,uint256 deadline)",
            abi.encode(who(PATIENT), keccak256(abi.encode(guardians[0])), uint8(1))
        );
        registrar.setGuardiansBySig(guardians, 1, permit);
        vm.assertEq(registrar.guardiansOf(who(PATIENT)).members[0], who(GUARDIAN));
        vm.prank(who(GUARDIAN));
        registrar.supportRecovery(who(PATIENT), who(NEW_KEY));
        uint64 round = registrar.guardiansOf(who(PATIENT)).round;
        permit = permitOf(
            registrar,
            PATIENT,
            "RecoveryCancellation(address account,uint64 round,uint256 nonce,uint256 deadline)",
            abi.encode(who(PATIENT), round)
        );
        registrar.cancelRecoveryBySig(permit);
        (, uint256 readyAt) = registrar.recovery(who(PATIENT), who(NEW_KEY));
        vm.assertEq(readyAt, 0);
    }
}
