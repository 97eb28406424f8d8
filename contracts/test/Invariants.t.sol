// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Role} from "../src/Interfaces.sol";
import {Registrar} from "../src/Registrar.sol";
import {Relationships, Update} from "../src/Relationships.sol";
import {Budget} from "../src/Releases.sol";
import {Terms} from "../src/consents/Terms.sol";
import {Handler} from "./Handler.sol";

/// @title What stays true whatever anybody does
contract InvariantsTest {
    Handler private handler;

    function setUp() public {
        handler = new Handler();
    }

    /// @dev Read by forge: the only contract that the fuzzer calls.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    /// @dev Read by forge: the acts, not the views.
    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        targets = new FuzzSelector[](1);
        bytes4[] memory selectors = new bytes4[](8);
        selectors[0] = Handler.relate.selector;
        selectors[1] = Handler.update.selector;
        selectors[2] = Handler.vote.selector;
        selectors[3] = Handler.changeKey.selector;
        selectors[4] = Handler.consent.selector;
        selectors[5] = Handler.spend.selector;
        selectors[6] = Handler.passTime.selector;
        selectors[7] = Handler.relate.selector;
        targets[0] = FuzzSelector(address(handler), selectors);
    }

    function invariant_relationships_move_along_the_machine_and_by_their_own_people() public view {
        require(handler.illegalMoves() == 0, "a relationship moved against the machine");
    }

    function invariant_no_minority_admits_or_removes() public view {
        require(handler.minorityDecisions() == 0, "decided without a majority");
    }

    /// @dev The fuzzer's acts with fixed dice: they have to succeed often enough for the invariants to mean something.
    function test_the_acts_of_the_fuzzer_reach_what_the_invariants_watch() public {
        for (uint256 i = 0; i < 1200; ++i) {
            uint256 die = uint256(keccak256(abi.encode(i)));
            uint256 kind = 1 + die % 9;
            if (kind > 6) kind = 0;
            if (kind < 2) handler.relate(die >> 8, die >> 16, die >> 24, die >> 32);
            else if (kind == 2) handler.update(die >> 8, die >> 16, bytes32(die), address(uint160(die)));
            else if (kind == 3) handler.vote(die >> 8, die >> 16, die >> 24 & 7 != 0);
            else if (kind == 4) handler.consent(die >> 8, die >> 16, die >> 24 & 1 == 0);
            else if (kind == 5) handler.spend(die >> 8, uint64(die >> 16), uint64(die >> 20) >> 16);
            else if (die >> 8 & 3 == 0) handler.changeKey(die >> 16);
            else handler.passTime(uint32(die >> 8));
        }
        require(handler.movesMade() >= 30, "relationships hardly moved");
        require(handler.updateCount() >= 10, "hardly an update");
        require(handler.providersChanged() >= 3, "hardly a ballot decided");
        require(handler.consentsGiven() >= 30, "hardly a consent");
        require(handler.releasesMade() >= 10, "hardly a release");
        invariant_relationships_move_along_the_machine_and_by_their_own_people();
        invariant_no_minority_admits_or_removes();
        invariant_a_bounty_belongs_to_the_miner_of_its_block_for_ever();
        invariant_providers_roles_keys_and_mirror_agree();
        invariant_no_provider_spends_more_than_its_cap();
        invariant_a_consent_in_force_was_given_by_the_present_key_and_not_revoked();
    }

    function invariant_a_bounty_belongs_to_the_miner_of_its_block_for_ever() public view {
        (, Relationships relationships) = handler.contracts();
        uint256 count = handler.updateCount();
        for (uint256 i = 0; i < count; ++i) {
            (address provider, address patient, bytes32 root, bytes32 query, uint64 cost) = handler.updates(i);
            bytes32 bounty = relationships.bountyId(Update(provider, patient, root, query, cost));
            require(relationships.posted(bounty).owner == handler.ownerWhenPosted(bounty), "owner changed");
            require(relationships.posted(bounty).blockNumber != 0, "bounty gone");
        }
    }

    function invariant_providers_roles_keys_and_mirror_agree() public view {
        (Registrar registrar, Relationships relationships) = handler.contracts();
        address[] memory providers = registrar.providers();
        require(providers.length != 0, "no provider left");
        for (uint256 i = 0; i < providers.length; ++i) {
            address key = registrar.keyOf(providers[i]);
            require(registrar.roleOf(providers[i]) == Role.Provider, "role");
            require(registrar.accountOf(key) == providers[i], "account of key");
            require(relationships.providerOfKey(key) == providers[i], "mirror");
        }
        for (uint256 i = 0; i < handler.PEOPLE(); ++i) {
            address mirrored = relationships.providerOfKey(handler.currentKey(i));
            require(mirrored == address(0) || registrar.roleOf(mirrored) == Role.Provider, "stale mirror");
            if (handler.currentKey(i) != handler.account(i)) {
                require(relationships.providerOfKey(handler.account(i)) == address(0), "old key in the mirror");
            }
        }
    }

    function invariant_no_provider_spends_more_than_its_cap() public view {
        for (uint256 i = 0; i < handler.PEOPLE(); ++i) {
            Budget memory budget = handler.budget(handler.account(i));
            require(budget.spentNanoRho <= budget.capNanoRho, "over the cap");
            require(budget.spentNanoRho == handler.spentByBook(handler.account(i)), "book differs");
        }
    }

    function invariant_a_consent_in_force_was_given_by_the_present_key_and_not_revoked() public view {
        (Registrar registrar,) = handler.contracts();
        for (uint256 i = 0; i < handler.PEOPLE(); ++i) {
            address account = handler.account(i);
            for (uint256 j = 0; j < 4; ++j) {
                Terms terms = handler.terms_(j);
                if (!handler.inForce(account, terms)) continue;
                require(handler.heldByBook(registrar.keyOf(account), terms), "nobody gave that");
            }
        }
    }
}
