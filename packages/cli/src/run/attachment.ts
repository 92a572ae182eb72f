import { type Attachment, rawTerminal } from '@boxkit/box';
import { writeBytes } from '../output/streams.ts';

export interface AttachmentConnection extends Disposable {
  /** Resolves when the person wants to leave. */
  readonly left: Promise<undefined>;
  /** Resolves when what had come has been written. */
  drained(): Promise<void>;
}

/** Ctrl-P and Ctrl-Q, one after the other, as docker has it. */
const leaveKeys = Buffer.from([0x10, 0x11]);

/** Connects the caller's streams to a container's; a terminal is raw meanwhile. */
export function connectAttachment(attachment: Attachment, options: { readonly stdin: boolean }): AttachmentConnection {
  const { stdin, stdout } = process;
  const { promise: left, resolve: leave } = Promise.withResolvers<undefined>();
  let leaving = false;
  const written = (async (): Promise<void> => {
    for await (const { stream, bytes } of attachment.output) await writeBytes(stream, bytes);
  })();
  const resize = (): void => attachment.resize(stdout.columns, stdout.rows);
  if (attachment.terminal && stdout.isTTY) {
    resize();
    stdout.on('resize', resize);
  }
  let pending = Buffer.alloc(0);
  const onData = (chunk: Buffer): void => {
    if (!attachment.terminal) return attachment.write(chunk);
    const keys = Buffer.concat([pending, chunk]);
    const at = keys.indexOf(leaveKeys);
    // the first of the two may be the last that has come so far
    const held = at === -1 && keys.at(-1) === leaveKeys[0] ? 1 : 0;
    pending = keys.subarray(keys.length - held);
    attachment.write(keys.subarray(0, at === -1 ? keys.length - held : at));
    if (at === -1) return;
    leaving = true;
    leave(undefined);
  };
  const onEnd = (): void => attachment.end();
  const raw = options.stdin && attachment.terminal && stdin.isTTY ? rawTerminal(stdin.fd) : undefined;
  if (options.stdin) {
    stdin.on('data', onData);
    stdin.on('end', onEnd);
  }
  return {
    left,
    drained: () => (leaving ? Promise.resolve() : written),
    [Symbol.dispose]() {
      stdout.off('resize', resize);
      if (!options.stdin) return;
      stdin.off('data', onData);
      stdin.off('end', onEnd);
      raw?.[Symbol.dispose]();
      stdin.pause();
    },
  };
}
