// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Budget, Releases} from "../src/Releases.sol";
import {UsesRegistrar} from "../src/UsesRegistrar.sol";
import {Network} from "./Network.sol";

/// @title Releases: budget, commitment before assignment, audit heads
contract ReleasesTest is Network {
    uint64 private constant CAP = 500_000_000;

    function setUp() public override {
        super.setUp();
        vm.prank(who(HOSPITAL));
        releases.declareCap(CAP);
    }

    function commit(uint64 epoch, uint64 cost) private {
        vm.prank(who(HOSPITAL));
        releases.commit(epoch, keccak256(abi.encode(epoch)), ROOT, 1000, cost);
    }

    /// @dev Any sequence of costs: what fits is spent, what does not is refused, and the sum never passes the cap.
    function testFuzz_spending_never_passes_the_cap(uint64[8] memory costs) public {
        uint64 spent;
        for (uint64 i = 0; i < 8; ++i) {
            uint64 cost = costs[i] % CAP + 1;
            bool fits = cost <= CAP - spent;
            if (!fits) {
                vm.expectRevert(abi.encodeWithSelector(Releases.CapExceeded.selector, cost, CAP - spent));
            }
            commit(i, cost);
            if (fits) spent += cost;
            vm.assertEq(releases.budgetOf(who(HOSPITAL)).spentNanoRho, spent);
        }
        vm.assertLe(spent, CAP, "spent");
    }

    function test_a_cap_is_declared_once_and_nothing_is_spent_without_one() public {
        vm.prank(who(HOSPITAL));
        vm.expectRevert(abi.encodeWithSelector(Releases.CapStands.selector, CAP));
        releases.declareCap(CAP + 1);
        vm.prank(who(CLINIC));
        vm.expectRevert(abi.encodeWithSelector(Releases.CapStands.selector, 0));
        releases.declareCap(0);
        vm.prank(who(CLINIC));
        vm.expectRevert(abi.encodeWithSelector(Releases.CapExceeded.selector, 1, 0));
        releases.commit(1, ROOT, ROOT, 1, 1);
        vm.prank(who(STRANGER));
        vm.expectRevert(abi.encodeWithSelector(UsesRegistrar.NotAProvider.selector, who(STRANGER)));
        releases.commit(1, ROOT, ROOT, 1, 1);
        vm.prank(who(HOSPITAL));
        vm.expectRevert(Releases.EmptyRelease.selector);
        releases.commit(1, ROOT, ROOT, 0, 1);
    }

    function test_an_epoch_is_committed_once_and_none_before_it() public {
        commit(7, 1);
        vm.prank(who(HOSPITAL));
        vm.expectRevert(abi.encodeWithSelector(Releases.EpochRefused.selector, 7, 7));
        releases.commit(7, QUERY, ROOT, 1, 1);
        vm.prank(who(HOSPITAL));
        vm.expectRevert(abi.encodeWithSelector(Releases.EpochRefused.selector, 6, 7));
        releases.commit(6, QUERY, ROOT, 1, 1);
        vm.assertEq(releases.releaseOf(who(HOSPITAL), 7).root, keccak256(abi.encode(uint64(7))));
        Budget memory budget = releases.budgetOf(who(HOSPITAL));
        vm.assertEq(budget.lastEpoch, 7);
        vm.assertEq(budget.epochs, 1);
    }

    function test_no_block_earns_from_a_release_that_was_not_there_before_it() public {
        uint256 committed = block.number;
        commit(1, 1);
        for (uint256 number = committed; number < committed + 12; ++number) {
            vm.expectRevert(
                abi.encodeWithSelector(Releases.BlockEarnsNothing.selector, number, committed + 12, 0)
            );
            releases.shardForHash(who(HOSPITAL), 1, number, ROOT);
        }
        vm.assertLe(releases.shardForHash(who(HOSPITAL), 1, committed + 12, ROOT), 999, "shard");
        vm.expectRevert(abi.encodeWithSelector(Releases.UnknownRelease.selector, who(CLINIC), 1));
        releases.shardForHash(who(CLINIC), 1, committed + 12, ROOT);
    }

    /// @dev Each block earns from exactly one of two epochs.
    function testFuzz_epochs_follow_each_other_without_gap_or_overlap(uint8 between, uint8 later) public {
        uint256 first = block.number;
        commit(1, 1);
        vm.roll(first + between);
        commit(2, 1);
        uint256 number = first + 12 + later;
        bool second = number >= first + between + 12;
        vm.assertEq(earns(1, number), !second);
        vm.assertEq(earns(2, number), second);
    }

    function earns(uint64 epoch, uint256 number) private view returns (bool) {
        try releases.shardForHash(who(HOSPITAL), epoch, number, ROOT) returns (uint32) {
            return true;
        } catch {
            return false;
        }
    }

    function testFuzz_a_shard_is_one_of_the_release_and_follows_from_the_hash(bytes32 blockHash, uint32 shards)
        public
    {
        vm.assume(shards != 0);
        vm.prank(who(HOSPITAL));
        releases.commit(1, ROOT, ROOT, shards, 1);
        uint256 number = block.number + 20;
        vm.roll(number + 1);
        vm.setBlockhash(number, blockHash);
        if (blockHash == bytes32(0)) return;
        uint32 shard = releases.shardForBlock(who(HOSPITAL), 1, number);
        vm.assertTrue(shard < shards);
        vm.assertEq(shard, releases.shardForHash(who(HOSPITAL), 1, number, blockHash));
        uint256 draw = uint256(keccak256(abi.encode(blockHash, who(HOSPITAL), uint64(1), ROOT)));
        vm.assertEq(shard, draw % shards);
    }

    function test_a_block_whose_hash_is_forgotten_is_refused() public {
        commit(1, 1);
        uint256 number = block.number + 20;
        vm.roll(number + 300);
        vm.expectRevert(abi.encodeWithSelector(Releases.BlockHashUnknown.selector, number));
        releases.shardForBlock(who(HOSPITAL), 1, number);
    }

    function test_a_shard_is_proven_at_its_index_and_nowhere_else() public {
        bytes32 left = releases.shardLeaf(who(HOSPITAL), 1, 0, QUERY);
        bytes32 right = releases.shardLeaf(who(HOSPITAL), 1, 1, SALTED);
        bytes32 root = left < right ? keccak256(abi.encode(left, right)) : keccak256(abi.encode(right, left));
        vm.prank(who(HOSPITAL));
        releases.commit(1, root, ROOT, 2, 1);
        bytes32[] memory proof = new bytes32[](1);
        proof[0] = right;
        vm.assertTrue(releases.verifyShard(who(HOSPITAL), 1, 0, QUERY, proof));
        vm.assertFalse(releases.verifyShard(who(HOSPITAL), 1, 1, QUERY, proof));
        vm.assertFalse(releases.verifyShard(who(HOSPITAL), 1, 0, SALTED, proof));
        vm.assertFalse(releases.verifyShard(who(CLINIC), 1, 0, QUERY, proof));
        vm.assertFalse(releases.verifyShard(who(HOSPITAL), 2, 0, QUERY, proof));
    }

    function test_an_audit_log_only_grows() public {
        vm.prank(who(HOSPITAL));
        releases.anchorAuditHead(ROOT, 10);
        vm.prank(who(HOSPITAL));
        vm.expectRevert(abi.encodeWithSelector(Releases.AuditLogShorter.selector, 10, 10));
        releases.anchorAuditHead(QUERY, 10);
        vm.expectEmit(address(releases));
        emit Releases.AuditHeadAnchored(who(HOSPITAL), QUERY, 11);
        vm.prank(who(HOSPITAL));
        releases.anchorAuditHead(QUERY, 11);
        vm.assertEq(releases.auditHeadOf(who(HOSPITAL)).head, QUERY);
        vm.prank(who(STRANGER));
        vm.expectRevert(abi.encodeWithSelector(UsesRegistrar.NotAProvider.selector, who(STRANGER)));
        releases.anchorAuditHead(ROOT, 1);
    }
}
