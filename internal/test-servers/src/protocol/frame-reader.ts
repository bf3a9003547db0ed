import { frameEnd } from "./resp.ts";

/** Cuts a stream of bytes into whole RESP frames. */
export interface FrameReader {
  /** The frames that `chunk` completes; once the stream turned out not to be RESP, all bytes as they are. */
  read(chunk: Buffer): Buffer[];
  /** What has come of a frame that is not whole yet. */
  rest(): Buffer;
  readonly isResp: boolean;
}

export function frameReader(): FrameReader {
  let unread: Buffer = Buffer.alloc(0);
  let isResp = true;

  const endAt = (at: number): number | undefined => {
    try {
      return frameEnd(unread, at);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      isResp = false;
      return unread.length;
    }
  };

  return {
    read(chunk) {
      if (!isResp) return [chunk];
      unread = Buffer.concat([unread, chunk]);
      const frames: Buffer[] = [];
      let at = 0;
      for (let end = endAt(at); end !== undefined && end > at; end = endAt(at)) {
        frames.push(unread.subarray(at, end));
        at = end;
      }
      unread = unread.subarray(at);
      return frames;
    },
    rest: () => unread,
    get isResp() {
      return isResp;
    },
  };
}
