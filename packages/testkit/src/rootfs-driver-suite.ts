import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BoxEvent, IdMap, IdRange, Image, Rootfs, RootfsDriver, StageContext, Store } from '@boxkit/contracts';
import { buildLayer, opaque, whiteout, type BuiltLayer } from './image/layer.ts';
import type { TarEntry } from './tar/tar-writer.ts';
import { temporaryDirectory, type TemporaryDirectory } from './temporary.ts';

export interface RootfsDriverSuite {
  readonly driver: RootfsDriver;
  readonly openStore: (home: string) => Promise<Store & AsyncDisposable>;
  /** An image of these layers whose blobs come from memory. */
  readonly imageOf: (layers: readonly BuiltLayer[]) => Image;
  /** How a rootfs and what a container left in its directory are removed. */
  readonly removeTree: (path: string) => Promise<void>;
}

/** What every rootfs driver must keep, for whoever runs the tests (root, or not). Registers tests with vitest. */
export function rootfsDriverSuite({ driver, openStore, imageOf, removeTree }: RootfsDriverSuite): void {
  describe(`the rootfs driver ${driver.name}`, () => {
    let place: TemporaryDirectory;
    let store: Store & AsyncDisposable;
    beforeAll(async () => {
      place = await temporaryDirectory('driver');
      store = await openStore(join(place.path, 'home'));
    });
    afterAll(async () => {
      await store[Symbol.asyncDispose]();
      await removeTree(place.path);
    });

    async function container(image: Image, signal?: AbortSignal): Promise<TestContainer> {
      const made = await store.containers.create({});
      const events: BoxEvent[] = [];
      try {
        const rootfs = await driver.prepare(image, contextOf(store, events, signal), { containerPath: made.path });
        return { rootfs, path: made.path, events, remove: async () => made[Symbol.asyncDispose]() };
      } catch (error) {
        await made[Symbol.asyncDispose]();
        throw error;
      }
    }

    test('says whether it works here, and leaves nothing of the probe', async () => {
      const probe = await driver.probe(contextOf(store, []));
      expect(probe).toMatchObject({ available: true });
      expect(staged(store)).toEqual([]);
    });

    test('layers are applied in order: whiteouts, opaque directories, replaced entries, links', async () => {
      const { rootfs, remove } = await container(imageOf(stack()));
      const listed = await inRootfs(rootfs, String.raw`find . -mindepth 1 -printf '%P %y %m %l\n' | sort`);
      expect(listed.replace(/\n$/, '').split('\n')).toEqual(merged);
      expect(
        await inRootfs(rootfs, 'cat lib/new etc/kept linked; stat -c %Y etc opaque; test etc/kept -ef linked'),
      ).toBe('new\nkept\nkept\n1700000009\n1700000007\n');
      await remove();
    });

    test('owners are those of the layer, unless there is but one id', async () => {
      const layer = buildLayer([
        { path: '.', type: 'directory', uid: 8, gid: 9, mode: 0o1751 },
        { path: 'd', type: 'directory', uid: 1, gid: 2 },
        { path: 'd/f', uid: 33, gid: 65_534, mode: 0o4711 },
        { path: 'd/private', uid: 1000, gid: 1000, mode: 0 },
      ]);
      const { rootfs, remove } = await container(imageOf([layer]));
      const shown = await inRootfs(rootfs, 'stat -c "%u %g %a" . d d/f d/private; cat d/private');
      const single = '0 0 1751\n0 0 755\n0 0 4711\n0 0 0\n';
      expect(shown).toBe(rootfs.idMap.kind === 'single' ? single : '8 9 1751\n1 2 755\n33 65534 4711\n1000 1000 0\n');
      await remove();
    });

    test('layers change what is in a closed directory of a lower layer, and it stays closed', async () => {
      const closed = (path: string): TarEntry => ({ path, type: 'directory', mode: 0 });
      const layers = [
        [
          closed('d'),
          closed('d/e'),
          { path: 'd/e/x', content: 'x' },
          { path: 'd/f', content: 'f' },
          { path: 'clash', content: 'a file' },
          { path: 'd/gone' },
        ],
        [{ path: 'd/e/new', content: 'new\n' }, whiteout('d/e/x'), whiteout('d/gone')],
        [closed('d'), closed('own'), closed('own/in'), whiteout('own/in/none'), { path: 'own/in/f', content: 'own\n' }],
        [
          closed('o'),
          opaque('o'),
          closed('clash'),
          { path: 'd/linked', type: 'hardlink', link: 'd/f' } as const,
          opaque('d/e'),
        ],
        [{ path: 'd/e/last', content: 'last\n' }, { path: 'own/in/g', content: 'g\n' }, whiteout('own/in/f')],
      ];
      const { rootfs, remove } = await container(imageOf(layers.map((entries) => buildLayer(entries))));
      const script = String.raw`find . -mindepth 1 -printf '%P %y %m\n' | sort; test d/f -ef d/linked; cat d/e/* own/in/*`;
      expect(await inRootfs(rootfs, script)).toBe(
        'clash d 0\nd d 0\nd/e d 0\nd/e/last f 644\nd/f f 644\nd/linked f 644\no d 0\nown d 0\nown/in d 0\nown/in/g f 644\nlast\ng\n',
      );
      await remove();
    });

    test.each([0, 0o555])('a root of mode %o is kept, and what layers change in it is there', async (mode) => {
      const root: TarEntry = { path: '.', type: 'directory', mode };
      const layers = [
        [root, { path: 'd/f', content: 'f' }, { path: 'gone', content: 'x' }],
        [{ path: 'new', content: 'new\n' }, whiteout('gone')],
        [root, { path: 'd/g', content: 'g\n' }, whiteout('d/f')],
      ];
      const { rootfs, remove } = await container(imageOf(layers.map((entries) => buildLayer(entries))));
      const script = String.raw`stat -c %a .; find . -mindepth 1 -printf '%P %y\n' | sort; cat new d/g`;
      expect(await inRootfs(rootfs, script)).toBe(`${mode.toString(8)}\nd d\nd/g f\nnew f\nnew\ng\n`);
      await remove();
    });

    test('what a container writes, changes and deletes stays its own', async () => {
      const image = imageOf(stack());
      const first = await container(image);
      const change =
        'echo changed > etc/kept; rm -r opaque; mkdir opaque; echo mine > opaque/mine; chmod 700 usr; mv usr/lib/a b; ln etc/added hard';
      await inRootfs(first.rootfs, change);
      const second = await container(image);
      expect(await inRootfs(second.rootfs, 'cat etc/kept usr/lib/a; stat -c %a usr; ls opaque')).toBe(
        'kept\na\n755\nnew\n',
      );
      await inRootfs(second.rootfs, 'echo second > etc/added');
      expect(await inRootfs(first.rootfs, 'cat etc/kept opaque/mine hard; ls opaque')).toBe(
        'changed\nmine\nadded\nmine\n',
      );
      await first.remove();
      await second.remove();
    });

    test('removal leaves nothing, closed directories and files written later included', async () => {
      const { rootfs, path, remove } = await container(imageOf(stack()));
      await inRootfs(rootfs, 'mkdir -p x/y/z; echo 1 > x/y/z/f; chmod 555 x/y/z x/y; chmod 0 x/y/z/f');
      await remove();
      expect(existsSync(path)).toBe(false);
      expect(staged(store)).toEqual([]);
    });

    test('the layers of a second start are there already', async () => {
      const image = imageOf(stack());
      const first = await container(image);
      const second = await container(image);
      const made = second.events.filter((event) => event.type === 'layer-applied' && !event.present);
      expect(made).toEqual([]);
      await first.remove();
      await second.remove();
    });

    test('a second image costs only the layers that it adds', async () => {
      const base = stack();
      const first = await container(imageOf(base));
      const second = await container(imageOf([...base, buildLayer([{ path: 'etc/more', content: 'more\n' }])]));
      const made = second.events.filter((event) => event.type === 'layer-applied' && !event.present);
      expect(made).toHaveLength(1);
      expect(await inRootfs(second.rootfs, 'cat etc/kept etc/more')).toBe('kept\nmore\n');
      expect(await inRootfs(first.rootfs, 'ls etc')).toBe('added\nkept\n');
      await first.remove();
      await second.remove();
    });

    test('an image without layers is an empty root', async () => {
      const { rootfs, remove } = await container(imageOf([]));
      expect(await inRootfs(rootfs, 'ls -A')).toBe('');
      await remove();
    });

    test('a layer that fails leaves nothing, and the next attempt works', async () => {
      const good = buildLayer([{ path: 'unique', content: String(Math.random()) }]);
      const bad = imageOf([good]);
      const broken: Image = {
        ...bad,
        blobs: { ...bad.blobs, open: () => ({ path: undefined, async *[Symbol.asyncIterator]() {} }) },
      };
      await expect(container(broken)).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_BOX_/) as string });
      expect(staged(store)).toEqual([]);
      const { rootfs, remove } = await container(bad);
      expect(await inRootfs(rootfs, 'ls')).toBe('unique\n');
      await remove();
    });

    test('an abort ends it and leaves nothing', async () => {
      const layer = buildLayer([{ path: 'late', content: String(Math.random()) }]);
      const image = imageOf([layer]);
      const stop = new AbortController();
      const waits: Image = {
        ...image,
        blobs: {
          ...image.blobs,
          open: () => ({
            path: undefined,
            async *[Symbol.asyncIterator]() {
              yield layer.bytes.subarray(0, 20);
              setImmediate(() => stop.abort(new Error('enough')));
              await new Promise((_resolve, reject) => {
                stop.signal.addEventListener('abort', () => reject(stop.signal.reason as Error), { once: true });
              });
            },
          }),
        },
      };
      await expect(container(waits, stop.signal)).rejects.toThrow('enough');
      expect(staged(store)).toEqual([]);
    });
  });
}

