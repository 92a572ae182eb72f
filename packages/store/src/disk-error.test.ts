import { chmodSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { requireRoot, requireTool, runCommand, temporaryDirectory, type TemporaryDirectory } from '@boxkit/testkit';
import { expect, test } from 'vitest';
import { diskError } from './disk-error.ts';

const child = fileURLToPath(new URL('./testing/child.ts', import.meta.url));
const uid = 12_345;
const asOther = `setpriv --reuid ${uid} --regid ${uid} --clear-groups`;

/** Runs a script in a mount namespace of its own, with `$D` the directory and `$BOX` the program, and gives its lines. */
async function script(directory: TemporaryDirectory, text: string): Promise<string[]> {
  const env = { ...process.env, D: directory.path, BOX: `${process.execPath} ${child}`, NODE: process.execPath };
  const { stdout } = await runCommand('unshare', ['--mount', 'sh', '-euc', text], { env });
  return stdout.split('\n').slice(0, -1);
}

test('a full disk is one clear error, and the next pull goes on when there is room', async (context) => {
  requireRoot(context);
  await using directory = await temporaryDirectory('full');
  const lines = await script(
    directory,
    `mount -t tmpfs -o size=8m none $D
     head -c 6000000 /dev/zero >$D/filler
     $BOX write $D/home 1 5000000
     $BOX check $D/home
     rm $D/filler
     $BOX write $D/home 1 5000000
     $BOX check $D/home`,
  );
  expect(lines).toEqual([
    'started 1 0',
    expect.stringMatching(/^error ERR_BOX_STORE_FULL with hint: cannot keep blob sha256:\w+: no space is left/),
    'blobs 0 problems 0',
    expect.stringMatching(/^resumed 1 [1-9]\d+$/),
    expect.stringMatching(/^committed 1 /),
    'blobs 1 problems 0',
  ]);
});

test('a disk so full that not even a directory fits says so when the store is opened', async (context) => {
  requireRoot(context);
  await using directory = await temporaryDirectory('full');
  const lines = await script(directory, `mount -t tmpfs -o nr_inodes=3 none $D; $BOX write $D/home 1 1000`);
  expect(lines).toEqual([expect.stringMatching(/^error ERR_BOX_STORE_FULL with hint: cannot make the store/)]);
});

test('a quota that is used up is the same error', async (context) => {
  requireTool(context, 'strace');
  await using directory = await temporaryDirectory('quota');
  // Few kernels can be made to have a quota; all can be made to say so.
  const lines = await script(
    directory,
    `strace -f -o /dev/null -e trace=pwritev,pwrite64 -e inject=pwritev,pwrite64:error=EDQUOT:when=5+ $BOX write $D/home 1 5000000
     $BOX check $D/home
     $BOX write $D/home 1 5000000`,
  );
  expect(lines).toEqual([
    'started 1 0',
    expect.stringMatching(
      /^error ERR_BOX_STORE_FULL with hint: cannot keep blob sha256:\w+: the disk quota is used up/,
    ),
    'blobs 0 problems 0',
    expect.stringMatching(/^resumed 1 [1-9]\d+$/),
    expect.stringMatching(/^committed 1 /),
  ]);
});

test('a read-only file system can be read from, and says what it is when it is written to', async (context) => {
  requireRoot(context);
  await using directory = await temporaryDirectory('read-only');
  const lines = await script(
    directory,
    `$BOX write $D/home 1 1000
     mount --bind $D $D
     mount -o remount,ro,bind $D
     $BOX check $D/home
     $BOX write $D/home 1 1000
     $BOX write $D/home 2 1000
     $BOX write $D/elsewhere 1 1000`,
  );
  expect(lines).toEqual([
    'started 1 0',
    expect.stringMatching(/^committed 1 /),
    'blobs 1 problems 0',
    expect.stringMatching(/^error ERR_BOX_STORE_UNWRITABLE with hint: cannot write to the store .*read-only/),
    expect.stringMatching(/^error ERR_BOX_STORE_UNWRITABLE with hint: cannot make the store .*read-only/),
  ]);
});

test('a home of another user is refused with a hint', async (context) => {
  requireRoot(context);
  requireTool(context, 'setpriv');
  await using directory = await temporaryDirectory('foreign');
  chmodSync(directory.path, 0o755);
  const lines = await script(
    directory,
    `$BOX write $D/home 1 1000
     ${asOther} $BOX check $D/home
     ${asOther} $BOX write $D/home 2 1000
     ${asOther} $BOX write $D/new 2 1000`,
  );
  expect(lines.slice(2)).toEqual([
    expect.stringMatching(/^error ERR_BOX_STORE_UNWRITABLE with hint: cannot open the store .*permission denied/),
    expect.stringMatching(/^error ERR_BOX_STORE_UNWRITABLE with hint: cannot open the store .*permission denied/),
    expect.stringMatching(/^error ERR_BOX_STORE_UNWRITABLE with hint: cannot make the store .*permission denied/),
  ]);
});

test('what is no error of the disk passes as it is', () => {
  const error = new TypeError('a bug');
  expect(diskError('work', error)).toBe(error);
  const aborted = new DOMException('stop', 'AbortError');
  expect(diskError('work', aborted)).toBe(aborted);
});
