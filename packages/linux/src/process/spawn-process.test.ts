import { closeSync, mkdtempSync, openSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { processEnd, type ProcessEnd } from './process-end.ts';
import { spawnProcess } from './spawn-process.ts';

let directory = '';
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'box-spawn-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

/** Runs a script with its output in a file; `extra` become descriptors 3 and so on. */
async function shell(script: string, extra: readonly number[] = []): Promise<{ text: string; end: ProcessEnd }> {
  const path = join(directory, 'output');
  const nothing = openSync('/dev/null', 'r');
  const output = openSync(path, 'w');
  try {
    const argv = ['sh', '-c', script];
    const descriptors = [nothing, output, output, ...extra];
    const pid = spawnProcess({ file: '/bin/sh', argv, env: { A: 'é' }, cwd: directory, descriptors });
    const end = await processEnd(pid);
    return { text: readFileSync(path, 'utf8'), end };
  } finally {
    closeSync(nothing);
    closeSync(output);
  }
}

it('a program gets the environment and directory it was given, a session of its own and no signal ignored', async () => {
  const { text, end } = await shell(
    // by builtins: a shell that starts another program blocks every signal for a moment
    `echo $A; pwd; read -r _ _ _ _ _ session _ < /proc/$$/stat; echo $session; echo $$
    while read -r line; do case $line in SigIgn*|SigBlk*) echo "$line" ;; esac; done < /proc/$$/status`,
  );
  const [variable, cwd, session, pid, ...signals] = text.trim().split('\n');
  expect([variable, cwd]).toStrictEqual(['é', directory]);
  expect(session).toBe(pid);
  expect(signals).toStrictEqual(['SigBlk:\t0000000000000000', 'SigIgn:\t0000000000000000']);
  expect(end).toStrictEqual({ code: 0, signal: null });
});

it('descriptors arrive where they were asked for, whatever their numbers were, and no other does', async () => {
  const paths = ['three', 'four', 'five'].map((name) => join(directory, name));
  const [three = -1, four = -1, five = -1] = paths.map((path) => (writeFileSync(path, ''), openSync(path, 'r')));
  try {
    // numbers that are the target of another: 0, 1 and 2 of this process are below 6
    const { text } = await shell('exec 2>/dev/null; for fd in /proc/$$/fd/*; do echo ${fd##*/} $(readlink $fd); done', [
      three,
      five,
      four,
    ]);
    const inherited = text.trim().split('\n');
    expect(inherited.slice(3)).toEqual(expect.arrayContaining([`3 ${paths[0]}`, `4 ${paths[2]}`, `5 ${paths[1]}`]));
    expect(inherited.filter((line) => line.includes(directory) && !/^[1345] /.test(line))).toStrictEqual([]);
  } finally {
    for (const fd of [three, four, five]) closeSync(fd);
  }
});

it('descriptors may change places', async () => {
  const path = join(directory, 'places');
  const [input, output] = [openSync('/dev/null', 'r'), openSync(path, 'w')];
  try {
    // its 4 is our 1, its 5 our 0, its 1 ours of a higher number
    const descriptors = [input, output, 2, output, 1, 0];
    const script = 'for fd in 0 1 3 4 5; do readlink /proc/$$/fd/$fd; done';
    const pid = spawnProcess({ file: '/bin/sh', argv: ['sh', '-c', script], env: {}, cwd: '/', descriptors });
    await processEnd(pid);
    const own = [1, 0].map((fd) => readlinkSync(`/proc/self/fd/${fd}`));
    expect(readFileSync(path, 'utf8').trim().split('\n')).toStrictEqual(['/dev/null', path, path, ...own]);
  } finally {
    closeSync(input);
    closeSync(output);
  }
});

it('tells the status, the signal, and the end of one that had ended before anybody asked', async () => {
  expect((await shell('exit 7')).end).toStrictEqual({ code: 7, signal: null });
  expect((await shell('kill -s KILL $$')).end).toStrictEqual({ code: null, signal: 9 });
  const pid = spawnProcess({ file: '/bin/true', argv: ['true'], env: {}, cwd: '/', descriptors: [0, 1, 2] });
  await expect.poll(() => readFileSync(`/proc/${pid}/stat`, 'latin1')).toContain(' Z ');
  expect(await processEnd(pid)).toStrictEqual({ code: 0, signal: null });
  expect(process.listenerCount('SIGCHLD')).toBe(0);
});

it('a program that cannot be executed is an error with its errno', () => {
  const call = { argv: ['x'], env: {}, cwd: '/', descriptors: [0, 1, 2] };
  expect(() => spawnProcess({ ...call, file: '/no/such/program' })).toThrow('/no/such/program": ENOENT');
  expect(() => spawnProcess({ ...call, file: directory })).toThrow('EACCES');
});

it('a descriptor that cannot be handed over is an error, and the program does not start without it', () => {
  const nothing = openSync('/dev/null', 'r');
  try {
    // more than any limit of open files: posix_spawn itself would not see that it is missing
    const descriptors = [nothing, 2 ** 30, nothing];
    const request = { file: '/bin/sh', argv: ['sh', '-c', 'exit 0'], env: {}, cwd: directory, descriptors };
    expect(() => spawnProcess(request)).toThrow(/adddup2.*EBADF/);
  } finally {
    closeSync(nothing);
  }
});
