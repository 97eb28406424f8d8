// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Permit, SignedActs} from "../SignedActs.sol";
import {UsesRegistrar} from "../UsesRegistrar.sol";

/// @title Groups of viewers
/// @notice A group is named by an address that nobody holds the key of, derived from its owner and a salt, so that a
/// grant to a group looks like a grant to a person. Only the owner, a participant with its present key, changes who is in it.
/// @dev Knows no grants. Members should come with fresh addresses: what stands here is public.
abstract contract Groups is SignedActs, UsesRegistrar {
    bytes32 private constant _MEMBERSHIP = keccak256(
        "GroupMembership(address owner,address group,address member,bool admitted,uint256 nonce,uint256 deadline)"
    );
    bytes32 private constant _FOUNDATION =
        keccak256("GroupFoundation(address owner,bytes32 salt,uint256 nonce,uint256 deadline)");

    /// @notice Who owns a group; zero if there is no such group.
    mapping(address group => address owner) public groupOwner;

    /// @notice Whether somebody is in a group.
    mapping(address group => mapping(address member => bool admitted)) public isMember;

    /// @notice A group was founded.
    /// @param group its address-shaped name
    /// @param owner who may change it
    event GroupFounded(address indexed group, address indexed owner);

    /// @notice A member came or went.
    /// @param group the group
    /// @param member the member
    /// @param admitted true if it came, false if it went
    event GroupMembershipChanged(address indexed group, address indexed member, bool admitted);

    /// @notice The group exists.
    /// @param group the group
    error GroupExists(address group);

    /// @notice The caller or signer does not own the group.
    /// @param group the group
    /// @param caller the caller or signer
    error NotGroupOwner(address group, address caller);

    /// @notice The membership is already as asked for.
    /// @param group the group
    /// @param member the member
    /// @param admitted what it already is
    error MembershipUnchanged(address group, address member, bool admitted);

    /// @notice Founds a group owned by the caller.
    /// @param salt anything the owner has not used before; random, so that the group tells nothing
    /// @return group its name
    function foundGroup(bytes32 salt) external returns (address group) {
        return _foundGroup(_accountOf(msg.sender), salt);
    }

    /// @notice Founds a group owned by the signer.
    /// @param salt anything the owner has not used before
    /// @param permit the owner's signature of a GroupFoundation
    /// @return group its name
    function foundGroupBySig(bytes32 salt, Permit calldata permit) external returns (address group) {
        address owner = _accountOf(permit.signer);
        _accept(keccak256(abi.encode(_FOUNDATION, owner, salt, _useNonce(permit.signer), permit.deadline)), permit);
        return _foundGroup(owner, salt);
    }

    /// @notice Takes somebody into the caller's group, or out of it.
    /// @param group the group
    /// @param member whom
    /// @param admitted true to take in, false to take out
    function setMember(address group, address member, bool admitted) external {
        _setMember(_accountOf(msg.sender), group, member, admitted);
    }

    /// @notice Takes somebody into the signer's group, or out of it.
    /// @param group the group
    /// @param member whom
    /// @param admitted true to take in, false to take out
    /// @param permit the owner's signature of a GroupMembership
    function setMemberBySig(address group, address member, bool admitted, Permit calldata permit) external {
        address owner = _accountOf(permit.signer);
        bytes32 structHash = keccak256(
            abi.encode(_MEMBERSHIP, owner, group, member, admitted, _useNonce(permit.signer), permit.deadline)
        );
        _accept(structHash, permit);
        _setMember(owner, group, member, admitted);
    }

    /// @notice The name that a group has or would have.
    /// @param owner its owner
    /// @param salt its salt
    /// @return the name
    function groupName(address owner, bytes32 salt) public pure returns (address) {
        return address(uint160(uint256(keccak256(abi.encode(owner, salt)))));
    }

    function _foundGroup(address owner, bytes32 salt) private returns (address group) {
        group = groupName(owner, salt);
        if (groupOwner[group] != address(0)) revert GroupExists(group);
        groupOwner[group] = owner;
        emit GroupFounded(group, owner);
    }

    function _setMember(address owner, address group, address member, bool admitted) private {
        if (groupOwner[group] != owner) revert NotGroupOwner(group, owner);
        if (isMember[group][member] == admitted) revert MembershipUnchanged(group, member, admitted);
        isMember[group][member] = admitted;
        emit GroupMembershipChanged(group, member, admitted);
    }
}
