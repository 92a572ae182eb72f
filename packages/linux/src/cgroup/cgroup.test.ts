import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { planCgroups } from './cgroup.ts';

const limits = { memory: 64 * 1024 * 1024, cpus: 1.5, pids: 20 };

it('asks for nothing without limits', () => {
  expect(planCgroups({}, 'x', { membership: '', mounts: '' })).toEqual([]);
});

it('says so when there are no cgroups', () => {
  expect(planCgroups(limits, 'x', { membership: '', mounts: '' })).toBe('no cgroup file system is mounted');
});

it('makes one directory for each controller of version 1, below its own cgroup', () => {
  const root = mkdtempSync(join(tmpdir(), 'box-cgroup-'));
  for (const path of ['memory/mine', 'cpu', 'pids']) mkdirSync(join(root, path), { recursive: true });
  const mounts = ['memory', 'cpu', 'pids'].map((name) => `1 2 0:3 / ${root}/${name} rw - cgroup cgroup rw,${name}`);
  const membership = '4:memory:/mine\n3:pids:/\n1:cpu:/\n0::/\n';
  expect(planCgroups(limits, 'box-x', { membership, mounts: mounts.join('\n') })).toEqual([
    { path: `${root}/memory/mine/box-x`, settings: [['memory.limit_in_bytes', '67108864']] },
    {
      path: `${root}/cpu/box-x`,
      settings: [
        ['cpu.cfs_period_us', '100000'],
        ['cpu.cfs_quota_us', '150000'],
      ],
    },
    { path: `${root}/pids/box-x`, settings: [['pids.max', '20']] },
  ]);
  rmSync(root, { recursive: true });
});

it('makes one directory of version 2, beside its own cgroup', () => {
  const root = mkdtempSync(join(tmpdir(), 'box-cgroup-'));
  mkdirSync(join(root, 'slice/mine'), { recursive: true });
  writeFileSync(join(root, 'slice/cgroup.subtree_control'), 'cpu memory pids\n');
  const mounts = `1 2 0:3 / ${root} rw - cgroup2 cgroup2 rw`;
  expect(planCgroups(limits, 'box-x', { membership: '0::/slice/mine\n', mounts })).toEqual([
    {
      path: `${root}/slice/box-x`,
      settings: [
        ['memory.max', '67108864'],
        ['cpu.max', '150000 100000'],
        ['pids.max', '20'],
      ],
    },
  ]);
  rmSync(root, { recursive: true });
});

it('a controller that is not delegated is named', () => {
  const root = mkdtempSync(join(tmpdir(), 'box-cgroup-'));
  const mounts = `1 2 0:3 / ${root} rw - cgroup2 cgroup2 rw`;
  expect(planCgroups({ pids: 5 }, 'x', { membership: '0::/a/b\n', mounts })).toBe(
    'the pids controller is not delegated to this user',
  );
  rmSync(root, { recursive: true });
});
