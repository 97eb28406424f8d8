// The same signed transactions to this node and to anvil (revm too, but another node around it): receipts,
// logs, code and storage must agree.
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import path from "node:path";
import { AbiCoder, ContractFactory, Interface, JsonRpcProvider, Wallet, getCreateAddress, keccak256 } from "ethers";
import { ADDRESS, KEY, check, compile } from "./contract.mjs";

const [http] = process.argv.slice(2);
const platform = `${process.platform === "darwin" ? "darwin" : "linux"}-${process.arch === "arm64" ? "arm64" : "amd64"}`;
const manifest = createRequire(import.meta.url).resolve(`@foundry-rs/anvil-${platform}/package.json`);
const port = 20000 + (process.pid % 20000);
const options = ["--port", `${port}`, "--chain-id", "1337", "--hardfork", "london", "--gas-limit", "30000000", "--silent"];
const anvil = spawn(path.join(path.dirname(manifest), "bin", "anvil"), options, { stdio: "ignore" });
process.on("exit", () => anvil.kill());

const ours = new JsonRpcProvider(http, 1337, { staticNetwork: true, cacheTimeout: -1 });
const theirs = new JsonRpcProvider(`http://127.0.0.1:${port}`, 1337, { staticNetwork: true, cacheTimeout: -1 });
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
for (let tries = 0; ; tries++) {
  if (await theirs.send("eth_chainId", []).then(() => true, () => false)) break;
  if (tries === 100) throw new Error("anvil does not start");
  await pause(100);
}

const { abi, bytecode } = compile();
const ledger = new Interface(abi);
const deployment = (await new ContractFactory(abi, bytecode).getDeployTransaction()).data;
const contract = getCreateAddress({ from: ADDRESS, nonce: 0 });
const write = (key, text) => ledger.encodeFunctionData("write", [key, text]);
// Stores the chain id; destroys itself when it is called with data.
const destructible = "0x600f600c600039600f6000f3466000553660095700" + "5b41ff0000";
const probe = getCreateAddress({ from: ADDRESS, nonce: 7 });
const transactions = [
  { data: deployment },
  { to: contract, data: write(1n, "short") },
  { to: contract, data: write(2n, "a text that is longer than the thirty-one bytes that fit into one slot") },
  { to: contract, data: write(2n, "shorter now, so that slots are freed") },
  { to: contract, data: write(0n, "custom error") },
  { to: contract, data: write(3n, "") },
  { to: contract, data: write(4n, "out of gas"), gasLimit: 40_000n },
  { data: destructible },
  { to: "0x00000000000000000000000000000000000000bb", value: 12345n, type: 0 },
  { to: contract, data: write(5n, "listed"), type: 1, accessList: [{ address: contract, storageKeys: [`0x${"0".repeat(63)}1`] }] },
  { to: "0x0000000000000000000000000000000000000002", data: "0x6d6564726563" },
  { to: probe, data: "0x01" },
  { data: "0xfe" },
];
const shown = (receipt) => ({
  status: receipt.status,
  type: receipt.type,
  gasUsed: receipt.gasUsed,
  contractAddress: receipt.contractAddress?.toLowerCase() ?? null,
  logsBloom: receipt.logsBloom,
  logs: receipt.logs.map(({ address, topics, data }) => ({ address, topics, data })),
});
const same = (what, one, other) => {
  if (JSON.stringify(one) !== JSON.stringify(other)) throw new Error(`${what} differs:\n${JSON.stringify(one)}\n${JSON.stringify(other)}`);
};
async function receipt(provider, hash) {
  for (let tries = 0; tries < 600; tries++) {
    const found = await provider.send("eth_getTransactionReceipt", [hash]);
    if (found) return found;
    await pause(50);
  }
  throw new Error(`no receipt for ${hash}`);
}

// Slots 0 to 7, and where Solidity puts the strings of the mapping at slot 0.
const slots = Array.from({ length: 8 }, (_, slot) => BigInt(slot));
for (let key = 0n; key < 8n; key++) {
  const head = keccak256(AbiCoder.defaultAbiCoder().encode(["uint256", "uint256"], [key, 0n]));
  const text = BigInt(keccak256(head));
  slots.push(BigInt(head), text, text + 1n, text + 2n);
}

const wallet = new Wallet(KEY);
let statuses = "";
for (const [nonce, transaction] of transactions.entries()) {
  const type = transaction.type ?? 2;
  const fees = type === 2 ? { maxFeePerGas: 10n ** 11n, maxPriorityFeePerGas: 10n ** 9n } : { gasPrice: 10n ** 11n };
  const raw = await wallet.signTransaction({ gasLimit: 1_000_000n, chainId: 1337n, ...transaction, nonce, type, ...fees });
  const [mine, other] = await Promise.all([ours, theirs].map(async (node) => shown(await receipt(node, await node.send("eth_sendRawTransaction", [raw])))));
  same(`receipt of transaction ${nonce}`, mine, other);
  statuses += mine.status === "0x1" ? "+" : "-";
}
check(statuses === "++++---+++++-", `${transactions.length} receipts agree (${statuses})`);
for (const address of [contract, probe, "0x00000000000000000000000000000000000000bb"]) {
  same(`code of ${address}`, await ours.getCode(address), await theirs.getCode(address));
  same(`balance of ${address}`, `${await ours.getBalance(address)}`, `${await theirs.getBalance(address)}`);
  // Values, not roots: anvil leaves freed slots in its trie as zeros, so its storage root after a slot was
  // freed is not Ethereum's. Ours is checked by the executable specification.
  for (const slot of slots) {
    same(`slot ${slot} of ${address}`, await ours.getStorage(address, slot), await theirs.getStorage(address, slot));
  }
}
// In order of addresses and slots, since the order of a list says nothing.
const listed = ({ accessList, gasUsed }) => ({
  accessList: accessList.map(({ address, storageKeys }) => ({ address, storageKeys: storageKeys.toSorted() })).toSorted((a, b) => (a.address < b.address ? -1 : 1)),
  gasUsed,
});
for (const data of [write(6n, "listed"), ledger.encodeFunctionData("entries", [1n])]) {
  const call = [{ from: ADDRESS, to: contract, data }, "latest"];
  const [mine, other] = await Promise.all([ours, theirs].map((node) => node.send("eth_createAccessList", call)));
  same(`access list of ${data.slice(0, 10)}`, listed(mine), listed(other));
}
// anvil answers a call that reverts with an error; go-ethereum and this node with the list and the reason.
const reverted = await ours.send("eth_createAccessList", [{ from: ADDRESS, to: contract, data: write(0n, "refused") }, "latest"]);
check(reverted.error === "execution reverted" && BigInt(reverted.gasUsed) > 21000n, "access lists agree, and a reverting call has one");
check(true, `code, balances and ${slots.length} storage slots of each agree`);
anvil.kill();
process.exit(0);
