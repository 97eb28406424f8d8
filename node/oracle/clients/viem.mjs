// viem: deploy, write, read, watch events over HTTP and over WebSocket, proofs and fee history.
import { createPublicClient, createWalletClient, defineChain, http, webSocket } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { KEY, check, compile } from "./contract.mjs";

const [httpUrl, wsUrl] = process.argv.slice(2);
const { abi, bytecode } = compile();
const account = privateKeyToAccount(KEY);
const chain = defineChain({
  id: 1337,
  name: "dev",
  nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
  rpcUrls: { default: { http: [httpUrl], webSocket: [wsUrl] } },
});

async function exercise(transport, name) {
  const reader = createPublicClient({ chain, transport, pollingInterval: 200 });
  const writer = createWalletClient({ account, chain, transport });
  const receipt = await reader.waitForTransactionReceipt({ hash: await writer.deployContract({ abi, bytecode }) });
  check(receipt.status === "success" && receipt.contractAddress, `${name}: deployed`);
  const address = receipt.contractAddress;
  const heard = new Promise((resolve, reject) => {
    const unwatch = reader.watchContractEvent({
      address, abi, eventName: "Written",
      onLogs: (logs) => { unwatch(); resolve(logs[0].args); },
      onError: reject,
    });
  });
  await new Promise((resolve) => setTimeout(resolve, 500));
  const { request } = await reader.simulateContract({ account, address, abi, functionName: "write", args: [9n, "viem"] });
  const written = await reader.waitForTransactionReceipt({ hash: await writer.writeContract(request) });
  check(written.status === "success" && written.logs.length === 1, `${name}: written`);
  check((await heard).text === "viem", `${name}: event followed`);
  check((await reader.readContract({ address, abi, functionName: "entries", args: [9n] })) === "viem", `${name}: read back`);
  const refused = await reader.simulateContract({ account, address, abi, functionName: "write", args: [0n, "x"] }).catch((error) => error);
  check(refused.message.includes("Refused"), `${name}: custom error decoded`);
  const history = await reader.getFeeHistory({ blockCount: 4, rewardPercentiles: [25, 75] });
  check(history.baseFeePerGas.length === history.gasUsedRatio.length + 1 && history.reward.length > 0, `${name}: fee history`);
  const proof = await reader.getProof({ address, storageKeys: ["0x1"] });
  check(proof.accountProof.length > 0 && proof.storageProof[0].value === 1n, `${name}: proof`);
  const logs = await reader.getContractEvents({ address, abi, fromBlock: 0n });
  check(logs.length === 1, `${name}: past events`);
}

await exercise(http(httpUrl), "http");
await exercise(webSocket(wsUrl), "ws");
process.exit(0);
