import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { ContainerRecord, DiskStore } from '@boxkit/store';
import { detailsOf } from './details.ts';
import { findContainer, leftovers, requireProcess } from './find.ts';
import type { ContainerProcessInfo } from './types.ts';

/** The kernel's USER_HZ, which is 100 wherever box runs: milliseconds of one tick of /proc/<pid>/stat. */
const tick = 10;
const pageSize = 4096;

export async function top(store: DiskStore, text: string): Promise<readonly ContainerProcessInfo[]> {
  const record = await findContainer(store, text);
  requireProcess(record, 'list the processes of');
  return processesOf(record)
    .map(describe)
    .filter((found) => found !== undefined);
}

/** The pids of all processes of a running container: of its PID namespace, or with its root where it has none. */
export function processesOf(record: ContainerRecord): readonly number[] {
  if (detailsOf(record).root !== undefined) return leftovers(record);
  const namespace = namespaceOf(requireProcess(record, 'list the processes of'));
  if (namespace === undefined || namespace === namespaceOf('self')) return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => namespaceOf(pid) === namespace);
}

function namespaceOf(pid: number | 'self'): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    // ended, or another user's
    return undefined;
  }
}

/** One process as /proc has it; undefined when it has ended meanwhile. */
export function describe(pid: number): ContainerProcessInfo | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    const argv = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
    const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const field = (wanted: string): string => new RegExp(`^${wanted}:\\s*(.*)$`, 'm').exec(status)?.[1] ?? '';
    return {
      pid,
      containerPid: Number(field('NSpid').split(/\s+/).at(-1) ?? pid),
      parentPid: Number(fields[1]),
      uid: Number(field('Uid').split(/\s+/)[0]),
      state: fields[0] ?? '?',
      cpuTime: (Number(fields[11]) + Number(fields[12])) * tick,
      memory: Number(fields[21]) * pageSize,
      command: argv === '' ? `[${name}]` : argv,
    };
  } catch {
    return undefined;
  }
}
