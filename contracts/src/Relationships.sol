// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {IConsents, IProviderDirectory, IRegistrar, Role} from "./Interfaces.sol";
import {Permit, SignedActs} from "./SignedActs.sol";
import {UsesRegistrar} from "./UsesRegistrar.sol";
import {DataPointer, Postings, Update} from "./relationships/Postings.sol";

/// @notice Where a patient and a provider stand with each other.
/// @dev None: never. New: the provider proposed. Pending: the patient asked. Accepted: both agreed, nothing unread.
/// Updated: both agreed, and the provider posted since the patient last acknowledged. Rejected: the other side said
/// no. Deleted: ended; what was posted stays verifiable.
enum Status {
    None,
    New,
    Pending,
    Accepted,
    Updated,
    Rejected,
    Deleted
}

/// @notice What a patient can do by signature.
enum PatientAct {
    Request,
    Accept,
    Reject,
    Acknowledge,
    End
}

/// @title Relationships between patients and providers
/// @notice A pair exists once both sides agreed. The provider then posts data pointers, as the Merkle root of a batch;
/// each such update carries the hash of a bounty query from the public catalogue, and the miner of the block becomes
/// the bounty's owner.
/// @dev A patient is known here by the account that she made for this provider. Acts for her may come from her key or
/// from a guardian with POWER_RELATE. Providers' keys are mirrored here by the Registrar, so that an update costs one
/// look-up instead of a call; nobody but the Registrar writes the mirror.
contract Relationships is SignedActs, UsesRegistrar, IProviderDirectory, Postings {
    bytes32 private constant _ONBOARDING = keccak256(
        "Onboarding(address patient,address provider,bytes32 identityCommitment,uint256 nonce,uint256 deadline)"
    );
    uint8 private constant _POWER_RELATE = 1;

    // Immutables are written like constants here, as solhint has it.
    // slither-disable-start naming-convention
    /// @notice Consents, which knows the guardians.
    IConsents public immutable CONSENTS;
    // slither-disable-end naming-convention

    /// @notice The provider that a key speaks for, as the Registrar last reported; zero if none.
    mapping(address key => address account) public providerOfKey;

    mapping(address provider => mapping(address patient => Status status)) private _status;

    /// @notice A relationship changed.
    /// @param patient the patient's account
    /// @param provider the provider's account
    /// @param status what it is now
    /// @param actor the key that did it: the patient's, her guardian's or the provider's
    event StatusChanged(address indexed patient, address indexed provider, Status indexed status, address actor);

    /// @notice A provider posted data pointers of one patient, and with them a bounty.
    /// @param patient the patient's account
    /// @param provider the provider's account
    /// @param owner the bounty's owner, `block.coinbase`
    /// @param recordsRoot Merkle root over the data pointers
    /// @param queryHash hash of the catalogue query
    /// @param costNanoRho privacy cost of the query, in units of 1e-9 rho
    event Updated(
        address indexed patient,
        address indexed provider,
        address indexed owner,
        bytes32 recordsRoot,
        bytes32 queryHash,
        uint64 costNanoRho
    );

    /// @notice A provider posted data pointers of several patients, and with them a bounty.
    /// @param provider the provider's account
    /// @param owner the bounty's owner, `block.coinbase`
    /// @param recordsRoot Merkle root over the data pointers
    /// @param queryHash hash of the catalogue query
    /// @param costNanoRho privacy cost of the query, in units of 1e-9 rho
    event BatchUpdated(
        address indexed provider,
        address indexed owner,
        bytes32 recordsRoot,
        bytes32 queryHash,
        uint64 costNanoRho
    );

    /// @notice The Registrar reported a provider's key.
    /// @param account the provider
    /// @param oldKey key that no longer speaks for it
    /// @param newKey key that does
    event ProviderKeyMirrored(address indexed account, address indexed oldKey, address indexed newKey);

    /// @notice The relationship is not in a status that allows this.
    /// @param patient the patient's account
    /// @param provider the provider's account
    /// @param status what it is
    error StatusRefused(address patient, address provider, Status status);

    /// @notice The caller or signer may not act for the patient.
    /// @param patient the patient's account
    /// @param actor the caller or signer
    error NotThePatient(address patient, address actor);

    /// @notice Only the Registrar may call this.
    /// @param caller who called
    error NotTheRegistrar(address caller);

    /// @notice Starts with the Registrar's founding providers.
    /// @param registrar the Registrar
    /// @param consents Consents
    constructor(IRegistrar registrar, IConsents consents)
        EIP712("MedRec Relationships", "1")
        UsesRegistrar(registrar)
    {
        if (address(consents) == address(0)) revert ZeroAddress();
        CONSENTS = consents;
        address[] memory founders = registrar.providers();
        uint256 count = founders.length;
        for (uint256 i = 0; i < count; ++i) {
            providerOfKey[founders[i]] = founders[i];
            emit ProviderKeyMirrored(founders[i], address(0), founders[i]);
        }
    }

    /// @inheritdoc IProviderDirectory
    function providerKeyChanged(address oldKey, address newKey, address account) external {
        if (msg.sender != address(REGISTRAR)) revert NotTheRegistrar(msg.sender);
        if (oldKey != address(0)) delete providerOfKey[oldKey];
        if (newKey != address(0)) providerOfKey[newKey] = account;
        emit ProviderKeyMirrored(account, oldKey, newKey);
    }

    /// @notice Enters a patient and her relationship with the calling provider in one go, on her signature.
    /// @param identityCommitment salted commitment of her identity string at this provider
    /// @param permit her account's signature of an Onboarding
    function onboard(bytes32 identityCommitment, Permit calldata permit) external {
        address provider = _callingProvider();
        address patient = permit.signer;
        _accept(
            keccak256(
                abi.encode(
                    _ONBOARDING, patient, provider, identityCommitment, _useNonce(patient), permit.deadline
                )
            ),
            permit
        );
        Status status = _status[provider][patient];
        if (status == Status.Accepted || status == Status.Updated) revert StatusRefused(patient, provider, status);
        _set(patient, provider, Status.Accepted, msg.sender);
        // The Registrar is ours and immutable. An account whose key was changed cannot be onboarded by its old key.
        if (REGISTRAR.enrolPatient(patient, identityCommitment) != patient) revert NotThePatient(patient, patient);
    }

    /// @notice Proposes a relationship to a patient, as a provider.
    /// @param patient the patient's account
    function propose(address patient) external {
        if (patient == address(0)) revert ZeroAddress();
        address provider = _callingProvider();
        _requireClosed(patient, provider);
        _set(patient, provider, Status.New, msg.sender);
    }

    /// @notice Accepts what a patient asked for, as the provider.
    /// @param patient the patient's account
    function acceptRequest(address patient) external {
        _move(patient, _callingProvider(), Status.Pending, Status.Accepted);
    }

    /// @notice Rejects what a patient asked for, as the provider.
    /// @param patient the patient's account
    function rejectRequest(address patient) external {
        _move(patient, _callingProvider(), Status.Pending, Status.Rejected);
    }

    /// @notice Ends a relationship or takes back a proposal, as the provider.
    /// @param patient the patient's account
    function endAsProvider(address patient) external {
        address provider = _callingProvider();
        _requireEndable(patient, provider, Status.New);
        _set(patient, provider, Status.Deleted, msg.sender);
    }

    /// @notice Posts data pointers of one patient, as the provider, and with them a bounty.
    /// @param patient the patient's account
    /// @param recordsRoot Merkle root over `pointerLeaf` of each data pointer
    /// @param queryHash hash of the catalogue query
    /// @param costNanoRho privacy cost of the query, in units of 1e-9 rho
    function update(address patient, bytes32 recordsRoot, bytes32 queryHash, uint64 costNanoRho) external {
        address provider = _callingProvider();
        Status status = _status[provider][patient];
        if (status == Status.Accepted) {
            _set(patient, provider, Status.Updated, msg.sender);
        } else if (status != Status.Updated) {
            revert StatusRefused(patient, provider, status);
        }
        _post(provider, patient, recordsRoot, queryHash, costNanoRho);
        emit Updated(patient, provider, block.coinbase, recordsRoot, queryHash, costNanoRho);
    }

    /// @notice Posts data pointers of several patients, as the provider, and with them a bounty. The chain then does
    /// not say whose records changed; a pointer counts for a patient only while their relationship stands.
    /// @param recordsRoot Merkle root over `pointerLeaf` of each data pointer
    /// @param queryHash hash of the catalogue query
    /// @param costNanoRho privacy cost of the query, in units of 1e-9 rho
    function updateBatch(bytes32 recordsRoot, bytes32 queryHash, uint64 costNanoRho) external {
        address provider = _callingProvider();
        _post(provider, address(0), recordsRoot, queryHash, costNanoRho);
        emit BatchUpdated(provider, block.coinbase, recordsRoot, queryHash, costNanoRho);
    }

    /// @notice Asks a provider for a relationship, as the patient or her guardian.
    /// @param patient the patient's account
    /// @param provider the provider's account
    function request(address patient, address provider) external {
        _act(PatientAct.Request, patient, provider, msg.sender);
    }

    /// @notice Accepts what a provider proposed, as the patient or her guardian.
    /// @param patient the patient's account
    /// @param provider the provider's account
    function accept(address patient, address provider) external {
        _act(PatientAct.Accept, patient, provider, msg.sender);
    }

    /// @notice Rejects what a provider proposed, as the patient or her guardian.
    /// @param patient the patient's account
    /// @param provider the provider's account
    function reject(address patient, address provider) external {
        _act(PatientAct.Reject, patient, provider, msg.sender);
    }

    /// @notice Takes note of what a provider posted, as the patient or her guardian.
    /// @param patient the patient's account
    /// @param provider the provider's account
    function acknowledge(address patient, address provider) external {
        _act(PatientAct.Acknowledge, patient, provider, msg.sender);
    }

    /// @notice Ends a relationship or takes back a request, as the patient or her guardian.
    /// @param patient the patient's account
    /// @param provider the provider's account
    function end(address patient, address provider) external {
        _act(PatientAct.End, patient, provider, msg.sender);
    }

    /// @notice Does any of the patient's acts as the signer: the patient's key or her guardian.
    /// @param act which act
    /// @param patient the patient's account
    /// @param provider the provider's account
    /// @param permit the signature of the act's own type: Request, Accept, Reject, Acknowledge or End
    function actBySig(PatientAct act, address patient, address provider, Permit calldata permit) external {
        bytes32 structHash = keccak256(
            abi.encode(actTypeHash(act), patient, provider, _useNonce(permit.signer), permit.deadline)
        );
        _accept(structHash, permit);
        _act(act, patient, provider, permit.signer);
    }

    /// @notice Where a patient and a provider stand.
    /// @param patient the patient's account
    /// @param provider the provider's account
    /// @return the status
    function statusOf(address patient, address provider) external view returns (Status) {
        return _status[provider][patient];
    }

    /// @notice Whether a data pointer was posted, and where its patient and provider stand now.
    /// @param posting the update that it was posted with
    /// @param pointer the data pointer
    /// @param proof its Merkle proof
    /// @return included whether it is part of that update; this stays true when the relationship ends
    /// @return status where patient and provider stand now
    function verifyPointer(Update calldata posting, DataPointer calldata pointer, bytes32[] calldata proof)
        external
        view
        returns (bool included, Status status)
    {
        included = _includes(posting, pointer, proof);
        status = _status[posting.provider][pointer.patient];
    }

    /// @notice The EIP-712 type hash of a patient's act.
    /// @param act the act
    /// @return the type hash
    function actTypeHash(PatientAct act) public pure returns (bytes32) {
        if (act == PatientAct.Request) {
            return keccak256("Request(address patient,address provider,uint256 nonce,uint256 deadline)");
        }
        if (act == PatientAct.Accept) {
            return keccak256("Accept(address patient,address provider,uint256 nonce,uint256 deadline)");
        }
        if (act == PatientAct.Reject) {
            return keccak256("Reject(address patient,address provider,uint256 nonce,uint256 deadline)");
        }
        if (act == PatientAct.Acknowledge) {
            return keccak256("Acknowledge(address patient,address provider,uint256 nonce,uint256 deadline)");
        }
        return keccak256("End(address patient,address provider,uint256 nonce,uint256 deadline)");
    }

    function _act(PatientAct act, address patient, address provider, address actor) private {
        _requirePatient(patient, actor);
        if (act == PatientAct.Request) {
            _requireProvider(provider);
            _requireClosed(patient, provider);
            _set(patient, provider, Status.Pending, actor);
        } else if (act == PatientAct.Accept) {
            _requireProvider(provider);
            _requireStatus(patient, provider, Status.New);
            _set(patient, provider, Status.Accepted, actor);
        } else if (act == PatientAct.Reject) {
            _requireStatus(patient, provider, Status.New);
            _set(patient, provider, Status.Rejected, actor);
        } else if (act == PatientAct.Acknowledge) {
            _requireStatus(patient, provider, Status.Updated);
            _set(patient, provider, Status.Accepted, actor);
        } else {
            _requireEndable(patient, provider, Status.Pending);
            _set(patient, provider, Status.Deleted, actor);
        }
    }

    function _move(address patient, address provider, Status from, Status to) private {
        _requireStatus(patient, provider, from);
        _set(patient, provider, to, msg.sender);
    }

    function _set(address patient, address provider, Status status, address actor) private {
        _status[provider][patient] = status;
        emit StatusChanged(patient, provider, status, actor);
    }

    function _callingProvider() private view returns (address provider) {
        provider = providerOfKey[msg.sender];
        if (provider == address(0)) revert NotAProvider(msg.sender);
    }

    function _requireProvider(address provider) private view {
        if (REGISTRAR.roleOf(provider) != Role.Provider) revert NotAProvider(provider);
    }

    function _requirePatient(address patient, address actor) private view {
        address key = REGISTRAR.keyOf(patient);
        if (key == address(0) || REGISTRAR.roleOf(patient) != Role.Patient) revert NotThePatient(patient, actor);
        if (actor != key && !CONSENTS.mayAct(key, actor, _POWER_RELATE)) revert NotThePatient(patient, actor);
    }

    function _requireStatus(address patient, address provider, Status wanted) private view {
        Status status = _status[provider][patient];
        if (status != wanted) revert StatusRefused(patient, provider, status);
    }

    /// @dev Nothing stands between them, or what stood has ended.
    function _requireClosed(address patient, address provider) private view {
        Status status = _status[provider][patient];
        if (status != Status.None && status != Status.Rejected && status != Status.Deleted) {
            revert StatusRefused(patient, provider, status);
        }
    }

    /// @dev Both agreed, or the one who ends it had opened it (`opened`) and nobody answered.
    function _requireEndable(address patient, address provider, Status opened) private view {
        Status status = _status[provider][patient];
        if (status != Status.Accepted && status != Status.Updated && status != opened) {
            revert StatusRefused(patient, provider, status);
        }
    }
}
