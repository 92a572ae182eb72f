import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runCommand, temporaryDirectory, tryCommand } from '@boxkit/testkit';

/** A file system that is new for each run, so that none pays for what the one before deleted. */
export interface FreshStorage extends AsyncDisposable {
  readonly path: string;
}

export type StorageMaker = () => Promise<FreshStorage>;

const size = 8 * 2 ** 30;

/**
 * `disk`: a freshly made ext4 in a file whose blocks are allocated beforehand, loop-mounted. `tmpfs`: memory. Without
 * root there is only a plain directory, whose figures say less.
 */
export async function storageMaker(kind: string): Promise<{ make: StorageMaker } & AsyncDisposable> {
  const base = await temporaryDirectory('bench', kind === 'disk' ? '/var/tmp' : undefined);
  const dispose = async (): Promise<void> => {
    await base[Symbol.asyncDispose]();
  };
  if (process.getuid?.() !== 0) {
    process.stderr.write('not root: the storage is a plain directory, and the figures are rough\n');
    return { make: () => temporaryDirectory('storage', base.path), [Symbol.asyncDispose]: dispose };
  }
  const mountPoint = join(base.path, 'mounted');
  await mkdir(mountPoint);
  const mounted = (): FreshStorage => ({
    path: mountPoint,
    [Symbol.asyncDispose]: () => unmount(mountPoint),
  });
  if (kind === 'tmpfs') {
    const make = async (): Promise<FreshStorage> => {
      await runCommand('mount', ['-t', 'tmpfs', '-o', 'size=90%', 'boxkit-bench', mountPoint]);
      return mounted();
    };
    return { make, [Symbol.asyncDispose]: dispose };
  }
  const image = join(base.path, 'ext4');
  await runCommand('fallocate', ['-l', String(size), image]);
  const make = async (): Promise<FreshStorage> => {
    const options = ['-E', 'nodiscard,lazy_itable_init=0,lazy_journal_init=0', '-i', '16384'];
    await runCommand('mkfs.ext4', ['-q', '-F', ...options, image]);
    await runCommand('mount', ['-o', 'loop', image, mountPoint]);
    await rm(join(mountPoint, 'lost+found'), { recursive: true });
    return mounted();
  };
  return { make, [Symbol.asyncDispose]: dispose };
}

/** A peer's monitor may hold on to it for a moment after the command has ended. */
async function unmount(mountPoint: string): Promise<void> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const { code } = await tryCommand('umount', ['--recursive', mountPoint]);
    if (code === 0) return;
    await sleep(100);
  }
  await runCommand('umount', ['--recursive', mountPoint]);
}
