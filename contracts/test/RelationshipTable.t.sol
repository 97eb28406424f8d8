// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {PatientAct, Relationships, Status} from "../src/Relationships.sol";
import {Permit} from "../src/SignedActs.sol";
import {Network} from "./Network.sol";

/// @title Every (status, actor, action) cell of the relationship machine
/// @notice The tables below are the specification: one row an action, one column a status, the digit is the status afterwards and
/// a dash a refusal. A cell is run from a fresh copy of the chain; what an actor may not do has to revert and change nothing.
contract RelationshipTableTest is Network {
    enum Actor {
        Patient,
        PatientsSignature,
        PatientsNewKey,
        PatientsOldKey,
        Guardian,
        GuardiansSignature,
        GuardianWithoutPower,
        GuardianExpired,
        Provider,
        ProvidersNewKey,
        ProvidersOldKey,
        ProviderRemoved,
        OtherProvider,
        OtherPatient,
        Stranger
    }

    enum Action {
        Request,
        Accept,
        Reject,
        Acknowledge,
        End,
        Propose,
        AcceptRequest,
        RejectRequest,
        EndAsProvider,
        Update,
        UpdateBatch,
        Onboard
    }

    uint256 private constant ACTORS = 15;
    uint256 private constant ACTIONS = 12;
    uint256 private constant STATUSES = 7;

    /// @dev Columns: None 0, New 1, Pending 2, Accepted 3, Updated 4, Rejected 5, Deleted 6.
    function allowed(Action action) private pure returns (bytes7) {
        if (action == Action.Request) return "2----22";
        if (action == Action.Accept) return "-3-----";
        if (action == Action.Reject) return "-5-----";
        if (action == Action.Acknowledge) return "----3--";
        if (action == Action.End) return "--666--";
        if (action == Action.Propose) return "1----11";
        if (action == Action.AcceptRequest) return "--3----";
        if (action == Action.RejectRequest) return "--5----";
        if (action == Action.EndAsProvider) return "-6-66--";
        if (action == Action.Update) return "---44--";
        if (action == Action.UpdateBatch) return "0123456";
        return "333--33";
    }

    function speaksForThePatient(Actor actor) private pure returns (bool) {
        return actor == Actor.Patient || actor == Actor.PatientsSignature || actor == Actor.PatientsNewKey
            || actor == Actor.Guardian || actor == Actor.GuardiansSignature;
    }

    function isAllowed(Actor actor, Action action) private pure returns (bool) {
        if (uint8(action) <= uint8(Action.End)) return speaksForThePatient(actor);
        return actor == Actor.Provider || actor == Actor.ProvidersNewKey;
    }

    function test_every_cell_of_status_actor_and_action() public {
        registerPatient(OTHER_PATIENT);
        uint256 cells;
        for (uint8 status = 0; status < STATUSES; ++status) {
            for (uint8 actor = 0; actor < ACTORS; ++actor) {
                for (uint8 action = 0; action < ACTIONS; ++action) {
                    uint256 snapshot = vm.snapshotState();
                    runCell(Status(status), Actor(actor), Action(action));
                    vm.assertTrue(vm.revertToState(snapshot));
                    ++cells;
                }
            }
        }
        vm.assertEq(cells, STATUSES * ACTORS * ACTIONS);
    }

    function runCell(Status status, Actor actor, Action action) private {
        string memory cell = string.concat(
            "status ", vm.toString(uint8(status)), " actor ", vm.toString(uint8(actor)), " action ",
            vm.toString(uint8(action))
        );
        bring(status);
        prepare(actor);
        vm.assertEq(uint8(relationships.statusOf(who(PATIENT), who(HOSPITAL))), uint8(status), cell);
        bytes1 outcome = isAllowed(actor, action) ? allowed(action)[uint8(status)] : bytes1("-");
        bool success = perform(actor, action);
        uint256 expected = outcome == "-" ? uint8(status) : uint8(outcome) - uint8(bytes1("0"));
        vm.assertEq(uint8(relationships.statusOf(who(PATIENT), who(HOSPITAL))), expected, cell);
        // What another provider does is between it and the patient: it may succeed, and changes nothing here.
        if (actor != Actor.OtherProvider) vm.assertEq(success, outcome != "-", cell);
        if (actor == Actor.OtherProvider && action == Action.Onboard) vm.assertFalse(success, cell);
    }

    /// @dev Brings PATIENT and HOSPITAL to a status by the acts that lead there.
    function bring(Status status) private {
        registerPatient(PATIENT);
        if (status == Status.None) return;
        if (status == Status.Pending) {
            vm.prank(who(PATIENT));
            relationships.request(who(PATIENT), who(HOSPITAL));
            return;
        }
        vm.prank(who(HOSPITAL));
        relationships.propose(who(PATIENT));
        if (status == Status.New) return;
        vm.prank(who(PATIENT));
        if (status == Status.Rejected) {
            relationships.reject(who(PATIENT), who(HOSPITAL));
            return;
        }
        relationships.accept(who(PATIENT), who(HOSPITAL));
        if (status == Status.Updated) {
            vm.prank(who(HOSPITAL));
            relationships.update(who(PATIENT), keccak256("earlier root"), QUERY, COST);
        } else if (status == Status.Deleted) {
            vm.prank(who(PATIENT));
            relationships.end(who(PATIENT), who(HOSPITAL));
        }
    }

    /// @dev Makes the actor what its name says.
    function prepare(Actor actor) private {
        if (actor == Actor.Guardian || actor == Actor.GuardiansSignature) {
            appoint(PATIENT, consents.POWER_RELATE());
        } else if (actor == Actor.GuardianWithoutPower) {
            appoint(PATIENT, consents.POWER_GRANT() | consents.POWER_REVOKE() | consents.POWER_RESEARCH());
        } else if (actor == Actor.GuardianExpired) {
            appoint(PATIENT, consents.POWER_RELATE());
            vm.warp(block.timestamp + 365 days);
        } else if (actor == Actor.PatientsNewKey || actor == Actor.PatientsOldKey) {
            rotate(PATIENT, who(PATIENT), NEW_KEY);
        } else if (actor == Actor.ProvidersNewKey || actor == Actor.ProvidersOldKey) {
            rotate(HOSPITAL, who(HOSPITAL), NEW_KEY);
        } else if (actor == Actor.ProviderRemoved) {
            vm.prank(who(CLINIC));
            registrar.voteToRemove(who(HOSPITAL));
            vm.prank(who(SURGERY));
            registrar.voteToRemove(who(HOSPITAL));
        }
    }

    function keyOf(Actor actor) private pure returns (uint256) {
        if (actor == Actor.Patient || actor == Actor.PatientsSignature || actor == Actor.PatientsOldKey) return PATIENT;
        if (actor == Actor.PatientsNewKey || actor == Actor.ProvidersNewKey) return NEW_KEY;
        if (uint8(actor) <= uint8(Actor.GuardianExpired)) return GUARDIAN;
        if (actor == Actor.OtherProvider) return CLINIC;
        if (actor == Actor.OtherPatient) return OTHER_PATIENT;
        if (actor == Actor.Stranger) return STRANGER;
        return HOSPITAL;
    }

    function perform(Actor actor, Action action) private returns (bool success) {
        uint256 key = keyOf(actor);
        bytes memory call;
        if (uint8(action) <= uint8(Action.End)) {
            bool signed = actor == Actor.PatientsSignature || actor == Actor.GuardiansSignature;
            call = signed ? signedCall(PatientAct(uint8(action)), key) : directCall(action);
            if (signed) key = STRANGER;
        } else {
            call = providerCall(action);
        }
        vm.prank(who(key));
        // Whether it reverts is what is looked at.
        // solhint-disable-next-line avoid-low-level-calls
        (success,) = address(relationships).call(call);
    }

    function directCall(Action action) private pure returns (bytes memory) {
        bytes4 selector = action == Action.Request
            ? Relationships.request.selector
            : action == Action.Accept
                ? Relationships.accept.selector
                : action == Action.Reject
                    ? Relationships.reject.selector
                    : action == Action.Acknowledge ? Relationships.acknowledge.selector : Relationships.end.selector;
        return abi.encodeWithSelector(selector, who(PATIENT), who(HOSPITAL));
    }

    function signedCall(PatientAct act, uint256 key) private view returns (bytes memory) {
        string[5] memory names = ["Request", "Accept", "Reject", "Acknowledge", "End"];
        Permit memory permit = permitOf(
            relationships,
            key,
            string.concat(names[uint8(act)], "(address patient,address provider,uint256 nonce,uint256 deadline)"),
            abi.encode(who(PATIENT), who(HOSPITAL))
        );
        return abi.encodeCall(Relationships.actBySig, (act, who(PATIENT), who(HOSPITAL), permit));
    }

    function providerCall(Action action) private view returns (bytes memory) {
        if (action == Action.Propose) return abi.encodeCall(Relationships.propose, (who(PATIENT)));
        if (action == Action.AcceptRequest) return abi.encodeCall(Relationships.acceptRequest, (who(PATIENT)));
        if (action == Action.RejectRequest) return abi.encodeCall(Relationships.rejectRequest, (who(PATIENT)));
        if (action == Action.EndAsProvider) return abi.encodeCall(Relationships.endAsProvider, (who(PATIENT)));
        if (action == Action.Update) {
            return abi.encodeCall(Relationships.update, (who(PATIENT), ROOT, QUERY, COST));
        }
        if (action == Action.UpdateBatch) return abi.encodeCall(Relationships.updateBatch, (ROOT, QUERY, COST));
        return abi.encodeCall(Relationships.onboard, (SALTED, onboarding(PATIENT, HOSPITAL)));
    }
}
