/** What has gone through a proxy since it was started. Live: read it again to see more. */
export interface ProxyTraffic {
  /** Connections taken, ever. */
  accepted: number;
  /** Connections open now. */
  open: number;
  bytesToServer: number;
  bytesToClient: number;
  /** How often a client spoke after the server had, or for the first time: the waits that pipelining saves. */
  roundTrips: number;
  /** Commands by their name in capitals, such as `{ GET: 3 }`. Not seen inside TLS. */
  commands: Record<string, number>;
  /** Replies that reached the proxy; pushes of RESP3 are none. */
  replies: number;
}

export function noTraffic(): ProxyTraffic {
  return {
    accepted: 0,
    open: 0,
    bytesToServer: 0,
    bytesToClient: 0,
    roundTrips: 0,
    commands: {},
    replies: 0,
  };
}
