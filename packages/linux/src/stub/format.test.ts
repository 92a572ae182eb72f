import { expect, it } from 'vitest';
import { formatPlan, formatSystemCall } from './format.ts';

it('a call is shown with the names of its flags and its reason', () => {
  const call = { name: 'mount', args: ['proc', '/proc', 'proc', 2 | 4 | 8, null], why: 'the processes' };
  expect(formatSystemCall(call)).toBe(
    'mount("proc", "/proc", "proc", MS_NOSUID|MS_NODEV|MS_NOEXEC, NULL)  # the processes',
  );
});

it('a branch, an ignored error and a result are shown by their labels', () => {
  const call = {
    name: 'move_mount',
    args: [{ result: 'tree' }, '', -100, '/x', 4],
    why: 'place it',
    label: 'here',
    ignore: ['ENOENT'],
    next: { error: 'there' },
  };
  expect(formatSystemCall(call)).toBe(
    'here: move_mount(result of tree, "", AT_FDCWD, "/x", MOVE_MOUNT_F_EMPTY_PATH)  # place it; ENOENT is no failure; error: go to there',
  );
});

it('a plan shows what is inherited, and each list', () => {
  const calls = [{ name: 'execve', args: ['/bin/sh', ['sh', '-c', 'x y'], ['A=1']], why: 'start' }];
  const text = formatPlan({
    isolator: 'unshare',
    containerId: 'c',
    argv: ['/proc/self/fd/5'],
    env: {},
    descriptors: [{ fd: 3, purpose: 'what the stub does', kind: 'system-calls', calls }],
    report: 'stub',
    terminal: false,
    tree: 'namespace',
    command: ['sh'],
    warnings: ['weak'],
  });
  expect(text).toBe(
    '# unshare: "/proc/self/fd/5"\n# warning: weak\n\n# descriptor 3, system-calls: what the stub does\nexecve("/bin/sh", ["sh", "-c", "x y"], ["A=1"])  # start\n',
  );
});
