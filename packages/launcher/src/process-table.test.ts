import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import {
  childrenOf,
  dispositionOf,
  endsByDefault,
  isNamespaceInit,
  signalName,
  signalNumber,
} from './process-table.ts';

it('tells how a process treats a signal', async () => {
  // Waits in a builtin: a shell that starts another program blocks every signal for a moment.
  const script = 'trap "" USR1; trap : USR2; echo ready; read -r line';
  const child = spawn('sh', ['-c', script], { stdio: ['pipe', 'pipe', 'ignore'] });
  const { pid = -1 } = child;
  await once(child.stdout, 'data');
  expect(dispositionOf(pid, signalNumber('SIGUSR1'))).toBe('ignored');
  expect(dispositionOf(pid, signalNumber('SIGUSR2'))).toBe('caught');
  expect(dispositionOf(pid, signalNumber('SIGTERM'))).toBe('default');
  expect(childrenOf(process.pid)).toContain(pid);
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(dispositionOf(pid, 15)).toBe('gone');
  expect(childrenOf(pid)).toEqual([]);
});

it('this process is the first of no namespace but the outermost', () => {
  expect(isNamespaceInit(1)).toBe(false);
});

it('knows which signals end a process', () => {
  expect(
    ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGPIPE'].every((name) => endsByDefault(signalNumber(name as 'SIGHUP'))),
  ).toBe(true);
  expect(
    ['SIGCHLD', 'SIGCONT', 'SIGWINCH', 'SIGTSTP'].some((name) => endsByDefault(signalNumber(name as 'SIGHUP'))),
  ).toBe(false);
  expect(endsByDefault(40)).toBe(true);
  expect(signalName(40)).toBeUndefined();
});