interface TestContainer {
  readonly rootfs: Rootfs;
  readonly path: string;
  readonly events: readonly BoxEvent[];
  readonly remove: () => Promise<void>;
}

/** A base, and a layer that does to it whatever a layer can do. */
function stack(): readonly BuiltLayer[] {
  const directory = (path: string, mtime = 1_700_000_001, mode = 0o755) => ({
    path,
    type: 'directory' as const,
    mtime,
    mode,
  });
  const base = buildLayer([
    directory('etc', 1_700_000_009),
    { path: 'etc/kept', content: 'kept\n' },
    { path: 'etc/gone', content: 'gone\n' },
    directory('opaque', 1_700_000_007),
    { path: 'opaque/old', content: 'old\n' },
    { path: 'usr/lib/a', content: 'a\n' },
    { path: 'lib', type: 'symlink', link: 'usr/lib' },
    { path: 'replaced/file', content: 'x' },
    directory('closed', 1_700_000_001, 0o555),
  ]);
  const upper = buildLayer([
    whiteout('etc/gone'),
    { path: 'etc/added', content: 'added\n' },
    { path: 'opaque/new', content: 'new\n' },
    { path: 'opaque/.wh..wh..opq' },
    { path: 'lib/new', content: 'new\n' },
    { path: 'linked', type: 'hardlink', link: 'etc/kept' },
    { path: 'replaced', content: 'now a file' },
    whiteout('closed'),
    whiteout('never'),
  ]);
  return [base, upper];
}

