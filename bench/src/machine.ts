import { statfsSync } from "node:fs";
import { cpus, release, totalmem, type } from "node:os";

/** What the figures depend on, without what names the machine. */
export function describeMachine(): string {
  const [first] = cpus();
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB of memory`;
  const model = first?.model.trim();
  const processors = `${cpus().length} CPUs${model === undefined || model === "" || model === "unknown" ? "" : ` (${model})`}`;
  return `${processors}, ${memory}, ${type()} ${release().split("-")[0]}, Node ${process.versions.node}`;
}

const fileSystems: Readonly<Record<number, string>> = {
  0xef53: "ext4",
  0x01021994: "tmpfs",
  0x58465342: "xfs",
  0x9123683e: "btrfs",
  0x794c7630: "overlayfs",
};

/** The kind of file system that holds a directory. */
export function fileSystemOf(directory: string): string {
  const { type: magic } = statfsSync(directory);
  return fileSystems[magic] ?? `file system 0x${magic.toString(16)}`;
}
