import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { IdMap } from '@boxkit/contracts';
import { containerId, grantedIdMap, hostId, inIdMap, spawnInIdMap, unshareArguments } from './id-map.ts';

const directory = mkdtempSync(join(tmpdir(), 'box-id-map-'));
afterAll(() => rmSync(directory, { recursive: true }));

const subordinate: IdMap = {
  kind: 'subordinate',
  uids: [
    { container: 0, host: 65534, size: 1 },
    { container: 1, host: 100000, size: 65536 },
  ],
  gids: [
    { container: 0, host: 65534, size: 1 },
    { container: 1, host: 200000, size: 65536 },
  ],
};

test('root keeps the ids of the host', () => {
  expect(grantedIdMap()).toEqual({ kind: 'host' });
  expect(inIdMap({ kind: 'host' }, ['id', '-u'])).toEqual(['id', '-u']);
});

test('a user gets the widest range granted by name or by number, one without grants a single id', () => {
  const grants = join(directory, 'subuid');
  writeFileSync(grants, 'someone:1:1000000\nnobody:300000:10\n65534:100000:65536\nnobody:x:9\nbroken\n');
  const module = new URL('./id-map.ts', import.meta.url).href;
  const asNobody = (subuid: string): unknown =>
    JSON.parse(
      execFileSync(
        process.execPath,
        [
          '--input-type=module',
          '-e',
          `process.setgid(65534); process.setuid(65534);
           const { grantedIdMap } = await import(${JSON.stringify(module)});
           console.log(JSON.stringify(grantedIdMap({ subuid: ${JSON.stringify(subuid)}, subgid: ${JSON.stringify(subuid)} })))`,
        ],
        { encoding: 'utf8' },
      ),
    );
  const copied = join(tmpdir(), `box-grants-${process.pid}`);
  writeFileSync(copied, execFileSync('cat', [grants]));
  try {
    expect(asNobody(copied)).toEqual({
      kind: 'subordinate',
      uids: [
        { container: 0, host: 65534, size: 1 },
        { container: 1, host: 100000, size: 65536 },
      ],
      gids: [
        { container: 0, host: 65534, size: 1 },
        { container: 1, host: 100000, size: 65536 },
      ],
    });
    expect(asNobody('/nonexistent')).toEqual({ kind: 'single', uid: 65534, gid: 65534 });
  } finally {
    rmSync(copied);
  }
});

test('a user without a passwd entry has a single id, whatever is granted to its number, as newuidmap refuses it', () => {
  const module = new URL('./id-map.ts', import.meta.url).href;
  const grants = join(tmpdir(), `box-grants-12345-${process.pid}`);
  writeFileSync(grants, '12345:100000:65536\n');
  try {
    const program = `process.setgid(12345); process.setuid(12345);
      const { explainIdMap } = await import(${JSON.stringify(module)});
      console.log(JSON.stringify(explainIdMap({ subuid: ${JSON.stringify(grants)}, subgid: ${JSON.stringify(grants)} })))`;
    const said = execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
    expect(JSON.parse(said)).toEqual({
      idMap: { kind: 'single', uid: 12_345, gid: 12_345 },
      why: 'the user 12345 has no entry in /etc/passwd',
    });
  } finally {
    rmSync(grants);
  }
});

test('the options make unshare(1) set up exactly the ranges of the map', () => {
  writeFileSync(join(directory, 'uids'), 'nobody:100000:65536\n');
  writeFileSync(join(directory, 'gids'), 'nobody:200000:65536\n');
  const shown = execFileSync(
    'unshare',
    [
      '--mount',
      'sh',
      '-ec',
      'mount --bind "$1/uids" /etc/subuid; mount --bind "$1/gids" /etc/subgid; shift; exec setpriv --reuid 65534 --regid 65534 --clear-groups "$@"',
      'sh',
      directory,
      ...inIdMap(subordinate, ['sh', '-c', 'id -u; cat /proc/self/uid_map /proc/self/gid_map']),
    ],
    { encoding: 'utf8' },
  );
  expect(shown.trim().split(/\s+/)).toEqual('0 0 65534 1 1 100000 65536 0 65534 1 1 200000 65536'.split(' '));
  expect(unshareArguments({ kind: 'single', uid: 5, gid: 5 })).toEqual(['--user', '--map-root-user']);
});

test('an id is looked up in the ranges', () => {
  if (subordinate.kind !== 'subordinate') throw new Error('unreachable');
  expect(hostId(subordinate.uids, 0)).toBe(65534);
  expect(hostId(subordinate.uids, 33)).toBe(100032);
  expect(hostId(subordinate.uids, 65537)).toBeUndefined();
  expect([containerId(subordinate.uids, 100032), containerId(subordinate.uids, 5)]).toEqual([33, undefined]);
});

test('a command that is ended while its ids are set up leaves nothing behind', async () => {
  const marker = `box-marker-${process.pid}`;
  for (const delay of [0, 1, 3]) {
    const stop = new AbortController();
    const idMap: IdMap = {
      kind: 'subordinate',
      uids: [
        { container: 0, host: 0, size: 1 },
        { container: 1, host: 1, size: 10 },
      ],
      gids: [
        { container: 0, host: 0, size: 1 },
        { container: 1, host: 1, size: 10 },
      ],
    };
    const child = spawnInIdMap(idMap, ['sh', '-c', 'sleep 100', marker], {
      stdio: ['ignore', 'pipe', 'pipe'],
      signal: stop.signal,
    });
    const closed = once(child, 'close');
    setTimeout(() => stop.abort(), delay);
    await closed;
  }
  expect(execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })).not.toContain(marker);
});
