import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ContainerRecord, DiskStore } from '@boxkit/store';
import { detailsOf } from './details.ts';
import { findContainer, requireProcess } from './find.ts';
import { describe, processesOf } from './processes.ts';
import { readBundle } from './saved-bundle.ts';
import type { ContainerProcessInfo, ContainerStats } from './types.ts';

/** What a container uses now, from its cgroups where it has some, else from its processes. */
export async function stats(store: DiskStore, text: string): Promise<ContainerStats> {
  const record = await findContainer(store, text);
  requireProcess(record, 'measure');
  return measure(record);
}

function measure(record: ContainerRecord): ContainerStats {
  const { containerId, name } = record;
  const { cgroups } = detailsOf(record);
  const processes = processesOf(record)
    .map(describe)
    .filter((found) => found !== undefined);
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  const memory = firstNumber(cgroups, ['memory.current', 'memory.usage_in_bytes']);
  const cpu = cpuTime(cgroups);
  const memoryLimit = firstNumber(cgroups, ['memory.max', 'memory.limit_in_bytes']);
  const pidsLimit = readBundle(record.path).limits.pids;
  return {
    containerId,
    name,
    source: { memory: memory === undefined ? 'processes' : 'cgroup', cpu: cpu === undefined ? 'processes' : 'cgroup' },
    memory: memory ?? sum(processes.map((process) => process.memory)),
    ...(memoryLimit === undefined ? {} : { memoryLimit }),
    cpuTime: cpu ?? sum(processes.map((process) => process.cpuTime)),
    pids: tasks(cgroups, processes) ?? processes.length,
    ...(pidsLimit === undefined ? {} : { pidsLimit }),
  };
}

/** Processes and threads in a cgroup, without those of box's own that wait there for the container's. */
function tasks(cgroups: readonly string[], processes: readonly ContainerProcessInfo[]): number | undefined {
  const count = firstNumber(cgroups, ['pids.current']);
  if (count === undefined) return undefined;
  const ours = new Set(processes.map(({ pid }) => String(pid)));
  const all = cgroups.flatMap((directory) => read(join(directory, 'cgroup.procs')) ?? []).join('');
  return count - new Set(all.split('\n').filter((pid) => pid !== '' && !ours.has(pid))).size;
}

/** Milliseconds. */
function cpuTime(cgroups: readonly string[]): number | undefined {
  for (const directory of cgroups) {
    const unified = /^usage_usec (\d+)$/m.exec(read(join(directory, 'cpu.stat')) ?? '')?.[1];
    if (unified !== undefined) return Math.round(Number(unified) / 1000);
    const nanoseconds = read(join(directory, 'cpuacct.usage'));
    if (nanoseconds !== undefined) return Math.round(Number(nanoseconds) / 1_000_000);
  }
  return undefined;
}

/** The first of these files that is there and has a number in it; `max` means no limit. */
function firstNumber(cgroups: readonly string[], files: readonly string[]): number | undefined {
  for (const directory of cgroups) {
    for (const file of files) {
      const text = read(join(directory, file))?.trim();
      if (text !== undefined && /^\d+$/.test(text)) return Number(text);
    }
  }
  return undefined;
}

function read(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'latin1') : undefined;
}
