import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupParents, type CgroupFiles } from './cgroup.ts';

/** What `bundleCgroups` names a container's cgroup: the process that started it, and the containerId. */
const grammar = /^box-(\d+)-[0-9a-f]{12}$/;

/** The cgroups of containers whose launcher has died, where this process would make its own. Some may not be empty. */
export function abandonedCgroups(files?: CgroupFiles): readonly string[] {
  return cgroupParents(files).flatMap((parent) =>
    namesIn(parent)
      .filter((name) => !existsSync(`/proc/${grammar.exec(name)?.[1] ?? 'self'}`))
      .map((name) => join(parent, name)),
  );
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    // not this user's to list
    return [];
  }
}
