// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice A grant in one word: from the left 24 bytes of document commitment, 4 bytes start and 4 bytes expiry in Unix
/// seconds (good until the year 2106). The word is the grant's name and its content, so a grant costs one storage slot.
/// Start zero means from the block that carries it.
type Terms is bytes32;

/// @title The fields of Terms
/// @notice The commitment is the first 24 bytes of the salted hash of the consent document, which names the viewer (a person
/// or a group) and the scope. The chain so tells nobody who may see. Finding a second document for a commitment takes 2^192
/// trials; a patient who looks for two of her own takes 2^96 and gains nothing, since the gatekeeper holds the document with
/// her signature over all of it.
/// @dev Knows no storage.
library TermsLibrary {
    /// @notice A time does not fit in 4 bytes: milliseconds, most likely.
    /// @param time the value given
    error NotUnixSeconds(uint256 time);

    /// @notice Packs terms.
    /// @param commitment first 24 bytes of the salted hash of the consent document
    /// @param from first second at which the grant holds; zero for at once
    /// @param until first second at which it no longer holds
    /// @return the packed terms
    function pack(bytes24 commitment, uint256 from, uint256 until) internal pure returns (Terms) {
        if (from > type(uint32).max) revert NotUnixSeconds(from);
        if (until > type(uint32).max) revert NotUnixSeconds(until);
        return Terms.wrap(bytes32(commitment) | bytes32(from << 32) | bytes32(until));
    }

    /// @notice The document commitment.
    /// @param terms the packed terms
    /// @return its 24 bytes
    function document(Terms terms) internal pure returns (bytes24) {
        return bytes24(Terms.unwrap(terms));
    }

    /// @notice First second at which the grant holds.
    /// @param terms the packed terms
    /// @return Unix seconds; zero for at once
    function start(Terms terms) internal pure returns (uint32) {
        // Truncation is the point: the field is 4 bytes wide.
        return uint32(uint256(Terms.unwrap(terms)) >> 32);
    }

    /// @notice First second at which the grant no longer holds.
    /// @param terms the packed terms
    /// @return Unix seconds
    function expiry(Terms terms) internal pure returns (uint32) {
        return uint32(uint256(Terms.unwrap(terms)));
    }
}
