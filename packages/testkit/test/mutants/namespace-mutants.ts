import { brokenDriver, brokenPaths, brokenStore, type Mutant, turn } from "./mutant.ts";

function clear(
  data: { namespaces: ReadonlyMap<string, Map<string, unknown>> },
  ids: (id: string) => boolean,
): void {
  for (const [id, entries] of data.namespaces) if (ids(id)) entries.clear();
}

export const namespaceMutants: readonly Mutant[] = [
  brokenPaths(
    "N1",
    "a namespace is its root",
    "a key of parent, child, grandchild and sibling is four entries",
    () => [],
  ),
  brokenPaths(
    "N1",
    "only the first name of a path counts",
    "a key of parent, child, grandchild and sibling is four entries",
    (path) => path.slice(0, 1),
  ),
  brokenDriver(
    "N1",
    "getMany looks in the root",
    "batches stay in their namespace",
    ({ namespace, data }) => ({
      getMany: (keys) => (namespace.exists(""), keys.map((key) => data.find([], key)?.bytes)),
    }),
  ),
  brokenStore(
    "N1",
    "every store of a path has entries of its own",
    "namespace tells the path, a child's is its parent's with its",
    (store) => {
      let made = 0;
      return {
        withNamespace(name) {
          made += 1;
          return store.withNamespace(name).withNamespace(`copy ${made}`);
        },
      };
    },
  ),
  brokenDriver(
    "N2",
    "deleteAll leaves the children",
    "deleteAll empties all below, however deep, and those stores go",
    ({ data, path }) => ({
      deleteAll: () => data.entries(path).clear(),
    }),
  ),
  brokenDriver(
    "N2",
    "deleteAll clears siblings whose names begin the same",
    "deleteAll leaves siblings whose names begin the same or fit a",
    ({ data, path }) => ({
      deleteAll() {
        data.entries(path);
        const prefix = path.join("/");
        clear(data, (id) => (JSON.parse(id) as string[]).join("/").startsWith(prefix));
      },
    }),
  ),
  brokenDriver(
    "N2",
    "deleteAll takes a name for a pattern",
    "deleteAll leaves siblings whose names begin the same or fit a",
    ({ data, path }) => ({
      deleteAll() {
        data.entries(path);
        const pattern = new RegExp(
          `^${path
            .join("/")
            .replaceAll(/[.+^${}()|\\]/g, "\\$&")
            .replaceAll("*", ".*")
            .replaceAll("?", ".")}(/.*)?$`,
          "s",
        );
        clear(data, (id) => path.length === 0 || pattern.test((JSON.parse(id) as string[]).join("/")));
      },
    }),
  ),
  brokenDriver(
    "N2",
    "deleteAll clears the whole store",
    "deleteAll leaves the parent, and keys of the parent that look",
    ({ data, path }) => ({
      deleteAll() {
        data.entries(path);
        clear(data, () => true);
      },
    }),
  ),
  brokenPaths(
    "N3",
    "names are joined with a slash that they may hold",
    "namespaces lists hostile names as they are",
    (path) => path.join("/").split("/"),
  ),
  brokenPaths(
    "N3",
    "names are joined with a colon that they may hold",
    "namespaces lists hostile names as they are",
    (path) => path.join(":").split(":"),
  ),
  brokenPaths("N3", "names are lower-cased", "hostile names are all namespaces of their own", (path) =>
    path.map((name) => name.toLowerCase()),
  ),
  brokenPaths(
    "N3",
    "names are resolved like paths",
    "hostile names are all namespaces of their own",
    (path) => path.filter((name) => name !== "." && name !== ".."),
  ),
  brokenDriver(
    "N3",
    "path and key are joined with a colon",
    "namespaces lists hostile names as they are",
    ({ data, path, namespace }) => {
      const flat = (key: string): string => [...path, key].join(":");
      return {
        get: (key) => (namespace.exists(""), data.find(["flat"], flat(key))?.bytes),
        exists: (key) => (namespace.exists(""), data.find(["flat"], flat(key)) !== undefined),
        set(key, value, expiry) {
          const done = namespace.set(key, value, expiry);
          const entry = data.find(path, key);
          if (entry !== undefined) data.entries(["flat"]).set(flat(key), entry);
          return done;
        },
        delete: (key) => (namespace.delete(key), data.entries(["flat"]).delete(flat(key))),
      };
    },
  ),
  brokenStore(
    "N3",
    "names of any length are taken",
    "a name must be a string of 1 to 255 bytes, else it is refused",
    (store) => ({
      withNamespace: (name) => store.withNamespace(name.slice(0, 60) || "empty"),
    }),
  ),
  brokenStore(
    "N4",
    "without a namespace deleteAll clears what is not ours",
    "with namespace: null, deleteAll and listings reject, and all else",
    (store) => ({
      deleteAll: () => (store.namespace === null ? Promise.resolve() : store.deleteAll()),
    }),
  ),
  brokenStore(
    "N4",
    "without a namespace entries lists what is not ours",
    "with namespace: null, deleteAll and listings reject, and all else",
    (store) => ({
      async *entries(options) {
        if (store.namespace !== null) yield* store.entries(options);
      },
    }),
  ),
  brokenDriver(
    "N5",
    "deleteAll goes on after it resolved",
    "beside writers, what was set before deleteAll is gone and what",
    ({ namespace, data, path }) => ({
      deleteAll() {
        data.entries(path);
        void turn().then(() => namespace.deleteAll());
      },
    }),
  ),
  brokenDriver(
    "N5",
    "deleteAll lists, waits, and leaves what was set in between to chance",
    "beside writers, what was set before deleteAll is gone and what",
    ({ data, path }) => ({
      async deleteAll() {
        const listed = data.pathsFrom(path).map((each) => [each, data.keys(each).slice(1)] as const);
        for (const [each, keys] of listed) for (const key of keys) data.entries(each).delete(key);
      },
    }),
  ),
  brokenDriver(
    "N6",
    "keys gives the first page only",
    "keys lists every key, none where there is none, and more than a",
    ({ namespace }) => ({
      async *keys(prefix) {
        for await (const page of namespace.keys(prefix)) yield page.slice(0, 10);
      },
    }),
  ),
  brokenDriver(
    "N6",
    "keys does not end while others write",
    "keys ends even while others write without end",
    ({ data, path }) => ({
      async *keys() {
        for (const key of data.entries(path).keys()) {
          await turn();
          yield [key];
        }
      },
    }),
  ),
  brokenDriver(
    "N6",
    "keys gives the keys of children too",
    "keys lists the namespace's own keys, not its children's,",
    ({ data, path }) => ({
      async *keys() {
        data.entries(path);
        yield data.pathsFrom(path).flatMap((each) => data.keys(each));
      },
    }),
  ),
  brokenDriver(
    "N6",
    "keys gives what has expired",
    "namespaces does not list a child of which all has expired, keys",
    ({ data, path }) => ({
      async *keys() {
        yield [...data.entries(path).keys()];
      },
    }),
  ),
  brokenDriver(
    "N6",
    "keys are given with the path in front of them",
    "keys lists the namespace's own keys, not its children's,",
    ({ namespace, path }) => ({
      async *keys(prefix) {
        for await (const page of namespace.keys(prefix)) yield page.map((key) => [...path, key].join(":"));
      },
    }),
  ),
  brokenDriver(
    "N6",
    "keys skips a key when one before it is deleted",
    "keys ends even while others write without end",
    ({ data, path }) => ({
      async *keys() {
        for (let at = 0; at < data.keys(path).length; at += 5) {
          yield data.keys(path).slice(at, at + 5);
          await turn();
        }
      },
    }),
  ),
  brokenDriver(
    "N6",
    "namespaces lists children that hold nothing",
    "namespaces lists the direct children that hold something,",
    ({ data, path }) => ({
      async *namespaces() {
        data.entries(path);
        yield [
          ...new Set(
            data
              .pathsFrom(path)
              .filter((each) => each.length > path.length)
              .map((each) => String(each[path.length])),
          ),
        ];
      },
    }),
  ),
  brokenDriver(
    "N6",
    "namespaces lists grandchildren too",
    "namespaces lists the direct children that hold something,",
    ({ data, path }) => ({
      async *namespaces() {
        data.entries(path);
        yield data
          .pathsFrom(path)
          .filter((each) => each.length > path.length && data.keys(each).length > 0)
          .map((each) => String(each.at(-1)));
      },
    }),
  ),
];
