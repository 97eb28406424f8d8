// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {IPostedBounties, Posted} from "../Interfaces.sol";

/// @notice An update as posted: all that a bounty's id commits to.
/// @param provider the provider's account
/// @param patient the patient's account; zero for a batch over several patients
/// @param recordsRoot Merkle root over the data pointers
/// @param queryHash hash of the catalogue query
/// @param costNanoRho privacy cost of the query, in units of 1e-9 rho
// Never stored, so there is nothing to pack; the order is the one that the id is hashed in.
// solhint-disable-next-line gas-struct-packing
struct Update {
    address provider;
    address patient;
    bytes32 recordsRoot;
    bytes32 queryHash;
    uint64 costNanoRho;
}

/// @notice Where a record lies, without saying what it says.
/// @param patient the patient's account
/// @param queryHash hash of the gatekeeper's query that yields the record
/// @param commitment keyed commitment of the result; when its key is destroyed it says nothing
struct DataPointer {
    address patient;
    bytes32 queryHash;
    bytes32 commitment;
}

/// @title What was posted: Merkle roots of data pointers, each with its bounty
/// @notice One storage slot an update: the bounty's id commits to the root, the query and the cost, and the slot holds the
/// owner. Who presents the update's terms can prove all of them.
/// @dev Knows neither statuses nor keys: who may post is decided by Relationships.
abstract contract Postings is IPostedBounties {
    /// @dev From the left: 20 bytes of owner, 6 of block number, 6 of Unix seconds. A posted one is never zero.
    mapping(bytes32 bounty => uint256 packed) private _posted;

    /// @notice A root or query hash is zero.
    error EmptyUpdate();

    /// @notice The same update was posted before; its bounty has an owner.
    /// @param bounty the bounty
    error AlreadyPosted(bytes32 bounty);

    /// @inheritdoc IPostedBounties
    function posted(bytes32 bounty) external view returns (Posted memory) {
        uint256 packed = _posted[bounty];
        return Posted(address(uint160(packed >> 96)), uint48(packed >> 48), uint48(packed));
    }

    /// @notice The id of the bounty of an update.
    /// @param posting the update
    /// @return the id
    function bountyId(Update calldata posting) public pure returns (bytes32) {
        return keccak256(abi.encode(posting));
    }

    /// @notice The leaf of a data pointer: hashed twice, so that no inner node can pass for one.
    /// @param pointer the data pointer
    /// @return the leaf
    function pointerLeaf(DataPointer calldata pointer) public pure returns (bytes32) {
        return keccak256(bytes.concat(keccak256(abi.encode(pointer))));
    }

    /// @dev The miner of this block becomes the owner; a block can be replaced, so Bounties waits for confirmations. Spelled
    /// out word by word (id, one packed slot) because this is paid with every update.
    function _post(
        address provider,
        address patient,
        bytes32 recordsRoot,
        bytes32 queryHash,
        uint64 costNanoRho
    ) internal {
        if (recordsRoot == bytes32(0) || queryHash == bytes32(0)) revert EmptyUpdate();
        bytes32 bounty = keccak256(abi.encode(provider, patient, recordsRoot, queryHash, costNanoRho));
        // Whether it was posted at all, not when.
        // slither-disable-next-line timestamp
        if (_posted[bounty] != 0) revert AlreadyPosted(bounty);
        _posted[bounty] = uint256(uint160(address(block.coinbase))) << 96 | block.number << 48 | block.timestamp;
    }

    /// @dev Whether a pointer is part of a posted update.
    function _includes(Update calldata posting, DataPointer calldata pointer, bytes32[] calldata proof)
        internal
        view
        returns (bool)
    {
        return _posted[bountyId(posting)] != 0
            && (posting.patient == address(0) || posting.patient == pointer.patient)
            && MerkleProof.verifyCalldata(proof, posting.recordsRoot, pointerLeaf(pointer));
    }
}
