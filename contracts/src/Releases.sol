// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {IRegistrar} from "./Interfaces.sol";
import {UsesRegistrar} from "./UsesRegistrar.sol";

/// @notice What a provider may spend of its patients' privacy, and has spent, on census releases.
/// @param capNanoRho most that it will ever spend, in units of 1e-9 rho; zero until declared
/// @param spentNanoRho what it has spent so far
/// @param lastEpoch its last committed epoch
/// @param epochs how many epochs it has committed
struct Budget {
    uint64 capNanoRho;
    uint64 spentNanoRho;
    uint64 lastEpoch;
    uint64 epochs;
}

/// @notice A census release as committed, before any of its shards is assigned.
/// @param root salted Merkle root over the shards of the finished, noised release
/// @param consentRoot Merkle root of the consents in force at the snapshot
/// @param costNanoRho privacy loss of the release, in units of 1e-9 rho
/// @param committedAt block that carries the commitment
/// @param shards number of shards
/// @param nextCommittedAt block at which the provider's next epoch was committed; zero while this is the last
struct Release {
    bytes32 root;
    bytes32 consentRoot;
    uint64 costNanoRho;
    uint64 committedAt;
    uint32 shards;
    uint64 nextCommittedAt;
}

/// @notice The head of a gatekeeper's hash-chained audit log.
/// @param head hash of the last entry
/// @param entries number of entries that it covers
struct AuditHead {
    bytes32 head;
    uint64 entries;
}

