// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IProviderDirectory, IRegistrar, Role} from "../Interfaces.sol";
import {Permit, SignedActs} from "../SignedActs.sol";

/// @notice One participant.
/// @param identityCommitment keyed commitment of the existing identity string; zero after erasure
/// @param key the key that speaks for the account now
/// @param since Unix second of the entry
/// @param role the role
struct Participant {
    bytes32 identityCommitment;
    address key;
    uint48 since;
    Role role;
}

/// @title Accounts, their keys and their roles
/// @notice An account is the address a participant first came with and never changes; the key that speaks for it can. A
/// patient comes with one fresh account for each provider, so her accounts cannot be linked.
/// @dev Knows no ballots and no guardians. A key serves one account once: an address that was ever a key or an account
/// is never taken again, so no signature can be read as two persons'.
abstract contract Participants is IRegistrar, SignedActs {
    bytes32 private constant _REGISTRATION =
        keccak256("Registration(address account,uint8 role,bytes32 identityCommitment,uint256 nonce,uint256 deadline)");
    bytes32 private constant _ERASURE =
        keccak256("IdentityErasure(address account,bytes32 identityCommitment,uint256 nonce,uint256 deadline)");
    bytes32 private constant _ROTATION =
        keccak256("KeyRotation(address account,address newKey,uint256 nonce,uint256 deadline)");
    bytes32 private constant _ACCEPTANCE =
        keccak256("KeyAcceptance(address account,address newKey,uint256 nonce,uint256 deadline)");

    // Immutables are written like constants here, as solhint has it.
    // slither-disable-start naming-convention
    /// @notice Relationships, which hears of each change of a provider's key and may enrol patients.
    IProviderDirectory public immutable RELATIONSHIPS;
    // slither-disable-end naming-convention

    mapping(address account => Participant participant) internal _participants;
    mapping(address key => address account) private _accountOfNewKey;

    /// @notice A participant entered.
    /// @param account the account
    /// @param role its role
    /// @param identityCommitment salted commitment of the identity string
    event Registered(address indexed account, Role indexed role, bytes32 identityCommitment);

    /// @notice A participant left or was removed.
    /// @param account the account
    /// @param role the role it had
    event Removed(address indexed account, Role indexed role);

    /// @notice A participant's identity commitment was taken off.
    /// @param account the account
    event IdentityErased(address indexed account);

    /// @notice Another key speaks for an account.
    /// @param account the account
    /// @param oldKey the key that no longer does
    /// @param newKey the key that does
    event KeyRotated(address indexed account, address indexed oldKey, address indexed newKey);

    /// @notice The address is an account, or is or was a key.
    /// @param taken the address
    error AddressTaken(address taken);

    /// @notice Only patients and guardians enter by themselves; the others are voted in.
    /// @param role the role asked for
    error RoleNeedsBallot(Role role);

    /// @notice The caller or signer speaks for no account.
    /// @param key the caller or signer
    error NotAParticipant(address key);

    /// @notice Only Relationships may call this.
    /// @param caller who called
    error NotRelationships(address caller);

    constructor(IProviderDirectory relationships) {
        if (address(relationships) == address(0)) revert ZeroAddress();
        RELATIONSHIPS = relationships;
    }

    /// @notice Enters the caller as a patient or a guardian.
    /// @param role Patient or Guardian
    /// @param identityCommitment salted commitment of the identity string
    function register(Role role, bytes32 identityCommitment) external {
        _register(msg.sender, role, identityCommitment);
    }

    /// @notice Enters the signer as a patient or a guardian.
    /// @param role Patient or Guardian
    /// @param identityCommitment salted commitment of the identity string
    /// @param permit the account's signature of a Registration
    function registerBySig(Role role, bytes32 identityCommitment, Permit calldata permit) external {
        address account = permit.signer;
        _accept(
            keccak256(
                abi.encode(_REGISTRATION, account, role, identityCommitment, _useNonce(account), permit.deadline)
            ),
            permit
        );
        _register(account, role, identityCommitment);
    }

    /// @inheritdoc IRegistrar
    /// @dev An account that is a patient already keeps its commitment.
    function enrolPatient(address account, bytes32 identityCommitment) external returns (address key) {
        if (msg.sender != address(RELATIONSHIPS)) revert NotRelationships(msg.sender);
        // A role or claim lies in one slot with a time; what is compared here is not the time.
        // slither-disable-next-line timestamp,incorrect-equality
        if (_participants[account].role == Role.Patient) return _participants[account].key;
        _register(account, Role.Patient, identityCommitment);
        return account;
    }

    /// @notice Takes the caller's identity commitment off the state.
    function eraseIdentity() external {
        _eraseIdentity(_callerAccount(msg.sender));
    }

    /// @notice Takes the signer's identity commitment off the state.
    /// @param permit the key's signature of an IdentityErasure
    function eraseIdentityBySig(Permit calldata permit) external {
        address account = _callerAccount(permit.signer);
        _accept(
            keccak256(
                abi.encode(
                    _ERASURE,
                    account,
                    _participants[account].identityCommitment,
                    _useNonce(permit.signer),
                    permit.deadline
                )
            ),
            permit
        );
        _eraseIdentity(account);
    }

    /// @notice Has another key speak for the caller's account.
    /// @param ofNewKey the new key's own signature of a KeyAcceptance
    function rotateKey(Permit calldata ofNewKey) external {
        _takeKey(_callerAccount(msg.sender), ofNewKey);
    }

    /// @notice Has another key speak for the signer's account.
    /// @param ofOldKey the present key's signature of a KeyRotation
    /// @param ofNewKey the new key's own signature of a KeyAcceptance
    function rotateKeyBySig(Permit calldata ofOldKey, Permit calldata ofNewKey) external {
        address account = _callerAccount(ofOldKey.signer);
        _accept(
            keccak256(
                abi.encode(_ROTATION, account, ofNewKey.signer, _useNonce(ofOldKey.signer), ofOldKey.deadline)
            ),
            ofOldKey
        );
        _takeKey(account, ofNewKey);
    }

    /// @notice A participant as stored.
    /// @param account the account
    /// @return the participant; all zero if there is none
    function participant(address account) external view returns (Participant memory) {
        return _participants[account];
    }

    /// @inheritdoc IRegistrar
    function keyOf(address account) external view returns (address key) {
        return _participants[account].key;
    }

    /// @inheritdoc IRegistrar
    function roleOf(address account) external view returns (Role) {
        return _participants[account].role;
    }

    /// @inheritdoc IRegistrar
    function accountOf(address key) public view returns (address account) {
        if (key == address(0)) return address(0);
        // A role, key or claim lies in one slot with a time; what is compared here is not the time.
        // slither-disable-next-line timestamp
        if (_participants[key].key == key) return key;
        account = _accountOfNewKey[key];
        // A role, key or claim lies in one slot with a time; what is compared here is not the time.
        // slither-disable-next-line timestamp
        if (_participants[account].key != key) return address(0);
    }

    /// @dev Called whenever a key changes hands, so that a recovery in progress ends.
    function _keyChanged(address account) internal virtual;

    /// @dev Makes the signer of `ofNewKey` the key of `account`, once it has shown that it wants that.
    function _takeKey(address account, Permit calldata ofNewKey) internal {
        address newKey = ofNewKey.signer;
        _accept(
            keccak256(abi.encode(_ACCEPTANCE, account, newKey, _useNonce(newKey), ofNewKey.deadline)),
            ofNewKey
        );
        _requireFree(newKey);
        Participant storage entry = _participants[account];
        address oldKey = entry.key;
        entry.key = newKey;
        _accountOfNewKey[newKey] = account;
        emit KeyRotated(account, oldKey, newKey);
        _keyChanged(account);
        if (entry.role == Role.Provider) RELATIONSHIPS.providerKeyChanged(oldKey, newKey, account);
    }

    /// @dev Writes a participant. The caller has checked that the role may be given.
    function _enter(address account, Role role, bytes32 identityCommitment) internal {
        if (account == address(0)) revert ZeroAddress();
        _requireFree(account);
        _participants[account] = Participant(identityCommitment, account, uint48(block.timestamp), role);
        emit Registered(account, role, identityCommitment);
    }

    /// @dev The account that a caller or signer speaks for, or a revert.
    function _callerAccount(address key) internal view returns (address account) {
        account = accountOf(key);
        if (account == address(0)) revert NotAParticipant(key);
    }

    function _register(address account, Role role, bytes32 identityCommitment) private {
        if (role != Role.Patient && role != Role.Guardian) revert RoleNeedsBallot(role);
        _enter(account, role, identityCommitment);
    }

    function _eraseIdentity(address account) private {
        _participants[account].identityCommitment = bytes32(0);
        emit IdentityErased(account);
    }

    function _requireFree(address candidate) private view {
        // Whether there was an entry at all, not when.
        // slither-disable-next-line timestamp
        if (_participants[candidate].since != 0 || _accountOfNewKey[candidate] != address(0)) {
            revert AddressTaken(candidate);
        }
    }
}
