// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {DataPointer, Update} from "../src/Relationships.sol";
import {Permit, SignedActs} from "../src/SignedActs.sol";
import {Terms} from "../src/consents/Terms.sol";
import {Network} from "./Network.sol";

/// @title Digests and hashes for other languages
/// @notice Has the contracts accept a signature over each digest, and compares all of it with `vectors/eip712.json`. With
/// WRITE_VECTORS=true it writes that file instead.
contract VectorsTest is Network {
    string private constant FILE = "vectors/eip712.json";
    string private json;

    function put(string memory name, string memory value) private {
        json = string.concat(json, bytes(json).length == 0 ? "{\n" : ",\n", "  \"", name, "\": ", value);
    }

    function quoted(string memory text) private pure returns (string memory) {
        return string.concat("\"", text, "\"");
    }

    /// @dev The signed permit, after its digest went into the file.
    function signed(
        SignedActs target,
        string memory name,
        string memory typeString,
        bytes memory fields
    ) private returns (Permit memory permit) {
        permit = permitOf(target, PATIENT, typeString, fields);
        bytes32 structHash = keccak256(
            bytes.concat(
                keccak256(bytes(typeString)), fields, abi.encode(target.nonces(who(PATIENT)), permit.deadline)
            )
        );
        bytes32 digest = keccak256(abi.encodePacked("\x19\x01", target.DOMAIN_SEPARATOR(), structHash));
        string memory place = string.concat("{ \"contract\": \"", vm.toString(address(target)), "\", \"digest\": \"");
        put(name, string.concat(place, vm.toString(digest), "\" }"));
    }

    function test_vectors_are_what_the_contracts_accept_and_compute() public {
        put("chainId", vm.toString(block.chainid));
        put("patient", quoted(vm.toString(who(PATIENT))));
        put("provider", quoted(vm.toString(who(HOSPITAL))));
        put("guardian", quoted(vm.toString(who(GUARDIAN))));
        put("deadline", vm.toString(NOW + 1 hours));
        acceptSignatures();
        computeHashes();
        json = string.concat(json, "\n}\n");
        if (vm.envOr("WRITE_VECTORS", false)) vm.writeFile(FILE, json);
        vm.assertEq(vm.readFile(FILE), json);
    }

    function acceptSignatures() private {
        bytes32 identity = repeat(0x22);
        Permit memory permit = signed(
            relationships,
            "Onboarding",
            "Onboarding(address patient,address provider,bytes32 identityCommitment,uint256 nonce,uint256 deadline)",
            abi.encode(who(PATIENT), who(HOSPITAL), identity)
        );
        vm.prank(who(HOSPITAL));
        relationships.onboard(identity, permit);
        Terms terms = consents.packTerms(bytes24(repeat(0x11)), 1_800_000_000, 1_900_000_000);
        permit = signed(consents, "Grant", grantType("Grant"), grantFields(PATIENT, terms));
        consents.grantBySig(who(PATIENT), terms, permit);
        Terms[] memory both = new Terms[](2);
        both[0] = terms;
        both[1] = consents.packTerms(bytes24(repeat(0x77)), 0, 1_900_000_000);
        permit = signed(
            consents,
            "Grants",
            "Grants(address patient,bytes32[] terms,uint256 nonce,uint256 deadline)",
            abi.encode(who(PATIENT), keccak256(abi.encodePacked(both)))
        );
        consents.grantManyBySig(both, permit);
        permit = signed(
            consents,
            "ResearchRelease",
            "ResearchRelease(address patient,bytes32 purpose,bytes32 scopeCommitment,uint32 start,uint32 expiry,uint64 yearlyCapNanoRho,uint256 nonce,uint256 deadline)",
            abi.encode(who(PATIENT), repeat(0x33), repeat(0x44), 1_800_000_000, 1_900_000_000, 50_000_000)
        );
        consents.releaseToResearchBySig(
            who(PATIENT), repeat(0x33), repeat(0x44), 1_800_000_000, 1_900_000_000, 50_000_000, permit
        );
        address[] memory guardians = new address[](2);
        guardians[0] = who(GUARDIAN);
        guardians[1] = who(HOSPITAL);
        permit = signed(
            registrar,
            "GuardianChange",
            "GuardianChange(address account,address[] guardians,uint8 threshold,uint256 nonce,uint256 deadline)",
            abi.encode(who(PATIENT), keccak256(abi.encodePacked(guardians)), 2)
        );
        registrar.setGuardiansBySig(guardians, 2, permit);
        put("terms", quoted(vm.toString(Terms.unwrap(terms))));
    }

    function computeHashes() private {
        bytes32 root = repeat(0x55);
        bytes32 query = repeat(0x66);
        Update memory update = Update(who(HOSPITAL), who(PATIENT), root, query, COST);
        put("bountyId", quoted(vm.toString(relationships.bountyId(update))));
        DataPointer memory pointer = DataPointer(who(PATIENT), query, root);
        put("pointerLeaf", quoted(vm.toString(relationships.pointerLeaf(pointer))));
        put("shardLeaf", quoted(vm.toString(releases.shardLeaf(who(HOSPITAL), 7, 3, query))));
        vm.prank(who(HOSPITAL));
        releases.declareCap(1);
        vm.prank(who(HOSPITAL));
        releases.commit(7, root, query, 999_983, 1);
        put("shardIndex", vm.toString(releases.shardForHash(who(HOSPITAL), 7, block.number + 12, query)));
    }

    function repeat(uint8 value) private pure returns (bytes32) {
        return bytes32(uint256(value) * (type(uint256).max / 255));
    }
}
