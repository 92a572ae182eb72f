import { connect } from 'node:net';

/** Milliseconds; a registry on this machine answers within one. */
const patience = 500;

/**
 * Whether a server of this machine speaks TLS: it is sent the beginning of a handshake and answers with a TLS record, or
 * with something else. Undefined when it says nothing to go by. Node's TLS takes 30 ms of processor time to load and as
 * much of another thread for reading certificates, all of it for nothing where a registry speaks plain HTTP.
 */
export function speaksTls(hostname: string, port: number, signal: AbortSignal): Promise<boolean | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port, signal });
    const end = (answer: boolean | undefined): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(patience, () => end(undefined));
    socket.once('data', ([type]) => end(type === handshakeRecord || type === alertRecord));
    socket.once('close', () => end(undefined));
    socket.once('error', () => (signal.aborted ? reject(signal.reason as Error) : end(undefined)));
    socket.write(clientHello);
  });
}

// RFC 8446, 5.1.
const alertRecord = 21;
const handshakeRecord = 22;

/** A ClientHello of TLS 1.2 without extensions (RFC 5246, 7.4.1.2): enough for an answer, if only that it will not do. */
const clientHello = Uint8Array.from([
  ...[handshakeRecord, 3, 1, 0, 49],
  ...[1, 0, 0, 45, 3, 3],
  ...Array.from({ length: 32 }, (_none, at) => at),
  ...[0, 0, 6, 0xc0, 0x2f, 0xc0, 0x2b, 0, 0x9c, 1, 0],
]);
