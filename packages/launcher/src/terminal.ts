import { closeSync, constants, fstatSync, openSync, write } from 'node:fs';
import { PassThrough, Writable, type Readable } from 'node:stream';
import { ReadStream } from 'node:tty';
import { bind, check } from '@boxkit/linux';

/** A pseudo-terminal: the container's end, and streams over this side's. pty(7). */
export interface PseudoTerminal {
  /** What the container has as 0, 1 and 2. */
  readonly slave: number;
  readonly input: Writable;
  readonly output: Readable;
  readonly resize: (columns: number, rows: number) => void;
  readonly close: () => void;
}

const posixOpenpt = bind('int posix_openpt(int flags)');
const grantpt = bind('int grantpt(int fd)');
const unlockpt = bind('int unlockpt(int fd)');
const ptsname = bind('int ptsname_r(int fd, _Out_ uint8_t *name, size_t size)');
const setWindowSize = bind('int ioctl(int fd, unsigned long request, const void *size)');

const openPeer = bind('int ioctl(int fd, unsigned long request, int64_t flags)');

const TIOCSWINSZ = 0x5414;
const TIOCGPTPEER = 0x5441;
/** Major and minor number of /dev/ptmx, as st_rdev has them. */
const ptmxNumber = 5 * 256 + 2;
const closeOnExec = 0x8_0000;
const readWrite = constants.O_RDWR | constants.O_NOCTTY;
/** Milliseconds between attempts to write to a terminal whose buffer is full. */
const retryAfter = 5;

/** Opens a new pseudo-terminal: of the container whose first process `inside` is, where it has a devpts, else of the host's. */
export function openTerminal(inside?: number): PseudoTerminal {
  const { master, slave } = (inside === undefined ? undefined : openInside(inside)) ?? openOnHost();
  // the stream owns the descriptor and closes it
  const reader = new ReadStream(master);
  const output = new PassThrough();
  reader.on('error', () => output.end()); // EIO: nobody has the other end any more
  reader.on('close', () => output.end());
  reader.pipe(output);
  let open = true;
  reader.on('close', () => {
    open = false;
  });
  const input = new Writable({
    write: (chunk: Buffer, _encoding, done) => writeAll(master, chunk, { isOpen: () => open, done }),
    // a terminal has no end of its own: what a person types for it
    final: (done) => writeAll(master, Buffer.from([4]), { isOpen: () => open, done }),
  });
  input.on('error', () => {
    // the container has ended
  });
  return {
    slave,
    input,
    output,
    resize: (columns, rows) => {
      if (open) setWindowSize(master, TIOCSWINSZ, windowSize(columns, rows));
    },
    close: () => reader.destroy(),
  };
}

interface Ends {
  readonly master: number;
  readonly slave: number;
}

function openOnHost(): Ends {
  const master = check(posixOpenpt(readWrite | closeOnExec), 'posix_openpt');
  check(grantpt(master), 'grantpt');
  check(unlockpt(master), 'unlockpt');
  return { master, slave: openSync(slaveName(master), readWrite) };
}

/** In the container's own devpts, so that ttyname(3) finds it there. Undefined for one that has put something else in its place. */
function openInside(pid: number): Ends | undefined {
  let master: number | undefined;
  try {
    const { O_NOFOLLOW, O_NONBLOCK } = constants;
    master = openSync(`/proc/${pid}/root/dev/pts/ptmx`, readWrite | O_NOFOLLOW | O_NONBLOCK);
    if (fstatSync(master).rdev !== ptmxNumber) throw new Error('no ptmx');
    check(unlockpt(master), 'unlockpt');
    return { master, slave: check(openPeer(master, TIOCGPTPEER, readWrite | closeOnExec), 'ioctl') };
  } catch {
    if (master !== undefined) closeSync(master);
    return undefined;
  }
}

function slaveName(master: number): string {
  const name = Buffer.alloc(64);
  check(ptsname(master, name, name.length) === 0 ? 0 : -1, 'ptsname_r');
  return name.toString('latin1').split('\0')[0] ?? '';
}

interface Writing {
  readonly isOpen: () => boolean;
  readonly done: (error?: Error | null) => void;
}

/** The descriptor does not block, so a full buffer is tried again. */
function writeAll(fd: number, bytes: Buffer, writing: Writing): void {
  if (!writing.isOpen() || bytes.length === 0) {
    writing.done();
    return;
  }
  write(fd, bytes, (error, written) => {
    if (error?.code === 'EAGAIN') setTimeout(() => writeAll(fd, bytes, writing), retryAfter);
    else if (error === null) writeAll(fd, bytes.subarray(written), writing);
    else writing.done(error);
  });
}

/** struct winsize. */
function windowSize(columns: number, rows: number): Buffer {
  const size = Buffer.alloc(8);
  size.writeUInt16LE(rows, 0);
  size.writeUInt16LE(columns, 2);
  return size;
}
