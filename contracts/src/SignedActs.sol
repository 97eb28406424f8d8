// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {Nonces} from "@openzeppelin/contracts/utils/Nonces.sol";

/// @notice What a relayer carries for somebody who holds no ether.
/// @param signer the key that signed: an externally owned account or an EIP-1271 contract
/// @param deadline last second (Unix time) at which the signature is good
/// @param signature 65 bytes of ECDSA, or whatever the EIP-1271 contract asks for
struct Permit {
    address signer;
    uint256 deadline;
    bytes signature;
}

/// @title EIP-712 signed acts with a nonce and a deadline
/// @notice Every act of a patient exists twice: called by her, or signed by her and carried by anybody.
/// A signed message names the act, its arguments, the contract and the chain (through the domain), the
/// signer's next nonce and a deadline, so it can be used once, here, for this, and not later.
/// @dev Knows nothing of what the acts do. Nonces are sequential for each signer and contract: signing another
/// act with the same nonce and having it carried first voids the earlier one.
abstract contract SignedActs is EIP712, Nonces {
    /// @notice The signed act came too late.
    /// @param deadline the deadline it was signed with, in Unix seconds
    error DeadlinePassed(uint256 deadline);

    /// @notice The signature is not the signer's, or not over this act with the signer's next nonce.
    /// @param signer who should have signed
    error SignatureRefused(address signer);

    /// @notice An address that must not be zero is zero.
    error ZeroAddress();

    /// @notice The EIP-712 domain separator, for wallets and relayers that check it.
    /// @return the separator of this contract on this chain
    // The name is the one that EIP-2612 made usual; solhint does not see the lines above through a comment.
    // slither-disable-start naming-convention
    // solhint-disable-next-line func-name-mixedcase,use-natspec
    function DOMAIN_SEPARATOR() external view returns (bytes32) {
        return _domainSeparatorV4();
    }
    // slither-disable-end naming-convention

    /// @dev Accepts the permit for `structHash`, or reverts. The caller has put `_useNonce(permit.signer)` and
    /// `permit.deadline` into the hash.
    function _accept(bytes32 structHash, Permit calldata permit) internal view {
        // The clock of a miner may be off by seconds; deadlines are minutes or more.
        // slither-disable-next-line timestamp
        if (block.timestamp > permit.deadline) revert DeadlinePassed(permit.deadline);
        bytes32 digest = _hashTypedDataV4(structHash);
        if (!SignatureChecker.isValidSignatureNow(permit.signer, digest, permit.signature)) {
            revert SignatureRefused(permit.signer);
        }
    }
}
