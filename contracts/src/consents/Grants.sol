// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Permit} from "../SignedActs.sol";
import {Guardians} from "./Guardians.sol";
import {Terms, TermsLibrary} from "./Terms.sol";

/// @title Grants to viewers
/// @notice Which consent documents of a patient are in force. Who may see what stands in the document, at the gatekeeper; the
/// chain holds its commitment, its period, and the patient's will that it holds.
/// @dev A grant is held under the patient's *key*, not her account: whoever calls writes only under their own key, which is why a
/// grant needs no look-up and costs one slot; and when the key changes (lost, stolen, recovered) everything given with the old one
/// is void at once. A reader starts from the account and asks the Registrar for its present key. What a stranger writes under
/// his own key is nobody's record.
abstract contract Grants is Guardians {
    using TermsLibrary for Terms;

    bytes32 private constant _GRANT = keccak256(
        "Grant(address patient,bytes24 document,uint32 start,uint32 expiry,uint256 nonce,uint256 deadline)"
    );
    bytes32 private constant _REVOCATION = keccak256(
        "Revocation(address patient,bytes24 document,uint32 start,uint32 expiry,uint256 nonce,uint256 deadline)"
    );
    bytes32 private constant _GRANTS =
        keccak256("Grants(address patient,bytes32[] terms,uint256 nonce,uint256 deadline)");

    mapping(address patientKey => mapping(Terms terms => uint256 timestamp)) private _grantedAt;

    /// @notice A patient granted.
    /// @param patient the patient's key
    /// @param terms the packed terms
    event Granted(address indexed patient, Terms terms);

    /// @notice A patient revoked.
    /// @param patient the patient's key
    /// @param terms the packed terms
    event Revoked(address indexed patient, Terms terms);

    /// @notice The patient has not granted that.
    /// @param patient the patient's key
    /// @param terms the packed terms
    error NothingToRevoke(address patient, Terms terms);

    /// @notice Grants, as the patient.
    /// @param terms the packed terms
    function grant(Terms terms) external {
        _grant(msg.sender, terms);
    }

    /// @notice Grants several at once, as the patient.
    /// @param terms the packed terms of each
    function grantMany(Terms[] calldata terms) external {
        _grantMany(msg.sender, terms);
    }

    /// @notice Grants for a patient, as her guardian with POWER_GRANT.
    /// @param patient the patient's key
    /// @param terms the packed terms
    function grantFor(address patient, Terms terms) external {
        _requireActor(patient, msg.sender, POWER_GRANT);
        _grant(patient, terms);
    }

    /// @notice Grants as the signer: the patient, or a guardian of hers with POWER_GRANT.
    /// @param patient the patient's key
    /// @param terms the packed terms
    /// @param permit the signature of a Grant
    function grantBySig(address patient, Terms terms, Permit calldata permit) external {
        _accept(_termsHash(_GRANT, patient, terms, permit), permit);
        _requireActor(patient, permit.signer, POWER_GRANT);
        _grant(patient, terms);
    }

    /// @notice Grants several at once as the signing patient.
    /// @param terms the packed terms of each
    /// @param permit the patient's signature of Grants
    function grantManyBySig(Terms[] calldata terms, Permit calldata permit) external {
        bytes32 listHash = keccak256(abi.encodePacked(terms));
        _accept(
            keccak256(abi.encode(_GRANTS, permit.signer, listHash, _useNonce(permit.signer), permit.deadline)),
            permit
        );
        _grantMany(permit.signer, terms);
    }

    /// @notice Revokes, as the patient; it holds from this block on.
    /// @param terms the packed terms
    function revoke(Terms terms) external {
        _revoke(msg.sender, terms);
    }

    /// @notice Revokes for a patient, as her guardian with POWER_REVOKE.
    /// @param patient the patient's key
    /// @param terms the packed terms
    function revokeFor(address patient, Terms terms) external {
        _requireActor(patient, msg.sender, POWER_REVOKE);
        _revoke(patient, terms);
    }

    /// @notice Revokes as the signer: the patient, or a guardian of hers with POWER_REVOKE.
    /// @param patient the patient's key
    /// @param terms the packed terms
    /// @param permit the signature of a Revocation
    function revokeBySig(address patient, Terms terms, Permit calldata permit) external {
        _accept(_termsHash(_REVOCATION, patient, terms, permit), permit);
        _requireActor(patient, permit.signer, POWER_REVOKE);
        _revoke(patient, terms);
    }

    /// @notice When a patient's key granted.
    /// @param patientKey the patient's key
    /// @param terms the packed terms
    /// @return Unix second of the grant; zero if there is none or it was revoked
    function grantedAt(address patientKey, Terms terms) external view returns (uint256) {
        return _grantedAt[patientKey][terms];
    }

    /// @notice Packs terms, and refuses times that are not Unix seconds.
    /// @param document first 24 bytes of the salted hash of the consent document
    /// @param start first second at which the grant holds; zero for at once
    /// @param expiry first second at which it no longer holds
    /// @return the packed terms
    function packTerms(bytes24 document, uint256 start, uint256 expiry) external pure returns (Terms) {
        return TermsLibrary.pack(document, start, expiry);
    }

    /// @dev Whether a key's grant holds now.
    function _holds(address patientKey, Terms terms) internal view returns (bool) {
        uint256 timestamp = _grantedAt[patientKey][terms];
        // slither-disable-next-line timestamp
        return timestamp != 0 && terms.start() <= block.timestamp && block.timestamp < terms.expiry()
            && _agreed(patientKey, Terms.unwrap(terms), timestamp);
    }

    function _termsHash(bytes32 typeHash, address patient, Terms terms, Permit calldata permit)
        private
        returns (bytes32)
    {
        return keccak256(
            abi.encode(
                typeHash,
                patient,
                terms.document(),
                terms.start(),
                terms.expiry(),
                _useNonce(permit.signer),
                permit.deadline
            )
        );
    }

    function _grantMany(address patient, Terms[] calldata terms) private {
        uint256 count = terms.length;
        for (uint256 i = 0; i < count; ++i) {
            _grant(patient, terms[i]);
        }
    }

    function _grant(address patient, Terms terms) private {
        _requirePeriod(terms.start(), terms.expiry());
        _grantedAt[patient][terms] = block.timestamp;
        emit Granted(patient, terms);
    }

    function _revoke(address patient, Terms terms) private {
        mapping(Terms => uint256) storage held = _grantedAt[patient];
        if (held[terms] == 0) revert NothingToRevoke(patient, terms);
        held[terms] = 0;
        emit Revoked(patient, terms);
    }
}
