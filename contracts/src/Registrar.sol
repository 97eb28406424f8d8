// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {EnumerableSet} from "@openzeppelin/contracts/utils/structs/EnumerableSet.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {IProviderDirectory, IRegistrar, Role} from "./Interfaces.sol";
import {Participants} from "./registrar/Participants.sol";
import {Recovery} from "./registrar/Recovery.sol";

/// @notice What is public of a provider or a researcher.
/// @param name the name it is admitted under; unique in the network
/// @param endpoint URL of its service (gatekeeper); empty for researchers without one
/// @param encryptionKey X25519 public key for what is sent to it
struct Institution {
    string name;
    string endpoint;
    bytes32 encryptionKey;
}

/// @notice What providers vote on when they admit.
/// @param account the candidate's account
/// @param role Provider or Researcher
/// @param identityCommitment salted commitment of its existing identity string
/// @param institution what becomes public of it
struct Candidate {
    address account;
    Role role;
    bytes32 identityCommitment;
    Institution institution;
}

/// @title Registrar: who takes part
/// @notice Participants and their roles. Providers and researchers enter and are removed by a strict majority of the
/// providers; patients and guardians enter by themselves. There is no owner and no administrator.
/// @dev Holds public names of institutions only; of persons it holds salted commitments. Votes of providers that were
/// removed meanwhile do not count.
contract Registrar is Recovery {
    using EnumerableSet for EnumerableSet.AddressSet;

    /// @dev A ballot that nobody finished in time is void, and its next vote opens a new one.
    struct Ballot {
        uint48 closesAt;
        address[] voters;
    }

    /// @notice Seconds that a ballot stays open.
    uint256 public constant BALLOT_PERIOD = 30 days;

    EnumerableSet.AddressSet private _providers;
    mapping(address account => Institution institution) private _institutions;
    mapping(bytes32 nameHash => address account) private _accountOfName;
    mapping(bytes32 ballot => Ballot state) private _ballots;

    /// @notice A ballot was opened.
    /// @param ballot its id
    /// @param account whom it is about
    /// @param admission true to admit, false to remove
    /// @param closesAt last Unix second for votes
    event BallotOpened(bytes32 indexed ballot, address indexed account, bool admission, uint48 closesAt);

    /// @notice A provider voted.
    /// @param ballot the ballot
    /// @param voter the provider
    /// @param votes votes that count now
    /// @param electorate providers now
    event Voted(bytes32 indexed ballot, address indexed voter, uint256 votes, uint256 electorate);

    /// @notice What is public of an institution changed.
    /// @param account the institution
    /// @param name its name
    /// @param endpoint URL of its service
    /// @param encryptionKey X25519 public key
    event InstitutionChanged(address indexed account, string name, string endpoint, bytes32 encryptionKey);

    /// @notice The caller is no provider.
    /// @param caller who called
    error NotAProvider(address caller);

    /// @notice Only providers and researchers are admitted or removed by a ballot.
    /// @param account whom the ballot would be about
    /// @param role the role that stands against it
    error NotForBallot(address account, Role role);

    /// @notice The provider has voted in this ballot.
    /// @param voter the provider
    error AlreadyVoted(address voter);

    /// @notice Another institution has that name, or the name is empty.
    /// @param name the name
    error NameTaken(string name);

    /// @notice The network must not be left without a provider.
    error LastProvider();

    /// @notice Starts with the founding providers.
    /// @param relationships where Relationships will stand
    /// @param founders the founding providers, at least one, each with role Provider
    constructor(IProviderDirectory relationships, Candidate[] memory founders)
        EIP712("MedRec Registrar", "1")
        Participants(relationships)
    {
        uint256 count = founders.length;
        if (count == 0) revert LastProvider();
        for (uint256 i = 0; i < count; ++i) {
            if (founders[i].role != Role.Provider) revert NotForBallot(founders[i].account, founders[i].role);
            _enterInstitution(founders[i]);
        }
    }

    /// @notice Votes to admit a candidate exactly as described; the vote that makes the majority admits it.
    /// @param candidate the candidate
    function voteToAdmit(Candidate calldata candidate) external {
        if (candidate.role != Role.Provider && candidate.role != Role.Researcher) {
            revert NotForBallot(candidate.account, candidate.role);
        }
        if (!_vote(keccak256(abi.encode(true, candidate)), candidate.account, true)) return;
        _enterInstitution(candidate);
        if (candidate.role == Role.Provider) {
            RELATIONSHIPS.providerKeyChanged(address(0), candidate.account, candidate.account);
        }
    }

    /// @notice Votes to remove a provider or a researcher; the vote that makes the majority removes it.
    /// @param account whom to remove
    function voteToRemove(address account) external {
        _requireInstitution(account);
        // The time of entry keeps a vote from an earlier membership out of a later one.
        bytes32 ballot = keccak256(abi.encode(false, account, _participants[account].since));
        if (_vote(ballot, account, false)) _removeInstitution(account);
    }

    /// @notice Leaves the network, as a provider or a researcher.
    function resign() external {
        address account = _callerAccount(msg.sender);
        _requireInstitution(account);
        _removeInstitution(account);
    }

    /// @notice Changes the caller's endpoint and encryption key.
    /// @param endpoint URL of its service
    /// @param encryptionKey X25519 public key
    function setEndpoint(string calldata endpoint, bytes32 encryptionKey) external {
        address account = _callerAccount(msg.sender);
        _requireInstitution(account);
        Institution storage institution_ = _institutions[account];
        institution_.endpoint = endpoint;
        institution_.encryptionKey = encryptionKey;
        emit InstitutionChanged(account, institution_.name, endpoint, encryptionKey);
    }

    /// @notice What is public of an institution.
    /// @param account the institution
    /// @return name, endpoint and encryption key; all empty if there is none
    function institution(address account) external view returns (Institution memory) {
        return _institutions[account];
    }

    /// @notice The institution with a name.
    /// @param name the name, byte for byte
    /// @return its account; zero if there is none
    function accountOfName(string calldata name) external view returns (address) {
        return _accountOfName[keccak256(bytes(name))];
    }

    /// @inheritdoc IRegistrar
    function providers() external view returns (address[] memory) {
        return _providers.values();
    }

    /// @notice How many providers there are.
    /// @return their number
    function providerCount() external view returns (uint256) {
        return _providers.length();
    }

    /// @dev Counts the caller's vote; true if the ballot has its strict majority, and then it is closed.
    function _vote(bytes32 ballot, address account, bool admission) private returns (bool) {
        address voter = accountOf(msg.sender);
        if (!_providers.contains(voter)) revert NotAProvider(msg.sender);
        Ballot storage state = _ballots[ballot];
        // A ballot runs for days; the seconds a miner's clock may be off change nothing.
        // slither-disable-next-line timestamp
        if (block.timestamp > state.closesAt) {
            delete state.voters;
            state.closesAt = uint48(block.timestamp + BALLOT_PERIOD);
            emit BallotOpened(ballot, account, admission, state.closesAt);
        }
        uint256 votes = _countedVotes(state.voters, voter) + 1;
        uint256 electorate = _providers.length();
        emit Voted(ballot, voter, votes, electorate);
        if (2 * votes > electorate) {
            delete _ballots[ballot];
            return true;
        }
        state.voters.push(voter);
        return false;
    }

    function _enterInstitution(Candidate memory candidate) private {
        bytes32 nameHash = keccak256(bytes(candidate.institution.name));
        if (bytes(candidate.institution.name).length == 0 || _accountOfName[nameHash] != address(0)) {
            revert NameTaken(candidate.institution.name);
        }
        _enter(candidate.account, candidate.role, candidate.identityCommitment);
        _accountOfName[nameHash] = candidate.account;
        _institutions[candidate.account] = candidate.institution;
        if (candidate.role == Role.Provider) assert(_providers.add(candidate.account));
        Institution memory shown = candidate.institution;
        emit InstitutionChanged(candidate.account, shown.name, shown.endpoint, shown.encryptionKey);
    }

    /// @dev The account's address stays taken: who was removed comes back with another one.
    function _removeInstitution(address account) private {
        Role role = _participants[account].role;
        address key = _participants[account].key;
        delete _accountOfName[keccak256(bytes(_institutions[account].name))];
        delete _institutions[account];
        _participants[account].role = Role.None;
        _participants[account].key = address(0);
        _keyChanged(account);
        emit Removed(account, role);
        // A role or claim lies in one slot with a time; what is compared here is not the time.
        // slither-disable-next-line timestamp,incorrect-equality
        if (role == Role.Provider) {
            if (_providers.length() == 1) revert LastProvider();
            assert(_providers.remove(account));
            RELATIONSHIPS.providerKeyChanged(key, address(0), account);
        }
    }

    /// @dev Earlier votes of those that are providers still; reverts if `voter` is among them.
    function _countedVotes(address[] storage voters, address voter) private view returns (uint256 votes) {
        uint256 count = voters.length;
        for (uint256 i = 0; i < count; ++i) {
            address earlier = voters[i];
            if (earlier == voter) revert AlreadyVoted(voter);
            if (_providers.contains(earlier)) ++votes;
        }
    }

    function _requireInstitution(address account) private view {
        Role role = _participants[account].role;
        // A role, key or claim lies in one slot with a time; what is compared here is not the time.
        // slither-disable-next-line timestamp
        if (role != Role.Provider && role != Role.Researcher) revert NotForBallot(account, role);
    }
}
