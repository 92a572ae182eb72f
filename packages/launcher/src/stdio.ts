import { closeSync, openSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { bind, check } from '@boxkit/linux';
import { openTerminal } from './terminal.ts';

/** How one of the three standard streams is connected. */
export type StdioChoice = 'inherit' | 'pipe' | 'ignore';

export interface LaunchStdio {
  readonly stdin?: StdioChoice;
  readonly stdout?: StdioChoice;
  readonly stderr?: StdioChoice;
}

/** The three descriptors of the child, and this side's ends of the pipes. */
export interface OpenStdio {
  readonly child: readonly number[];
  readonly stdin: Writable | null;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
  /** Tells the terminal its size, where there is one. */
  resize?(columns: number, rows: number): void;
  /** Closes the child's ends here, once it has them. */
  release(): void;
  /** Closes everything, when there is no child. */
  destroy(): void;
}

/**
 * A terminal as all three; its input and output are this side's streams, whatever was chosen for pipes. `inside` is the
 * first process of a running container that it is to be of.
 */
export function openTerminalStdio(inside?: number): OpenStdio {
  const terminal = openTerminal(inside);
  let released = false;
  const release = (): void => {
    if (!released) closeSync(terminal.slave);
    released = true;
  };
  return {
    child: [terminal.slave, terminal.slave, terminal.slave],
    stdin: terminal.input,
    stdout: terminal.output,
    stderr: null,
    resize: terminal.resize,
    release,
    destroy: () => {
      release();
      terminal.close();
    },
  };
}

const pipe2 = bind('int pipe2(_Out_ int *fds, int flags)');

/**
 * Real pipes: node's own are sockets, which a program cannot open again as /dev/stdout. Inherited is what this
 * process has.
 */
export function openStdio({ stdin = 'inherit', stdout = 'inherit', stderr = 'inherit' }: LaunchStdio): OpenStdio {
  const childEnds: number[] = [];
  const ends: Socket[] = [];
  const connect = (choice: StdioChoice, fd: number): { child: number; end: Socket | null } => {
    if (choice === 'inherit') return { child: fd, end: null };
    if (choice === 'ignore') {
      const nothing = openSync('/dev/null', 'r+');
      childEnds.push(nothing);
      return { child: nothing, end: null };
    }
    const [reading, writing] = openPipe();
    const [child, own] = fd === 0 ? [reading, writing] : [writing, reading];
    childEnds.push(child);
    const end = new Socket({ fd: own, readable: fd !== 0, writable: fd === 0 });
    ends.push(end);
    return { child, end };
  };
  const [input, output, errors] = [connect(stdin, 0), connect(stdout, 1), connect(stderr, 2)];
  // a container that ends before it has read everything is no failure of ours
  input.end?.on('error', () => {});
  const release = (): void => childEnds.splice(0).forEach((fd) => closeSync(fd));
  return {
    child: [input.child, output.child, errors.child],
    stdin: input.end,
    stdout: output.end,
    stderr: errors.end,
    release,
    destroy: () => {
      release();
      for (const end of ends) end.destroy();
    },
  };
}

function openPipe(): readonly [number, number] {
  const fds = [0, 0];
  check(pipe2(fds, 0x8_0000), 'pipe2');
  return [fds[0] ?? -1, fds[1] ?? -1];
}
