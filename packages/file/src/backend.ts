import { dirname } from "node:path";
import type { Answer } from "@kv/core/driver";
import { afterChange } from "./after-change.ts";
import { Changes } from "./changes.ts";
import { syncIfThere, syncUpTo } from "./directories.ts";
import { Entries } from "./entries.ts";
import type { Io } from "./io.ts";
import type { Place } from "./layout.ts";
import { Locks } from "./locks.ts";
import { Order } from "./order.ts";
import type { Session } from "./session.ts";
import { sweep } from "./sweep.ts";
import type { Sweeper } from "./sweeper.ts";
import { moveToTrash, Trash } from "./trash.ts";

/** All that the namespaces of a store have in common. */
export class Backend {
  readonly session: Session;
  readonly order: Order;
  readonly trash: Trash;
  readonly locks: Locks;
  readonly entries: Entries;
  readonly changes: Changes;
  sweeper: Sweeper | undefined;

  constructor(session: Session) {
    this.session = session;
    this.order = new Order(session.timeoutMs);
    this.trash = new Trash(session, this.order.turns);
    this.locks = new Locks(session);
    this.entries = new Entries(session);
    this.changes = new Changes(session, this.locks, this.entries);
  }

  /** Empties a namespace and all below it: one rename, and nothing of it is there for anyone. */
  async deleteAll(place: Place): Promise<void> {
    const away = await this.order.onAll(place, () => this.#movedAway(place));
    if (away !== undefined) await this.trash.empty(away);
  }

  deleteExpired(place: Place): Answer<number> {
    return sweep(this, place);
  }

  *#movedAway(place: Place): Io<string | undefined> {
    yield* this.session.open();
    const { layout, around } = this.session;
    const { disk } = around;
    const away = yield* moveToTrash(this.session, place.directory);
    if (this.session.durability === "full") {
      // Where there was nothing, another may just have moved it, or what leads to it, away.
      yield* afterChange(place.directory, syncUpTo(disk, dirname(place.directory), layout.directory));
      if (away !== undefined) yield* afterChange(place.directory, syncIfThere(disk, layout.trash));
    }
    return away;
  }
}
