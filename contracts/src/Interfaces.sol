// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice What a participant is to the network. One account has one role.
enum Role {
    None,
    Patient,
    Guardian,
    Researcher,
    Provider
}

/// @notice What was posted with an update: who owns the bounty, and since when.
/// @param owner `block.coinbase` of the block that carried the update
/// @param blockNumber that block
/// @param timestamp that block's time, in Unix seconds
struct Posted {
    address owner;
    uint48 blockNumber;
    uint48 timestamp;
}

/// @title What the other contracts ask the Registrar
/// @notice Accounts, their keys and their roles.
interface IRegistrar {
    /// @notice Enters a patient whose signature the caller has to check against the key returned.
    /// @param account the patient's (delegate) account
    /// @param identityCommitment salted commitment of the identity string
    /// @return key the key that speaks for the account
    function enrolPatient(address account, bytes32 identityCommitment) external returns (address key);

    /// @notice The key that speaks for an account.
    /// @param account the account
    /// @return key its key; zero if the account is no participant
    function keyOf(address account) external view returns (address key);

    /// @notice The account that a key speaks for.
    /// @param key the key
    /// @return account its account; zero if the key speaks for none
    function accountOf(address key) external view returns (address account);

    /// @notice The role of an account.
    /// @param account the account
    /// @return the role, None if it is no participant
    function roleOf(address account) external view returns (Role);

    /// @notice Every provider.
    /// @return the accounts, in no order that means anything
    function providers() external view returns (address[] memory);
}

/// @title Where the Registrar reports each change of a provider's key
/// @notice A mirror, so that what is called often needs no call to the Registrar.
interface IProviderDirectory {
    /// @notice A provider was admitted (old key zero), removed (new key zero) or has a new key.
    /// @param oldKey key that no longer speaks for the provider
    /// @param newKey key that does from now on
    /// @param account the provider
    function providerKeyChanged(address oldKey, address newKey, address account) external;
}

/// @title What Relationships asks Consents
/// @notice Who may act for a patient.
interface IConsents {
    /// @notice Whether a guardian may do one kind of act for a patient now.
    /// @param patientKey the patient's current key
    /// @param guardian who wants to act
    /// @param power one of the POWER bits of Consents
    /// @return whether the patient's grant to the guardian holds and has that power
    function mayAct(address patientKey, address guardian, uint8 power) external view returns (bool);
}

/// @title What Bounties asks Relationships
/// @notice Who owns which bounty.
interface IPostedBounties {
    /// @notice A posted bounty.
    /// @param bounty its id
    /// @return owner, block and time; all zero if there is none
    function posted(bytes32 bounty) external view returns (Posted memory);
}
