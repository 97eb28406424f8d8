// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Permit} from "../SignedActs.sol";
import {Participants} from "./Participants.sol";

/// @title Recovery of a lost key by guardians
/// @notice An account names guardians and how many of them it takes. That many can have a new key speak for the account
/// after a delay, during which the present key can stop them: neither one guardian nor all of them at once take an
/// account whose owner is awake.
/// @dev What guardians may do day by day is a grant in Consents, not here. Guardians may be EIP-1271 contracts.
abstract contract Recovery is Participants {
    /// @notice The guardians of one account.
    /// @param members their addresses
    /// @param threshold how many must support a recovery
    /// @param round grows with each change, so that support for an earlier recovery is void
    struct GuardianSet {
        address[] members;
        uint8 threshold;
        uint64 round;
    }

    /// @notice Seconds between enough support and the change of the key.
    uint256 public constant RECOVERY_DELAY = 3 days;

    /// @notice Largest number of guardians an account can name.
    uint256 public constant MAX_GUARDIANS = 8;

    bytes32 private constant _GUARDIANS = keccak256(
        "GuardianChange(address account,address[] guardians,uint8 threshold,uint256 nonce,uint256 deadline)"
    );
    bytes32 private constant _SUPPORT =
        keccak256("RecoverySupport(address account,address newKey,uint64 round,uint256 nonce,uint256 deadline)");
    bytes32 private constant _CANCEL =
        keccak256("RecoveryCancellation(address account,uint64 round,uint256 nonce,uint256 deadline)");

    mapping(address account => GuardianSet set) private _guardians;
    mapping(bytes32 recovery => address[] guardians) private _supporters;
    mapping(bytes32 recovery => uint256 timestamp) private _readyAt;

    /// @notice An account named its guardians.
    /// @param account the account
    /// @param guardians their addresses; empty if there are none any more
    /// @param threshold how many must support a recovery
    event GuardiansChanged(address indexed account, address[] guardians, uint8 threshold);

    /// @notice A guardian supports a recovery.
    /// @param account the account
    /// @param guardian the guardian
    /// @param newKey the key that shall speak for the account
    event RecoverySupported(address indexed account, address indexed guardian, address indexed newKey);

    /// @notice Enough guardians support a recovery; the delay runs.
    /// @param account the account
    /// @param newKey the key that shall speak for the account
    /// @param readyAt Unix second from which it can be finished
    event RecoveryReady(address indexed account, address indexed newKey, uint256 readyAt);

    /// @notice The account's key stopped what was in progress.
    /// @param account the account
    /// @param round the round that ended
    event RecoveryCancelled(address indexed account, uint64 round);

    /// @notice The guardians or the threshold make no sense.
    error GuardiansRefused();

    /// @notice The caller or signer is no guardian of the account.
    /// @param account the account
    /// @param guardian the caller or signer
    error NotAGuardian(address account, address guardian);

    /// @notice The guardian supports this recovery already.
    /// @param guardian the guardian
    error AlreadySupported(address guardian);

    /// @notice The recovery lacks support or its delay has not passed.
    /// @param readyAt Unix second from which it can be finished; zero if it lacks support
    error RecoveryNotReady(uint256 readyAt);

    /// @notice Names the caller's guardians, in place of those before.
    /// @param guardians their addresses, at most MAX_GUARDIANS, none twice
    /// @param threshold how many must support a recovery: 1 to all, 0 for no guardians
    function setGuardians(address[] calldata guardians, uint8 threshold) external {
        _setGuardians(_callerAccount(msg.sender), guardians, threshold);
    }

    /// @notice Names the signer's guardians, in place of those before.
    /// @param guardians their addresses, at most MAX_GUARDIANS, none twice
    /// @param threshold how many must support a recovery: 1 to all, 0 for no guardians
    /// @param permit the key's signature of a GuardianChange
    function setGuardiansBySig(address[] calldata guardians, uint8 threshold, Permit calldata permit) external {
        address account = _callerAccount(permit.signer);
        bytes32 listHash = keccak256(abi.encodePacked(guardians));
        _accept(
            keccak256(
                abi.encode(_GUARDIANS, account, listHash, threshold, _useNonce(permit.signer), permit.deadline)
            ),
            permit
        );
        _setGuardians(account, guardians, threshold);
    }

    /// @notice Supports, as a guardian, that a new key shall speak for an account.
    /// @param account the account
    /// @param newKey the new key
    function supportRecovery(address account, address newKey) external {
        _supportRecovery(account, newKey, msg.sender);
    }

    /// @notice Supports, as the signing guardian, that a new key shall speak for an account.
    /// @param account the account
    /// @param newKey the new key
    /// @param permit the guardian's signature of a RecoverySupport
    function supportRecoveryBySig(address account, address newKey, Permit calldata permit) external {
        uint64 round = _guardians[account].round;
        _accept(
            keccak256(
                abi.encode(_SUPPORT, account, newKey, round, _useNonce(permit.signer), permit.deadline)
            ),
            permit
        );
        _supportRecovery(account, newKey, permit.signer);
    }

    /// @notice Stops, as the account's key, every recovery in progress.
    function cancelRecovery() external {
        _cancelRecovery(_callerAccount(msg.sender));
    }

    /// @notice Stops, as the signing key, every recovery in progress.
    /// @param permit the key's signature of a RecoveryCancellation
    function cancelRecoveryBySig(Permit calldata permit) external {
        address account = _callerAccount(permit.signer);
        uint64 round = _guardians[account].round;
        _accept(
            keccak256(abi.encode(_CANCEL, account, round, _useNonce(permit.signer), permit.deadline)), permit
        );
        _cancelRecovery(account);
    }

    /// @notice Puts the new key in place once the delay has passed. Anybody may carry this.
    /// @param account the account
    /// @param ofNewKey the new key's own signature of a KeyAcceptance
    function finishRecovery(address account, Permit calldata ofNewKey) external {
        uint256 readyAt = _readyAt[_recoveryId(account, ofNewKey.signer)];
        // A delay of days does not care for the seconds a miner's clock may be off.
        // slither-disable-next-line timestamp
        if (readyAt == 0 || block.timestamp < readyAt) revert RecoveryNotReady(readyAt);
        _takeKey(account, ofNewKey);
    }

    /// @notice An account's guardians.
    /// @param account the account
    /// @return members, threshold and round
    function guardiansOf(address account) external view returns (GuardianSet memory) {
        return _guardians[account];
    }

    /// @notice How far a recovery is.
    /// @param account the account
    /// @param newKey the key that shall speak for it
    /// @return supporters guardians that support it
    /// @return readyAt Unix second from which it can be finished; zero if it lacks support
    function recovery(address account, address newKey)
        external
        view
        returns (address[] memory supporters, uint256 readyAt)
    {
        bytes32 id = _recoveryId(account, newKey);
        return (_supporters[id], _readyAt[id]);
    }

    /// @inheritdoc Participants
    // solhint-disable-next-line use-natspec -- inherited
    function _keyChanged(address account) internal override {
        ++_guardians[account].round;
    }

    function _setGuardians(address account, address[] calldata guardians, uint8 threshold) private {
        uint256 count = guardians.length;
        if (count > MAX_GUARDIANS || threshold > count || (threshold == 0 && count != 0)) revert GuardiansRefused();
        for (uint256 i = 0; i < count; ++i) {
            if (guardians[i] == address(0) || guardians[i] == account) revert GuardiansRefused();
            for (uint256 j = 0; j < i; ++j) {
                if (guardians[i] == guardians[j]) revert GuardiansRefused();
            }
        }
        GuardianSet storage set = _guardians[account];
        set.members = guardians;
        set.threshold = threshold;
        ++set.round;
        emit GuardiansChanged(account, guardians, threshold);
    }

    function _supportRecovery(address account, address newKey, address guardian) private {
        GuardianSet storage set = _guardians[account];
        if (!_contains(set.members, guardian)) revert NotAGuardian(account, guardian);
        bytes32 id = _recoveryId(account, newKey);
        address[] storage supporters = _supporters[id];
        if (_contains(supporters, guardian)) revert AlreadySupported(guardian);
        supporters.push(guardian);
        emit RecoverySupported(account, guardian, newKey);
        if (supporters.length == set.threshold) {
            uint256 readyAt = block.timestamp + RECOVERY_DELAY;
            _readyAt[id] = readyAt;
            emit RecoveryReady(account, newKey, readyAt);
        }
    }

    function _cancelRecovery(address account) private {
        uint64 round = _guardians[account].round;
        _guardians[account].round = round + 1;
        emit RecoveryCancelled(account, round);
    }

    function _recoveryId(address account, address newKey) private view returns (bytes32) {
        return keccak256(abi.encode(account, newKey, _guardians[account].round));
    }

    function _contains(address[] storage list, address wanted) private view returns (bool) {
        uint256 count = list.length;
        for (uint256 i = 0; i < count; ++i) {
            if (list[i] == wanted) return true;
        }
        return false;
    }
}
