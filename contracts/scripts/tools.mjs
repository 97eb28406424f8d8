// What: how this room finds forge and runs a step.
// Why here: every script needs both. What not: no check of its own.
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = join(dirname(fileURLToPath(import.meta.url)), "..");

// A failed step says what failed; where in these scripts it was thrown helps nobody.
process.on("uncaughtException", (error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
});

/** Path of the forge binary. The platform packages are named one by one in package.json, without the launcher that needs an
 * install script and names packages that do not exist in this version. */
export function forgePath() {
  const platform = { linux: "linux", darwin: "darwin", win32: "win32" }[process.platform];
  const machine = { x64: "amd64", arm64: "arm64" }[process.arch];
  const name = `@foundry-rs/forge-${platform}-${machine}`;
  try {
    const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`);
    return join(dirname(manifest), "bin", process.platform === "win32" ? "forge.exe" : "forge");
  } catch {
    throw new Error(`${name} is not installed\n\nhint: run \`npm ci\` in contracts/; forge 1.7.1 comes for linux x64, macOS arm64, Windows x64`);
  }
}

/** Runs a command in contracts/; its output goes to standard error, a failure throws. */
export function run(command, parameters, environment = {}) {
  const result = spawnSync(command, parameters, {
    cwd: root,
    env: { ...process.env, FOUNDRY_DISABLE_NIGHTLY_WARNING: "1", ...environment },
    stdio: ["ignore", 2, 2],
  });
  if (result.error) throw result.error;
  if (result.status !== 0) {
    throw new Error(`${command} ${parameters.join(" ")} ended with ${result.status ?? result.signal}`);
  }
}
