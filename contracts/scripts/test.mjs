// What: everything that this room promises, in one run: artifacts, tests, gas, style, slither.
// Why here: `npm test` is one command. What not: it installs nothing but slither's environment.
import { forgePath, root, run } from "./tools.mjs";
import { join } from "node:path";

const bin = (name) => join(root, "node_modules", ".bin", name);
const steps = {
  artifacts: () => run("node", ["scripts/artifacts.mjs", "--check"]),
  forge: () => run(forgePath(), ["test", "--no-match-path", "test/Gas.t.sol"]),
  // Isolated: each call of a test is a transaction of its own. The snapshot is compared, not written.
  gas: () => run(forgePath(), ["test", "--isolate", "--match-path", "test/Gas.t.sol"], { FORGE_SNAPSHOT_CHECK: "true" }),
  solhint: () => run(bin("solhint"), ["--disc", "--max-warnings", "0", "src/**/*.sol", "test/**/*.sol"]),
  slither: () => run("node", ["scripts/slither.mjs"]),
};

const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(steps);
for (const name of wanted) {
  if (!(name in steps)) throw new Error(`no step "${name}"\n\nhint: ${Object.keys(steps).join(", ")}`);
  const start = Date.now();
  process.stderr.write(`== ${name}\n`);
  try {
    steps[name]();
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    process.stderr.write(`== ${name} failed\n`);
    process.exit(1);
  }
  process.stderr.write(`== ${name} passed in ${((Date.now() - start) / 1000).toFixed(1)} s\n`);
}
process.stdout.write(`passed: ${wanted.join(", ")}\n`);
