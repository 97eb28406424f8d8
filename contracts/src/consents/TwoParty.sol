// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Permit, SignedActs} from "../SignedActs.sol";

/// @title A second party that has to agree, where a patient asked for it
/// @notice From then on nothing she gives (grant, appointment, release to research) holds until the second party agreed to that
/// exact item, after it was given. She revokes alone. To replace or release the second party takes both signatures.
/// @dev Knows items only by their hash. Agreement is looked up when a permission is read, so that granting costs nothing more.
abstract contract TwoParty is SignedActs {
    bytes32 private constant _COSIGNER =
        keccak256("CosignerChange(address patient,address from,address to,uint256 nonce,uint256 deadline)");
    bytes32 private constant _COSIGNATURE =
        keccak256("Cosignature(address patient,bytes32 item,bool agreed,uint256 nonce,uint256 deadline)");

    mapping(address patientKey => mapping(bytes32 item => uint256 timestamp)) private _agreedAt;

    /// @notice Who has to agree to what a patient's key gives; zero if nobody.
    mapping(address patientKey => address cosigner) public cosignerOf;

    /// @notice Another second party has to agree.
    /// @param patient the patient's key
    /// @param from who had to; zero if nobody
    /// @param to who has to; zero if nobody
    event CosignerChanged(address indexed patient, address indexed from, address indexed to);

    /// @notice The second party agreed to an item, or took that back.
    /// @param patient the patient's key
    /// @param item the item
    /// @param agreed which of the two
    event Cosigned(address indexed patient, bytes32 indexed item, bool agreed);

    /// @notice The caller or signer is not the patient's second party, or cannot be.
    /// @param patient the patient's key
    /// @param caller the caller or signer
    error NotCosigner(address patient, address caller);

    /// @notice There is a second party, which has to agree to its own replacement; or (zero) there is none.
    /// @param cosigner the second party
    error CosignerStands(address cosigner);

    /// @notice Asks, as the patient, that a second party has to agree from now on, to what she gave before too.
    /// @param cosigner the second party
    function requireCosigner(address cosigner) external {
        _requireCosigner(msg.sender, cosigner);
    }

    /// @notice Asks, as the signing patient, that a second party has to agree from now on.
    /// @param cosigner the second party
    /// @param permit the patient's signature of a CosignerChange
    function requireCosignerBySig(address cosigner, Permit calldata permit) external {
        _acceptChange(permit.signer, address(0), cosigner, permit);
        _requireCosigner(permit.signer, cosigner);
    }

    /// @notice Replaces or releases the second party; both sign. Anybody may carry this.
    /// @param next who has to agree from now on; zero for nobody
    /// @param ofPatient the patient's signature of a CosignerChange
    /// @param ofCosigner the present second party's signature of the same change
    function changeCosigner(address next, Permit calldata ofPatient, Permit calldata ofCosigner) external {
        address patient = ofPatient.signer;
        address cosigner = cosignerOf[patient];
        if (cosigner == address(0)) revert CosignerStands(cosigner);
        if (ofCosigner.signer != cosigner) revert NotCosigner(patient, ofCosigner.signer);
        if (next == patient) revert NotCosigner(patient, next);
        _acceptChange(patient, cosigner, next, ofPatient);
        _acceptChange(patient, cosigner, next, ofCosigner);
        cosignerOf[patient] = next;
        emit CosignerChanged(patient, cosigner, next);
    }

    /// @notice Agrees, as the second party, to one exact item, or takes that back.
    /// @param patient the patient's key
    /// @param item the packed terms of a grant, `appointmentItem` or `researchItem`
    /// @param agreed whether it agrees
    function cosign(address patient, bytes32 item, bool agreed) external {
        _cosign(msg.sender, patient, item, agreed);
    }

    /// @notice Agrees as the signing second party to one exact item, or takes that back.
    /// @param patient the patient's key
    /// @param item the packed terms of a grant, `appointmentItem` or `researchItem`
    /// @param agreed whether it agrees
    /// @param permit the second party's signature of a Cosignature
    function cosignBySig(address patient, bytes32 item, bool agreed, Permit calldata permit) external {
        bytes32 structHash =
            keccak256(abi.encode(_COSIGNATURE, patient, item, agreed, _useNonce(permit.signer), permit.deadline));
        _accept(structHash, permit);
        _cosign(permit.signer, patient, item, agreed);
    }

    /// @dev Whether nobody has to agree to the item, or the second party did so since it was given.
    function _agreed(address patientKey, bytes32 item, uint256 givenAt) internal view returns (bool) {
        if (cosignerOf[patientKey] == address(0)) return true;
        uint256 agreedAt = _agreedAt[patientKey][item];
        return agreedAt != 0 && agreedAt >= givenAt;
    }

    function _requireCosigner(address patient, address cosigner) private {
        if (cosignerOf[patient] != address(0)) revert CosignerStands(cosignerOf[patient]);
        if (cosigner == address(0) || cosigner == patient) revert NotCosigner(patient, cosigner);
        cosignerOf[patient] = cosigner;
        emit CosignerChanged(patient, address(0), cosigner);
    }

    function _acceptChange(address patient, address from, address to, Permit calldata permit) private {
        _accept(
            keccak256(abi.encode(_COSIGNER, patient, from, to, _useNonce(permit.signer), permit.deadline)), permit
        );
    }

    function _cosign(address cosigner, address patient, bytes32 item, bool agreed) private {
        if (cosignerOf[patient] != cosigner || cosigner == address(0)) revert NotCosigner(patient, cosigner);
        _agreedAt[patient][item] = agreed ? block.timestamp : 0;
        emit Cosigned(patient, item, agreed);
    }
}
