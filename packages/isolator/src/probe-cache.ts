import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Isolator, Probe } from '@boxkit/contracts';

/**
 * Probes a backend, or recalls that it worked since this machine was booted: a probe makes namespaces, which takes
 * longer than a container's start. A failure is never recalled, since it may be remedied meanwhile.
 */
export async function probeOnce(isolator: Isolator, home: string): Promise<Probe> {
  // A file of its own: the rootfs drivers keep theirs beside it, in another form.
  const path = join(home, 'isolators.json');
  const key = `${bootId()} ${process.geteuid?.() ?? 0} ${isolator.name}`;
  const known = recall(path);
  if (known.includes(key)) return { available: true };
  const probe = await isolator.probe();
  if (probe.available) remember(path, [...known.filter((entry) => entry.startsWith(bootId())), key]);
  return probe;
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    // without /proc nothing can be recalled safely
    return `${process.pid}`;
  }
}

function recall(path: string): readonly string[] {
  try {
    const entries: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return Array.isArray(entries) ? entries.filter((entry) => typeof entry === 'string') : [];
  } catch {
    // not there, or torn: probe again
    return [];
  }
}

function remember(path: string, entries: readonly string[]): void {
  try {
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(`${path}.${process.pid}`, JSON.stringify(entries));
    renameSync(`${path}.${process.pid}`, path);
  } catch {
    // a home that cannot be written to only costs the next probe
  }
}
