import { ShardedMap } from "./sharded-map.ts";
import { SlabAllocator } from "./slab-allocator.ts";
import type { NamespaceNode } from "./types.ts";

/**
 * The namespaces that hold something, as a tree with a map for each: so a key is looked up as it is, and a namespace
 * that nobody uses any more leaves nothing behind.
 */
export class NamespaceTree {
  /** Changes whenever a node is removed: a node found at the same version is still in the tree. */
  version = 0;
  #root: NamespaceNode = newNode("", undefined);

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
        node.children.add(name, child);
      }
      node = child;
    }
    return node;
  }

  /** Removes a node if it holds nothing any more, and its parents likewise. */
  removeIfEmpty(node: NamespaceNode): void {
    let at = node;
    while (at.parent !== undefined && isEmpty(at) && at.parent.children.get(at.name) === at) {
      at.parent.children.delete(at.name);
      this.version += 1;
      at = at.parent;
    }
  }

  /** Removes a node with all below it, in one step however much it holds. */
  remove(node: NamespaceNode): void {
    this.version += 1;
    if (node.parent === undefined) {
      this.#root = newNode("", undefined);
      return;
    }
    node.parent.children.delete(node.name);
    this.removeIfEmpty(node.parent);
  }
}

/** Walks over a node and all below it. */
export function* nodesFrom(node: NamespaceNode): Iterable<NamespaceNode> {
  const stack = [node.children.values()];
  yield node;
  for (let children = stack.at(-1); children !== undefined; children = stack.at(-1)) {
    const next = children.next();
    if (next.done === true) {
      stack.pop();
      continue;
    }
    stack.push(next.value.children.values());
    yield next.value;
  }
}

function newNode(name: string, parent: NamespaceNode | undefined): NamespaceNode {
  return {
    name,
    parent,
    entries: new ShardedMap(),
    slabs: new SlabAllocator(),
    children: new ShardedMap(),
    usage: { entries: 0, bytes: 0 },
    isDetached: false,
  };
}

function isEmpty(node: NamespaceNode): boolean {
  return node.entries.size === 0 && node.children.size === 0;
}
