// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Bounties} from "../src/Bounties.sol";
import {Consents} from "../src/Consents.sol";
import {Role} from "../src/Interfaces.sol";
import {Candidate, Institution, Registrar} from "../src/Registrar.sol";
import {Relationships, Update} from "../src/Relationships.sol";
import {Releases} from "../src/Releases.sol";
import {Permit, SignedActs} from "../src/SignedActs.sol";
import {Terms, TermsLibrary} from "../src/consents/Terms.sol";
import {IVm} from "./IVm.sol";

/// @title A deployed network with three providers, and the people of the tests
/// @dev People are private keys; their addresses follow. Every signature is made the way a wallet makes it: from the type
/// string, the values, the domain separator.
abstract contract Network {
    // The name that every forge test calls it by.
    // solhint-disable-next-line const-name-snakecase
    IVm internal constant vm = IVm(address(uint160(uint256(keccak256("hevm cheat code")))));

    uint256 internal constant HOSPITAL = 0xA1;
    uint256 internal constant CLINIC = 0xA2;
    uint256 internal constant SURGERY = 0xA3;
    uint256 internal constant PATIENT = 0xB1;
    uint256 internal constant OTHER_PATIENT = 0xB2;
    uint256 internal constant GUARDIAN = 0xC1;
    uint256 internal constant VIEWER = 0xD1;
    uint256 internal constant STRANGER = 0xE1;
    uint256 internal constant NEW_KEY = 0xF1;
    address internal constant MINER = 0x00000000000000000000000000000000c01BBa5e;
    bytes32 internal constant SALTED = keccak256("salted commitment of an identity string");
    bytes32 internal constant ROOT = keccak256("records root");
    bytes32 internal constant QUERY = keccak256("catalogue query");
    uint64 internal constant COST = 1_000_000;
    uint256 internal constant NOW = 1_800_000_000;

    Registrar internal registrar;
    Consents internal consents;
    Relationships internal relationships;
    Bounties internal bounties;
    Releases internal releases;

    function setUp() public virtual {
        vm.warp(NOW);
        vm.roll(1000);
        vm.coinbase(MINER);
        // The Registrar names Relationships, which comes third from this deployer.
        uint64 nonce = vm.getNonce(address(this));
        Candidate[] memory founders = new Candidate[](3);
        founders[0] = candidate(HOSPITAL, Role.Provider, "hospital");
        founders[1] = candidate(CLINIC, Role.Provider, "clinic");
        founders[2] = candidate(SURGERY, Role.Provider, "surgery");
        registrar = new Registrar(Relationships(vm.computeCreateAddress(address(this), nonce + 2)), founders);
        consents = new Consents(registrar);
        relationships = new Relationships(registrar, consents);
        bounties = new Bounties(registrar, relationships);
        releases = new Releases(registrar);
        vm.assertEq(address(registrar.RELATIONSHIPS()), address(relationships));
    }

    function who(uint256 person) internal pure returns (address) {
        return vm.addr(person);
    }

    function candidate(uint256 person, Role role, string memory name) internal pure returns (Candidate memory) {
        return Candidate(
            who(person), role, SALTED, Institution(name, "https://gatekeeper.example", keccak256("encryption key"))
        );
    }

    function registerPatient(uint256 person) internal {
        vm.prank(who(person));
        registrar.register(Role.Patient, SALTED);
    }

    /// @dev Patient and provider agree, by a proposal and an acceptance.
    function relate(uint256 patient, uint256 provider) internal {
        if (registrar.roleOf(who(patient)) == Role.None) registerPatient(patient);
        vm.prank(who(provider));
        relationships.propose(who(patient));
        vm.prank(who(patient));
        relationships.accept(who(patient), who(provider));
    }

    /// @dev Terms that hold at once, for thirty days.
    function termsFor(string memory document) internal view returns (Terms) {
        return TermsLibrary.pack(bytes24(keccak256(bytes(document))), 0, block.timestamp + 30 days);
    }

    function grantType(string memory act) internal pure returns (string memory) {
        return string.concat(
            act, "(address patient,bytes24 document,uint32 start,uint32 expiry,uint256 nonce,uint256 deadline)"
        );
    }

    function grantFields(uint256 patient, Terms terms) internal pure returns (bytes memory) {
        return abi.encode(
            who(patient),
            TermsLibrary.document(terms),
            TermsLibrary.start(terms),
            TermsLibrary.expiry(terms)
        );
    }

    /// @dev The patient appoints GUARDIAN for a year.
    function appoint(uint256 patient, uint8 powers) internal {
        vm.prank(who(patient));
        consents.appoint(who(GUARDIAN), powers, 0, uint32(block.timestamp + 365 days));
    }

    function posting(uint256 provider, address patient) internal pure returns (Update memory) {
        return Update(who(provider), patient, ROOT, QUERY, COST);
    }

    /// @dev Signs `fields`: the ABI-encoded values after the type hash and before nonce and deadline.
    function permitOf(SignedActs target, uint256 person, string memory typeString, bytes memory fields)
        internal
        view
        returns (Permit memory)
    {
        return permitUntil(target, person, typeString, fields, target.nonces(who(person)), block.timestamp + 1 hours);
    }

    function permitUntil(
        SignedActs target,
        uint256 person,
        string memory typeString,
        bytes memory fields,
        uint256 nonce,
        uint256 deadline
    ) internal view returns (Permit memory) {
        bytes32 structHash =
            keccak256(bytes.concat(keccak256(bytes(typeString)), fields, abi.encode(nonce, deadline)));
        bytes32 digest = keccak256(abi.encodePacked("\x19\x01", target.DOMAIN_SEPARATOR(), structHash));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(person, digest);
        return Permit(who(person), deadline, abi.encodePacked(r, s, v));
    }

    /// @dev The new key's own consent to become the key of `account`.
    function acceptance(address account, uint256 newKey) internal view returns (Permit memory) {
        return permitOf(
            registrar,
            newKey,
            "KeyAcceptance(address account,address newKey,uint256 nonce,uint256 deadline)",
            abi.encode(account, who(newKey))
        );
    }

    function rotate(uint256 oldKey, address account, uint256 newKey) internal {
        Permit memory ofNewKey = acceptance(account, newKey);
        vm.prank(who(oldKey));
        registrar.rotateKey(ofNewKey);
    }

    function onboarding(uint256 patient, uint256 provider) internal view returns (Permit memory) {
        return permitOf(
            relationships,
            patient,
            "Onboarding(address patient,address provider,bytes32 identityCommitment,uint256 nonce,uint256 deadline)",
            abi.encode(who(patient), who(provider), SALTED)
        );
    }
}
