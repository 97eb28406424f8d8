// cast (foundry): send, call, logs, proofs and traces from its command line.
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import path from "node:path";
import { ADDRESS, KEY, check, compile } from "./contract.mjs";

const [http] = process.argv.slice(2);
// The binary sits in the platform's package, whether or not install scripts ran.
const platform = `${process.platform === "darwin" ? "darwin" : "linux"}-${process.arch === "arm64" ? "arm64" : "amd64"}`;
const manifest = createRequire(import.meta.url).resolve(`@foundry-rs/cast-${platform}/package.json`);
const binary = path.join(path.dirname(manifest), "bin", "cast");
const cast = (command, ...args) => execFileSync(binary, [command, "--rpc-url", http, ...args], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();
const json = (command, ...args) => JSON.parse(cast(command, "--json", ...args));

const { bytecode } = compile();
const deployed = json("send", "--private-key", KEY, "--create", bytecode);
check(deployed.status === "0x1" && deployed.contractAddress, "cast: deployed");
const address = deployed.contractAddress;
const written = json("send", "--private-key", KEY, address, "write(uint256,string)", "5", "cast");
check(written.status === "0x1" && written.logs.length === 1, "cast: written");
check(cast("call", address, "entries(uint256)(string)", "5") === '"cast"', "cast: read back");
check(json("logs", "--from-block", "0", "--address", address).length === 1, "cast: logs");
check(json("proof", address, "0x1").storageProof[0].value === "0x1", "cast: proof");
check(BigInt(cast("balance", ADDRESS)) > 0n, "cast: balance");
check(cast("chain-id") === "1337", "cast: chain id");
check(Number(cast("block-number")) >= 2, "cast: block number");
check(BigInt(cast("estimate", address, "write(uint256,string)", "6", "x", "--from", ADDRESS)) > 21000n, "cast: estimate");
const trace = JSON.parse(cast("rpc", "debug_traceTransaction", written.transactionHash, '{"tracer":"callTracer"}'));
check(trace.type === "CALL" && trace.to === address.toLowerCase(), "cast: call trace");
const steps = JSON.parse(cast("rpc", "debug_traceTransaction", written.transactionHash));
check(steps.structLogs.length > 50 && steps.failed === false, "cast: structured trace");
