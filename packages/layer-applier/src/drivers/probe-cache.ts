import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';

/**
 * What probing found, kept in the home: mounting for a probe takes longer than everything else of a warm start. An
 * answer holds for one boot of one kernel, one user and one file system.
 */
export interface ProbeCache {
  /** The kept answer to `question`, or the one that `ask` finds now. */
  answer<Answer>(question: string, ask: () => Promise<Answer>): Promise<Answer>;
}

interface Kept {
  readonly key: string;
  readonly answers: Readonly<Record<string, unknown>>;
}

export function openProbeCache(home: string): ProbeCache {
  const file = join(home, 'probes.json');
  const key = keyOf(home);
  return {
    async answer<Answer>(question: string, ask: () => Promise<Answer>) {
      const { answers } = read(file, key);
      if (question in answers) return answers[question] as Answer;
      const answer = await ask();
      // Read again: another question may have been answered meanwhile.
      write(file, { key, answers: { ...read(file, key).answers, [question]: answer } });
      return answer;
    },
  };
}

function keyOf(home: string): string {
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return [boot, release(), process.geteuid?.(), statSync(home).dev].join(' ');
}

function read(file: string, key: string): Kept {
  try {
    const kept = JSON.parse(readFileSync(file, 'utf8')) as Kept;
    if (kept.key === key) return kept;
  } catch {
    // None yet, or one that a crash cut short: probe again.
  }
  return { key, answers: {} };
}

function write(file: string, kept: Kept): void {
  try {
    const staged = `${file}.${process.pid}`;
    writeFileSync(staged, JSON.stringify(kept), { mode: 0o600 });
    renameSync(staged, file);
  } catch {
    // A home that cannot be written: the next command probes again.
  }
}
