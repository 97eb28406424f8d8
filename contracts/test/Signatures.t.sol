// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Consents} from "../src/Consents.sol";
import {Role} from "../src/Interfaces.sol";
import {PatientAct, Status} from "../src/Relationships.sol";
import {Permit, SignedActs} from "../src/SignedActs.sol";
import {Grants} from "../src/consents/Grants.sol";
import {Guardians} from "../src/consents/Guardians.sol";
import {Terms} from "../src/consents/Terms.sol";
import {Institution1271} from "./Institution1271.sol";
import {Network} from "./Network.sol";

/// @title Acts by signature: used once, in time, by the right key, for what was signed
contract SignaturesTest is Network {
    function signedGrant(uint256 signer, uint256 patient, Terms terms) private view returns (Permit memory) {
        return permitOf(consents, signer, grantType("Grant"), grantFields(patient, terms));
    }

    function test_a_signed_grant_holds_and_cannot_be_replayed() public {
        registerPatient(PATIENT);
        Terms terms = termsFor("document");
        Permit memory permit = signedGrant(PATIENT, PATIENT, terms);
        vm.prank(who(STRANGER));
        consents.grantBySig(who(PATIENT), terms, permit);
        vm.assertTrue(consents.isInForce(who(PATIENT), terms));
        vm.assertEq(consents.nonces(who(PATIENT)), 1);
        vm.prank(who(PATIENT));
        consents.revoke(terms);
        vm.expectRevert(abi.encodeWithSelector(SignedActs.SignatureRefused.selector, who(PATIENT)));
        consents.grantBySig(who(PATIENT), terms, permit);
        vm.assertFalse(consents.isInForce(who(PATIENT), terms));
    }

    function test_a_signature_is_void_after_its_deadline_and_good_in_its_last_second() public {
        Terms terms = termsFor("document");
        Permit memory permit = signedGrant(PATIENT, PATIENT, terms);
        vm.warp(permit.deadline + 1);
        vm.expectRevert(abi.encodeWithSelector(SignedActs.DeadlinePassed.selector, permit.deadline));
        consents.grantBySig(who(PATIENT), terms, permit);
        vm.warp(permit.deadline);
        consents.grantBySig(who(PATIENT), terms, permit);
        vm.assertEq(consents.grantedAt(who(PATIENT), terms), permit.deadline);
    }

    function test_a_signature_is_for_one_contract_one_act_and_one_set_of_arguments() public {
        Terms terms = termsFor("document");
        Permit memory permit = signedGrant(PATIENT, PATIENT, terms);
        bytes memory refused = abi.encodeWithSelector(SignedActs.SignatureRefused.selector, who(PATIENT));
        vm.expectRevert(refused);
        consents.grantBySig(who(PATIENT), termsFor("another document"), permit);
        vm.expectRevert(refused);
        consents.grantBySig(who(OTHER_PATIENT), terms, permit);
        vm.expectRevert(refused);
        consents.revokeBySig(who(PATIENT), terms, permit);
        Consents elsewhere = new Consents(registrar);
        vm.expectRevert(refused);
        elsewhere.grantBySig(who(PATIENT), terms, permit);
        Permit memory longer = Permit(permit.signer, permit.deadline + 1, permit.signature);
        vm.expectRevert(refused);
        consents.grantBySig(who(PATIENT), terms, longer);
        vm.assertEq(consents.nonces(who(PATIENT)), 0);
    }

    function test_an_act_with_the_same_nonce_voids_the_one_not_yet_carried() public {
        Terms terms = termsFor("document");
        Terms other = termsFor("another document");
        Permit memory regretted = signedGrant(PATIENT, PATIENT, terms);
        Permit memory instead = signedGrant(PATIENT, PATIENT, other);
        consents.grantBySig(who(PATIENT), other, instead);
        vm.expectRevert(abi.encodeWithSelector(SignedActs.SignatureRefused.selector, who(PATIENT)));
        consents.grantBySig(who(PATIENT), terms, regretted);
    }

    /// @dev A flipped byte, a high s, a cut signature: none is taken, whatever the bytes.
    function testFuzz_no_other_bytes_pass_for_a_signature(uint256 position, uint8 flip) public {
        vm.assume(flip != 0);
        Terms terms = termsFor("document");
        Permit memory permit = signedGrant(PATIENT, PATIENT, terms);
        permit.signature[position % 65] ^= bytes1(flip);
        vm.expectRevert(abi.encodeWithSelector(SignedActs.SignatureRefused.selector, who(PATIENT)));
        consents.grantBySig(who(PATIENT), terms, permit);
    }

    function test_a_malleated_signature_is_refused() public {
        Terms terms = termsFor("document");
        Permit memory permit = signedGrant(PATIENT, PATIENT, terms);
        bytes memory signature = permit.signature;
        bytes32 s;
        // solhint-disable-next-line no-inline-assembly
        assembly ("memory-safe") {
            s := mload(add(signature, 64))
        }
        uint256 order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;
        s = bytes32(order - uint256(s));
        bytes1 v = signature[64] == 0x1b ? bytes1(0x1c) : bytes1(0x1b);
        // solhint-disable-next-line no-inline-assembly
        assembly ("memory-safe") {
            mstore(add(signature, 64), s)
        }
        signature[64] = v;
        vm.expectRevert(abi.encodeWithSelector(SignedActs.SignatureRefused.selector, who(PATIENT)));
        consents.grantBySig(who(PATIENT), terms, permit);
    }

    /// @dev Signed as 0x0: the recovery of a bad signature gives zero, which must not pass for a signer.
    function test_nobody_signs_as_the_zero_address() public {
        Terms terms = termsFor("document");
        Permit memory permit = Permit(address(0), block.timestamp + 1, new bytes(65));
        vm.expectRevert(abi.encodeWithSelector(SignedActs.SignatureRefused.selector, address(0)));
        consents.grantBySig(address(0), terms, permit);
    }

    function institution() private returns (Institution1271) {
        return new Institution1271(who(0x91), who(0x92));
    }

    /// @dev Both officers sign for the institution.
    function officersPermit(SignedActs target, address account, string memory typeString, bytes memory fields)
        private
        view
        returns (Permit memory)
    {
        uint256 nonce = target.nonces(account);
        uint256 deadline = block.timestamp + 1 hours;
        Permit memory first = permitUntil(target, 0x91, typeString, fields, nonce, deadline);
        Permit memory second = permitUntil(target, 0x92, typeString, fields, nonce, deadline);
        return Permit(account, deadline, bytes.concat(first.signature, second.signature));
    }

    function test_a_guardian_may_be_an_EIP_1271_contract() public {
        registerPatient(PATIENT);
        address guardian = address(institution());
        uint8 powers = consents.POWER_GRANT() | consents.POWER_RELATE();
        vm.prank(who(PATIENT));
        consents.appoint(guardian, powers, 0, uint32(block.timestamp + 1 days));
        Terms terms = termsFor("document");
        Permit memory permit =
            officersPermit(consents, guardian, grantType("Grant"), grantFields(PATIENT, terms));
        vm.expectEmit(address(consents));
        emit Guardians.GuardianActed(who(PATIENT), guardian, 2);
        vm.expectEmit(address(consents));
        emit Grants.Granted(who(PATIENT), terms);
        consents.grantBySig(who(PATIENT), terms, permit);
        vm.assertTrue(consents.isInForce(who(PATIENT), terms));
        // One officer alone is nobody.
        permit = officersPermit(consents, guardian, grantType("Grant"), grantFields(PATIENT, termsFor("more")));
        for (uint256 i = 65; i < 130; ++i) {
            permit.signature[i] = permit.signature[i - 65];
        }
        vm.expectRevert(abi.encodeWithSelector(SignedActs.SignatureRefused.selector, guardian));
        consents.grantBySig(who(PATIENT), termsFor("more"), permit);
    }

    function test_an_EIP_1271_guardian_acts_in_relationships_and_recovers_a_key() public {
        registerPatient(PATIENT);
        address guardian = address(institution());
        uint8 powers = consents.POWER_RELATE();
        vm.prank(who(PATIENT));
        consents.appoint(guardian, powers, 0, uint32(block.timestamp + 1 days));
        Permit memory permit = officersPermit(
            relationships,
            guardian,
            "Request(address patient,address provider,uint256 nonce,uint256 deadline)",
            abi.encode(who(PATIENT), who(HOSPITAL))
        );
        relationships.actBySig(PatientAct.Request, who(PATIENT), who(HOSPITAL), permit);
        vm.assertEq(uint8(relationships.statusOf(who(PATIENT), who(HOSPITAL))), uint8(Status.Pending));
        address[] memory guardians = new address[](1);
        guardians[0] = guardian;
        vm.prank(who(PATIENT));
        registrar.setGuardians(guardians, 1);
        permit = officersPermit(
            registrar,
            guardian,
            "RecoverySupport(address account,address newKey,uint64 round,uint256 nonce,uint256 deadline)",
            abi.encode(who(PATIENT), who(NEW_KEY), registrar.guardiansOf(who(PATIENT)).round)
        );
        registrar.supportRecoveryBySig(who(PATIENT), who(NEW_KEY), permit);
        vm.warp(block.timestamp + 3 days);
        registrar.finishRecovery(who(PATIENT), acceptance(who(PATIENT), NEW_KEY));
        vm.assertEq(registrar.keyOf(who(PATIENT)), who(NEW_KEY));
    }

    function test_an_institution_is_a_participant_and_owns_groups_by_EIP_1271() public {
        address account = address(institution());
        Permit memory permit = officersPermit(
            registrar,
            account,
            "Registration(address account,uint8 role,bytes32 identityCommitment,uint256 nonce,uint256 deadline)",
            abi.encode(account, Role.Guardian, SALTED)
        );
        registrar.registerBySig(Role.Guardian, SALTED, permit);
        permit = officersPermit(
            consents,
            account,
            "GroupFoundation(address owner,bytes32 salt,uint256 nonce,uint256 deadline)",
            abi.encode(account, bytes32("night shift"))
        );
        address group = consents.foundGroupBySig("night shift", permit);
        vm.assertEq(group, consents.groupName(account, "night shift"));
        permit = officersPermit(
            consents,
            account,
            "GroupMembership(address owner,address group,address member,bool admitted,uint256 nonce,uint256 deadline)",
            abi.encode(account, group, who(VIEWER), true)
        );
        consents.setMemberBySig(group, who(VIEWER), true, permit);
        vm.assertTrue(consents.isMember(group, who(VIEWER)));
    }
}
