// Before a build: what it leaves in dist is made by it alone. `rm -rf dist` on every system.
import { rmSync } from "node:fs";

rmSync("dist", { recursive: true, force: true });
