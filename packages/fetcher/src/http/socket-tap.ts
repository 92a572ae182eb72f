import type http from 'node:http';
import type { Socket } from 'node:net';

/** Takes the bytes of a connection in place of the HTTP parser. */
export interface Tap {
  /** Where the next bytes go. */
  buffer(): Uint8Array;
  /** Told of `count` bytes at the start of `buffer`, which is the last one given, or one to copy from. False pauses. */
  receive(count: number, buffer: Uint8Array): boolean;
}

const taps = new WeakMap<object, { tap?: Tap }>();

/** What a read of any connection without a tap goes to; it is copied from in the same turn. */
const scratch = Buffer.allocUnsafeSlow(64 << 10);

/**
 * Has an agent make connections that can be tapped. Node reads a socket into new buffers of 64 KiB, and its parser
 * copies their bytes to others: most of what a download costs. docs/decisions/pull-speed.md has the measurements.
 */
export function tappable<Agent extends http.Agent>(agent: Agent): Agent {
  const connect = agent.createConnection.bind(agent);
  agent.createConnection = (options, callback) => {
    const state: { tap?: Tap } = {};
    const onread = {
      buffer: () => state.tap?.buffer() ?? scratch,
      callback(count: number, buffer: Uint8Array): boolean {
        if (state.tap !== undefined) return state.tap.receive(count, buffer);
        // As if Node had read it: what comes back is obeyed through pause() and resume().
        (socket as Socket).push(Buffer.from(buffer.subarray(0, count)));
        return true;
      },
    };
    const socket = connect({ ...options, onread } as http.ClientRequestArgs, callback);
    if (socket !== null && socket !== undefined) taps.set(socket, state);
    return socket;
  };
  return agent;
}

/** Whether the bytes of a connection can be taken. */
export function canTap(socket: object): boolean {
  return taps.has(socket);
}

/** Takes the bytes that come from now on. The connection serves no other request afterwards: its parser has lost count. */
export function tapSocket(socket: object, tap: Tap): void {
  const state = taps.get(socket);
  if (state !== undefined) state.tap = tap;
}
