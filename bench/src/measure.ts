import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { tryCommand } from '@boxkit/testkit';
import { sampleMemory } from './memory-sampler.ts';

/** What one run of a command cost, its children included. */
export interface Cost {
  /** Seconds. */
  readonly wall: number;
  /** Seconds of processor time, user and system. */
  readonly cpu: number;
  /** Bytes: the most that all its processes together had resident, looked at again and again, or the largest of them alone. */
  readonly memory: number;
  /** Its standard output. */
  readonly printed: string;
}

/** Runs a shell command under GNU time, with the clock started when everything before has reached the disk. */
export async function measure(
  script: string,
  work: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<Cost> {
  await tryCommand('sync', []);
  const report = join(work, '.time');
  const args = ['-q', '-o', report, '-f', '%e %U %S %M', 'sh', '-ec', script];
  const env = { ...process.env, ...environment };
  const sampler = sampleMemory();
  const started = process.hrtime.bigint();
  const result = await tryCommand('/usr/bin/time', args, { cwd: work, env, timeout: 1_200_000 });
  const wall = Number(process.hrtime.bigint() - started) / 1e9;
  const together = sampler.stop();
  if (result.code !== 0) throw new Error(`${script}: ${result.code} ${result.stderr.slice(-2000)}`);
  const [, user, system, kibibytes] = (await readFile(report, 'utf8')).trim().split(' ').map(Number);
  await rm(report);
  return {
    wall,
    cpu: (user ?? 0) + (system ?? 0),
    memory: Math.max(together, (kibibytes ?? 0) * 1024),
    printed: result.stdout,
  };
}

export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((one, other) => one - other);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}
