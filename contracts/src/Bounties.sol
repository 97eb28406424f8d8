// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {IPostedBounties, IRegistrar, Posted} from "./Interfaces.sol";
import {Permit, SignedActs} from "./SignedActs.sol";
import {UsesRegistrar} from "./UsesRegistrar.sol";
import {Update} from "./relationships/Postings.sol";

/// @notice How far a bounty is.
/// @dev Unclaimed: nothing on chain since it was posted. Claimed: the owner asks here, the time-out runs. Answered: the
/// provider named the bundle. Received: the owner confirmed that bundle. Undelivered: nothing came in time. Contested:
/// the provider named a bundle and the owner says it never got it.
enum Progress {
    Unclaimed,
    Claimed,
    Answered,
    Received,
    Undelivered,
    Contested
}

/// @notice A bounty's claim as stored.
/// @param bundleHash hash of the bundle's manifest; zero until answered
/// @param claimedAt Unix second of the claim; zero if there was none
/// @param answeredAt Unix second of the answer; zero if there was none
/// @param progress how far it is
struct Claim {
    bytes32 bundleHash;
    uint48 claimedAt;
    uint48 answeredAt;
    Progress progress;
}

/// @title Bounties: what a block's miner is owed, and whether it came
/// @notice A bounty is posted with an update in Relationships and belongs to `block.coinbase` of that block. The owner
/// collects it from the provider's gatekeeper by a signed request off chain. On chain is what both can be held to: the
/// provider's answer (one bundle hash, never another), the owner's receipt, and, after a time-out, the owner's statement
/// that nothing came.
/// @dev Holds no owner of its own: Relationships does. Owners are plain addresses, so a miner needs no account. The calls take
/// the posted update and check it against its id.
contract Bounties is SignedActs, UsesRegistrar {
    /// @notice Blocks after the posting block before a bounty is valid, so that a re-organisation cannot move it.
    uint256 public constant CONFIRMATIONS = 12;

    /// @notice Seconds that a provider has to answer a claim, and an owner to contest an answer it cannot use.
    uint256 public constant TIME_OUT = 7 days;

    bytes32 private constant _CLAIM = keccak256("Claim(bytes32 bounty,address owner,uint256 nonce,uint256 deadline)");
    bytes32 private constant _RECEIPT =
        keccak256("Receipt(bytes32 bounty,address owner,bytes32 bundleHash,uint256 nonce,uint256 deadline)");
    bytes32 private constant _NON_DELIVERY =
        keccak256("NonDelivery(bytes32 bounty,address owner,uint256 nonce,uint256 deadline)");

    // Immutables are written like constants here, as solhint has it.
    // slither-disable-start naming-convention
    /// @notice Where bounties are posted.
    IPostedBounties public immutable RELATIONSHIPS;
    // slither-disable-end naming-convention

    mapping(bytes32 bounty => Claim claim) private _claims;

    /// @notice The owner asks for its bundle.
    /// @param bounty the bounty
    /// @param owner its owner
    /// @param provider who owes it
    event Claimed(bytes32 indexed bounty, address indexed owner, address indexed provider);

    /// @notice The provider named the bundle.
    /// @param bounty the bounty
    /// @param provider who owes it
    /// @param bundleHash hash of the bundle's manifest
    event Answered(bytes32 indexed bounty, address indexed provider, bytes32 bundleHash);

    /// @notice The owner has that bundle.
    /// @param bounty the bounty
    /// @param owner its owner
    /// @param bundleHash hash of the bundle's manifest
    event Received(bytes32 indexed bounty, address indexed owner, bytes32 bundleHash);

    /// @notice The owner states that it got nothing in time.
    /// @param bounty the bounty
    /// @param owner its owner
    /// @param provider who owes it
    /// @param answered whether the provider had named a bundle
    event NonDelivered(bytes32 indexed bounty, address indexed owner, address indexed provider, bool answered);

    /// @notice No such update was posted.
    /// @param bounty the id its terms would have
    error UnknownBounty(bytes32 bounty);

    /// @notice The posting block could still be replaced.
    /// @param confirmations blocks after it so far
    error Unconfirmed(uint256 confirmations);

    /// @notice The caller or signer does not own the bounty.
    /// @param bounty the bounty
    /// @param caller the caller or signer
    error NotTheOwner(bytes32 bounty, address caller);

    /// @notice The caller is not the provider of the bounty.
    /// @param bounty the bounty
    /// @param caller the caller
    error NotTheProvider(bytes32 bounty, address caller);

    /// @notice The bounty is not where this could be done.
    /// @param bounty the bounty
    /// @param progress where it is
    error ProgressRefused(bytes32 bounty, Progress progress);

    /// @notice The bundle hash is zero, or not the one that the provider named.
    /// @param bundleHash the hash given
    error BundleRefused(bytes32 bundleHash);

    /// @notice The time-out has not passed.
    /// @param timestamp Unix second at which it will have
    error TooEarly(uint256 timestamp);

    /// @notice Starts empty.
    /// @param registrar the Registrar
    /// @param relationships where bounties are posted
    constructor(IRegistrar registrar, IPostedBounties relationships)
        EIP712("MedRec Bounties", "1")
        UsesRegistrar(registrar)
    {
        if (address(relationships) == address(0)) revert ZeroAddress();
        RELATIONSHIPS = relationships;
    }

    /// @notice Asks for the bundle, as the owner, and starts the time-out.
    /// @param posting the update that the bounty was posted with
    function claim(Update calldata posting) external {
        _claim(posting, msg.sender);
    }

    /// @notice Asks for the bundle as the signing owner.
    /// @param posting the update that the bounty was posted with
    /// @param permit the owner's signature of a Claim
    function claimBySig(Update calldata posting, Permit calldata permit) external {
        address owner = permit.signer;
        _accept(
            keccak256(abi.encode(_CLAIM, bountyId(posting), owner, _useNonce(owner), permit.deadline)), permit
        );
        _claim(posting, owner);
    }

    /// @notice Names the bundle, as the provider; claimed or not, but once and for ever.
    /// @param posting the update that the bounty was posted with
    /// @param bundleHash hash of the bundle's manifest
    function answer(Update calldata posting, bytes32 bundleHash) external {
        (bytes32 bounty,) = _confirmed(posting);
        if (_providerOf(msg.sender) != posting.provider) revert NotTheProvider(bounty, msg.sender);
        if (bundleHash == bytes32(0)) revert BundleRefused(bundleHash);
        Claim storage stored = _claims[bounty];
        if (stored.bundleHash != bytes32(0)) revert ProgressRefused(bounty, stored.progress);
        stored.bundleHash = bundleHash;
        stored.answeredAt = uint48(block.timestamp);
        stored.progress = Progress.Answered;
        emit Answered(bounty, posting.provider, bundleHash);
    }

    /// @notice Confirms, as the owner, that the bundle that the provider named has come.
    /// @param posting the update that the bounty was posted with
    /// @param bundleHash hash of the bundle's manifest
    function confirm(Update calldata posting, bytes32 bundleHash) external {
        _confirm(posting, bundleHash, msg.sender);
    }

    /// @notice Confirms the bundle as the signing owner; the provider can carry this.
    /// @param posting the update that the bounty was posted with
    /// @param bundleHash hash of the bundle's manifest
    /// @param permit the owner's signature of a Receipt
    function confirmBySig(Update calldata posting, bytes32 bundleHash, Permit calldata permit) external {
        address owner = permit.signer;
        bytes32 structHash = keccak256(
            abi.encode(_RECEIPT, bountyId(posting), owner, bundleHash, _useNonce(owner), permit.deadline)
        );
        _accept(structHash, permit);
        _confirm(posting, bundleHash, owner);
    }

    /// @notice States, as the owner, that nothing came in time.
    /// @param posting the update that the bounty was posted with
    function declareNonDelivery(Update calldata posting) external {
        _declareNonDelivery(posting, msg.sender);
    }

    /// @notice States as the signing owner that nothing came in time.
    /// @param posting the update that the bounty was posted with
    /// @param permit the owner's signature of a NonDelivery
    function declareNonDeliveryBySig(Update calldata posting, Permit calldata permit) external {
        address owner = permit.signer;
        bytes32 structHash =
            keccak256(abi.encode(_NON_DELIVERY, bountyId(posting), owner, _useNonce(owner), permit.deadline));
        _accept(structHash, permit);
        _declareNonDelivery(posting, owner);
    }

    /// @notice A bounty's owner and whether it is valid yet.
    /// @param bounty the bounty
    /// @return posted owner, block and time; all zero if there is none
    /// @return confirmations blocks after the posting block
    /// @return valid whether there are CONFIRMATIONS of them
    function ownership(bytes32 bounty)
        external
        view
        returns (Posted memory posted, uint256 confirmations, bool valid)
    {
        posted = RELATIONSHIPS.posted(bounty);
        if (posted.blockNumber == 0) return (posted, 0, false);
        confirmations = block.number - posted.blockNumber;
        valid = confirmations >= CONFIRMATIONS;
    }

    /// @notice A bounty's claim.
    /// @param bounty the bounty
    /// @return the claim as stored
    function claimOf(bytes32 bounty) external view returns (Claim memory) {
        return _claims[bounty];
    }

    /// @notice The id of the bounty of an update, as in Relationships.
    /// @param posting the update
    /// @return the id
    function bountyId(Update calldata posting) public pure returns (bytes32) {
        return keccak256(abi.encode(posting));
    }

    function _claim(Update calldata posting, address caller) private {
        bytes32 bounty = _owned(posting, caller);
        Claim storage stored = _claims[bounty];
        if (stored.claimedAt != 0 || stored.progress == Progress.Received) {
            revert ProgressRefused(bounty, stored.progress);
        }
        stored.claimedAt = uint48(block.timestamp);
        // A role or claim lies in one slot with a time; what is compared here is not the time.
        // slither-disable-next-line timestamp,incorrect-equality
        if (stored.progress == Progress.Unclaimed) stored.progress = Progress.Claimed;
        emit Claimed(bounty, caller, posting.provider);
    }

    function _confirm(Update calldata posting, bytes32 bundleHash, address caller) private {
        bytes32 bounty = _owned(posting, caller);
        Claim storage stored = _claims[bounty];
        if (stored.progress != Progress.Answered && stored.progress != Progress.Contested) {
            revert ProgressRefused(bounty, stored.progress);
        }
        if (stored.bundleHash != bundleHash) revert BundleRefused(bundleHash);
        stored.progress = Progress.Received;
        emit Received(bounty, caller, bundleHash);
    }

    function _declareNonDelivery(Update calldata posting, address caller) private {
        bytes32 bounty = _owned(posting, caller);
        Claim storage stored = _claims[bounty];
        bool answered = stored.progress == Progress.Answered;
        if (stored.claimedAt == 0 || (!answered && stored.progress != Progress.Claimed)) {
            revert ProgressRefused(bounty, stored.progress);
        }
        // The owner gets a whole time-out after whichever came later: its claim or the provider's answer.
        uint256 since = stored.claimedAt > stored.answeredAt ? stored.claimedAt : stored.answeredAt;
        // slither-disable-next-line timestamp
        if (block.timestamp < since + TIME_OUT) revert TooEarly(since + TIME_OUT);
        stored.progress = answered ? Progress.Contested : Progress.Undelivered;
        emit NonDelivered(bounty, caller, posting.provider, answered);
    }

    function _owned(Update calldata posting, address caller) private view returns (bytes32 bounty) {
        address owner;
        (bounty, owner) = _confirmed(posting);
        if (owner != caller) revert NotTheOwner(bounty, caller);
    }

    function _confirmed(Update calldata posting) private view returns (bytes32 bounty, address owner) {
        bounty = bountyId(posting);
        Posted memory posted = RELATIONSHIPS.posted(bounty);
        if (posted.blockNumber == 0) revert UnknownBounty(bounty);
        uint256 confirmations = block.number - posted.blockNumber;
        if (confirmations < CONFIRMATIONS) revert Unconfirmed(confirmations);
        owner = posted.owner;
    }
}
