import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Probe } from '@boxkit/contracts';
import { findProgram, hostEnvironment, singleIdMap, unshareArguments } from '@boxkit/linux';

/** Makes the namespaces once, around a program that does nothing. */
export async function probeUnshare(): Promise<Probe> {
  const unshare = findProgram('unshare');
  if (unshare === undefined) {
    return { available: false, reason: 'there is no program unshare', hint: 'Install util-linux.' };
  }
  const user = process.geteuid?.() === 0 ? [] : unshareArguments(singleIdMap());
  const namespaces = ['--mount', '--pid', '--uts', '--ipc', '--cgroup', '--fork', '--kill-child'];
  // mounting /proc is what fails where an outer container masks parts of it
  const argv = [...user, ...namespaces, '--mount-proc', '--', findProgram('true') ?? '/bin/true'];
  try {
    await promisify(execFile)(unshare, argv, { env: hostEnvironment, timeout: 5000, cwd: '/' });
    return { available: true };
  } catch (error) {
    return { available: false, reason: reasonOf(error), hint: hintOf() };
  }
}

function reasonOf(error: unknown): string {
  const text = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
  return text === '' ? 'the kernel refuses the namespaces' : text;
}

function hintOf(): string {
  return process.geteuid?.() === 0
    ? 'Give the process CAP_SYS_ADMIN (an outer container may lack it).'
    : 'Allow user namespaces: sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns.';
}
