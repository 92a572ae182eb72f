import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readlinkSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { leftBehind, ordinaryUser, type OrdinaryUser, systemSnapshot } from '@boxkit/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

const binary = join(import.meta.dirname, '../bin/box');
const image = 'host:sh,sleep,cat';
const isRoot = process.getuid?.() === 0;
const cases = [
  ...(isRoot ? (['unshare', 'bubblewrap', 'chroot'] as const).map((isolation) => ['root', isolation] as const) : []),
  ...(['unshare', 'bubblewrap'] as const).map((isolation) => ['an ordinary user', isolation] as const),
];

/** By a process's own number or its parent's: what the container itself starts, and what holds it. */
type Victim = 'box' | 'supervisor' | 'backend' | 'first process';

describe.each(cases)('of a container of %s with %s nothing is left', (who, isolation) => {
  let user: OrdinaryUser;
  let home: string;
  beforeAll(async () => {
    user = await ordinaryUser(who === 'root' ? 0 : 12_345);
    home = join(user.home, 'box');
    expect(await box('run', '--rm', '-q', image, '--', 'sh', '-c', ':')).toMatchObject({ code: 0 });
  });
  afterEach(() => box('rm', '-f', 'c'));
  afterAll(() => user[Symbol.asyncDispose]());

  const box = (...args: readonly string[]) => user.attempt(binary, args, { env: { BOX_HOME: home } });
  const limits = who === 'root' ? ['--pids-limit', '50'] : [];
  // A user may lack /dev/net/tun; chroot has the host's network.
  const network = isolation === 'chroot' ? [] : ['--network', who === 'root' ? 'private' : 'none'];
  const options = [
    '-q',
    '--rm',
    '--isolation',
    isolation,
    ...limits,
    ...network,
    '--tmpfs',
    '/t',
    '--name',
    'c',
    image,
    '--',
  ];
  // A shell that waits for a command leaves Ctrl-C to that one.
  // With chroot what the command has started outlives a SIGKILL of box, as docs/guide/security.md says.
  const script = `${isolation === 'chroot' ? '' : 'sleep 7310 & '}echo up; exec sleep 7310`;

  async function expectNothingMore(before: Snapshot): Promise<void> {
    await expect.poll(() => takeSnapshot(before)).toEqual([]);
    await expect.poll(() => readdir(join(home, 'containers'))).toEqual([]);
  }
  /** A later command clears up after one that had no time to, as soon as the kernel has ended what it ends. */
  async function pruneUntilNothingMore(before: Snapshot): Promise<void> {
    const left = async (): Promise<string[]> => {
      expect(await box('prune')).toMatchObject({ code: 0 });
      return takeSnapshot(before);
    };
    await expect.poll(left).toEqual([]);
  }
  function takeSnapshot({ system, cgroups, networks }: Snapshot): string[] {
    const now = systemSnapshot();
    const processes = now.processes.filter((text) => /7310|pasta|passt|slirp4netns/.test(text) || text.includes(home));
    const left = leftBehind(system, { mounts: now.mounts, processes, temporary: system.temporary });
    const more = (these: readonly string[], known: readonly string[]) => these.filter((one) => !known.includes(one));
    return [...left, ...more(ownCgroups(), cgroups), ...more(networkNamespaces(), networks)];
  }
  const snapshot = (): Snapshot => ({
    system: systemSnapshot(),
    cgroups: ownCgroups(),
    networks: networkNamespaces(),
  });

  it('when it exits, when its command is missing, and when it cannot be set up', async () => {
    const before = snapshot();
    expect(await box('run', ...options, 'sh', '-c', 'sleep 7310 & exit 3')).toMatchObject({ code: 3 });
    expect(await box('run', ...options, 'no-such-command')).toMatchObject({ code: 127 });
    expect(await box('run', '-v', '/no/such:/x', ...options, 'sh')).toMatchObject({ code: 125 });
    await expectNothingMore(before);
  });

  it.each(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGKILL'] as const)('when box gets a %s', async (signal) => {
    const before = snapshot();
    const { child, ended } = await running('run', ...options, 'sh', '-c', script);
    child.kill(signal);
    const numbers = { SIGTERM: 143, SIGINT: 130, SIGHUP: 129, SIGKILL: null } as const;
    expect(await ended).toBe(numbers[signal]);
    if (signal === 'SIGKILL') await pruneUntilNothingMore(before);
    await expectNothingMore(before);
  });

  it.each(['KILL', 'TERM'])('when it is ended by box kill -s %s, and its status says so', async (signal) => {
    const before = snapshot();
    const { ended } = await running('run', ...options, 'sh', '-c', script);
    expect(await box('kill', '-s', signal, 'c')).toMatchObject({ code: 0 });
    expect(await ended).toBe(signal === 'KILL' ? 137 : 143);
    await expectNothingMore(before);
  });

  it.each(['supervisor', 'backend', 'first process'] as const)('when its %s is killed by SIGKILL', async (victim) => {
    const before = snapshot();
    expect(await box('run', '-d', ...options, 'sh', '-c', script)).toMatchObject({ code: 0 });
    process.kill(await pidOf(victim), 'SIGKILL');
    await pruneUntilNothingMore(before);
    await expectNothingMore(before);
  });

  it('when box prune finds what a kill -9 of box itself left', async () => {
    const before = snapshot();
    const { child } = await running('run', ...options, 'sh', '-c', script);
    process.kill(await pidOf('backend'), 'SIGKILL');
    child.kill('SIGKILL');
    await pruneUntilNothingMore(before);
    await expectNothingMore(before);
  });

  // the others have a namespace that ends with its first process, and tells containers apart
  if (isolation === 'chroot') {
    it('when the next command that writes finds what a kill -9 of its launcher left', async () => {
      const before = snapshot();
      const { child } = await running('run', ...options, 'sh', '-c', 'sleep 7310 & echo up; exec sleep 7310');
      const listed = async (): Promise<number> => (await box('ps', '-q')).stdout.length;
      await expect.poll(listed).toBe(13);
      child.kill('SIGKILL');
      expect(await listed()).toBe(13);
      expect(await box('pull', '-q', 'host:sh,cat,env')).toMatchObject({ code: 0 });
      await expectNothingMore(before);
    });

    it('but what another runs in the same directory goes on', async () => {
      const before = snapshot();
      const root = join(user.home, 'rootfs');
      expect(await box('unpack', '-q', image, root)).toMatchObject({ code: 0 });
      const inDirectory = ['-q', '--isolation', isolation, '--rootfs', root];
      expect(await box('run', '-d', '--name', 'c', ...inDirectory, 'sleep', '7310')).toMatchObject({ code: 0 });
      expect(await box('run', '--rm', ...inDirectory, 'sh', '-c', 'sleep 7310 & :')).toMatchObject({ code: 0 });
      expect((await box('ps', '-q')).stdout).toHaveLength(13);
      expect(await box('rm', '-f', 'c')).toMatchObject({ code: 0 });
      await rm(root, { recursive: true });
      await expectNothingMore(before);
    });
  }

  async function pidOf(victim: Victim): Promise<number> {
    const { stdout } = await box('ps', '--json');
    const [{ pid, path } = { pid: 0, path: '' }] = JSON.parse(stdout) as { pid: number; path: string }[];
    if (victim === 'first process') return pid;
    const read = async (file: string): Promise<string> => (await user.run('cat', [file])).stdout;
    const parent = Number(/^PPid:\s*(\d+)/m.exec(await read(`/proc/${pid}/status`))?.[1]);
    const owner = Number(/"owner": "(\d+)/.exec(await read(join(path, 'state.json')))?.[1]);
    // chroot has no process between the two
    if (victim === 'backend') return parent === owner ? pid : parent;
    return owner;
  }

  async function running(...args: readonly string[]) {
    const child: ChildProcess = spawn(binary, args, {
      env: { PATH: process.env['PATH'], HOME: user.home, BOX_HOME: home },
      stdio: ['ignore', 'pipe', 'ignore'],
      ...(isRoot ? { uid: user.uid, gid: user.gid } : {}),
    });
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    await new Promise((resolve) => child.stdout?.once('data', resolve));
    return { child, ended };
  }
});

interface Snapshot {
  readonly system: ReturnType<typeof systemSnapshot>;
  readonly cgroups: readonly string[];
  readonly networks: readonly string[];
}

/** Those that a process is in; one that a mount keeps is among the mounts. */
function networkNamespaces(): readonly string[] {
  const found = readdirSync('/proc').flatMap((name) => {
    try {
      return /^\d+$/.test(name) ? [readlinkSync(`/proc/${name}/ns/net`)] : [];
    } catch {
      // it has ended meanwhile
      return [];
    }
  });
  return [...new Set(found)];
}

function ownCgroups(): readonly string[] {
  return readdirSync('/sys/fs/cgroup', { recursive: true, encoding: 'utf8' }).filter((path) =>
    /(?:^|\/)box-\d+-[0-9a-f]{12}$/.test(path),
  );
}
