import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { requireTool } from '@boxkit/testkit';
import { beforeEach, describe, expect, it } from 'vitest';
import { childrenOf } from './process-table.ts';
import { signalFirstProcess } from './signal-first-process.ts';

/** Sends SIGTERM to a Python program that is the first process of a PID namespace, once it says that it is ready. */
async function terminate(program: string): Promise<{ readonly meant: readonly number[]; readonly end: unknown }> {
  const namespaces = process.getuid?.() === 0 ? ['--pid'] : ['--user', '--map-root-user', '--pid'];
  const begin = 'import os, time\nfrom signal import *\n';
  const child = spawn('unshare', [...namespaces, '--fork', '--kill-child', 'python3', '-uc', begin + program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  await once(child.stdout, 'data');
  const [pid = -1] = childrenOf(child.pid ?? -1);
  const meant: number[] = [];
  expect(await signalFirstProcess(pid, 'SIGTERM', (number) => meant.push(number))).toBe(true);
  const [code, signal] = await ended;
  return { meant, end: code ?? signal };
}

const blocked = 'pthread_sigmask(SIG_BLOCK, [SIGTERM])\nprint("ready")\nwhile not sigpending(): time.sleep(0.01)\n';
const unblockAndStay = 'from signal import *; import time; pthread_sigmask(SIG_UNBLOCK, [SIGTERM]); time.sleep(100)';
// unshare's own status for a child that was killed is 1
const replaced = { meant: [15], end: 1 };

describe('SIGTERM to the first process of a PID namespace', () => {
  beforeEach((context) => requireTool(context, 'python3'));

  it('is replaced when there is no handler', async () => {
    expect(await terminate('print("ready"); time.sleep(100)')).toEqual(replaced);
  });

  it('is replaced when the program with the handler has executed one without before it takes the signal', async () => {
    const handler = 'signal(SIGTERM, lambda *_: os._exit(5))\n';
    const another = `os.execvp("python3", ["python3", "-c", "${unblockAndStay}"])`;
    expect(await terminate(handler + blocked + another)).toEqual(replaced);
  });

  it('is replaced when it was blocked, and is not any more', async () => {
    expect(await terminate(blocked + unblockAndStay)).toEqual(replaced);
  });

  it('is the handler’s, also when that goes away, or executes a program', async () => {
    const wait = 'print("ready")\ntime.sleep(100)';
    const once = 'def end(*_):\n  signal(SIGTERM, SIG_DFL)\n  time.sleep(0.3)\n  os._exit(5)\n';
    expect(await terminate(`${once}signal(SIGTERM, end)\n${wait}`)).toEqual({ meant: [], end: 5 });
    const cleanUp = 'lambda *_: (time.sleep(0.3), os.execvp("sh", ["sh", "-c", "sleep 0.3; exit 6"]))';
    expect(await terminate(`signal(SIGTERM, ${cleanUp})\n${wait}`)).toEqual({ meant: [], end: 6 });
  });

  it('stays with one that ignores it, or waits for it', async () => {
    const ignores = 'signal(SIGTERM, SIG_IGN)\nprint("ready")\ntime.sleep(0.5)\nos._exit(7)';
    expect(await terminate(ignores)).toEqual({ meant: [], end: 7 });
    const waits = 'pthread_sigmask(SIG_BLOCK, [SIGTERM])\nprint("ready")\nsigwait([SIGTERM])\nos._exit(8)';
    expect(await terminate(waits)).toEqual({ meant: [], end: 8 });
  });
});
