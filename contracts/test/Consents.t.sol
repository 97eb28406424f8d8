// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Consents, ResearchRelease} from "../src/Consents.sol";
import {Permit, SignedActs} from "../src/SignedActs.sol";
import {Grants} from "../src/consents/Grants.sol";
import {Groups} from "../src/consents/Groups.sol";
import {Guardians} from "../src/consents/Guardians.sol";
import {Terms, TermsLibrary} from "../src/consents/Terms.sol";
import {TwoParty} from "../src/consents/TwoParty.sol";
import {Network} from "./Network.sol";

/// @title Consents: grants, guardians, groups, the second party, research
contract ConsentsTest is Network {
    bytes32 private constant PURPOSE = keccak256("research-aggregate");
    string private constant COSIGNER_CHANGE =
        "CosignerChange(address patient,address from,address to,uint256 nonce,uint256 deadline)";

    function setUp() public override {
        super.setUp();
        registerPatient(PATIENT);
    }

    function testFuzz_terms_keep_their_fields(bytes24 document, uint32 start, uint32 expiry) public pure {
        Terms terms = TermsLibrary.pack(document, start, expiry);
        vm.assertEq(bytes32(TermsLibrary.document(terms)), bytes32(document));
        vm.assertEq(TermsLibrary.start(terms), start);
        vm.assertEq(TermsLibrary.expiry(terms), expiry);
    }

    /// @dev Whatever the period and the time: in force exactly from start to before expiry, once granted, until revoked.
    function testFuzz_a_grant_is_in_force_within_its_period_only(uint32 start, uint32 expiry, uint32 later) public {
        Terms terms = consents.packTerms("document", start, expiry);
        bool sensible = expiry > block.timestamp && expiry > start;
        if (!sensible) {
            vm.expectRevert(abi.encodeWithSelector(Guardians.PeriodRefused.selector, start, expiry));
        }
        vm.prank(who(PATIENT));
        consents.grant(terms);
        uint256 time = block.timestamp + later;
        vm.warp(time);
        vm.assertEq(consents.isInForce(who(PATIENT), terms), sensible && start <= time && time < expiry);
        vm.assertFalse(consents.isInForce(who(OTHER_PATIENT), terms));
        if (!sensible) return;
        vm.prank(who(PATIENT));
        consents.revoke(terms);
        vm.assertFalse(consents.isInForce(who(PATIENT), terms));
    }

    function test_revocation_holds_in_the_same_block_and_is_logged() public {
        Terms terms = termsFor("document");
        vm.expectEmit(address(consents));
        emit Grants.Granted(who(PATIENT), terms);
        vm.prank(who(PATIENT));
        consents.grant(terms);
        vm.assertTrue(consents.isInForce(who(PATIENT), terms));
        vm.expectEmit(address(consents));
        emit Grants.Revoked(who(PATIENT), terms);
        vm.prank(who(PATIENT));
        consents.revoke(terms);
        vm.assertFalse(consents.isInForce(who(PATIENT), terms));
        vm.prank(who(PATIENT));
        vm.expectRevert(abi.encodeWithSelector(Grants.NothingToRevoke.selector, who(PATIENT), terms));
        consents.revoke(terms);
    }

    function test_what_a_stranger_grants_is_nobodys_consent() public {
        Terms terms = termsFor("document");
        vm.prank(who(STRANGER));
        consents.grant(terms);
        vm.assertFalse(consents.isInForce(who(PATIENT), terms));
        vm.assertFalse(consents.isInForce(who(STRANGER), terms));
        vm.prank(who(STRANGER));
        vm.expectRevert(
            abi.encodeWithSelector(Guardians.NotAllowedFor.selector, who(PATIENT), who(STRANGER))
        );
        consents.grantFor(who(PATIENT), terms);
        vm.prank(who(STRANGER));
        vm.expectRevert(abi.encodeWithSelector(Grants.NothingToRevoke.selector, who(STRANGER), termsFor("other")));
        consents.revoke(termsFor("other"));
    }

    function test_several_grants_in_one_call() public {
        Terms[] memory terms = new Terms[](2);
        terms[0] = termsFor("one");
        terms[1] = termsFor("two");
        vm.prank(who(PATIENT));
        consents.grantMany(terms);
        vm.assertTrue(consents.isInForce(who(PATIENT), terms[0]) && consents.isInForce(who(PATIENT), terms[1]));
        Permit memory permit = permitOf(
            consents,
            PATIENT,
            "Grants(address patient,bytes32[] terms,uint256 nonce,uint256 deadline)",
            abi.encode(who(PATIENT), keccak256(abi.encodePacked(terms)))
        );
        terms[1] = termsFor("three");
        vm.expectRevert(abi.encodeWithSelector(SignedActs.SignatureRefused.selector, who(PATIENT)));
        consents.grantManyBySig(terms, permit);
    }

    /// @dev Each of the 16 sets of powers lets a guardian do what it names and nothing else.
    function test_a_guardian_does_exactly_what_its_powers_say() public {
        Terms held = termsFor("held");
        vm.prank(who(PATIENT));
        consents.grant(held);
        vm.prank(who(PATIENT));
        consents.releaseToResearch(who(PATIENT), PURPOSE, ROOT, 0, uint32(NOW + 1 days), 1);
        bytes[4] memory calls = [
            abi.encodeCall(consents.grantFor, (who(PATIENT), termsFor("new"))),
            abi.encodeCall(consents.revokeFor, (who(PATIENT), held)),
            abi.encodeCall(
                consents.releaseToResearch, (who(PATIENT), PURPOSE, ROOT, 0, uint32(NOW + 1 days), 2)
            ),
            abi.encodeCall(consents.withdrawFromResearch, (who(PATIENT), PURPOSE))
        ];
        uint8[4] memory needed = [
            consents.POWER_GRANT(), consents.POWER_REVOKE(), consents.POWER_RESEARCH(), consents.POWER_RESEARCH()
        ];
        for (uint8 powers = 1; powers < 16; ++powers) {
            appoint(PATIENT, powers);
            for (uint256 i = 0; i < 4; ++i) {
                uint256 snapshot = vm.snapshotState();
                vm.prank(who(GUARDIAN));
                // solhint-disable-next-line avoid-low-level-calls
                (bool success,) = address(consents).call(calls[i]);
                vm.assertEq(success, powers & needed[i] != 0);
                vm.assertTrue(vm.revertToState(snapshot));
            }
        }
    }

    function test_appointments_that_make_no_sense_are_refused_and_a_guardian_may_leave() public {
        vm.prank(who(PATIENT));
        vm.expectRevert(abi.encodeWithSelector(Guardians.AppointmentRefused.selector, who(GUARDIAN), 0));
        consents.appoint(who(GUARDIAN), 0, 0, uint32(NOW + 1));
        vm.prank(who(PATIENT));
        vm.expectRevert(abi.encodeWithSelector(Guardians.AppointmentRefused.selector, who(PATIENT), 1));
        consents.appoint(who(PATIENT), 1, 0, uint32(NOW + 1));
        vm.prank(who(PATIENT));
        vm.expectRevert(abi.encodeWithSelector(Guardians.PeriodRefused.selector, 0, NOW));
        consents.appoint(who(GUARDIAN), 1, 0, uint32(NOW));
        appoint(PATIENT, 1);
        vm.prank(who(GUARDIAN));
        consents.dismiss(who(PATIENT), who(GUARDIAN));
        vm.assertFalse(consents.mayAct(who(PATIENT), who(GUARDIAN), 1));
        vm.prank(who(PATIENT));
        vm.expectRevert(abi.encodeWithSelector(Guardians.NoSuchGuardian.selector, who(PATIENT), who(GUARDIAN)));
        consents.dismiss(who(PATIENT), who(GUARDIAN));
        vm.assertFalse(consents.mayAct(who(PATIENT), who(GUARDIAN), 0));
    }

    function test_guardians_are_appointed_and_dismissed_by_signature() public {
        uint32 expiry = uint32(NOW + 1 days);
        Permit memory permit = permitOf(
            consents,
            PATIENT,
            "Appointment(address patient,address guardian,uint8 powers,uint32 start,uint32 expiry,uint256 nonce,uint256 deadline)",
            abi.encode(who(PATIENT), who(GUARDIAN), uint8(3), uint32(0), expiry)
        );
        vm.expectRevert(abi.encodeWithSelector(SignedActs.SignatureRefused.selector, who(PATIENT)));
        consents.appointBySig(who(GUARDIAN), 7, 0, expiry, permit);
        consents.appointBySig(who(GUARDIAN), 3, 0, expiry, permit);
        vm.assertTrue(consents.mayAct(who(PATIENT), who(GUARDIAN), 3));
        string memory dismissal = "Dismissal(address patient,address guardian,uint256 nonce,uint256 deadline)";
        bytes memory fields = abi.encode(who(PATIENT), who(GUARDIAN));
        Permit memory strangers = permitOf(consents, STRANGER, dismissal, fields);
        vm.expectRevert(
            abi.encodeWithSelector(Guardians.NotAllowedFor.selector, who(PATIENT), who(STRANGER))
        );
        consents.dismissBySig(who(PATIENT), who(GUARDIAN), strangers);
        consents.dismissBySig(who(PATIENT), who(GUARDIAN), permitOf(consents, GUARDIAN, dismissal, fields));
        vm.assertFalse(consents.mayAct(who(PATIENT), who(GUARDIAN), 1));
    }

    function test_a_group_has_one_owner_even_after_its_key_changed() public {
        vm.prank(who(HOSPITAL));
        address group = consents.foundGroup("ward");
        vm.prank(who(HOSPITAL));
        vm.expectRevert(abi.encodeWithSelector(Groups.GroupExists.selector, group));
        consents.foundGroup("ward");
        rotate(HOSPITAL, who(HOSPITAL), NEW_KEY);
        vm.prank(who(HOSPITAL));
        vm.expectRevert();
        consents.setMember(group, who(VIEWER), true);
        vm.prank(who(NEW_KEY));
        consents.setMember(group, who(VIEWER), true);
        vm.assertTrue(consents.isMember(group, who(VIEWER)));
    }

    function test_where_two_parties_are_asked_for_one_is_not_enough() public {
        Terms before = termsFor("before");
        vm.prank(who(PATIENT));
        consents.grant(before);
        appoint(PATIENT, 15);
        vm.prank(who(PATIENT));
        consents.requireCosigner(who(VIEWER));
        vm.assertFalse(consents.isInForce(who(PATIENT), before));
        vm.assertFalse(consents.mayAct(who(PATIENT), who(GUARDIAN), 1));
        vm.prank(who(PATIENT));
        vm.expectRevert(abi.encodeWithSelector(TwoParty.NotCosigner.selector, who(PATIENT), who(PATIENT)));
        consents.cosign(who(PATIENT), Terms.unwrap(before), true);
        vm.prank(who(VIEWER));
        consents.cosign(who(PATIENT), Terms.unwrap(before), true);
        vm.assertTrue(consents.isInForce(who(PATIENT), before));
        // It is agreed once; given again later, it has to be agreed again.
        vm.prank(who(PATIENT));
        consents.revoke(before);
        vm.warp(block.timestamp + 1);
        vm.prank(who(PATIENT));
        consents.grant(before);
        vm.assertFalse(consents.isInForce(who(PATIENT), before));
        vm.prank(who(VIEWER));
        consents.cosign(who(PATIENT), Terms.unwrap(before), true);
        vm.prank(who(VIEWER));
        consents.cosign(who(PATIENT), Terms.unwrap(before), false);
        vm.assertFalse(consents.isInForce(who(PATIENT), before));
        // The patient alone does not get rid of the second party.
        vm.prank(who(PATIENT));
        vm.expectRevert(abi.encodeWithSelector(TwoParty.CosignerStands.selector, who(VIEWER)));
        consents.requireCosigner(who(STRANGER));
    }

    function test_the_second_party_is_replaced_by_both_signatures_and_by_no_fewer() public {
        vm.prank(who(PATIENT));
        consents.requireCosigner(who(VIEWER));
        bytes memory fields = abi.encode(who(PATIENT), who(VIEWER), address(0));
        Permit memory ofPatient = permitOf(consents, PATIENT, COSIGNER_CHANGE, fields);
        Permit memory ofStranger = permitOf(consents, STRANGER, COSIGNER_CHANGE, fields);
        vm.expectRevert(abi.encodeWithSelector(TwoParty.NotCosigner.selector, who(PATIENT), who(STRANGER)));
        consents.changeCosigner(address(0), ofPatient, ofStranger);
        Permit memory ofCosigner = permitOf(consents, VIEWER, COSIGNER_CHANGE, fields);
        consents.changeCosigner(address(0), ofPatient, ofCosigner);
        vm.assertEq(consents.cosignerOf(who(PATIENT)), address(0));
        vm.expectRevert(abi.encodeWithSelector(TwoParty.CosignerStands.selector, address(0)));
        consents.changeCosigner(who(STRANGER), ofPatient, ofCosigner);
    }

    function test_the_second_party_is_asked_for_and_agrees_by_signature() public {
        bytes memory fields = abi.encode(who(PATIENT), address(0), who(VIEWER));
        consents.requireCosignerBySig(who(VIEWER), permitOf(consents, PATIENT, COSIGNER_CHANGE, fields));
        vm.prank(who(PATIENT));
        consents.releaseToResearch(who(PATIENT), PURPOSE, ROOT, 0, uint32(NOW + 1 days), 5);
        (, bool holds) = consents.researchOf(who(PATIENT), PURPOSE);
        vm.assertFalse(holds);
        bytes32 item = consents.researchItem(PURPOSE, ROOT, 0, uint32(NOW + 1 days), 5);
        Permit memory permit = permitOf(
            consents,
            VIEWER,
            "Cosignature(address patient,bytes32 item,bool agreed,uint256 nonce,uint256 deadline)",
            abi.encode(who(PATIENT), item, true)
        );
        consents.cosignBySig(who(PATIENT), item, true, permit);
        (, holds) = consents.researchOf(who(PATIENT), PURPOSE);
        vm.assertTrue(holds);
        // A higher cap is another item.
        vm.prank(who(PATIENT));
        consents.releaseToResearch(who(PATIENT), PURPOSE, ROOT, 0, uint32(NOW + 1 days), 6);
        (, holds) = consents.researchOf(who(PATIENT), PURPOSE);
        vm.assertFalse(holds);
    }

    function test_a_release_to_research_by_signature_holds_in_its_period_until_withdrawn() public {
        string memory release =
            "ResearchRelease(address patient,bytes32 purpose,bytes32 scopeCommitment,uint32 start,uint32 expiry,uint64 yearlyCapNanoRho,uint256 nonce,uint256 deadline)";
        uint32 expiry = uint32(NOW + 365 days);
        Permit memory permit = permitOf(
            consents,
            PATIENT,
            release,
            abi.encode(who(PATIENT), PURPOSE, ROOT, uint32(NOW + 10), expiry, uint64(50_000_000))
        );
        vm.expectRevert(abi.encodeWithSelector(SignedActs.SignatureRefused.selector, who(PATIENT)));
        consents.releaseToResearchBySig(
            who(PATIENT), PURPOSE, ROOT, uint32(NOW + 10), expiry, 50_000_001, permit
        );
        consents.releaseToResearchBySig(
            who(PATIENT), PURPOSE, ROOT, uint32(NOW + 10), expiry, 50_000_000, permit
        );
        (, bool holds) = consents.researchOf(who(PATIENT), PURPOSE);
        vm.assertFalse(holds);
        vm.warp(NOW + 10);
        ResearchRelease memory stored;
        (stored, holds) = consents.researchOf(who(PATIENT), PURPOSE);
        vm.assertTrue(holds);
        vm.assertEq(stored.yearlyCapNanoRho, 50_000_000);
        permit = permitOf(
            consents,
            PATIENT,
            "ResearchWithdrawal(address patient,bytes32 purpose,uint256 nonce,uint256 deadline)",
            abi.encode(who(PATIENT), PURPOSE)
        );
        consents.withdrawFromResearchBySig(who(PATIENT), PURPOSE, permit);
        (, holds) = consents.researchOf(who(PATIENT), PURPOSE);
        vm.assertFalse(holds);
        vm.prank(who(PATIENT));
        vm.expectRevert(abi.encodeWithSelector(Consents.NothingToWithdraw.selector, who(PATIENT), PURPOSE));
        consents.withdrawFromResearch(who(PATIENT), PURPOSE);
    }

    function test_nothing_is_released_by_default_nor_without_a_cap() public {
        (ResearchRelease memory release, bool holds) = consents.researchOf(who(PATIENT), PURPOSE);
        vm.assertFalse(holds);
        vm.assertEq(release.yearlyCapNanoRho, 0);
        vm.prank(who(PATIENT));
        vm.expectRevert(Consents.CapRefused.selector);
        consents.releaseToResearch(who(PATIENT), PURPOSE, ROOT, 0, uint32(NOW + 1), 0);
    }
}
