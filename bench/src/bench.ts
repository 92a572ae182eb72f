import { chmod } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { measure, median, type Cost } from './measure.ts';
import { storageMaker } from './storage.ts';

export interface BenchOptions {
  readonly rounds: number;
  /** All when undefined. */
  readonly images: readonly string[] | undefined;
  readonly storages: readonly string[];
}

export interface Contestant {
  readonly name: string;
  /** What is not measured: to warm a store, say. */
  readonly prepare?: string;
  /** For `sh -ec`, in a directory of its own. */
  readonly script: string;
  /** What it prints is shown. */
  readonly tells?: boolean;
}

export const workspace = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const box = join(workspace, 'node_modules/.bin/box');

/** Runs all in turn, so many rounds, each time on fresh storage, and prints medians as ratios to the first. */
export async function compete(title: string, contestants: readonly Contestant[], options: BenchOptions): Promise<void> {
  for (const kind of options.storages) {
    await using storage = await storageMaker(kind);
    const costs = new Map<string, Cost[]>();
    const failures = new Map<string, string>();
    for (let round = 0; round < options.rounds; round++) {
      for (const contestant of contestants) {
        if (failures.has(contestant.name)) continue;
        await using fresh = await storage.make();
        await chmod(fresh.path, 0o755);
        const environment = { BOX_HOME: join(fresh.path, 'box'), TMPDIR: '/tmp' };
        try {
          if (contestant.prepare !== undefined) await measure(contestant.prepare, fresh.path, environment);
          const cost = await measure(contestant.script, fresh.path, environment);
          if (contestant.tells === true) process.stdout.write(cost.printed);
          costs.set(contestant.name, [...(costs.get(contestant.name) ?? []), cost]);
        } catch (error) {
          failures.set(contestant.name, error instanceof Error ? (error.message.split('\n').at(-2) ?? '') : '');
        }
      }
    }
    process.stdout.write(`\n${title}, on ${kind}, medians of ${options.rounds}\n`);
    process.stdout.write(table(contestants, costs, failures));
  }
}

function table(
  contestants: readonly Contestant[],
  costs: ReadonlyMap<string, readonly Cost[]>,
  failures: ReadonlyMap<string, string>,
): string {
  const first = costs.get(contestants[0]?.name ?? '') ?? [];
  const reference = median(first.map(({ wall }) => wall));
  const rows = contestants.map(({ name }) => {
    const runs = costs.get(name) ?? [];
    if (runs.length === 0) return `${name.padEnd(24)} cannot: ${failures.get(name) ?? 'did not run'}`.slice(0, 200);
    const walls = runs.map(({ wall }) => wall);
    const wall = median(walls);
    const ratio = reference / wall;
    const cells = [
      `${wall.toFixed(wall < 1 ? 3 : 2)} s`,
      `(${[Math.min(...walls), Math.max(...walls)].map((one) => one.toFixed(one < 1 ? 3 : 2)).join('-')})`,
      `first takes ${ratio.toFixed(2)}x`,
      `cpu ${median(runs.map(({ cpu }) => cpu)).toFixed(2)} s`,
      `peak ${(Math.max(...runs.map(({ memory }) => memory)) / 1e6).toFixed(0)} MB`,
    ];
    return `${name.padEnd(24)}${cells.map((cell) => cell.padStart(18)).join('')}`;
  });
  return `${rows.join('\n')}\n`;
}
