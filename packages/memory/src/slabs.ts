/** Longer values have an array of their own. */
const longestShared = 1_024;
const smallestSlotBytes = 16;
/** The first slabs of a size are small, since a namespace may hold but few values. */
const fewestSlots = 4;
const slabBytes = 32 * 1_024;

/** One array for values of about the same length. */
export interface Slab {
  readonly array: Uint8Array;
  /** So many bytes each value may have. */
  readonly slotBytes: number;
  used: number;
  /** Where the part begins that was never used. */
  fresh: number;
  /** The offsets of slots that are free again. */
  readonly free: number[];
  /** Its place among those of its size that have room; -1 where it has none. */
  place: number;
}

/** Where a value is. */
export interface Slot {
  slab: Slab;
  offset: number;
  length: number;
}

/** Of the slabs with slots of one size: those with room, and how many slots the next one gets. */
interface Size {
  readonly withRoom: Slab[];
  slots: number;
}

/**
 * The values of a namespace. Short ones lie together: an ArrayBuffer for each takes several times the memory of the
 * value, and longer to make than to fill. A slot is used again by a value of its size, and a slab is let go of with
 * its last value.
 */
export class Slabs {
  /** With holes for the sizes that no value had yet: most namespaces hold values of few. */
  readonly #sizes: Size[] = [];

  /** Puts a copy of the bytes where there is room for them. `isOwn` says that nobody else has them: no need to copy long ones. */
  keep(bytes: Uint8Array, isOwn: boolean): Slot {
    const { length } = bytes;
    if (length > longestShared) {
      const array = isOwn ? bytes : new Uint8Array(bytes);
      return { slab: slabOver(array, length), offset: 0, length };
    }
    const slab = this.#withRoomFor(length);
    const offset = takeSlot(slab);
    if (!hasRoom(slab)) this.#leaveRoom(slab);
    slab.array.set(bytes, offset);
    return { slab, offset, length };
  }

  /** Puts other bytes in the place of a value. */
  replace(slot: Slot, bytes: Uint8Array, isOwn: boolean): void {
    const { length } = bytes;
    if (length <= longestShared && slotBytesFor(length) === slot.slab.slotBytes) {
      slot.slab.array.set(bytes, slot.offset);
      slot.length = length;
      return;
    }
    this.release(slot);
    const { slab, offset } = this.keep(bytes, isOwn);
    slot.slab = slab;
    slot.offset = offset;
    slot.length = length;
  }

  /** The value is not needed any more. */
  release({ slab, offset }: Slot): void {
    slab.used -= 1;
    if (slab.slotBytes > longestShared) return;
    if (slab.used === 0) {
      if (slab.place !== -1) this.#leaveRoom(slab);
      return;
    }
    slab.free.push(offset);
    if (slab.place === -1) this.#joinRoom(slab);
  }

  #withRoomFor(length: number): Slab {
    const slotBytes = slotBytesFor(length);
    const size = this.#sizeOf(slotBytes);
    const known = size.withRoom.at(-1);
    if (known !== undefined) return known;
    const slab = slabOver(new Uint8Array(slotBytes * size.slots), slotBytes);
    size.slots = Math.min(size.slots * 4, Math.floor(slabBytes / slotBytes));
    this.#joinRoom(slab);
    return slab;
  }

  #joinRoom(slab: Slab): void {
    const { withRoom } = this.#sizeOf(slab.slotBytes);
    slab.place = withRoom.length;
    withRoom.push(slab);
  }

  /** Its place goes to the last one. */
  #leaveRoom(slab: Slab): void {
    const { withRoom } = this.#sizeOf(slab.slotBytes);
    const last = withRoom.pop();
    if (last !== undefined && last !== slab) {
      withRoom[slab.place] = last;
      last.place = slab.place;
    }
    slab.place = -1;
  }

  #sizeOf(slotBytes: number): Size {
    const index = sizeIndex(slotBytes);
    let size = this.#sizes[index];
    if (size === undefined) {
      size = { withRoom: [], slots: fewestSlots };
      this.#sizes[index] = size;
    }
    return size;
  }
}

/** The value itself, in an array of its own. */
export function copyOfValue({ slab, offset, length }: Slot): Uint8Array {
  const { array } = slab;
  // Of a whole array, that is a copy which is not filled with zeros before.
  return length === array.length ? new Uint8Array(array) : array.slice(offset, offset + length);
}

/** The value as it lies there: to be looked at, and not kept. */
export function viewOf({ slab, offset, length }: Slot): Uint8Array {
  return slab.array.subarray(offset, offset + length);
}

function slabOver(array: Uint8Array, slotBytes: number): Slab {
  return { array, slotBytes, used: slotBytes > longestShared ? 1 : 0, fresh: 0, free: [], place: -1 };
}

function hasRoom({ free, fresh, array }: Slab): boolean {
  return free.length > 0 || fresh < array.length;
}

function takeSlot(slab: Slab): number {
  slab.used += 1;
  const again = slab.free.pop();
  if (again !== undefined) return again;
  const { fresh } = slab;
  slab.fresh += slab.slotBytes;
  return fresh;
}

/** Four sizes between a power of two and the next: at most a fifth of a slot is lost. */
function slotBytesFor(length: number): number {
  if (length <= smallestSlotBytes) return smallestSlotBytes;
  const step = 1 << (29 - Math.clz32(length - 1));
  return Math.ceil(length / step) * step;
}

/** 16 is 0, 20 is 1, 24 is 2, 28 is 3, 32 is 4, and so on. */
function sizeIndex(slotBytes: number): number {
  const power = 31 - Math.clz32(slotBytes);
  return (power - 4) * 4 + (slotBytes >> (power - 2)) - 4;
}
