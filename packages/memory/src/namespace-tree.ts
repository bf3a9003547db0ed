import type { Use } from "./limits.ts";
import { Slabs, type Slot } from "./slabs.ts";
import { SpreadMap } from "./spread-map.ts";

/** Its value is where the slot says. */
export interface Entry extends Slot {
  /** By the store's clock; `Infinity` for an entry without expiry. */
  expiresAtMs: number;
  /** Its place in the order of use, where the store has limits. */
  use: Use | undefined;
}

/** A namespace that holds something, itself or further below. */
export interface NamespaceNode {
  readonly name: string;
  readonly parent: NamespaceNode | undefined;
  readonly entries: SpreadMap<Entry>;
  readonly slabs: Slabs;
  readonly children: SpreadMap<NamespaceNode>;
}

/**
 * The namespaces that hold something, as a tree, with a Map for each: so a key is looked up as it is, and a
 * namespace that nobody uses any more leaves nothing behind.
 */
export class NamespaceTree {
  #root: NamespaceNode = newNode("", undefined);
  #removals = 0;

  /** Counts the nodes that were taken out: a node found at the same count is still in the tree. */
  get removals(): number {
    return this.#removals;
  }

  get isEmpty(): boolean {
    return isEmpty(this.#root);
  }

  find(path: readonly string[]): NamespaceNode | undefined {
    let node: NamespaceNode | undefined = this.#root;
    for (const name of path) node = node?.children.get(name);
    return node;
  }

  findOrAdd(path: readonly string[]): NamespaceNode {
    let node = this.#root;
    for (const name of path) {
      let child = node.children.get(name);
      if (child === undefined) {
        child = newNode(name, node);
        node.children.set(name, child);
      }
      node = child;
    }
    return node;
  }

  /** Takes a node out if it holds nothing any more, and so on upwards. */
  removeIfEmpty(node: NamespaceNode): void {
    let at = node;
    while (at.parent !== undefined && isEmpty(at) && at.parent.children.get(at.name) === at) {
      at.parent.children.delete(at.name);
      this.#removals += 1;
      at = at.parent;
    }
  }

  /** Takes a node out with all below it, in one step however much it holds. */
  remove(node: NamespaceNode): void {
    this.#removals += 1;
    if (node.parent === undefined) {
      this.#root = newNode("", undefined);
      return;
    }
    node.parent.children.delete(node.name);
    this.removeIfEmpty(node.parent);
  }
}

/** A node and all below it. */
export function* nodesFrom(node: NamespaceNode): Iterable<NamespaceNode> {
  const left = [node.children.values()];
  yield node;
  for (let children = left.at(-1); children !== undefined; children = left.at(-1)) {
    const next = children.next();
    if (next.done === true) {
      left.pop();
      continue;
    }
    left.push(next.value.children.values());
    yield next.value;
  }
}

function newNode(name: string, parent: NamespaceNode | undefined): NamespaceNode {
  return { name, parent, entries: new SpreadMap(), slabs: new Slabs(), children: new SpreadMap() };
}

function isEmpty(node: NamespaceNode): boolean {
  return node.entries.size === 0 && node.children.size === 0;
}
