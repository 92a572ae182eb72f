import { type ChildProcess, spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ordinaryUser, type OrdinaryUser } from '@boxkit/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

const binary = join(import.meta.dirname, '../bin/box');
const image = 'host:sh,sleep,cat,stty,id';
const isRoot = process.getuid?.() === 0;
const cases = [
  ...(isRoot ? (['unshare', 'bubblewrap', 'chroot'] as const).map((isolation) => ['root', isolation] as const) : []),
  ...(['unshare', 'bubblewrap'] as const).map((isolation) => ['an ordinary user', isolation] as const),
];
const [ctrlC, ctrlZ, ctrlD] = ['\u0003', '\u001a', '\u0004'];
const leaveKeys = '\u0010\u0011';

describe.each(cases)('a real terminal of %s, with %s,', (who, isolation) => {
  let user: OrdinaryUser;
  beforeAll(async () => {
    user = await ordinaryUser(who === 'root' ? 0 : 12_345);
    expect(await box('run', '--rm', '-q', image, '--', 'sh', '-c', ':')).toMatchObject({ code: 0 });
  });
  afterEach(async () => {
    const { stdout } = await box('ps', '-aq', '--no-trunc');
    await box('rm', '-f', 'none', ...stdout.split('\n').filter((line) => line !== ''));
  });
  afterAll(() => user[Symbol.asyncDispose]());

  const environment = () => ({ BOX_HOME: join(user.home, 'box'), BOX: binary, TERM: 'xterm' });
  const box = (...args: readonly string[]) => user.attempt(binary, args, { env: environment() });
  const options = `-q --isolation ${isolation} -e PS1=in:`;

  /** A shell script on a terminal of 37 rows, which then says how it ended and whether the terminal is as it was. */
  function open(command: string): Terminal {
    const script = `trap : INT; stty rows 37 cols 91; before=$(stty -g); rm -f resize
      (while ! test -e resize; do sleep 0.1; done; stty rows 41 cols 101 < /dev/tty) & watch=$!
      ${command}
      echo "[code $?]"; kill $watch; test "$before" = "$(stty -g)" && echo "[restored]"`;
    return new Terminal(
      spawn('script', ['-qec', script, '/dev/null'], {
        cwd: user.home,
        env: { ...environment(), HOME: user.home, PATH: process.env['PATH'], SHELL: '/bin/sh' },
        stdio: 'pipe',
        ...(isRoot ? { uid: user.uid, gid: user.gid } : {}),
      }),
    );
  }

  /** A shell that is used as a person would use it. */
  async function use(terminal: Terminal): Promise<void> {
    await terminal.shows(/in:/);
    await terminal.type('stty size; test -t 1 && echo is tty\r', /\n37 91\r\n.*is tty\r/s);
    await terminal.type("sh -c 'echo go; sleep 100'\r", /\ngo\r/);
    await terminal.type(ctrlC, /in:/);
    await terminal.type('echo status $?\r', /status 130\r/);
    await terminal.type("sh -c 'echo go; sleep 100'\r", /\ngo\r/);
    await terminal.type(ctrlZ, /in:/);
    await terminal.type('jobs\r', /Stopped|Suspended/);
    await terminal.type('kill -9 %1; kill -CONT %1; wait; cat\r', /cat\r/);
    await terminal.type(`typed${ctrlD}${ctrlD}`, /typedtyped/);
    await writeFile(join(user.home, 'resize'), '');
    await terminal.type('until stty size | { read r c; test $r = 41; }; do sleep 0.1; done; stty size\r', /\n41 101\r/);
  }

  it('run -it: keys, signals, jobs and the window’s size are the container’s, and the terminal is as it was', async () => {
    const terminal = open(`$BOX run -it --rm ${options} ${image} -- sh -i`);
    await use(terminal);
    await terminal.type('exit 7\r', /\[code 7\]\r\n.*\[restored\]/s);
    expect(await terminal.ended()).toContain('[restored]');
  });

  it('exec -it: the same', async () => {
    await box('run', '-d', ...options.split(' '), '--name', 'c', image, '--', 'sleep', '999');
    const terminal = open('$BOX exec -it -e PS1=in: c sh -i');
    await use(terminal);
    await terminal.type('exit 8\r', /\[code 8\]\r\n.*\[restored\]/s);
    expect(await terminal.ended()).toContain('[restored]');
  });

  // The backend has no part in these.
  if (isolation === 'unshare') {
    it('attach: the same, left by Ctrl-P Ctrl-Q and come back to', async () => {
      await box('run', '-dit', ...options.split(' '), '--name', 'c', image, '--', 'sh', '-i');
      const first = open('$BOX attach c');
      await first.type('\r', /in:/);
      await use(first);
      await first.type(leaveKeys, /\[code 0\]\r\n.*\[restored\]/s);
      await first.ended();
      const second = open('$BOX attach --detach-keys ctrl-a,x c');
      await second.type('echo still $((40 + 2))\r', /still 42\r\n/);
      await second.type('\u0001x', /\[code 0\]\r\n.*\[restored\]/s);
      await second.ended();
      const third = open('$BOX attach c');
      await third.type('exit 9\r', /\[code 9\]\r\n.*\[restored\]/s);
      expect(await third.ended()).toContain('[restored]');
    });

    it('start -ai: a shell that had ended', async () => {
      const first = open(`$BOX run -it --name c ${options} ${image} -- sh -i`);
      await first.type('exit 3\r', /\[code 3\]/);
      await first.ended();
      const second = open('$BOX start -ai c');
      await second.shows(/in:/);
      await second.type('stty size; exit 4\r', /\n37 91\r\n.*\[code 4\]\r\n.*\[restored\]/s);
      expect(await second.ended()).toContain('[restored]');
    });
  }

  it('without a terminal of the container’s own, Ctrl-C ends the command', async () => {
    const terminal = open(`$BOX run -i --rm ${options} ${image} -- sh -c 'echo go; exec sleep 100'`);
    await terminal.shows(/go\r/);
    await terminal.type(ctrlC, /\[code 130\]\r\n.*\[restored\]/s);
    expect(await terminal.ended()).toContain('[restored]');
  });

  it('is not typed into from inside by TIOCSTI', async () => {
    const program = join(user.home, 'type');
    const source = `#include <sys/ioctl.h>
      int main(void) { for (const char *c = "evil\\n"; *c; c++) if (ioctl(0, TIOCSTI, c)) return 1; return 0; }`;
    await user.run('gcc', ['-static', '-x', 'c', '-o', program, '-'], { input: source });
    const reads = 'busybox timeout 0.3 sh -c "read line; echo [got \\$line]"; echo "[asked]"';
    // What a weak backend would let happen: the kernel lets root do so, others where it is built for it.
    if (who === 'root') await open(`./type; ${reads}`).shows(/\[got evil\]/);
    for (const more of ['', '--security-opt seccomp=unconfined']) {
      const terminal = open(
        `$BOX run -i --rm ${options} ${more} -v ./type:/type ${image} -- /type; echo "[end $?]"; ${reads}`,
      );
      await terminal.shows(/\[end 1\].*\[asked\]/s);
      expect(await terminal.ended()).not.toContain('evil');
    }
  });
});

/** What a program on a pseudo-terminal shows, and a keyboard for it. */
class Terminal {
  output = '';
  readonly #child: ChildProcess;
  readonly #end: Promise<unknown>;
  #seen = 0;

  constructor(child: ChildProcess) {
    this.#child = child;
    child.stdout?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    child.stdin?.on('error', () => {});
    this.#end = new Promise((resolve) => child.once('close', resolve));
  }

  /** Presses keys, and waits until what comes after shows something. */
  async type(keys: string, wanted: RegExp): Promise<void> {
    this.#seen = this.output.length;
    this.#child.stdin?.write(keys);
    await this.shows(wanted);
  }

  async shows(wanted: RegExp): Promise<void> {
    try {
      await expect.poll(() => wanted.test(this.output.slice(this.#seen))).toBe(true);
    } catch {
      throw new Error(`${String(wanted)} is not shown after byte ${this.#seen} of\n${this.output}`);
    }
  }

  /** Hangs up; resolves to all that was shown. */
  async ended(): Promise<string> {
    this.#child.stdin?.end();
    await this.#end;
    return this.output;
  }
}
