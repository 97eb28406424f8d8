// What: compiles the five contracts and writes artifacts/*.json, or with --check compares them with what is committed.
// Why here: the Rust bindings and every deployment use the committed artifacts; this proves that they come from src/.
// What not: it runs no test. Byte code carries no metadata, so it depends on the sources and settings alone.
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, relative } from "node:path";
import { root } from "./tools.mjs";

const compiler = createRequire(import.meta.url)("solc");
const contracts = ["Registrar", "Relationships", "Consents", "Bounties", "Releases"];
const folder = join(root, "artifacts");
/** EIP-170: what a London chain accepts as deployed code, in bytes. */
const deployedCodeLimit = 24_576;
// The same settings as in foundry.toml, checked below.
const optimizerRuns = 100_000;
const settings = {
  evmVersion: "london",
  optimizer: { enabled: true, runs: optimizerRuns },
  metadata: { bytecodeHash: "none", appendCBOR: false },
  outputSelection: { "*": { "*": ["abi", "evm.bytecode.object", "evm.deployedBytecode.object", "evm.methodIdentifiers"] } },
};

function requireSameSettings() {
  const foundry = readFileSync(join(root, "foundry.toml"), "utf8");
  const wanted = [
    'evm_version = "london"',
    "optimizer = true",
    `optimizer_runs = ${optimizerRuns}`,
    'bytecode_hash = "none"',
    "cbor_metadata = false",
  ];
  for (const line of wanted) {
    if (!foundry.split("\n").includes(line)) throw new Error(`foundry.toml: \`${line}\` is missing, so tests and artifacts would differ`);
  }
}

function sources(directory) {
  return readdirSync(join(root, directory), { withFileTypes: true }).flatMap((entry) => {
    const path = `${directory}/${entry.name}`;
    return entry.isDirectory() ? sources(path) : path.endsWith(".sol") ? [path] : [];
  });
}

function compile() {
  const input = { language: "Solidity", settings, sources: {} };
  for (const path of sources("src").sort()) input.sources[path] = { content: readFileSync(join(root, path), "utf8") };
  const find = (path) => {
    try {
      return { contents: readFileSync(join(root, "node_modules", path), "utf8") };
    } catch (error) {
      return { error: error.message };
    }
  };
  const output = JSON.parse(compiler.compile(JSON.stringify(input), { import: find }));
  // Warnings about OpenZeppelin's own text are not ours to mend; about src/ they are errors.
  const faults = (output.errors ?? []).filter((fault) => fault.severity === "error" || fault.sourceLocation?.file.startsWith("src/"));
  if (faults.length > 0) throw new Error(faults.map((fault) => fault.formattedMessage).join("\n"));
  return output.contracts;
}

function artifact(name, compiled) {
  const { abi, evm } = compiled[`src/${name}.sol`][name];
  const size = evm.deployedBytecode.object.length / 2;
  if (size > deployedCodeLimit) throw new Error(`${name} is ${size} bytes, more than the ${deployedCodeLimit} of EIP-170`);
  process.stderr.write(`${name}: ${size} bytes deployed\n`);
  const content = {
    contractName: name,
    compiler: { version: compiler.version(), evmVersion: settings.evmVersion, optimizerRuns },
    abi,
    bytecode: `0x${evm.bytecode.object}`,
    deployedBytecode: `0x${evm.deployedBytecode.object}`,
    methodIdentifiers: evm.methodIdentifiers,
  };
  return `${JSON.stringify(content, null, 2)}\n`;
}

function check(expected) {
  const present = readdirSync(folder).sort();
  const wanted = Object.keys(expected).sort();
  const stale = wanted.filter((file) => !present.includes(file) || readFileSync(join(folder, file), "utf8") !== expected[file]);
  const foreign = present.filter((file) => !wanted.includes(file));
  if (stale.length + foreign.length > 0) {
    const files = [...stale, ...foreign].map((file) => relative(process.cwd(), join(folder, file)));
    throw new Error(`not what src/ compiles to: ${files.join(", ")}\n\nhint: npm run build, then commit artifacts/`);
  }
}

function main() {
  requireSameSettings();
  const compiled = compile();
  const expected = Object.fromEntries(contracts.map((name) => [`${name}.json`, artifact(name, compiled)]));
  if (process.argv.includes("--check")) return check(expected);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  for (const [file, text] of Object.entries(expected)) writeFileSync(join(folder, file), text);
}

main();
