// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {IRegistrar} from "./Interfaces.sol";
import {Permit} from "./SignedActs.sol";
import {UsesRegistrar} from "./UsesRegistrar.sol";
import {Grants} from "./consents/Grants.sol";
import {Groups} from "./consents/Groups.sol";
import {Terms} from "./consents/Terms.sol";

/// @notice A patient's release to research, at one provider (her account there is hers for that provider alone).
/// @param scopeCommitment salted hash of the consent document
/// @param start first second at which it holds; zero for at once
/// @param expiry first second at which it no longer holds
/// @param yearlyCapNanoRho largest privacy loss a year, in units of 1e-9 rho (zero-concentrated differential privacy):
/// rho = yearlyCapNanoRho / 1000000000 exactly
/// @param releasedAt Unix second at which it was given
struct ResearchRelease {
    bytes32 scopeCommitment;
    uint32 start;
    uint32 expiry;
    uint64 yearlyCapNanoRho;
    uint48 releasedAt;
}

/// @title Consents: what a patient agreed to
/// @notice Grants to viewers and guardians, groups of viewers, releases to research with a yearly cap of privacy loss; and, where
/// a patient asked for it, a second party that has to agree. Nothing is shared by default. Documents lie at the gatekeeper,
/// only their salted commitments here.
/// @dev Revocation holds from the block that carries it. What was released before cannot be called back.
contract Consents is Grants, Groups {
    bytes32 private constant _RESEARCH = keccak256(
        "ResearchRelease(address patient,bytes32 purpose,bytes32 scopeCommitment,uint32 start,uint32 expiry,uint64 yearlyCapNanoRho,uint256 nonce,uint256 deadline)"
    );
    bytes32 private constant _WITHDRAWAL =
        keccak256("ResearchWithdrawal(address patient,bytes32 purpose,uint256 nonce,uint256 deadline)");

    mapping(address patientKey => mapping(bytes32 purpose => ResearchRelease release)) private _research;

    /// @notice A patient released to research, in place of an earlier release for the purpose.
    /// @param patient the patient's key
    /// @param purpose hash of the purpose
    /// @param scopeCommitment salted hash of the consent document
    /// @param start first second at which it holds
    /// @param expiry first second at which it no longer holds
    /// @param yearlyCapNanoRho largest privacy loss a year, in units of 1e-9 rho
    event ResearchReleased(
        address indexed patient,
        bytes32 indexed purpose,
        bytes32 scopeCommitment,
        uint32 start,
        uint32 expiry,
        uint64 yearlyCapNanoRho
    );

    /// @notice A patient withdrew from research.
    /// @param patient the patient's key
    /// @param purpose hash of the purpose
    event ResearchWithdrawn(address indexed patient, bytes32 indexed purpose);

    /// @notice The patient has not released to research for the purpose.
    /// @param patient the patient's key
    /// @param purpose hash of the purpose
    error NothingToWithdraw(address patient, bytes32 purpose);

    /// @notice A release to research needs a cap above zero.
    error CapRefused();

    /// @notice Starts empty.
    /// @param registrar the Registrar
    constructor(IRegistrar registrar) EIP712("MedRec Consents", "1") UsesRegistrar(registrar) {}

    /// @notice Releases to research, as the patient or her guardian with POWER_RESEARCH.
    /// @param patient the patient's key
    /// @param purpose hash of the purpose
    /// @param scopeCommitment salted hash of the consent document
    /// @param start first second at which it holds; zero for at once
    /// @param expiry first second at which it no longer holds
    /// @param yearlyCapNanoRho largest privacy loss a year, in units of 1e-9 rho
    function releaseToResearch(
        address patient,
        bytes32 purpose,
        bytes32 scopeCommitment,
        uint32 start,
        uint32 expiry,
        uint64 yearlyCapNanoRho
    ) external {
        _requireActor(patient, msg.sender, POWER_RESEARCH);
        _release(patient, purpose, scopeCommitment, start, expiry, yearlyCapNanoRho);
    }

    /// @notice Releases to research as the signer: the patient, or her guardian with POWER_RESEARCH.
    /// @param patient the patient's key
    /// @param purpose hash of the purpose
    /// @param scopeCommitment salted hash of the consent document
    /// @param start first second at which it holds; zero for at once
    /// @param expiry first second at which it no longer holds
    /// @param yearlyCapNanoRho largest privacy loss a year, in units of 1e-9 rho
    /// @param permit the signature of a ResearchRelease
    function releaseToResearchBySig(
        address patient,
        bytes32 purpose,
        bytes32 scopeCommitment,
        uint32 start,
        uint32 expiry,
        uint64 yearlyCapNanoRho,
        Permit calldata permit
    ) external {
        bytes memory fields =
            abi.encode(_RESEARCH, patient, purpose, scopeCommitment, start, expiry, yearlyCapNanoRho);
        bytes32 structHash =
            keccak256(bytes.concat(fields, abi.encode(_useNonce(permit.signer), permit.deadline)));
        _accept(structHash, permit);
        _requireActor(patient, permit.signer, POWER_RESEARCH);
        _release(patient, purpose, scopeCommitment, start, expiry, yearlyCapNanoRho);
    }

    /// @notice Withdraws from research, as the patient or her guardian with POWER_RESEARCH.
    /// @param patient the patient's key
    /// @param purpose hash of the purpose
    function withdrawFromResearch(address patient, bytes32 purpose) external {
        _withdraw(msg.sender, patient, purpose);
    }

    /// @notice Withdraws from research as the signer: the patient, or her guardian with POWER_RESEARCH.
    /// @param patient the patient's key
    /// @param purpose hash of the purpose
    /// @param permit the signature of a ResearchWithdrawal
    function withdrawFromResearchBySig(address patient, bytes32 purpose, Permit calldata permit) external {
        bytes32 structHash =
            keccak256(abi.encode(_WITHDRAWAL, patient, purpose, _useNonce(permit.signer), permit.deadline));
        _accept(structHash, permit);
        _withdraw(permit.signer, patient, purpose);
    }

    /// @notice Whether a consent document of a patient is in force now. That the document names the viewer, or a group that the
    /// viewer is a member of, is for the holder of the document to check.
    /// @param account the patient's account
    /// @param terms the packed terms
    /// @return whether a grant by the account's present key holds
    function isInForce(address account, Terms terms) external view returns (bool) {
        return _holds(REGISTRAR.keyOf(account), terms);
    }

    /// @notice A patient's release to research for a purpose.
    /// @param account the patient's account
    /// @param purpose hash of the purpose
    /// @return release the release by the account's present key; all zero if there is none
    /// @return holds whether it holds now
    function researchOf(address account, bytes32 purpose)
        external
        view
        returns (ResearchRelease memory release, bool holds)
    {
        address key = REGISTRAR.keyOf(account);
        release = _research[key][purpose];
        bytes32 item = researchItem(
            purpose, release.scopeCommitment, release.start, release.expiry, release.yearlyCapNanoRho
        );
        // slither-disable-next-line timestamp
        holds = release.start <= block.timestamp && block.timestamp < release.expiry
            && _agreed(key, item, release.releasedAt);
    }

    /// @notice What the second party agrees to when it agrees to a release to research.
    /// @param purpose hash of the purpose
    /// @param scopeCommitment salted hash of the consent document
    /// @param start first second at which it holds
    /// @param expiry first second at which it no longer holds
    /// @param yearlyCapNanoRho largest privacy loss a year, in units of 1e-9 rho
    /// @return the item
    function researchItem(
        bytes32 purpose,
        bytes32 scopeCommitment,
        uint32 start,
        uint32 expiry,
        uint64 yearlyCapNanoRho
    ) public pure returns (bytes32) {
        return keccak256(abi.encode(purpose, scopeCommitment, start, expiry, yearlyCapNanoRho));
    }

    function _release(
        address patient,
        bytes32 purpose,
        bytes32 scopeCommitment,
        uint32 start,
        uint32 expiry,
        uint64 yearlyCapNanoRho
    ) private {
        _requirePeriod(start, expiry);
        if (yearlyCapNanoRho == 0) revert CapRefused();
        _research[patient][purpose] =
            ResearchRelease(scopeCommitment, start, expiry, yearlyCapNanoRho, uint48(block.timestamp));
        emit ResearchReleased(patient, purpose, scopeCommitment, start, expiry, yearlyCapNanoRho);
    }

    function _withdraw(address actor, address patient, bytes32 purpose) private {
        _requireActor(patient, actor, POWER_RESEARCH);
        if (_research[patient][purpose].expiry == 0) revert NothingToWithdraw(patient, purpose);
        delete _research[patient][purpose];
        emit ResearchWithdrawn(patient, purpose);
    }
}
