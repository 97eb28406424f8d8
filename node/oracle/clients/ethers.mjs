// ethers 6: deploy, write, read, follow events, over HTTP and over WebSocket.
import { Contract, ContractFactory, JsonRpcProvider, Wallet, WebSocketProvider, isCallException } from "ethers";
import { KEY, check, compile } from "./contract.mjs";

const [http, ws] = process.argv.slice(2);
const { abi, bytecode } = compile();

async function exercise(provider, name) {
  const wallet = new Wallet(KEY, provider);
  const network = await provider.getNetwork();
  check(network.chainId === 1337n, `${name}: chain id`);
  const deployed = await new ContractFactory(abi, bytecode, wallet).deploy();
  await deployed.waitForDeployment();
  const address = await deployed.getAddress();
  check((await provider.getCode(address)).length > 100, `${name}: code is there`);
  const contract = new Contract(address, abi, wallet);

  const heard = new Promise((resolve) => contract.once("Written", (by, key, text) => resolve([by, key, text])));
  // The polling provider needs a round before its filter is in place.
  await new Promise((resolve) => setTimeout(resolve, 500));
  const receipt = await (await contract.write(7n, "hello")).wait();
  check(receipt.status === 1 && receipt.logs.length === 1, `${name}: written, one log`);
  const [by, key, text] = await heard;
  check(by === wallet.address && key === 7n && text === "hello", `${name}: event followed`);
  check((await contract.entries(7n)) === "hello", `${name}: read back`);
  check((await contract.count()) === 1n, `${name}: counted`);

  const reads = await Promise.all([1, 2, 3, 4, 5, 6, 7].map((key) => contract.entries(key)));
  check(reads[6] === "hello" && reads[0] === "", `${name}: a batch of reads`);
  const past = await contract.queryFilter(contract.filters.Written(null, 7n), 0, "latest");
  check(past.length === 1 && past[0].args.text === "hello", `${name}: past events by topic`);

  const refused = await contract.write.staticCall(0n, "x").catch((error) => error);
  check(isCallException(refused) && refused.revert?.name === "Refused", `${name}: custom error decoded`);
  const empty = await contract.write.estimateGas(1n, "").catch((error) => error);
  check(isCallException(empty) && empty.reason === "empty text", `${name}: revert reason decoded`);
  const legacy = await (await wallet.sendTransaction({ to: address, type: 0, gasLimit: 100000n, value: 0n, data: "0x" }).catch((e) => { throw e; })).wait().catch((error) => error);
  check(legacy.code === "CALL_EXCEPTION", `${name}: a reverted transaction has status 0`);
  const block = await provider.getBlock("latest", true);
  check(block.prefetchedTransactions.length === block.transactions.length, `${name}: full block`);
  check((await provider.getFeeData()).maxFeePerGas > 0n, `${name}: fee data`);
  check((await provider.getTransactionCount(wallet.address, "pending")) === (await provider.getTransactionCount(wallet.address)), `${name}: pending nonce`);
}

const overHttp = new JsonRpcProvider(http);
overHttp.pollingInterval = 200;
await exercise(overHttp, "http");
overHttp.destroy();
const overSocket = new WebSocketProvider(ws);
await exercise(overSocket, "ws");
await overSocket.destroy();
process.exit(0);
