import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import type { ExitStatus } from '@boxkit/contracts';
import { signalName } from '@boxkit/launcher';

const fileName = 'signal';

/** Leaves word for who holds a container that the SIGKILL which is about to come stands for another signal. */
export function noteSignal(containerPath: string, meant: number): void {
  try {
    writeFileSync(join(containerPath, fileName), String(meant), { mode: 0o600 });
  } catch {
    // removed just now, or a full disk: the status is then that of SIGKILL
  }
}

/** How a container ended, by the signal that was meant. */
export function meantStatus(containerPath: string, status: ExitStatus): ExitStatus {
  if (status.code !== 128 + constants.signals.SIGKILL) return status;
  const path = join(containerPath, fileName);
  let meant: number;
  try {
    meant = Number(readFileSync(path, 'latin1'));
    rmSync(path, { force: true });
  } catch {
    // SIGKILL it was
    return status;
  }
  const signal = signalName(meant);
  return { code: 128 + meant, ...(signal === undefined ? {} : { signal }) };
}
