// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Bounties, Progress} from "../src/Bounties.sol";
import {Posted} from "../src/Interfaces.sol";
import {DataPointer, Status, Update} from "../src/Relationships.sol";
import {Permit, SignedActs} from "../src/SignedActs.sol";
import {UsesRegistrar} from "../src/UsesRegistrar.sol";
import {Postings} from "../src/relationships/Postings.sol";
import {Network} from "./Network.sol";

/// @title Bounties and what is posted with them
contract BountiesTest is Network {
    Update private batch;
    bytes32 private bounty;

    function setUp() public override {
        super.setUp();
        batch = posting(HOSPITAL, address(0));
        bounty = bounties.bountyId(batch);
        vm.prank(who(HOSPITAL));
        relationships.updateBatch(ROOT, QUERY, COST);
    }

    function confirmed() private {
        vm.roll(block.number + bounties.CONFIRMATIONS());
    }

    function expectProgress(Progress progress) private view {
        vm.assertEq(uint8(bounties.claimOf(bounty).progress), uint8(progress));
    }

    function expectProgressRefused(Progress progress) private {
        vm.expectRevert(abi.encodeWithSelector(Bounties.ProgressRefused.selector, bounty, progress));
    }

    function testFuzz_the_miner_of_the_block_owns_the_bounty_once_confirmed(address miner, uint8 blocks) public {
        vm.coinbase(miner);
        bytes32 root = keccak256(abi.encode(miner, blocks));
        vm.prank(who(CLINIC));
        relationships.updateBatch(root, QUERY, COST);
        bytes32 id = relationships.bountyId(Update(who(CLINIC), address(0), root, QUERY, COST));
        uint256 height = block.number;
        vm.coinbase(who(STRANGER));
        vm.roll(height + blocks);
        (Posted memory posted, uint256 confirmations, bool valid) = bounties.ownership(id);
        vm.assertEq(posted.owner, miner);
        vm.assertEq(posted.blockNumber, height);
        vm.assertEq(posted.timestamp, block.timestamp);
        vm.assertEq(confirmations, blocks);
        vm.assertEq(valid, blocks >= 12);
    }

    function test_an_update_posted_twice_keeps_its_first_owner() public {
        vm.coinbase(who(STRANGER));
        vm.prank(who(HOSPITAL));
        vm.expectRevert(abi.encodeWithSelector(Postings.AlreadyPosted.selector, bounty));
        relationships.updateBatch(ROOT, QUERY, COST);
        vm.assertEq(relationships.posted(bounty).owner, MINER);
        vm.prank(who(HOSPITAL));
        vm.expectRevert(Postings.EmptyUpdate.selector);
        relationships.updateBatch(bytes32(0), QUERY, COST);
        vm.prank(who(HOSPITAL));
        vm.expectRevert(Postings.EmptyUpdate.selector);
        relationships.updateBatch(ROOT, bytes32(0), COST);
    }

    function test_a_bounty_is_claimed_answered_and_received() public {
        vm.prank(MINER);
        vm.expectRevert(abi.encodeWithSelector(Bounties.Unconfirmed.selector, 0));
        bounties.claim(batch);
        vm.roll(block.number + 11);
        vm.prank(MINER);
        vm.expectRevert(abi.encodeWithSelector(Bounties.Unconfirmed.selector, 11));
        bounties.claim(batch);
        vm.roll(block.number + 1);
        vm.prank(who(STRANGER));
        vm.expectRevert(abi.encodeWithSelector(Bounties.NotTheOwner.selector, bounty, who(STRANGER)));
        bounties.claim(batch);
        vm.expectEmit(address(bounties));
        emit Bounties.Claimed(bounty, MINER, who(HOSPITAL));
        vm.prank(MINER);
        bounties.claim(batch);
        expectProgress(Progress.Claimed);
        vm.prank(who(CLINIC));
        vm.expectRevert(abi.encodeWithSelector(Bounties.NotTheProvider.selector, bounty, who(CLINIC)));
        bounties.answer(batch, ROOT);
        vm.prank(who(STRANGER));
        vm.expectRevert(abi.encodeWithSelector(UsesRegistrar.NotAProvider.selector, who(STRANGER)));
        bounties.answer(batch, ROOT);
        vm.expectEmit(address(bounties));
        emit Bounties.Answered(bounty, who(HOSPITAL), ROOT);
        vm.prank(who(HOSPITAL));
        bounties.answer(batch, ROOT);
        // One bundle, never another.
        vm.prank(who(HOSPITAL));
        expectProgressRefused(Progress.Answered);
        bounties.answer(batch, QUERY);
        vm.prank(MINER);
        vm.expectRevert(abi.encodeWithSelector(Bounties.BundleRefused.selector, QUERY));
        bounties.confirm(batch, QUERY);
        vm.expectEmit(address(bounties));
        emit Bounties.Received(bounty, MINER, ROOT);
        vm.prank(MINER);
        bounties.confirm(batch, ROOT);
        expectProgress(Progress.Received);
        vm.warp(block.timestamp + 30 days);
        vm.prank(MINER);
        expectProgressRefused(Progress.Received);
        bounties.declareNonDelivery(batch);
        vm.prank(MINER);
        expectProgressRefused(Progress.Received);
        bounties.claim(batch);
    }

    function test_nothing_in_time_is_non_delivery_and_a_late_bundle_still_counts() public {
        confirmed();
        vm.prank(MINER);
        expectProgressRefused(Progress.Unclaimed);
        bounties.declareNonDelivery(batch);
        vm.prank(MINER);
        bounties.claim(batch);
        uint256 due = block.timestamp + bounties.TIME_OUT();
        vm.warp(due - 1);
        vm.prank(MINER);
        vm.expectRevert(abi.encodeWithSelector(Bounties.TooEarly.selector, due));
        bounties.declareNonDelivery(batch);
        vm.warp(due);
        vm.expectEmit(address(bounties));
        emit Bounties.NonDelivered(bounty, MINER, who(HOSPITAL), false);
        vm.prank(MINER);
        bounties.declareNonDelivery(batch);
        expectProgress(Progress.Undelivered);
        vm.prank(MINER);
        expectProgressRefused(Progress.Undelivered);
        bounties.claim(batch);
        vm.prank(who(HOSPITAL));
        bounties.answer(batch, ROOT);
        vm.prank(MINER);
        bounties.confirm(batch, ROOT);
        expectProgress(Progress.Received);
    }

    function test_an_answer_without_a_bundle_is_contested_after_a_time_out() public {
        confirmed();
        vm.prank(MINER);
        bounties.claim(batch);
        vm.warp(block.timestamp + 6 days);
        vm.prank(who(HOSPITAL));
        bounties.answer(batch, ROOT);
        uint256 due = block.timestamp + 7 days;
        vm.warp(due - 1);
        vm.prank(MINER);
        vm.expectRevert(abi.encodeWithSelector(Bounties.TooEarly.selector, due));
        bounties.declareNonDelivery(batch);
        vm.warp(due);
        vm.expectEmit(address(bounties));
        emit Bounties.NonDelivered(bounty, MINER, who(HOSPITAL), true);
        vm.prank(MINER);
        bounties.declareNonDelivery(batch);
        expectProgress(Progress.Contested);
        vm.prank(MINER);
        bounties.confirm(batch, ROOT);
        expectProgress(Progress.Received);
    }

    function test_a_bounty_answered_before_it_was_claimed_can_be_claimed_and_contested() public {
        confirmed();
        vm.prank(who(HOSPITAL));
        bounties.answer(batch, ROOT);
        vm.prank(MINER);
        bounties.claim(batch);
        expectProgress(Progress.Answered);
        vm.warp(block.timestamp + 7 days);
        vm.prank(MINER);
        bounties.declareNonDelivery(batch);
        expectProgress(Progress.Contested);
    }

    function test_terms_that_were_not_posted_are_no_bounty() public {
        confirmed();
        batch.costNanoRho += 1;
        vm.prank(MINER);
        vm.expectRevert(
            abi.encodeWithSelector(Bounties.UnknownBounty.selector, bounties.bountyId(batch))
        );
        bounties.claim(batch);
        vm.prank(who(HOSPITAL));
        vm.expectRevert(
            abi.encodeWithSelector(Bounties.UnknownBounty.selector, bounties.bountyId(batch))
        );
        bounties.answer(batch, ROOT);
        (Posted memory posted, uint256 confirmations, bool valid) = bounties.ownership(bounties.bountyId(batch));
        vm.assertEq(posted.owner, address(0));
        vm.assertEq(confirmations, 0);
        vm.assertFalse(valid);
    }

    function test_an_owner_without_ether_acts_by_signature() public {
        vm.coinbase(who(VIEWER));
        vm.prank(who(HOSPITAL));
        relationships.updateBatch(QUERY, QUERY, COST);
        Update memory update = Update(who(HOSPITAL), address(0), QUERY, QUERY, COST);
        bounty = bounties.bountyId(update);
        confirmed();
        bytes memory fields = abi.encode(bounty, who(VIEWER));
        string memory claim = "Claim(bytes32 bounty,address owner,uint256 nonce,uint256 deadline)";
        Permit memory permit = permitOf(bounties, VIEWER, claim, fields);
        vm.expectRevert(abi.encodeWithSelector(SignedActs.SignatureRefused.selector, who(VIEWER)));
        bounties.claimBySig(batch, permit);
        bounties.claimBySig(update, permit);
        expectProgress(Progress.Claimed);
        vm.warp(block.timestamp + 7 days);
        string memory nonDelivery = "NonDelivery(bytes32 bounty,address owner,uint256 nonce,uint256 deadline)";
        bounties.declareNonDeliveryBySig(update, permitOf(bounties, VIEWER, nonDelivery, fields));
        expectProgress(Progress.Undelivered);
        vm.prank(who(HOSPITAL));
        bounties.answer(update, ROOT);
        permit = permitOf(
            bounties,
            VIEWER,
            "Receipt(bytes32 bounty,address owner,bytes32 bundleHash,uint256 nonce,uint256 deadline)",
            abi.encode(bounty, who(VIEWER), ROOT)
        );
        vm.prank(who(HOSPITAL));
        bounties.confirmBySig(update, ROOT, permit);
        expectProgress(Progress.Received);
    }

    /// @dev A batch of 50 pointers of ten patients: every pointer is proven, and nothing else is.
    function testFuzz_a_pointer_of_a_batch_is_proven_by_its_path_alone(uint256 seed, uint8 index, uint256 bit) public {
        DataPointer[] memory pointers = new DataPointer[](50);
        bytes32[] memory leaves = new bytes32[](50);
        for (uint256 i = 0; i < 50; ++i) {
            pointers[i] = DataPointer(
                address(uint160(0x1000 + i % 10)), keccak256(abi.encode(seed, i)), keccak256(abi.encode(i, seed))
            );
            leaves[i] = relationships.pointerLeaf(pointers[i]);
        }
        uint256 chosen = index % 50;
        (bytes32 root, bytes32[] memory proof) = merkle(leaves, chosen);
        vm.prank(who(HOSPITAL));
        relationships.updateBatch(root, QUERY, COST);
        Update memory update = Update(who(HOSPITAL), address(0), root, QUERY, COST);
        (bool included,) = relationships.verifyPointer(update, pointers[chosen], proof);
        vm.assertTrue(included);
        (included,) = relationships.verifyPointer(update, pointers[(chosen + 1) % 50], proof);
        vm.assertFalse(included);
        DataPointer memory altered = pointers[chosen];
        altered.commitment ^= bytes32(1 << (bit % 256));
        (included,) = relationships.verifyPointer(update, altered, proof);
        vm.assertFalse(included);
        // The same root that another provider never posted proves nothing.
        update.provider = who(CLINIC);
        altered.commitment ^= bytes32(1 << (bit % 256));
        (included,) = relationships.verifyPointer(update, altered, proof);
        vm.assertFalse(included);
    }

    function test_an_update_of_one_relationship_holds_no_other_patients_pointer() public {
        relate(PATIENT, HOSPITAL);
        DataPointer memory pointer = DataPointer(who(OTHER_PATIENT), QUERY, ROOT);
        bytes32 leaf = relationships.pointerLeaf(pointer);
        vm.prank(who(HOSPITAL));
        relationships.update(who(PATIENT), leaf, QUERY, COST);
        Update memory update = Update(who(HOSPITAL), who(PATIENT), leaf, QUERY, COST);
        (bool included, Status status) = relationships.verifyPointer(update, pointer, new bytes32[](0));
        vm.assertFalse(included);
        vm.assertEq(uint8(status), uint8(Status.None));
    }

    /// @dev Root and path as OpenZeppelin's MerkleProof wants them: sorted pairs, an odd node goes up as it is.
    function merkle(bytes32[] memory nodes, uint256 index)
        private
        pure
        returns (bytes32 root, bytes32[] memory proof)
    {
        bytes32[] memory path = new bytes32[](16);
        uint256 length;
        for (uint256 count = nodes.length; count > 1; count = (count + 1) / 2) {
            if (index ^ 1 < count) path[length++] = nodes[index ^ 1];
            for (uint256 i = 0; i < count; i += 2) {
                nodes[i / 2] = i + 1 < count ? hashPair(nodes[i], nodes[i + 1]) : nodes[i];
            }
            index /= 2;
        }
        proof = new bytes32[](length);
        for (uint256 i = 0; i < length; ++i) {
            proof[i] = path[i];
        }
        root = nodes[0];
    }

    function hashPair(bytes32 left, bytes32 right) private pure returns (bytes32) {
        return left < right ? keccak256(abi.encode(left, right)) : keccak256(abi.encode(right, left));
    }
}
