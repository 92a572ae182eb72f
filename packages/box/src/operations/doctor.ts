import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import type { Probe } from '@boxkit/contracts';
import { explainIdMap } from '@boxkit/linux';
import type { Cancellable, Diagnosis } from '../options.ts';
import { openScope } from './machine.ts';
import type { Machine } from './machine.ts';

/** Programs that box uses when they are there: what for, and which Debian package has them. */
const tools = [
  { name: 'bwrap', what: 'the backend bubblewrap', from: 'bubblewrap' },
  { name: 'unshare', what: 'the backend unshare', from: 'util-linux' },
  { name: 'newuidmap', what: 'more than one user id without root', from: 'uidmap' },
  { name: 'newgidmap', what: 'more than one group id without root', from: 'uidmap' },
  { name: 'igzip', what: 'faster unpacking of gzip layers', from: 'isal' },
  { name: 'pasta', what: 'private networks', from: 'passt' },
  { name: 'slirp4netns', what: 'private networks where pasta is missing', from: 'slirp4netns' },
] as const;

/** Asks every backend, rootfs driver, source and tool whether it works here. */
export async function doctor(options: Cancellable, machine: Machine): Promise<readonly Diagnosis[]> {
  await using scope = openScope(machine, options);
  const registry = await machine.plugins.with('isolators', 'rootfs', 'sources');
  const privilege = process.getuid?.() === 0 ? 'root' : 'user';
  const isolators = await Promise.all(
    registry.isolators.map(async (isolator): Promise<Diagnosis> => ({
      kind: 'isolator',
      name: isolator.name,
      probe: await settled(isolator.probe()),
      capabilities: isolator.capabilities(privilege),
    })),
  );
  const drivers = await Promise.all(
    registry.rootfsDrivers.map(async (driver): Promise<Diagnosis> => ({
      kind: 'rootfs-driver',
      name: driver.name,
      probe: await settled(driver.probe(scope.context)),
    })),
  );
  const sources = registry.sources.map((source): Diagnosis => ({
    kind: 'source',
    name: source.scheme,
    probe: { available: true },
    description: source.description,
  }));
  return [...isolators, ...drivers, ...sources, ...tools.map(diagnoseTool), diagnoseIds()];
}

/** Whether files can have their true owners, or why they are all the caller's. */
function diagnoseIds(): Diagnosis {
  const { idMap, why } = explainIdMap();
  const ranges = idMap.kind === 'subordinate' ? idMap.uids : [];
  const note = ranges.map(({ host, size }) => (size === 1 ? String(host) : `${host}-${host + size - 1}`)).join(', ');
  const probe: Probe =
    idMap.kind === 'single'
      ? {
          available: false,
          reason: `all files are yours: ${why ?? 'no ids are granted'}`,
          hint: 'A line in /etc/subuid and in /etc/subgid (usermod --add-subuids) gives files their true owners.',
        }
      : { available: true, note: idMap.kind === 'host' ? "all of the machine's" : note };
  return { kind: 'tool', name: 'ids', description: 'the true owners of files', probe };
}

/** A probe that throws is a plugin's defect; the others' answers are wanted all the same. */
async function settled(probe: Promise<Probe>): Promise<Probe> {
  try {
    return await probe;
  } catch (error) {
    return { available: false, reason: `its probe failed: ${error instanceof Error ? error.message : String(error)}` };
  }
}

function diagnoseTool({ name, what, from }: (typeof tools)[number]): Diagnosis {
  const path = findProgram(name);
  const probe: Probe =
    path === undefined
      ? { available: false, reason: 'not on the PATH', hint: `apt install ${from}` }
      : { available: true, note: path };
  return { kind: 'tool', name, description: what, probe };
}

/** Absolute path of a program, as a shell finds it, and in the places that a user's PATH often lacks. */
function findProgram(name: string): string | undefined {
  const directories = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin'];
  return directories
    .filter((directory) => directory.startsWith('/'))
    .map((directory) => join(directory, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}
