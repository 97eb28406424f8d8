// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IConsents} from "../Interfaces.sol";
import {Permit, SignedActs} from "../SignedActs.sol";
import {TwoParty} from "./TwoParty.sol";

/// @notice What a guardian may do for a patient, and when.
/// @param powers the POWER bits of Consents
/// @param start first second at which the guardian may act
/// @param expiry first second at which it no longer may
/// @param appointedAt Unix second of the appointment
struct Appointment {
    uint8 powers;
    uint32 start;
    uint32 expiry;
    uint48 appointedAt;
}

/// @title Guardians that act for a patient day by day
/// @notice A patient appoints a guardian with powers and an end. The guardian acts with its own key, and is logged as itself. A
/// guardian never appoints, dismisses or changes a guardian; it may lay down its own office.
/// @dev Recovery of a lost key is another office, in the Registrar. Appointments are held under the patient's key, like grants.
abstract contract Guardians is IConsents, SignedActs, TwoParty {
    /// @notice Power to agree to and end relationships with providers.
    uint8 public constant POWER_RELATE = 1;
    /// @notice Power to grant to viewers.
    uint8 public constant POWER_GRANT = 2;
    /// @notice Power to revoke what viewers have.
    uint8 public constant POWER_REVOKE = 4;
    /// @notice Power to release to research and to withdraw from it.
    uint8 public constant POWER_RESEARCH = 8;

    bytes32 private constant _APPOINTMENT = keccak256(
        "Appointment(address patient,address guardian,uint8 powers,uint32 start,uint32 expiry,uint256 nonce,uint256 deadline)"
    );
    bytes32 private constant _DISMISSAL =
        keccak256("Dismissal(address patient,address guardian,uint256 nonce,uint256 deadline)");

    mapping(address patientKey => mapping(address guardian => Appointment appointment)) private _appointments;

    /// @notice A patient appointed a guardian, in place of the earlier appointment.
    /// @param patient the patient's key
    /// @param guardian the guardian
    /// @param powers the POWER bits
    /// @param start first second at which the guardian may act
    /// @param expiry first second at which it no longer may
    event GuardianAppointed(
        address indexed patient, address indexed guardian, uint8 powers, uint32 start, uint32 expiry
    );

    /// @notice A guardian was dismissed, or left.
    /// @param patient the patient's key
    /// @param guardian the guardian
    event GuardianDismissed(address indexed patient, address indexed guardian);

    /// @notice The act logged next was a guardian's.
    /// @param patient the patient's key
    /// @param guardian the guardian
    /// @param power the power it was done with
    event GuardianActed(address indexed patient, address indexed guardian, uint8 power);

    /// @notice What was given would never hold.
    /// @param start its first second
    /// @param expiry its end
    error PeriodRefused(uint256 start, uint256 expiry);

    /// @notice The guardian is nobody or the patient herself, or has no power.
    /// @param guardian the guardian
    /// @param powers the POWER bits
    error AppointmentRefused(address guardian, uint8 powers);

    /// @notice There is no such guardian.
    /// @param patient the patient's key
    /// @param guardian the guardian
    error NoSuchGuardian(address patient, address guardian);

    /// @notice The caller or signer may not do this for the patient.
    /// @param patient the patient's key
    /// @param actor the caller or signer
    error NotAllowedFor(address patient, address actor);

    /// @notice Appoints a guardian, as the patient.
    /// @param guardian the guardian
    /// @param powers the POWER bits
    /// @param start first second at which the guardian may act; zero for at once
    /// @param expiry first second at which it no longer may
    function appoint(address guardian, uint8 powers, uint32 start, uint32 expiry) external {
        _appoint(msg.sender, guardian, powers, start, expiry);
    }

    /// @notice Appoints a guardian, as the signing patient.
    /// @param guardian the guardian
    /// @param powers the POWER bits
    /// @param start first second at which the guardian may act; zero for at once
    /// @param expiry first second at which it no longer may
    /// @param permit the patient's signature of an Appointment
    function appointBySig(address guardian, uint8 powers, uint32 start, uint32 expiry, Permit calldata permit)
        external
    {
        address patient = permit.signer;
        bytes32 structHash = keccak256(
            abi.encode(
                _APPOINTMENT, patient, guardian, powers, start, expiry, _useNonce(patient), permit.deadline
            )
        );
        _accept(structHash, permit);
        _appoint(patient, guardian, powers, start, expiry);
    }

    /// @notice Dismisses a guardian, as the patient; or lays down the office, as the guardian.
    /// @param patient the patient's key
    /// @param guardian the guardian
    function dismiss(address patient, address guardian) external {
        _dismiss(msg.sender, patient, guardian);
    }

    /// @notice Dismisses a guardian as the signing patient, or lays down the office as the signing guardian.
    /// @param patient the patient's key
    /// @param guardian the guardian
    /// @param permit the signature of a Dismissal
    function dismissBySig(address patient, address guardian, Permit calldata permit) external {
        bytes32 structHash =
            keccak256(abi.encode(_DISMISSAL, patient, guardian, _useNonce(permit.signer), permit.deadline));
        _accept(structHash, permit);
        _dismiss(permit.signer, patient, guardian);
    }

    /// @notice An appointment, whether it holds now or not.
    /// @param patientKey the patient's key
    /// @param guardian the guardian
    /// @return the appointment; all zero if there is none
    function appointmentOf(address patientKey, address guardian) external view returns (Appointment memory) {
        return _appointments[patientKey][guardian];
    }

    /// @inheritdoc IConsents
    function mayAct(address patientKey, address guardian, uint8 power) public view returns (bool) {
        Appointment memory held = _appointments[patientKey][guardian];
        // slither-disable-next-line timestamp
        return held.powers & power == power && power != 0 && held.start <= block.timestamp
            && block.timestamp < held.expiry
            && _agreed(
                patientKey,
                appointmentItem(guardian, held.powers, held.start, held.expiry),
                held.appointedAt
            );
    }

    /// @notice What the second party agrees to when it agrees to an appointment.
    /// @param guardian the guardian
    /// @param powers the POWER bits
    /// @param start first second at which the guardian may act
    /// @param expiry first second at which it no longer may
    /// @return the item
    function appointmentItem(address guardian, uint8 powers, uint32 start, uint32 expiry)
        public
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(guardian, powers, start, expiry));
    }

    /// @dev Reverts unless `actor` is the patient or a guardian with the power; logs a guardian.
    function _requireActor(address patient, address actor, uint8 power) internal {
        if (actor == patient) return;
        if (!mayAct(patient, actor, power)) revert NotAllowedFor(patient, actor);
        emit GuardianActed(patient, actor, power);
    }

    /// @dev Reverts unless the period has an end after its start and after now.
    function _requirePeriod(uint256 start, uint256 expiry) internal view {
        // slither-disable-next-line timestamp
        if (expiry <= block.timestamp || expiry <= start) revert PeriodRefused(start, expiry);
    }

    function _appoint(address patient, address guardian, uint8 powers, uint32 start, uint32 expiry) private {
        _requirePeriod(start, expiry);
        if (guardian == address(0) || guardian == patient || powers == 0) revert AppointmentRefused(guardian, powers);
        _appointments[patient][guardian] = Appointment(powers, start, expiry, uint48(block.timestamp));
        emit GuardianAppointed(patient, guardian, powers, start, expiry);
    }

    function _dismiss(address actor, address patient, address guardian) private {
        if (actor != patient && actor != guardian) revert NotAllowedFor(patient, actor);
        if (_appointments[patient][guardian].expiry == 0) revert NoSuchGuardian(patient, guardian);
        delete _appointments[patient][guardian];
        emit GuardianDismissed(patient, guardian);
    }
}
