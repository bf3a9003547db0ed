import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { published } from "./published.ts";

// The rooms of a package: what `exports` names lies in `src`, all else in a folder for its topic, and the folders stand on
// floors. (That no file leads back to itself is the linter's business: `import/no-cycle`, of types too.)

const repository = new URL("../../", import.meta.url).pathname;

interface Manifest {
  readonly exports: Readonly<Record<string, string | { readonly "@kv/source"?: string }>>;
  readonly bin?: Readonly<Record<string, string>>;
}

interface Import {
  readonly from: string;
  readonly to: string;
}

const sources = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => join(folder, file));

function importsOf(file: string): string[] {
  const specifiers = readFileSync(file, "utf8").matchAll(/(?:from|import\() ?"(\.[^"]+)"/g);
  return Array.from(specifiers, ([, specifier = ""]) => resolve(dirname(file), specifier));
}

/** The imports that lead from one room of a package into another. */
function doorsOf(src: string): Import[] {
  const roomOf = (file: string): string => relative(src, dirname(file)).split("/")[0] ?? "";
  return sources(src).flatMap((file) =>
    importsOf(file)
      .map((target) => ({ from: roomOf(file), to: roomOf(target) }))
      .filter(({ from, to }) => from !== to),
  );
}

/** Rooms that lead back to themselves, if there are any. */
function circleIn(doors: readonly Import[]): string[] | undefined {
  const floors = new Map<string, number>();
  const visit = (room: string, way: readonly string[]): string[] | undefined => {
    if (way.includes(room)) return [...way.slice(way.indexOf(room)), room];
    if (floors.has(room)) return undefined;
    for (const { to } of doors.filter(({ from }) => from === room)) {
      const circle = visit(to, [...way, room]);
      if (circle !== undefined) return circle;
    }
    floors.set(room, way.length);
    return undefined;
  };
  for (const { from } of doors) {
    const circle = visit(from, []);
    if (circle !== undefined) return circle;
  }
  return undefined;
}

test("rooms that lead back to themselves are found", () => {
  const doors = [
    { from: "a", to: "b" },
    { from: "b", to: "c" },
  ];
  expect(circleIn(doors)).toBeUndefined();
  expect(circleIn([...doors, { from: "c", to: "a" }])).toEqual(["a", "b", "c", "a"]);
});

/** The rooms of a package as ARCHITECTURE.md lists them: `core/src/  errors  time  ...`. */
const listedRooms = new Map(
  Array.from(
    readFileSync(join(repository, "ARCHITECTURE.md"), "utf8").matchAll(/^ {2}([\w-]+)\/src\/ +(.+)$/gm),
    ([, name = "", rooms = ""]) => [name, rooms.trim().split(/\s+/)] as const,
  ),
);

describe.each(published)("packages/%s", (name) => {
  const folder = join(repository, "packages", name);
  const src = join(folder, "src");

  test("has in src what its exports name, and nothing else", () => {
    const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
    const entries = Object.values(manifest.exports).flatMap((target) =>
      typeof target === "string" ? [] : [target["@kv/source"]?.replace("./src/", "")],
    );
    const programs = Object.values(manifest.bin ?? {}).map((file) =>
      file.replace(/^(?:\.\/)?dist\//, "").replace(/\.js$/, ".ts"),
    );
    const found = readdirSync(src).filter((file) => file.endsWith(".ts"));
    expect(new Set(found)).toEqual(new Set([...entries, ...programs]));
  });

  test("has rooms on floors: none leads back to itself", () => {
    expect(circleIn(doorsOf(src))).toBeUndefined();
  });

  const listed = listedRooms.get(name);
  if (listed !== undefined) {
    test("has the rooms that ARCHITECTURE.md lists, from the ground up", () => {
      const folders = readdirSync(src, { withFileTypes: true }).filter((each) => each.isDirectory());
      expect(new Set(listed)).toEqual(new Set(folders.map((each) => each.name)));
      const up = doorsOf(src).filter(
        ({ from, to }) => from !== "" && listed.indexOf(to) > listed.indexOf(from),
      );
      expect(up).toEqual([]);
    });
  }

  test("has tests that reach into no other package", () => {
    const outside = sources(join(folder, "test"))
      .flatMap((file) => importsOf(file).map((target) => relative(folder, target)))
      .filter((target) => target.startsWith(".."));
    expect(outside).toEqual([]);
  });
});
