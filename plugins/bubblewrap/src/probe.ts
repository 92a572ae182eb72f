import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Probe } from '@boxkit/contracts';
import { findProgram, hostEnvironment } from '@boxkit/linux';

/** Lets bwrap make its namespaces once, around a program that does nothing. */
export async function probeBubblewrap(): Promise<Probe> {
  const bwrap = findProgram('bwrap');
  if (bwrap === undefined) {
    return { available: false, reason: 'there is no program bwrap', hint: 'Install bubblewrap.' };
  }
  const user = process.geteuid?.() === 0 ? [] : ['--unshare-user', '--uid', '0', '--gid', '0'];
  const argv = [
    ...user,
    ...['--unshare-pid', '--unshare-ipc', '--unshare-uts', '--unshare-cgroup-try'],
    ...['--ro-bind', '/', '/', '--proc', '/proc', '--dev', '/dev', '--cap-add', 'ALL', '--as-pid-1', '--'],
    findProgram('true') ?? '/bin/true',
  ];
  try {
    await promisify(execFile)(bwrap, argv, { env: hostEnvironment, timeout: 5000, cwd: '/' });
    return { available: true };
  } catch (error) {
    const text = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
    return {
      available: false,
      reason: text === '' ? 'the kernel refuses the namespaces' : text,
      hint: 'Allow user namespaces (sysctl user.max_user_namespaces), or give root CAP_SYS_ADMIN.',
    };
  }
}
