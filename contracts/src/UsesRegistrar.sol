// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRegistrar, Role} from "./Interfaces.sol";

/// @title Whose caller is this
/// @notice Contracts that speak of accounts, and are called by the keys that speak for them.
abstract contract UsesRegistrar {
    // Immutables are written like constants here, as solhint has it.
    // slither-disable-start naming-convention
    /// @notice The Registrar that says which key speaks for which account.
    IRegistrar public immutable REGISTRAR;
    // slither-disable-end naming-convention

    /// @notice The caller or signer speaks for no account.
    /// @param key the caller or signer
    error NotAParticipant(address key);

    /// @notice The account is no provider (any more), or the caller speaks for none.
    /// @param account the account or caller
    error NotAProvider(address account);

    /// @notice The Registrar's address is zero.
    error NoRegistrar();

    constructor(IRegistrar registrar) {
        if (address(registrar) == address(0)) revert NoRegistrar();
        REGISTRAR = registrar;
    }

    /// @dev The account that the key speaks for, or a revert.
    function _accountOf(address key) internal view returns (address account) {
        account = REGISTRAR.accountOf(key);
        if (account == address(0)) revert NotAParticipant(key);
    }

    /// @dev The provider that the key speaks for, or a revert.
    function _providerOf(address key) internal view returns (address account) {
        account = REGISTRAR.accountOf(key);
        if (account == address(0) || REGISTRAR.roleOf(account) != Role.Provider) revert NotAProvider(key);
    }
}
