// What: runs slither over src/ in a virtual environment of its own.
// Why here: slither is Python; the gate of this room is npm. What not: findings are answered in the sources, in place.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { forgePath, root, run } from "./tools.mjs";

const environment = join(root, ".venv");
const programs = join(environment, process.platform === "win32" ? "Scripts" : "bin");
const requirements = readFileSync(join(root, "requirements.txt"), "utf8");
const stamp = join(environment, "requirements.txt");

if (spawnSync("python3", ["--version"]).status !== 0) throw new Error("python3 is missing; slither needs it (3.10 or later, with venv)");
if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== requirements) {
  run("python3", ["-m", "venv", environment]);
  run(join(programs, "python"), ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", "requirements.txt"]);
  writeFileSync(stamp, requirements);
}
const path = [dirname(forgePath()), programs, process.env.PATH].join(delimiter);
run(join(programs, "slither"), [".", "--config-file", "slither.config.json"], { PATH: path });
