// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";

/// @title An institution's account that two officers sign for together, by EIP-1271
/// @dev The smallest contract account that is one: the signature is both officers' signatures, one after the other.
contract Institution1271 is IERC1271 {
    address private immutable FIRST_OFFICER;
    address private immutable SECOND_OFFICER;

    constructor(address firstOfficer, address secondOfficer) {
        FIRST_OFFICER = firstOfficer;
        SECOND_OFFICER = secondOfficer;
    }

    /// @inheritdoc IERC1271
    function isValidSignature(bytes32 digest, bytes calldata signature) external view returns (bytes4) {
        if (signature.length != 130) return 0xffffffff;
        bool both = ECDSA.recover(digest, signature[:65]) == FIRST_OFFICER
            && ECDSA.recover(digest, signature[65:]) == SECOND_OFFICER;
        return both ? IERC1271.isValidSignature.selector : bytes4(0xffffffff);
    }
}
