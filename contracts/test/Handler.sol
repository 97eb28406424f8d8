// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Role} from "../src/Interfaces.sol";
import {Candidate, Registrar} from "../src/Registrar.sol";
import {Relationships, Status, Update} from "../src/Relationships.sol";
import {Budget} from "../src/Releases.sol";
import {Permit} from "../src/SignedActs.sol";
import {Terms} from "../src/consents/Terms.sol";
import {Network} from "./Network.sol";

/// @title A network in which anybody tries anything
/// @notice Each function does one act by one of ten people, as the fuzzer likes, and keeps book of what should be so.
contract Handler is Network {
    uint256 public constant PEOPLE = 10;

    Update[] public updates;
    mapping(bytes32 bounty => address owner) public ownerWhenPosted;
    mapping(address provider => uint256 spent) public spentByBook;
    mapping(address key => mapping(Terms terms => bool held)) public heldByBook;
    Terms[] public allTerms;
    uint256 public illegalMoves;
    uint256 public movesMade;
    uint256 public providersChanged;
    uint256 public minorityDecisions;
    uint256 public consentsGiven;
    uint256 public releasesMade;

    mapping(bytes32 ballot => uint256 votes) private votesByBook;
    /// @dev Addresses are kept beside the keys: deriving one costs more than any act.
    uint256[10] private keys;
    address[10] private keyAddresses;
    address[10] private accounts;
    uint256 private freshKeys = 0xBEEF;
    uint64 private epoch;

    constructor() {
        setUp();
        for (uint256 i = 0; i < PEOPLE; ++i) {
            keys[i] = i < 3 ? HOSPITAL + i : 0x700 + i;
            keyAddresses[i] = accounts[i] = who(keys[i]);
        }
        for (uint256 i = 3; i < 6; ++i) {
            registerPatient(keys[i]);
        }
        for (uint256 i = 0; i < 4; ++i) {
            allTerms.push(consents.packTerms(bytes24(bytes32(i + 1)), 0, NOW + (i == 0 ? 30 days : 3650 days)));
        }
    }

    function account(uint256 index) public view returns (address) {
        return accounts[index % PEOPLE];
    }

    function currentKey(uint256 index) public view returns (address) {
        return keyAddresses[index % PEOPLE];
    }

    function contracts() external view returns (Registrar, Relationships) {
        return (registrar, relationships);
    }

    function budget(address provider) external view returns (Budget memory) {
        return releases.budgetOf(provider);
    }

    function inForce(address patient, Terms terms) external view returns (bool) {
        return consents.isInForce(patient, terms);
    }

    function terms_(uint256 index) public view returns (Terms) {
        return allTerms[index % allTerms.length];
    }

    function updateCount() external view returns (uint256) {
        return updates.length;
    }

    function relate(uint256 actor, uint256 patient, uint256 provider, uint256 action) external {
        // Three patients and three providers, so that relationships get somewhere; half of the acts are by one of the two.
        patient = 3 + patient % 3;
        provider = provider % 3;
        if (actor % 4 == 0) actor = patient;
        if (actor % 4 == 1) actor = provider;
        address patient_ = account(patient);
        address provider_ = account(provider);
        Status before = relationships.statusOf(patient_, provider_);
        bytes[9] memory calls = [
            abi.encodeCall(Relationships.request, (patient_, provider_)),
            abi.encodeCall(Relationships.accept, (patient_, provider_)),
            abi.encodeCall(Relationships.reject, (patient_, provider_)),
            abi.encodeCall(Relationships.acknowledge, (patient_, provider_)),
            abi.encodeCall(Relationships.end, (patient_, provider_)),
            abi.encodeCall(Relationships.propose, (patient_)),
            abi.encodeCall(Relationships.acceptRequest, (patient_)),
            abi.encodeCall(Relationships.rejectRequest, (patient_)),
            abi.encodeCall(Relationships.endAsProvider, (patient_))
        ];
        vm.prank(currentKey(actor));
        // solhint-disable-next-line avoid-low-level-calls
        (bool success,) = address(relationships).call(calls[action % 9]);
        Status afterwards = relationships.statusOf(patient_, provider_);
        if (success) ++movesMade;
        if (before == afterwards) return;
        bool mayMove = currentKey(actor) == registrar.keyOf(patient_) || currentKey(actor) == registrar.keyOf(provider_);
        if (!mayMove || !isEdge(before, afterwards)) ++illegalMoves;
    }

    /// @dev The edges of the machine without updates, which do not come through `relate`.
    function isEdge(Status from, Status to) private pure returns (bool) {
        if (to == Status.New || to == Status.Pending) {
            return from == Status.None || from == Status.Rejected || from == Status.Deleted;
        }
        if (to == Status.Accepted) return from == Status.New || from == Status.Pending || from == Status.Updated;
        if (to == Status.Rejected) return from == Status.New || from == Status.Pending;
        return to == Status.Deleted && from != Status.None && from != Status.Rejected;
    }

    function update(uint256 actor, uint256 patient, bytes32 root, address miner) external {
        patient = 3 + patient % 3;
        if (actor % 4 != 0) actor = (actor >> 2) % 3;
        address provider = registrar.accountOf(currentKey(actor));
        Status before = relationships.statusOf(account(patient), provider);
        vm.coinbase(miner);
        vm.prank(currentKey(actor));
        try relationships.update(account(patient), root, QUERY, COST) {
            if (before != Status.Accepted && before != Status.Updated) ++illegalMoves;
            if (registrar.roleOf(provider) != Role.Provider) ++illegalMoves;
            Update memory posted = Update(provider, account(patient), root, QUERY, COST);
            updates.push(posted);
            ownerWhenPosted[relationships.bountyId(posted)] = miner;
        } catch {}
    }

    function vote(uint256 actor, uint256 subject, bool admit) external {
        if (actor % 4 != 0) actor = (actor >> 2) % 3;
        if (subject % 4 != 0) subject = 6 + (subject >> 2) % 4;
        address subject_ = account(subject);
        uint256 electorate = registrar.providerCount();
        bool wasProvider = registrar.roleOf(subject_) == Role.Provider;
        if (admit) {
            Candidate memory wanted = candidate(STRANGER, Role.Provider, vm.toString(subject % PEOPLE));
            wanted.account = subject_;
            vm.prank(currentKey(actor));
            try registrar.voteToAdmit(wanted) {} catch {}
        } else {
            vm.prank(currentKey(actor));
            try registrar.voteToRemove(subject_) {} catch {}
        }
        bool isProvider = registrar.roleOf(subject_) == Role.Provider;
        bytes32 ballot = keccak256(abi.encode(admit, subject_));
        if (wasProvider == isProvider) {
            ++votesByBook[ballot];
            return;
        }
        ++providersChanged;
        // The book counts attempts, of anybody, so it can only count too many: still they have to be a majority.
        if (2 * (votesByBook[ballot] + 1) <= electorate) ++minorityDecisions;
        delete votesByBook[ballot];
    }

    function changeKey(uint256 actor) external {
        uint256 index = actor % PEOPLE;
        address holder = registrar.accountOf(currentKey(index));
        if (holder == address(0)) return;
        uint256 fresh = ++freshKeys;
        Permit memory ofNewKey = acceptance(holder, fresh);
        vm.prank(currentKey(index));
        registrar.rotateKey(ofNewKey);
        keys[index] = fresh;
        keyAddresses[index] = ofNewKey.signer;
    }

    function consent(uint256 actor, uint256 which, bool give) external {
        address key = currentKey(actor);
        Terms terms = terms_(which);
        vm.prank(key);
        if (give) {
            try consents.grant(terms) {
                heldByBook[key][terms] = true;
                ++consentsGiven;
            } catch {}
        } else {
            try consents.revoke(terms) {
                heldByBook[key][terms] = false;
            } catch {}
        }
    }

    function spend(uint256 actor, uint64 cap, uint64 cost) external {
        if (actor % 2 == 0) actor = actor % 3;
        address provider = registrar.accountOf(currentKey(actor));
        vm.prank(currentKey(actor));
        try releases.declareCap(cap) {} catch {}
        vm.prank(currentKey(actor));
        try releases.commit(++epoch, ROOT, ROOT, 10, cost) {
            spentByBook[provider] += cost;
            ++releasesMade;
        } catch {}
    }

    function passTime(uint32 seconds_) external {
        vm.warp(block.timestamp + seconds_ % 10 days);
        vm.roll(block.number + seconds_ % 20);
    }
}
