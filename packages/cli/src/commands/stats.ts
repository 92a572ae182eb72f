import { setTimeout as delay } from 'node:timers/promises';
import type { Box, ContainerStats } from '@boxkit/box';
import { defineCommand } from '../command.ts';
import { formatBytes, formatTable } from '../output/format.ts';

/** Milliseconds over which processor time is measured. */
const interval = 1000;

export const stats = defineCommand({
  name: 'stats',
  summary: 'show what containers use',
  description: `Processor time over one second, memory and processes, once. They come from the container's cgroup where it has
one (with --memory, --cpus or --pids-limit), otherwise they are the sum of its processes.`,
  options: { 'no-stream': { type: 'flag', summary: 'once, as it is always' } },
  operands: { usage: '[CONTAINER...]', min: 0, max: Infinity },
  examples: [
    { line: 'box stats', what: 'all that run' },
    { line: 'box stats --json web', what: 'for a program: bytes and milliseconds' },
  ],
  async run({ operands, global, signal, openBox, write }) {
    const box = await openBox();
    const names = operands.length > 0 ? operands : await runningNames(box);
    const before = await Promise.all(names.map((name) => box.containers.stats(name)));
    if (global.json) {
      write(`${JSON.stringify(before, undefined, 2)}\n`);
      return 0;
    }
    const began = performance.now();
    if (names.length > 0) await delay(interval, undefined, { signal });
    const after = await Promise.all(names.map((name) => box.containers.stats(name)));
    const passed = performance.now() - began;
    const rows = after.map((now, at) => row(now, before[at] ?? now, passed));
    write(formatTable(['CONTAINER ID', 'NAME', 'CPU', 'MEMORY', 'PIDS', 'FROM'], rows));
    return 0;
  },
});

async function runningNames(box: Box): Promise<readonly string[]> {
  const listed = await box.containers.list();
  return listed
    .filter(({ status }) => status === 'running' || status === 'paused')
    .map(({ containerId }) => containerId);
}

function row(now: ContainerStats, before: ContainerStats, passed: number): readonly string[] {
  const share = (100 * (now.cpuTime - before.cpuTime)) / passed;
  const of = (limit: number | undefined, format: (value: number) => string): string =>
    limit === undefined ? '' : ` / ${format(limit)}`;
  return [
    now.containerId.slice(0, 12),
    now.name,
    `${Math.max(0, share).toFixed(1)} %`,
    formatBytes(now.memory) + of(now.memoryLimit, formatBytes),
    String(now.pids) + of(now.pidsLimit, String),
    now.source.memory,
  ];
}
