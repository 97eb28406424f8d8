// Requests a second and p99 of eth_call and eth_getLogs, for several nodes in one run.
//   node load.mjs SECONDS CONNECTIONS ROUNDS NAME=URL [NAME=URL …]
// Each node gets the same contract and the same 200 events; every answer is checked. Nodes take turns, round by round, so that
// a busy moment of the machine meets all of them; the median of the rounds counts. One JSON document on standard output.
import { request, Agent } from "node:http";
import { Contract, ContractFactory, JsonRpcProvider, Wallet } from "ethers";
import { KEY, compile } from "./contract.mjs";

const [seconds, connections, rounds, ...nodes] = process.argv.slice(2);
const { abi, bytecode } = compile();

function post(agent, url, body) {
  return new Promise((resolve, reject) => {
    const options = { agent, method: "POST", headers: { "content-type": "application/json", "content-length": Buffer.byteLength(body) } };
    const sent = request(url, options, (response) => {
      const parts = [];
      response.on("data", (part) => parts.push(part));
      response.on("end", () => resolve(Buffer.concat(parts).toString()));
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

async function measure(url, method, params, check) {
  const agent = new Agent({ keepAlive: true, maxSockets: Number(connections) });
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
  const times = [];
  const end = performance.now() + Number(seconds) * 1000;
  const worker = async () => {
    while (performance.now() < end) {
      const started = performance.now();
      const answer = JSON.parse(await post(agent, url, body));
      times.push(performance.now() - started);
      if (!check(answer.result)) throw new Error(`${url} ${method}: ${JSON.stringify(answer).slice(0, 200)}`);
    }
  };
  await Promise.all(Array.from({ length: Number(connections) }, worker));
  agent.destroy();
  times.sort((a, b) => a - b);
  return { per_second: Math.round(times.length / Number(seconds)), p99_ms: Number(times[Math.floor(times.length * 0.99)].toFixed(2)) };
}

async function prepare(url) {
  const provider = new JsonRpcProvider(url, undefined, { cacheTimeout: -1 });
  provider.pollingInterval = 100;
  const wallet = new Wallet(KEY, provider);
  const deployed = await new ContractFactory(abi, bytecode, wallet).deploy();
  await deployed.waitForDeployment();
  const address = await deployed.getAddress();
  const contract = new Contract(address, abi, wallet);
  let nonce = await wallet.getNonce();
  for (let batch = 0; batch < 5; batch++) {
    const sent = [];
    for (let i = 0; i < 40; i++) sent.push(await contract.write(1n + BigInt(batch), `event ${i}`, { nonce: nonce++, gasLimit: 200000n }));
    await Promise.all(sent.map((transaction) => transaction.wait()));
  }
  provider.destroy();
  return { address, data: contract.interface.encodeFunctionData("entries", [1n]) };
}

const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
const subjects = [];
for (const node of nodes) {
  const [name, url] = node.split(/=(.*)/s);
  subjects.push({ name, url, ...(await prepare(url)), samples: { eth_call: [], eth_getLogs: [] } });
}
for (let round = 0; round < Number(rounds); round++) {
  for (const { url, address, data, samples } of subjects) {
    samples.eth_call.push(await measure(url, "eth_call", [{ to: address, data }, "latest"], (result) => result.length > 130));
    samples.eth_getLogs.push(await measure(url, "eth_getLogs", [{ address, fromBlock: "0x0", toBlock: "latest" }], (result) => result.length === 200));
  }
}
const report = { seconds: Number(seconds), connections: Number(connections), rounds: Number(rounds) };
for (const { name, samples } of subjects) {
  report[name] = {};
  for (const [method, taken] of Object.entries(samples)) {
    report[name][method] = { per_second: median(taken.map((one) => one.per_second)), p99_ms: median(taken.map((one) => one.p99_ms)) };
  }
}
console.log(JSON.stringify(report));
process.exit(0);
