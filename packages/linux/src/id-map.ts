import { spawn, type SpawnOptions, type ChildProcess } from 'node:child_process';
import { accessSync, constants, readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { delimiter, join } from 'node:path';
import type { IdMap, IdRange } from '@boxkit/contracts';

/** Where the system's grants are read from; for tests. */
export interface GrantFiles {
  readonly subuid: string;
  readonly subgid: string;
}

const systemGrants: GrantFiles = { subuid: '/etc/subuid', subgid: '/etc/subgid' };

/** The id map of a caller without grants: all files are the caller's, who is root inside. */
export function singleIdMap(): IdMap {
  return { kind: 'single', uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
}

/** An id map, and why it is no wider; undefined where there is no wider one. */
export interface ExplainedIdMap {
  readonly idMap: IdMap;
  readonly why?: string;
}

/**
 * The widest id map that this user may have: the host's ids for root, the range granted in /etc/subuid and
 * /etc/subgid when newuidmap and newgidmap are installed, else a single id. Reads files only: whether
 * the kernel allows a user namespace at all is for a probe to say.
 */
export function grantedIdMap(grants: GrantFiles = systemGrants): IdMap {
  return explainIdMap(grants).idMap;
}

/** The same, with the reason for a single id. */
export function explainIdMap(grants: GrantFiles = systemGrants): ExplainedIdMap {
  const single = singleIdMap();
  if (single.kind !== 'single' || single.uid === 0) return { idMap: { kind: 'host' } };
  const name = userName();
  // newuidmap(1) looks its caller up, and refuses one that it does not find, whatever is granted to the number.
  if (name === undefined) return { idMap: single, why: `the user ${single.uid} has no entry in /etc/passwd` };
  const names = new Set([String(single.uid), name]);
  const uids = widestGrant(grants.subuid, names);
  const gids = widestGrant(grants.subgid, names);
  if (uids === undefined || gids === undefined) {
    const file = uids === undefined ? grants.subuid : grants.subgid;
    return { idMap: single, why: `${file} grants nothing to ${name}` };
  }
  const missing = ['newuidmap', 'newgidmap'].find((program) => !onPath(program));
  if (missing !== undefined) return { idMap: single, why: `${missing} is not installed (Debian's package uidmap)` };
  return {
    idMap: {
      kind: 'subordinate',
      uids: [{ container: 0, host: single.uid, size: 1 }, uids],
      gids: [{ container: 0, host: single.gid, size: 1 }, gids],
    },
  };
}

/**
 * Whether this process is root of the whole machine, not only of a user namespace: it may make device nodes and set
 * `trusted.` attributes. A root that lacks the capabilities still finds out when it tries.
 */
export function isMachineRoot(): boolean {
  return process.geteuid?.() === 0 && /^\s*0\s+0\s+4294967295\s*$/.test(readLines('/proc/self/uid_map').join('\n'));
}

/**
 * The options of util-linux's `unshare` that enter a new user namespace with this map, as root inside; none for the
 * host's ids. Ranges are spelled `outer,inner,count`: the only form of 2.38, still read by later releases.
 */
export function unshareArguments(idMap: IdMap): string[] {
  if (idMap.kind === 'host') return [];
  if (idMap.kind === 'single') return ['--user', '--map-root-user'];
  const option = (name: string, ranges: readonly IdRange[]): string[] =>
    ranges
      .filter(({ container }) => container !== 0)
      .map((range) => `--${name}=${range.host},${range.container},${range.size}`);
  return ['--user', '--map-root-user', ...option('map-users', idMap.uids), ...option('map-groups', idMap.gids)];
}

/** The command that runs `argv` as root of a user namespace with this map; `argv` itself for the host's ids. */
export function inIdMap(idMap: IdMap, argv: readonly [string, ...string[]]): [string, ...string[]] {
  return idMap.kind === 'host' ? [...argv] : ['unshare', ...unshareArguments(idMap), '--', ...argv];
}

/**
 * Starts a command as root of a user namespace with this map. Options are those of node:child_process `spawn`; end it with
 * `killInIdMap`, or by `signal`.
 */
export function spawnInIdMap(
  idMap: IdMap,
  argv: readonly [string, ...string[]],
  { signal, ...options }: SpawnOptions = {},
): ChildProcess {
  const [command, ...args] = inIdMap(idMap, argv);
  // A process group of its own, see killInIdMap.
  const child = spawn(command, args, { ...options, detached: true });
  const abort = (): void => killInIdMap(child);
  if (signal?.aborted === true) abort();
  signal?.addEventListener('abort', abort, { once: true });
  child.once('close', () => signal?.removeEventListener('abort', abort));
  return child;
}

/**
 * Ends what spawnInIdMap started, with all that it started. While unshare(1) sets up the ids, a child of it waits for
 * it, and would for ever if it alone were killed.
 */
export function killInIdMap(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // All of it has ended.
  }
}

/** The id on the disk of an id inside, or undefined when the map does not reach it. */
export function hostId(ranges: readonly IdRange[], containerId: number): number | undefined {
  const range = ranges.find(({ container, size }) => containerId >= container && containerId < container + size);
  return range === undefined ? undefined : range.host + containerId - range.container;
}

/** The id inside of an id on the disk, or undefined when it is not in the map. */
export function containerId(ranges: readonly IdRange[], diskId: number): number | undefined {
  const range = ranges.find(({ host, size }) => diskId >= host && diskId < host + size);
  return range === undefined ? undefined : range.container + diskId - range.host;
}

/** util-linux 2.38 takes one range beside the mapped root, so the widest granted one is used. subuid(5). */
function widestGrant(file: string, names: ReadonlySet<string>): IdRange | undefined {
  let widest: IdRange | undefined;
  for (const line of readLines(file)) {
    const [name = '', first = '', count = ''] = line.split(':');
    if (!names.has(name) || !/^\d+$/.test(first) || !/^\d+$/.test(count)) continue;
    const range = { container: 1, host: Number(first), size: Number(count) };
    if (range.size > (widest?.size ?? 0)) widest = range;
  }
  return widest;
}

function readLines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n');
  } catch {
    // No file, or none that this user may read: no grant.
    return [];
  }
}

function userName(): string | undefined {
  try {
    return userInfo().username;
  } catch {
    // ENOENT: no passwd entry.
    return undefined;
  }
}

function onPath(program: string): boolean {
  const directories = (process.env['PATH'] ?? '').split(delimiter).filter((directory) => directory !== '');
  return [...directories, '/usr/bin', '/usr/sbin'].some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
