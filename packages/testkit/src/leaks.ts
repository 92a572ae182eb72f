import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';

/** What a test could leave behind on this machine. */
export interface SystemSnapshot {
  /** Mount points of this mount namespace. */
  readonly mounts: readonly string[];
  /** `pid command` of every process that is not a kernel thread. */
  readonly processes: readonly string[];
  /** Names in the directory for temporary files. */
  readonly temporary: readonly string[];
}

/** Looks at mounts, processes and temporary files. `below` confines processes and mounts to those that name this path. */
export function systemSnapshot(below?: string): SystemSnapshot {
  const concerns = (text: string): boolean => below === undefined || text.includes(below);
  return {
    mounts: readFileSync('/proc/self/mountinfo', 'utf8').split('\n').map(mountPoint).filter(concerns),
    processes: readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(describeProcess)
      .filter((text) => text !== '' && concerns(text)),
    temporary: readdirSync(tmpdir()),
  };
}

/** What is there now and was not before, as lines for a failing test to show. */
export function leftBehind(before: SystemSnapshot, after: SystemSnapshot): string[] {
  const added = (kind: keyof SystemSnapshot): string[] =>
    after[kind].filter((item) => !before[kind].includes(item)).map((item) => `${kind}: ${item}`);
  return [...added('mounts'), ...added('processes'), ...added('temporary')];
}

/** `/a\040b` is how mountinfo writes a space. */
function mountPoint(line: string): string {
  const escaped = line.split(' ')[4] ?? '';
  return escaped.replaceAll(/\\([0-7]{3})/g, (_all, octal: string) => String.fromCodePoint(Number.parseInt(octal, 8)));
}

/** The command line with the working directory and root, by which a container's process can be known. */
function describeProcess(pid: string): string {
  try {
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
    return command === '' ? '' : `${pid} ${command} (${readlinkSync(`/proc/${pid}/root`)})`;
  } catch {
    // It ended meanwhile, or belongs to another user.
    return '';
  }
}