/// @title Releases: the census releases that miners earn shards of
/// @notice Once an epoch each provider commits the root of its finished release; every later block, until the next commitment
/// takes over, earns its miner the shard that the block's hash picks. Since the release stands before the hashes are known,
/// neither the provider nor a miner can choose.
/// @dev Only census releases are charged here: they cost every patient in them the same. Bounties are charged patient by
/// patient in the provider's secret ledger. Privacy loss is exact: rho = nanoRho / 1000000000.
contract Releases is UsesRegistrar {
    /// @notice Blocks between a commitment and the first block that can earn a shard of it, so that a re-organisation
    /// cannot put a block before the commitment that it earns from.
    uint256 public constant CONFIRMATIONS = 12;

    mapping(address provider => Budget budget) private _budgets;
    mapping(address provider => mapping(uint64 epoch => Release release)) private _releases;
    mapping(address provider => AuditHead head) private _auditHeads;

    /// @notice A provider declared its cap, for ever.
    /// @param provider the provider
    /// @param capNanoRho most that it will ever spend, in units of 1e-9 rho
    event CapDeclared(address indexed provider, uint64 capNanoRho);

    /// @notice A provider committed a release.
    /// @param provider the provider
    /// @param epoch the epoch
    /// @param root salted Merkle root over the shards
    /// @param consentRoot Merkle root of the consents in force at the snapshot
    /// @param shards number of shards
    /// @param costNanoRho privacy loss of the release, in units of 1e-9 rho
    /// @param spentNanoRho what the provider has spent with it
    event ReleaseCommitted(
        address indexed provider,
        uint64 indexed epoch,
        bytes32 root,
        bytes32 consentRoot,
        uint32 shards,
        uint64 costNanoRho,
        uint64 spentNanoRho
    );

    /// @notice A provider anchored its audit log.
    /// @param provider the provider
    /// @param head hash of the last entry
    /// @param entries number of entries that it covers
    event AuditHeadAnchored(address indexed provider, bytes32 head, uint64 entries);

    /// @notice The cap was declared before, or is zero.
    /// @param capNanoRho the declared cap
    error CapStands(uint64 capNanoRho);

    /// @notice The release would pass the cap.
    /// @param costNanoRho what it costs
    /// @param leftNanoRho what is left
    error CapExceeded(uint64 costNanoRho, uint64 leftNanoRho);

    /// @notice Epochs only grow.
    /// @param epoch the epoch given
    /// @param lastEpoch the last committed one
    error EpochRefused(uint64 epoch, uint64 lastEpoch);

    /// @notice A root, the cost or the number of shards is zero.
    error EmptyRelease();

    /// @notice The provider committed no such release.
    /// @param provider the provider
    /// @param epoch the epoch
    error UnknownRelease(address provider, uint64 epoch);

    /// @notice Blocks of that number do not earn from this release.
    /// @param blockNumber the block's number
    /// @param firstBlock first one that does
    /// @param endBlock first one after it that no longer does; zero while there is none
    error BlockEarnsNothing(uint256 blockNumber, uint256 firstBlock, uint256 endBlock);

    /// @notice The chain no longer knows the hash of that block; give it to `shardForHash`.
    /// @param blockNumber the block's number
    error BlockHashUnknown(uint256 blockNumber);

    /// @notice The log covers no more entries than before.
    /// @param entries entries given
    /// @param anchored entries anchored before
    error AuditLogShorter(uint64 entries, uint64 anchored);

    /// @notice Starts empty.
    /// @param registrar the Registrar
    constructor(IRegistrar registrar) UsesRegistrar(registrar) {}

    /// @notice Declares, as a provider, the most privacy loss that its census releases will ever sum up to.
    /// @param capNanoRho the cap, in units of 1e-9 rho; it cannot be changed
    function declareCap(uint64 capNanoRho) external {
        address provider = _providerOf(msg.sender);
        Budget storage budget = _budgets[provider];
        if (budget.capNanoRho != 0 || capNanoRho == 0) revert CapStands(budget.capNanoRho);
        budget.capNanoRho = capNanoRho;
        emit CapDeclared(provider, capNanoRho);
    }

    /// @notice Commits, as a provider, the finished release of an epoch.
    /// @param epoch the epoch; higher than any before
    /// @param root salted Merkle root over `shardLeaf` of each shard
    /// @param consentRoot Merkle root of the consents in force at the snapshot
    /// @param shards number of shards
    /// @param costNanoRho privacy loss of the release, in units of 1e-9 rho
    function commit(uint64 epoch, bytes32 root, bytes32 consentRoot, uint32 shards, uint64 costNanoRho) external {
        address provider = _providerOf(msg.sender);
        if (root == bytes32(0) || consentRoot == bytes32(0) || shards == 0 || costNanoRho == 0) {
            revert EmptyRelease();
        }
        Budget storage budget = _budgets[provider];
        uint64 lastEpoch = budget.lastEpoch;
        if (budget.epochs != 0) {
            if (epoch <= lastEpoch) revert EpochRefused(epoch, lastEpoch);
            _releases[provider][lastEpoch].nextCommittedAt = uint64(block.number);
        }
        uint64 left = budget.capNanoRho - budget.spentNanoRho;
        if (costNanoRho > left) revert CapExceeded(costNanoRho, left);
        uint64 spent = budget.spentNanoRho + costNanoRho;
        budget.spentNanoRho = spent;
        budget.lastEpoch = epoch;
        ++budget.epochs;
        _releases[provider][epoch] = Release(root, consentRoot, costNanoRho, uint64(block.number), shards, 0);
        emit ReleaseCommitted(provider, epoch, root, consentRoot, shards, costNanoRho, spent);
    }

    /// @notice Anchors, as a provider, the head of its gatekeeper's audit log.
    /// @param head hash of the last entry
    /// @param entries number of entries that it covers; more than before
    function anchorAuditHead(bytes32 head, uint64 entries) external {
        address provider = _providerOf(msg.sender);
        uint64 anchored = _auditHeads[provider].entries;
        if (entries <= anchored) revert AuditLogShorter(entries, anchored);
        _auditHeads[provider] = AuditHead(head, entries);
        emit AuditHeadAnchored(provider, head, entries);
    }

    /// @notice A provider's budget.
    /// @param provider the provider
    /// @return the budget
    function budgetOf(address provider) external view returns (Budget memory) {
        return _budgets[provider];
    }

    /// @notice A committed release.
    /// @param provider the provider
    /// @param epoch the epoch
    /// @return the release; all zero if there is none
    function releaseOf(address provider, uint64 epoch) external view returns (Release memory) {
        return _releases[provider][epoch];
    }

    /// @notice The last anchored head of a provider's audit log.
    /// @param provider the provider
    /// @return the head
    function auditHeadOf(address provider) external view returns (AuditHead memory) {
        return _auditHeads[provider];
    }

    /// @notice The shard that one of the last 256 blocks earned.
    /// @param provider the provider
    /// @param epoch the epoch
    /// @param blockNumber the block's number
    /// @return the shard's index
    function shardForBlock(address provider, uint64 epoch, uint256 blockNumber) external view returns (uint32) {
        bytes32 blockHash = blockhash(blockNumber);
        if (blockHash == bytes32(0)) revert BlockHashUnknown(blockNumber);
        return shardForHash(provider, epoch, blockNumber, blockHash);
    }

    /// @notice Whether a shard is part of a committed release.
    /// @param provider the provider
    /// @param epoch the epoch
    /// @param index the shard's index
    /// @param shardHash salted hash of the shard's bytes
    /// @param proof its Merkle proof
    /// @return whether it is
    function verifyShard(
        address provider,
        uint64 epoch,
        uint32 index,
        bytes32 shardHash,
        bytes32[] calldata proof
    ) external view returns (bool) {
        Release storage release = _releases[provider][epoch];
        return index < release.shards
            && MerkleProof.verifyCalldata(proof, release.root, shardLeaf(provider, epoch, index, shardHash));
    }

    /// @notice The shard that a block earned, given the block's hash. The caller vouches for the hash.
    /// @param provider the provider
    /// @param epoch the epoch
    /// @param blockNumber the block's number
    /// @param blockHash the block's hash
    /// @return the shard's index
    function shardForHash(address provider, uint64 epoch, uint256 blockNumber, bytes32 blockHash)
        public
        view
        returns (uint32)
    {
        Release storage release = _releases[provider][epoch];
        uint256 committedAt = release.committedAt;
        if (committedAt == 0) revert UnknownRelease(provider, epoch);
        uint256 next = release.nextCommittedAt;
        uint256 first = committedAt + CONFIRMATIONS;
        uint256 endBlock = next == 0 ? 0 : next + CONFIRMATIONS;
        if (blockNumber < first || (next != 0 && blockNumber >= endBlock)) {
            revert BlockEarnsNothing(blockNumber, first, endBlock);
        }
        // The remainder of a 256-bit hash by a 32-bit number is off uniform by less than 2^-224. It is no draw to
        // protect: all shards are worth the same.
        // slither-disable-next-line weak-prng
        return uint32(uint256(keccak256(abi.encode(blockHash, provider, epoch, release.root))) % release.shards);
    }

    /// @notice The leaf of a shard: hashed twice, so that no inner node can pass for one.
    /// @param provider the provider
    /// @param epoch the epoch
    /// @param index the shard's index
    /// @param shardHash salted hash of the shard's bytes
    /// @return the leaf
    function shardLeaf(address provider, uint64 epoch, uint32 index, bytes32 shardHash)
        public
        pure
        returns (bytes32)
    {
        return keccak256(bytes.concat(keccak256(abi.encode(provider, epoch, index, shardHash))));
    }
}