const merged = [
  'etc d 755 ',
  'etc/added f 644 ',
  'etc/kept f 644 ',
  'lib l 777 usr/lib',
  'linked f 644 ',
  'opaque d 755 ',
  'opaque/new f 644 ',
  'replaced f 644 ',
  'usr d 755 ',
  'usr/lib d 755 ',
  'usr/lib/a f 644 ',
  'usr/lib/new f 644 ',
];

/** Runs a shell script of the host's in the root directory of a rootfs, mounted as an isolator would; gives what it prints. */
export async function inRootfs(rootfs: Rootfs, script: string): Promise<string> {
  const root = rootfs.kind === 'directory' ? rootfs.path : rootfs.target;
  const mount =
    rootfs.kind === 'directory'
      ? ''
      : `mount -t overlay overlay -o '${rootfs.userxattr ? 'userxattr,' : ''}lowerdir=${rootfs.lower.join(':')},upperdir=${rootfs.upper},workdir=${rootfs.work}' '${root}';`;
  const argv = [...userNamespace(rootfs.idMap), '--mount', 'sh', '-ec', `${mount} cd '${root}'; ${script}`];
  const { stdout } = await promisify(execFile)('unshare', argv, { encoding: 'latin1', maxBuffer: 64 * 2 ** 20 });
  return stdout;
}

function userNamespace(idMap: IdMap): string[] {
  if (idMap.kind === 'host') return [];
  if (idMap.kind === 'single') return ['--user', '--map-root-user'];
  const [, uids] = idMap.uids;
  const [, gids] = idMap.gids;
  if (uids === undefined || gids === undefined) throw new Error('an id map of one id and one range was expected');
  const range = ({ host, container, size }: IdRange): string => [host, container, size].join(',');
  return ['--user', '--map-root-user', `--map-users=${range(uids)}`, `--map-groups=${range(gids)}`];
}

function contextOf(store: Store, events: BoxEvent[], signal = new AbortController().signal): StageContext {
  return {
    store,
    signal,
    logger: { debug: () => {}, warn: () => {} },
    emit: (event) => void events.push(event),
    defer: () => {},
  };
}

/** What is left in the store's staging place, beside partial blobs. */
function staged(store: Store): string[] {
  return readdirSync(join(store.home, 'tmp')).filter((name) => name !== 'partial');
}
