// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Consents} from "../src/Consents.sol";
import {IConsents, IProviderDirectory, IRegistrar, Posted, Role} from "../src/Interfaces.sol";
import {Candidate, Registrar} from "../src/Registrar.sol";
import {DataPointer, Relationships, Status, Update} from "../src/Relationships.sol";
import {Permit, SignedActs} from "../src/SignedActs.sol";
import {UsesRegistrar} from "../src/UsesRegistrar.sol";
import {Groups} from "../src/consents/Groups.sol";
import {Guardians} from "../src/consents/Guardians.sol";
import {Terms, TermsLibrary} from "../src/consents/Terms.sol";
import {Participants} from "../src/registrar/Participants.sol";
import {Recovery} from "../src/registrar/Recovery.sol";
import {Network} from "./Network.sol";

/// @title The defects of MedRec version 2, C1 to C12, each kept out by name
contract RegressionsTest is Network {
    function test_C1_a_stranger_cannot_disable_a_guardian() public {
        registerPatient(PATIENT);
        appoint(PATIENT, consents.POWER_RELATE());
        address[] memory none = new address[](0);
        vm.prank(who(STRANGER));
        vm.expectRevert(abi.encodeWithSelector(Guardians.NotAllowedFor.selector, who(PATIENT), who(STRANGER)));
        consents.dismiss(who(PATIENT), who(GUARDIAN));
        vm.prank(who(STRANGER));
        vm.expectRevert(abi.encodeWithSelector(Participants.NotAParticipant.selector, who(STRANGER)));
        registrar.setGuardians(none, 0);
        vm.assertTrue(consents.mayAct(who(PATIENT), who(GUARDIAN), consents.POWER_RELATE()));
    }

    function test_C2_a_stranger_cannot_overwrite_the_provider_of_a_relationship() public {
        relate(PATIENT, HOSPITAL);
        vm.prank(who(STRANGER));
        vm.expectRevert(abi.encodeWithSelector(UsesRegistrar.NotAProvider.selector, who(STRANGER)));
        relationships.propose(who(PATIENT));
        // Not even another provider, with the patient's signature for the first one.
        Permit memory permit = onboarding(PATIENT, HOSPITAL);
        vm.prank(who(CLINIC));
        vm.expectRevert(abi.encodeWithSelector(SignedActs.SignatureRefused.selector, who(PATIENT)));
        relationships.onboard(SALTED, permit);
        vm.assertEq(uint8(relationships.statusOf(who(PATIENT), who(HOSPITAL))), uint8(Status.Accepted));
        vm.assertEq(uint8(relationships.statusOf(who(PATIENT), who(CLINIC))), uint8(Status.None));
    }

    function test_C3_constructors_leave_nothing_unset() public {
        vm.assertEq(registrar.providerCount(), 3);
        vm.assertEq(address(registrar.RELATIONSHIPS()), address(relationships));
        vm.assertEq(address(relationships.REGISTRAR()), address(registrar));
        vm.assertEq(address(relationships.CONSENTS()), address(consents));
        vm.assertEq(address(consents.REGISTRAR()), address(registrar));
        vm.assertEq(address(bounties.RELATIONSHIPS()), address(relationships));
        vm.assertEq(address(releases.REGISTRAR()), address(registrar));
        vm.assertEq(relationships.providerOfKey(who(HOSPITAL)), who(HOSPITAL));
        Candidate[] memory none = new Candidate[](0);
        vm.expectRevert(Registrar.LastProvider.selector);
        new Registrar(relationships, none);
        Candidate[] memory founders = new Candidate[](1);
        founders[0] = candidate(HOSPITAL, Role.Provider, "hospital");
        vm.expectRevert(SignedActs.ZeroAddress.selector);
        new Registrar(IProviderDirectory(address(0)), founders);
        vm.expectRevert(SignedActs.ZeroAddress.selector);
        new Relationships(registrar, IConsents(address(0)));
        vm.expectRevert(UsesRegistrar.NoRegistrar.selector);
        new Consents(IRegistrar(address(0)));
    }

    function test_C4_removing_a_non_member_deletes_nobody() public {
        registerPatient(PATIENT);
        uint256[3] memory nobodies = [STRANGER, PATIENT, NEW_KEY];
        for (uint256 i = 0; i < 3; ++i) {
            address nobody = who(nobodies[i]);
            Role role = registrar.roleOf(nobody);
            vm.prank(who(HOSPITAL));
            vm.expectRevert(abi.encodeWithSelector(Registrar.NotForBallot.selector, nobody, role));
            registrar.voteToRemove(nobody);
        }
        vm.assertEq(registrar.providerCount(), 3);
        vm.assertEq(uint8(registrar.roleOf(who(SURGERY))), uint8(Role.Provider));
    }

    function test_C4_the_last_provider_stays() public {
        vm.prank(who(SURGERY));
        registrar.resign();
        vm.prank(who(CLINIC));
        registrar.resign();
        vm.prank(who(HOSPITAL));
        vm.expectRevert(Registrar.LastProvider.selector);
        registrar.resign();
        vm.prank(who(HOSPITAL));
        vm.expectRevert(Registrar.LastProvider.selector);
        registrar.voteToRemove(who(HOSPITAL));
        vm.assertEq(registrar.providerCount(), 1);
    }

    function test_C5_a_guardian_does_not_take_over_the_patients_identity() public {
        registerPatient(PATIENT);
        address[] memory guardians = new address[](2);
        guardians[0] = who(GUARDIAN);
        guardians[1] = who(VIEWER);
        vm.prank(who(PATIENT));
        registrar.setGuardians(guardians, 2);
        appoint(PATIENT, type(uint8).max);
        Permit memory ofNewKey = acceptance(who(PATIENT), NEW_KEY);
        // With its own key it has no account to rotate, ...
        vm.prank(who(GUARDIAN));
        vm.expectRevert(abi.encodeWithSelector(Participants.NotAParticipant.selector, who(GUARDIAN)));
        registrar.rotateKey(ofNewKey);
        // ... alone it has no majority, however often it asks, ...
        vm.prank(who(GUARDIAN));
        registrar.supportRecovery(who(PATIENT), who(NEW_KEY));
        vm.prank(who(GUARDIAN));
        vm.expectRevert(abi.encodeWithSelector(Recovery.AlreadySupported.selector, who(GUARDIAN)));
        registrar.supportRecovery(who(PATIENT), who(NEW_KEY));
        vm.warp(block.timestamp + 30 days);
        ofNewKey = acceptance(who(PATIENT), NEW_KEY);
        vm.expectRevert(abi.encodeWithSelector(Recovery.RecoveryNotReady.selector, 0));
        registrar.finishRecovery(who(PATIENT), ofNewKey);
        // ... and all together wait for the patient, who says no.
        vm.prank(who(VIEWER));
        registrar.supportRecovery(who(PATIENT), who(NEW_KEY));
        vm.expectRevert(
            abi.encodeWithSelector(Recovery.RecoveryNotReady.selector, block.timestamp + 3 days)
        );
        registrar.finishRecovery(who(PATIENT), ofNewKey);
        vm.prank(who(PATIENT));
        registrar.cancelRecovery();
        vm.warp(block.timestamp + 4 days);
        ofNewKey = acceptance(who(PATIENT), NEW_KEY);
        vm.expectRevert(abi.encodeWithSelector(Recovery.RecoveryNotReady.selector, 0));
        registrar.finishRecovery(who(PATIENT), ofNewKey);
        vm.assertEq(registrar.keyOf(who(PATIENT)), who(PATIENT));
        // Nor does it appoint guardians in her name.
        vm.prank(who(GUARDIAN));
        consents.appoint(who(STRANGER), 1, 0, uint32(block.timestamp + 1 days));
        vm.assertFalse(consents.mayAct(who(PATIENT), who(STRANGER), 1));
    }

    function test_C6_a_viewer_leaves_the_group_that_was_named_and_no_other() public {
        vm.prank(who(HOSPITAL));
        address wardA = consents.foundGroup("ward A");
        vm.prank(who(HOSPITAL));
        address wardB = consents.foundGroup("ward B");
        vm.prank(who(HOSPITAL));
        consents.setMember(wardA, who(VIEWER), true);
        vm.prank(who(HOSPITAL));
        vm.expectRevert(
            abi.encodeWithSelector(Groups.MembershipUnchanged.selector, wardB, who(VIEWER), false)
        );
        consents.setMember(wardB, who(VIEWER), false);
        vm.prank(who(CLINIC));
        vm.expectRevert(abi.encodeWithSelector(Groups.NotGroupOwner.selector, wardA, who(CLINIC)));
        consents.setMember(wardA, who(VIEWER), false);
        vm.assertTrue(consents.isMember(wardA, who(VIEWER)));
        vm.prank(who(HOSPITAL));
        consents.setMember(wardB, who(VIEWER), true);
        vm.prank(who(HOSPITAL));
        consents.setMember(wardB, who(VIEWER), false);
        vm.assertTrue(consents.isMember(wardA, who(VIEWER)));
        vm.assertFalse(consents.isMember(wardB, who(VIEWER)));
    }

    function test_C7_with_two_providers_one_vote_admits_nobody() public {
        vm.prank(who(SURGERY));
        registrar.resign();
        Candidate memory third = candidate(NEW_KEY, Role.Provider, "third");
        vm.prank(who(HOSPITAL));
        registrar.voteToAdmit(third);
        vm.assertEq(uint8(registrar.roleOf(who(NEW_KEY))), uint8(Role.None));
        vm.prank(who(HOSPITAL));
        vm.expectRevert(abi.encodeWithSelector(Registrar.AlreadyVoted.selector, who(HOSPITAL)));
        registrar.voteToAdmit(third);
        vm.prank(who(CLINIC));
        registrar.voteToAdmit(third);
        vm.assertEq(uint8(registrar.roleOf(who(NEW_KEY))), uint8(Role.Provider));
    }

    function test_C8_a_name_accepted_once_is_not_accepted_twice() public {
        Candidate memory first = candidate(0x51, Role.Provider, "new hospital");
        Candidate memory second = candidate(0x52, Role.Researcher, "new hospital");
        // Both ballots run while neither name is taken.
        vm.prank(who(HOSPITAL));
        registrar.voteToAdmit(first);
        vm.prank(who(HOSPITAL));
        registrar.voteToAdmit(second);
        vm.prank(who(CLINIC));
        registrar.voteToAdmit(first);
        // Four providers now: the third vote makes the majority, and meets the name.
        vm.prank(who(CLINIC));
        registrar.voteToAdmit(second);
        vm.prank(who(SURGERY));
        vm.expectRevert(abi.encodeWithSelector(Registrar.NameTaken.selector, "new hospital"));
        registrar.voteToAdmit(second);
        vm.assertEq(registrar.accountOfName("new hospital"), who(0x51));
        // The same candidate is not entered twice either.
        Candidate memory again = candidate(0x51, Role.Provider, "another name");
        vm.prank(who(HOSPITAL));
        registrar.voteToAdmit(again);
        vm.prank(who(CLINIC));
        registrar.voteToAdmit(again);
        vm.prank(who(0x51));
        vm.expectRevert(abi.encodeWithSelector(Participants.AddressTaken.selector, who(0x51)));
        registrar.voteToAdmit(again);
    }

    function test_C9_nobody_overwrites_anothers_entry() public {
        registerPatient(PATIENT);
        bytes32 before = keccak256(abi.encode(registrar.participant(who(PATIENT))));
        vm.prank(who(PATIENT));
        vm.expectRevert(abi.encodeWithSelector(Participants.AddressTaken.selector, who(PATIENT)));
        registrar.register(Role.Guardian, keccak256("another commitment"));
        registerPatient(OTHER_PATIENT);
        // A key cannot be claimed without its own consent, ...
        Permit memory forged = acceptance(who(OTHER_PATIENT), PATIENT);
        forged.signature = acceptance(who(OTHER_PATIENT), STRANGER).signature;
        vm.prank(who(OTHER_PATIENT));
        vm.expectRevert(abi.encodeWithSelector(SignedActs.SignatureRefused.selector, who(PATIENT)));
        registrar.rotateKey(forged);
        // ... and an account's own address is no key for another even with it.
        Permit memory willing = acceptance(who(OTHER_PATIENT), PATIENT);
        vm.prank(who(OTHER_PATIENT));
        vm.expectRevert(abi.encodeWithSelector(Participants.AddressTaken.selector, who(PATIENT)));
        registrar.rotateKey(willing);
        vm.prank(who(STRANGER));
        vm.expectRevert(abi.encodeWithSelector(Participants.NotRelationships.selector, who(STRANGER)));
        registrar.enrolPatient(who(PATIENT), SALTED);
        vm.prank(who(STRANGER));
        vm.expectRevert(abi.encodeWithSelector(Relationships.NotTheRegistrar.selector, who(STRANGER)));
        relationships.providerKeyChanged(who(HOSPITAL), who(STRANGER), who(HOSPITAL));
        vm.assertEq(keccak256(abi.encode(registrar.participant(who(PATIENT)))), before);
    }

    function test_C10_every_lookup_is_written() public {
        registerPatient(PATIENT);
        vm.assertEq(registrar.accountOf(who(PATIENT)), who(PATIENT));
        vm.assertEq(registrar.keyOf(who(PATIENT)), who(PATIENT));
        rotate(HOSPITAL, who(HOSPITAL), NEW_KEY);
        vm.assertEq(registrar.accountOf(who(NEW_KEY)), who(HOSPITAL));
        vm.assertEq(registrar.accountOf(who(HOSPITAL)), address(0));
        vm.assertEq(registrar.keyOf(who(HOSPITAL)), who(NEW_KEY));
        vm.assertEq(relationships.providerOfKey(who(NEW_KEY)), who(HOSPITAL));
        vm.assertEq(relationships.providerOfKey(who(HOSPITAL)), address(0));
        vm.assertEq(registrar.accountOfName("hospital"), who(HOSPITAL));
        Candidate memory fourth = candidate(0x54, Role.Provider, "fourth");
        vm.prank(who(NEW_KEY));
        registrar.voteToAdmit(fourth);
        vm.prank(who(CLINIC));
        registrar.voteToAdmit(fourth);
        vm.assertEq(registrar.accountOfName("fourth"), who(0x54));
        vm.assertEq(relationships.providerOfKey(who(0x54)), who(0x54));
        vm.assertEq(registrar.providers().length, 4);
    }

    function test_C11_ending_a_relationship_erases_no_history() public {
        relate(PATIENT, HOSPITAL);
        DataPointer memory pointer = DataPointer(who(PATIENT), QUERY, keccak256("keyed commitment"));
        bytes32 leaf = relationships.pointerLeaf(pointer);
        Update memory update = Update(who(HOSPITAL), who(PATIENT), leaf, QUERY, COST);
        vm.prank(who(HOSPITAL));
        relationships.update(who(PATIENT), leaf, QUERY, COST);
        bytes32 bounty = relationships.bountyId(update);
        vm.prank(who(PATIENT));
        relationships.end(who(PATIENT), who(HOSPITAL));
        (bool included, Status status) = relationships.verifyPointer(update, pointer, new bytes32[](0));
        vm.assertTrue(included);
        vm.assertEq(uint8(status), uint8(Status.Deleted));
        Posted memory posted = relationships.posted(bounty);
        vm.assertEq(posted.owner, MINER);
        vm.assertEq(posted.blockNumber, block.number);
        // Nor does beginning anew.
        relate(PATIENT, HOSPITAL);
        (included, status) = relationships.verifyPointer(update, pointer, new bytes32[](0));
        vm.assertTrue(included);
        vm.assertEq(uint8(status), uint8(Status.Accepted));
    }

    function test_C12_milliseconds_are_not_taken_for_seconds() public {
        uint256 milliseconds = (block.timestamp + 1 days) * 1000;
        vm.expectRevert(abi.encodeWithSelector(TermsLibrary.NotUnixSeconds.selector, milliseconds));
        consents.packTerms("document", 0, milliseconds);
        vm.expectRevert(abi.encodeWithSelector(TermsLibrary.NotUnixSeconds.selector, milliseconds));
        consents.packTerms("document", milliseconds, milliseconds + 1);
        // An argument of 4 bytes refuses them by itself.
        // solhint-disable-next-line avoid-low-level-calls
        (bool success,) = address(consents).call(
            abi.encodeWithSelector(Guardians.appoint.selector, who(GUARDIAN), 1, 0, milliseconds)
        );
        vm.assertFalse(success);
    }

    function test_C12_a_grant_holds_from_its_first_second_to_the_one_before_its_last() public {
        registerPatient(PATIENT);
        Terms terms = consents.packTerms("document", block.timestamp + 100, block.timestamp + 200);
        vm.prank(who(PATIENT));
        consents.grant(terms);
        uint256 granted = block.timestamp;
        vm.assertFalse(consents.isInForce(who(PATIENT), terms));
        vm.warp(granted + 99);
        vm.assertFalse(consents.isInForce(who(PATIENT), terms));
        vm.warp(granted + 100);
        vm.assertTrue(consents.isInForce(who(PATIENT), terms));
        vm.warp(granted + 199);
        vm.assertTrue(consents.isInForce(who(PATIENT), terms));
        vm.warp(granted + 200);
        vm.assertFalse(consents.isInForce(who(PATIENT), terms));
    }
}
