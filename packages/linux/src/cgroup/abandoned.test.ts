import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { abandonedCgroups } from './abandoned.ts';

it('names the cgroups of launchers that have died, and no others', () => {
  const root = mkdtempSync(join(tmpdir(), 'box-cgroup-'));
  const [dead, alive] = ['box-99999999-0123456789ab', `box-${process.pid}-0123456789ab`];
  for (const path of [dead, alive, 'box-99999999-other', 'user.slice']) mkdirSync(join(root, path));
  const mounts = `1 2 0:3 / ${root} rw - cgroup cgroup rw,pids\n1 2 0:3 / ${root} rw - cgroup cgroup rw,memory`;
  expect(abandonedCgroups({ membership: '3:pids:/\n2:memory:/\n', mounts })).toEqual([join(root, dead)]);
  rmSync(root, { recursive: true });
});
