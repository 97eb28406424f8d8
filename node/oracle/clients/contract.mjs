// A small contract, compiled for London by solc, and what all clients do with it.
import solc from "solc";

const SOURCE = `
// SPDX-License-Identifier: MIT
pragma solidity ^0.8.0;

contract Ledger {
    event Written(address indexed by, uint256 indexed key, string text);
    error Refused(uint256 key);
    mapping(uint256 => string) public entries;
    uint256 public count;

    function write(uint256 key, string calldata text) external {
        if (key == 0) revert Refused(key);
        require(bytes(text).length > 0, "empty text");
        entries[key] = text;
        count += 1;
        emit Written(msg.sender, key, text);
    }
}`;

export function compile() {
  const input = {
    language: "Solidity",
    sources: { "Ledger.sol": { content: SOURCE } },
    settings: {
      evmVersion: "london",
      optimizer: { enabled: true },
      outputSelection: { "*": { "*": ["abi", "evm.bytecode.object"] } },
    },
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input)));
  const errors = (output.errors ?? []).filter((error) => error.severity === "error");
  if (errors.length > 0) throw new Error(errors.map((error) => error.formattedMessage).join("\n"));
  const { abi, evm } = output.contracts["Ledger.sol"].Ledger;
  return { abi, bytecode: `0x${evm.bytecode.object}` };
}

// The second account of the mnemonic that development tools share; the first one mines.
export const KEY = "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d";
export const ADDRESS = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";

export function check(condition, what) {
  if (!condition) throw new Error(`failed: ${what}`);
  console.log(`ok: ${what}`);
}
