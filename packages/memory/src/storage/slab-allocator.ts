/** Longer values have an array of their own. */
const largestChunkBytes = 1_024;
const smallestChunkBytes = 16;
/** The first slab of a size class is small, since a namespace may hold few values. */
const firstSlabChunks = 4;
const largestSlabBytes = 32 * 1_024;

/** An array that holds the values of one size class, or one long value. */
export interface Slab {
  readonly array: Uint8Array;
  /** `undefined` for a long value. */
  readonly sizeClass: SizeClass | undefined;
  allocatedChunks: number;
  /** Where the part begins that was never allocated. */
  bumpOffset: number;
  /** The offsets of chunks that were freed. */
  readonly freeList: number[];
  /** Its index in the partial list of its size class; -1 while it is full. */
  partialIndex: number;
}

/** Where a value lies. */
export interface Chunk {
  slab: Slab;
  offset: number;
  length: number;
}

/**
 * A slab allocator for the values of a namespace. Short values share arrays: an ArrayBuffer for each would take several
 * times the memory of the value, and longer to make than to fill. A chunk that was freed is allocated again to a value of
 * its size class, and a slab is dropped with its last value.
 */
export class SlabAllocator {
  /** By index, with holes: most namespaces hold values of few size classes. */
  readonly #sizeClasses: SizeClass[] = [];

  /** Stores a copy of the bytes. Where `isOwned`, nobody else has them, so a long value needs no copy. */
  allocate(bytes: Uint8Array, isOwned: boolean): Chunk {
    const { length } = bytes;
    if (length > largestChunkBytes) {
      return { slab: newSlab(isOwned ? bytes : new Uint8Array(bytes), undefined), offset: 0, length };
    }
    const sizeClass = this.#sizeClassFor(length);
    const slab = sizeClass.partialSlab();
    const offset = sizeClass.allocate(slab);
    slab.array.set(bytes, offset);
    return { slab, offset, length };
  }

  /** Replaces a value: in place where the new one is of the same size class, else in another chunk. */
  reallocate(chunk: Chunk, bytes: Uint8Array, isOwned: boolean): void {
    const { length } = bytes;
    if (chunk.slab.sizeClass?.chunkBytes === chunkBytesFor(length)) {
      chunk.slab.array.set(bytes, chunk.offset);
      chunk.length = length;
      return;
    }
    this.free(chunk);
    const { slab, offset } = this.allocate(bytes, isOwned);
    chunk.slab = slab;
    chunk.offset = offset;
    chunk.length = length;
  }

  /** Gives a chunk back. Its value must not be read any more. */
  free({ slab, offset }: Chunk): void {
    slab.sizeClass?.free(slab, offset);
  }

  #sizeClassFor(length: number): SizeClass {
    const chunkBytes = chunkBytesFor(length);
    return (this.#sizeClasses[sizeClassIndex(chunkBytes)] ??= new SizeClass(chunkBytes));
  }
}

/** The slabs whose chunks are of one size. */
class SizeClass {
  readonly chunkBytes: number;
  /** The slabs that are not full. */
  readonly #partial: Slab[] = [];
  #nextSlabChunks = firstSlabChunks;

  constructor(chunkBytes: number) {
    this.chunkBytes = chunkBytes;
  }

  /** Returns a slab with a free chunk: a new one, larger than the last, where all are full. */
  partialSlab(): Slab {
    const partial = this.#partial.at(-1);
    if (partial !== undefined) return partial;
    const slab = newSlab(new Uint8Array(this.chunkBytes * this.#nextSlabChunks), this);
    this.#nextSlabChunks = Math.min(this.#nextSlabChunks * 4, Math.floor(largestSlabBytes / this.chunkBytes));
    this.#addPartial(slab);
    return slab;
  }

  /** Allocates a chunk of a partial slab, and returns its offset. */
  allocate(slab: Slab): number {
    slab.allocatedChunks += 1;
    let offset = slab.freeList.pop();
    if (offset === undefined) {
      offset = slab.bumpOffset;
      slab.bumpOffset += this.chunkBytes;
    }
    if (slab.freeList.length === 0 && slab.bumpOffset === slab.array.length) this.#removePartial(slab);
    return offset;
  }

  free(slab: Slab, offset: number): void {
    slab.allocatedChunks -= 1;
    if (slab.allocatedChunks === 0) {
      this.#removePartial(slab); // a slab has several chunks, so it was partial before
      return;
    }
    slab.freeList.push(offset);
    if (slab.partialIndex === -1) this.#addPartial(slab);
  }

  #addPartial(slab: Slab): void {
    slab.partialIndex = this.#partial.length;
    this.#partial.push(slab);
  }

  /** Removes a slab from the partial list; the last one takes its index. */
  #removePartial(slab: Slab): void {
    const last = this.#partial.pop();
    if (last !== undefined && last !== slab) {
      this.#partial[slab.partialIndex] = last;
      last.partialIndex = slab.partialIndex;
    }
    slab.partialIndex = -1;
  }
}

/** Returns a value in an array of its own. */
export function copyOfValue({ slab, offset, length }: Chunk): Uint8Array {
  const { array } = slab;
  // Of a whole array, that is a copy which is not filled with zeros before.
  return length === array.length ? new Uint8Array(array) : array.slice(offset, offset + length);
}

/** Returns a view of a value, valid until its entry changes. */
export function viewOf({ slab, offset, length }: Chunk): Uint8Array {
  return slab.array.subarray(offset, offset + length);
}

function newSlab(array: Uint8Array, sizeClass: SizeClass | undefined): Slab {
  return { array, sizeClass, allocatedChunks: 0, bumpOffset: 0, freeList: [], partialIndex: -1 };
}

/** Returns the chunk size for a length: four between a power of two and the next, so at most a fifth of a chunk is lost. */
function chunkBytesFor(length: number): number {
  if (length <= smallestChunkBytes) return smallestChunkBytes;
  const step = 1 << (29 - Math.clz32(length - 1));
  return Math.ceil(length / step) * step;
}

/** Returns the index of a size class: 16 bytes are 0, 20 are 1, 24 are 2, 28 are 3, 32 are 4, and so on. */
function sizeClassIndex(chunkBytes: number): number {
  const power = 31 - Math.clz32(chunkBytes);
  return (power - 4) * 4 + (chunkBytes >> (power - 2)) - 4;
}
