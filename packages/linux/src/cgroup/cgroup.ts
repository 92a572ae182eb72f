import { accessSync, constants, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ResourceLimits } from '@boxkit/contracts';

export type Controller = 'memory' | 'cpu' | 'pids';

/** One directory to make, and what to write into its files. */
export interface CgroupDirectory {
  readonly path: string;
  readonly settings: readonly (readonly [file: string, value: string])[];
}

/** Where the cgroups of this machine are, for this process. */
export interface CgroupFiles {
  /** The contents of /proc/self/cgroup. */
  readonly membership: string;
  /** The contents of /proc/self/mountinfo. */
  readonly mounts: string;
}

/** Microseconds over which a share of the processors is counted out. */
const period = 100_000;

/** The cgroup directories that these limits need, named `name`; a text says why there can be none. */
export function planCgroups(
  limits: ResourceLimits,
  name: string,
  given?: CgroupFiles,
): readonly CgroupDirectory[] | string {
  const controllers = neededControllers(limits);
  if (controllers.length === 0) return [];
  const files = given ?? readFiles();
  const hierarchies = controllers.map((controller) => ({ controller, found: findHierarchy(controller, files) }));
  const missing = hierarchies.find(({ found }) => typeof found === 'string');
  if (typeof missing?.found === 'string') return missing.found;
  const directories = new Map<string, (readonly [string, string])[]>();
  for (const { controller, found } of hierarchies) {
    if (typeof found === 'string') continue;
    const path = join(found.parent, name);
    const settings = found.version === 1 ? settingsV1(controller, limits) : settingsV2(controller, limits);
    directories.set(path, [...(directories.get(path) ?? []), ...settings]);
  }
  return [...directories].map(([path, settings]) => ({ path, settings }));
}

/** Why limits of this controller cannot be set by this user here; undefined when they can. */
export function cgroupObstacle(controller: Controller, files: CgroupFiles = readFiles()): string | undefined {
  const found = findHierarchy(controller, files);
  return typeof found === 'string' ? found : undefined;
}

/** `cgroupObstacle` of each controller. */
export function cgroupObstacles(files: CgroupFiles = readFiles()): Readonly<Record<Controller, string | undefined>> {
  const of = (controller: Controller): string | undefined => cgroupObstacle(controller, files);
  return { memory: of('memory'), cpu: of('cpu'), pids: of('pids') };
}

/** The directories that cgroups of this process's containers are made in. */
export function cgroupParents(files: CgroupFiles = readFiles()): readonly string[] {
  const found = (['memory', 'cpu', 'pids'] as const).map((controller) => findHierarchy(controller, files));
  return [...new Set(found.flatMap((one) => (typeof one === 'string' ? [] : [one.parent])))];
}

function neededControllers({ memory, cpus, pids }: ResourceLimits): readonly Controller[] {
  const needs: readonly (readonly [Controller, number | undefined])[] = [
    ['memory', memory],
    ['cpu', cpus],
    ['pids', pids],
  ];
  return needs.filter(([, value]) => value !== undefined).map(([controller]) => controller);
}

interface Hierarchy {
  readonly version: 1 | 2;
  /** The directory below which new cgroups are made. */
  readonly parent: string;
}

function findHierarchy(controller: Controller, { membership, mounts }: CgroupFiles): Hierarchy | string {
  const own = new Map(
    membership
      .trimEnd()
      .split('\n')
      .map((line) => [line.split(':')[1] ?? '', line.split(':').slice(2).join(':')]),
  );
  const found = mounts
    .split('\n')
    .map(parseMount)
    .find(({ type, options }) => type === 'cgroup' && options.includes(controller));
  if (found !== undefined) {
    const line = [...own].find(([controllers]) => controllers.split(',').includes(controller));
    return writable({ version: 1, parent: join(found.point, line?.[1] ?? '/') }, controller);
  }
  const unified = mounts
    .split('\n')
    .map(parseMount)
    .find(({ type }) => type === 'cgroup2');
  if (unified === undefined) return 'no cgroup file system is mounted';
  return unifiedParent(unified.point, own.get('') ?? '/', controller);
}

/** In a unified hierarchy processes live in leaves only, so a new cgroup goes beside one's own. cgroups(7). */
function unifiedParent(root: string, own: string, controller: Controller): Hierarchy | string {
  const candidates = [join(root, dirname(own)), root];
  const able = candidates.find((path) => read(join(path, 'cgroup.subtree_control')).split(/\s+/).includes(controller));
  if (able === undefined) return `the ${controller} controller is not delegated to this user`;
  return writable({ version: 2, parent: able }, controller);
}

function writable(hierarchy: Hierarchy, controller: Controller): Hierarchy | string {
  try {
    accessSync(hierarchy.parent, constants.W_OK);
    return hierarchy;
  } catch {
    return `the ${controller} controller is not delegated to this user`;
  }
}

function settingsV1(controller: Controller, { memory, cpus = 0, pids }: ResourceLimits): readonly [string, string][] {
  if (controller === 'memory') return [['memory.limit_in_bytes', String(memory)]];
  if (controller === 'pids') return [['pids.max', String(pids)]];
  return [
    ['cpu.cfs_period_us', String(period)],
    ['cpu.cfs_quota_us', String(Math.round(cpus * period))],
  ];
}

function settingsV2(controller: Controller, { memory, cpus = 0, pids }: ResourceLimits): readonly [string, string][] {
  if (controller === 'memory') return [['memory.max', String(memory)]];
  if (controller === 'pids') return [['pids.max', String(pids)]];
  return [['cpu.max', `${Math.round(cpus * period)} ${period}`]];
}

function parseMount(line: string): {
  readonly point: string;
  readonly type: string;
  readonly options: readonly string[];
} {
  const [before = '', after = ''] = line.split(' - ');
  const [type = '', , options = ''] = after.split(' ');
  return { point: before.split(' ')[4] ?? '', type, options: options.split(',') };
}

function readFiles(): CgroupFiles {
  return { membership: read('/proc/self/cgroup'), mounts: read('/proc/self/mountinfo') };
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // not there: no such hierarchy
    return '';
  }
}
