import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  buildImage,
  buildLayer,
  leftBehind,
  pushDocument,
  startRegistry,
  systemSnapshot,
  writeOciLayout,
} from '@boxkit/testkit';
import {
  apply,
  BoxError,
  createBox,
  defineStage,
  definePlugin,
  fetch,
  isolate,
  launch,
  pipeline,
  readManifest,
} from './index.ts';
import type { AppliedImage, Box, BoxEvent, BoxOptions, Image } from './index.ts';

describe('createBox', () => {
  let home: string;
  let opened: Box[] = [];
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'box-api-'));
  });
  afterAll(async () => {
    await Promise.all(opened.map((box) => box[Symbol.asyncDispose]()));
    opened = [];
    await rm(home, { recursive: true, force: true });
  });

  async function open(options: BoxOptions = {}): Promise<Box> {
    const box = await createBox({ home, ...options });
    opened.push(box);
    return box;
  }

  it('runs a container with streams, environment and an exit status', async () => {
    const box = await open();
    await using container = await box.run('host:sh,cat', {
      args: ['sh', '-c', 'cat; echo "$A" >&2; exit 3'],
      env: { A: 'from the caller' },
    });
    container.stdin?.end('through');
    const { stdout, stderr } = container;
    if (stdout === null || stderr === null) throw new Error('the streams must be pipes');
    const [output, errors] = await Promise.all([text(stdout), text(stderr)]);
    expect({ output, errors, ...(await container.exit) }).toEqual({
      output: 'through',
      errors: 'from the caller\n',
      code: 3,
    });
  });

  it('ends and removes its containers when it is disposed', async () => {
    const before = systemSnapshot(home);
    const box = await createBox({ home });
    const container = await box.run('host:sh,sleep', { args: ['sleep', '1000'] });
    expect((await readdir(join(home, 'containers'))).length).toBeGreaterThan(0);
    await box[Symbol.asyncDispose]();
    expect((await container.exit).signal).toBe('SIGKILL');
    expect(leftBehind(before, systemSnapshot(home)).filter((line) => !line.startsWith('temporary'))).toEqual([]);
    expect(await readdir(join(home, 'containers'))).toEqual([]);
  });

  it('ends a container when its signal aborts, and starts none after that', async () => {
    const box = await open();
    const controller = new AbortController();
    await using container = await box.run('host:sh,sleep', { args: ['sleep', '1000'], signal: controller.signal });
    const reason = new BoxError('ERR_BOX_ABORTED', 'enough');
    controller.abort(reason);
    expect((await container.exit).code).toBe(137);
    await expect(box.run('host:sh', { signal: controller.signal })).rejects.toBe(reason);
  });

  it('tells of the five stages in order', async () => {
    const events: BoxEvent[] = [];
    const box = await open({ onEvent: (event) => events.push(event) });
    await using container = await box.run('host:sh', { args: ['sh', '-c', ':'] });
    await container.exit;
    const started = events.filter((event) => event.type === 'stage-started').map(({ stage }) => stage);
    expect(started).toEqual(['fetch', 'manifest', 'apply', 'isolate', 'launch']);
    expect(events.at(-1)).toMatchObject({ type: 'container-exited', code: 0 });
  });

  it("puts a plugin's stages where they were asked to go, warm or cold", async () => {
    const seen: string[] = [];
    const pass = <T>(name: string) => ({
      name,
      run: async (value: T) => {
        seen.push(name);
        return value;
      },
    });
    const plugin = definePlugin({
      name: 'looking',
      setup(host) {
        host.addStage('apply', pass<AppliedImage>('after-apply'));
        host.addStage('fetch', pass('after-fetch'));
        host.addStage('manifest', pass<Image>('after-manifest'));
        host.addStage('isolate', pass('after-isolate'));
      },
    });
    const box = await open({ plugins: [plugin] });
    for (const pull of ['always', 'never'] as const) {
      await using container = await box.run('host:sh', { args: ['sh', '-c', ':'], pull });
      await container.exit;
    }
    const order = ['after-fetch', 'after-manifest', 'after-apply', 'after-isolate'];
    expect(seen).toEqual([...order, ...order]);
  });

  it('refuses a plugin that takes the name of a built-in backend', async () => {
    const plugin = definePlugin({
      name: 'impostor',
      setup(host) {
        host.addIsolator({
          name: 'bubblewrap',
          capabilities: () => ({}) as never,
          probe: async () => ({ available: true }),
          plan: () => Promise.reject(new Error('never asked')),
        });
      },
    });
    await expect(createBox({ home, plugins: [plugin] })).rejects.toMatchObject({ code: 'ERR_BOX_PLUGIN_INVALID' });
  });

  it('undoes everything when a stage between two others refuses', async () => {
    const box = await open();
    const before = await readdir(join(home, 'containers'));
    const refuse = defineStage('refuse', (applied: AppliedImage): AppliedImage => {
      throw new BoxError('ERR_BOX_NOT_ENFORCEABLE', `no, not ${applied.image.reference.text}`);
    });
    const row = pipeline(fetch(), readManifest(), apply(), refuse, isolate(), launch());
    await using context = box.context();
    await expect(row.run('host:sh', context)).rejects.toMatchObject({ message: 'no, not host:sh' });
    expect(await readdir(join(home, 'containers'))).toEqual(before);
  });

  it('runs in a plain directory, and what the container writes stays there', async () => {
    const box = await open();
    const directory = join(home, 'a pod');
    await box.unpack('host:sh', directory);
    await using container = await box.runDirectory(directory, { args: ['sh', '-c', 'echo was here > /note'] });
    expect(await container.exit).toEqual({ code: 0 });
    expect(await readFile(join(directory, 'note'), 'utf8')).toBe('was here\n');
    await expect(box.runDirectory(join(home, 'nowhere'))).rejects.toMatchObject({ code: 'ERR_BOX_USAGE' });
  });

  it('pulls from a registry, keeps names, and frees what no name needs', async () => {
    await using registry = await startRegistry();
    const layer = buildLayer([{ path: 'etc/motd', content: 'hello\n' }]);
    await pushDocument(registry, 'app', buildImage({ layers: [layer] }), 'one');
    const box = await open({ home: join(home, 'pull') });
    const reference = `${registry.host}/app:one`;
    const stored = await box.pull(reference);
    expect((await box.images()).map((image) => image.reference)).toEqual([reference]);
    await box.tag(reference, 'mine');
    await box.remove(reference);
    expect((await box.prune()).removed.filter(({ kind }) => kind === 'blob')).toEqual([]);
    expect((await box.inspect('mine')).image.layers).toHaveLength(1);
    expect((await box.fsck()).problems).toEqual([]);
    await box.remove('mine');
    const { removed, bytes } = await box.prune();
    expect(removed.filter(({ kind }) => kind === 'blob').map(({ name }) => name)).toContain(stored.config.digest);
    expect(bytes).toBeGreaterThan(0);
    await expect(box.inspect('mine')).rejects.toMatchObject({ code: 'ERR_BOX_IMAGE_UNKNOWN' });
  });

  it('reads a file of an image as a process inside would', async () => {
    const entries = [
      { path: 'etc/motd', content: 'hello\n' },
      { path: 'link', type: 'symlink', link: '/../etc/motd' },
      { path: 'out', type: 'symlink', link: '../../../../etc/hostname' },
    ] as const;
    const layout = join(home, 'layout');
    await writeOciLayout(layout, [{ document: buildImage({ layers: [buildLayer(entries)] }), name: 'a' }]);
    const box = await open();
    expect(await text(box.readFile(`oci:${layout}:a`, '/link'))).toBe('hello\n');
    for (const path of ['/out', '/etc', '/nothing']) {
      await expect(text(box.readFile(`oci:${layout}:a`, path))).rejects.toMatchObject({
        code: 'ERR_BOX_FILE_UNREADABLE',
      });
    }
  });

  it('keeps the budgets of the configuration and the call, and leaves nothing of an image that passes them', async () => {
    const layout = join(home, 'layout');
    const entries = [1, 2, 3].map((at) => ({ path: `file-${at}`, content: 'x' }));
    await writeOciLayout(layout, [{ document: buildImage({ layers: [buildLayer(entries)] }), name: 'b' }]);
    const box = await open({ config: { budgets: { entries: 2 } } });
    const exceeded = { code: 'ERR_BOX_BUDGET_EXCEEDED', fields: { budget: 'entries', limit: 2 } };
    const reference = `oci:${layout}:b`;
    await expect(box.unpack(reference, join(home, 'tree'))).rejects.toMatchObject(exceeded);
    await expect(box.run(reference)).rejects.toMatchObject(exceeded);
    await expect(box.look(reference)).rejects.toMatchObject(exceeded);
    await expect(text(box.readFile(reference, 'file-1'))).rejects.toMatchObject(exceeded);
    expect(await readdir(home)).not.toContain('tree');
    expect(await text(box.readFile(reference, 'file-1', { budgets: { entries: 3 } }))).toBe('x');
    await box.unpack(reference, join(home, 'tree'), { budgets: { entries: 3 } });
    expect(await readdir(join(home, 'tree'))).toHaveLength(3);
  });

  it('reads a file of an image that was only pulled without extracting it', async () => {
    const layout = join(home, 'layout');
    const entries = [{ path: 'etc/motd', content: 'only pulled\n' }] as const;
    await writeOciLayout(layout, [{ document: buildImage({ layers: [buildLayer(entries)] }), name: 'a' }]);
    const box = await open();
    await box.pull(`oci:${layout}:a`);
    const kept = async (): Promise<readonly string[]> =>
      (
        await Promise.all(
          ['layers', 'rootfs', 'containers'].map((kind) => readdir(join(box.home, kind), { recursive: true })),
        )
      ).flat();
    const before = await kept();
    expect(await text(box.readFile(`oci:${layout}:a`, '/etc/motd', { pull: 'never' }))).toBe('only pulled\n');
    expect(await kept()).toEqual(before);
  });

  it('writes a frozen directory that it can read again', async () => {
    const box = await open();
    const frozen = join(home, 'frozen');
    await box.pull('host:sh', { to: `docker-archive:${frozen}/` });
    expect(await readdir(frozen)).toContain('manifest.json');
    await box.unpack(`docker-archive:${frozen}`, join(home, 'thawed'));
    expect((await stat(join(home, 'thawed/bin/sh'))).mode & 0o111).toBe(0o111);
  });

  it('logs in only where the registry agrees, and forgets', async () => {
    await using registry = await startRegistry({ auth: 'htpasswd' });
    const file = join(home, 'auth.json');
    const before = process.env['REGISTRY_AUTH_FILE'];
    process.env['REGISTRY_AUTH_FILE'] = file;
    try {
      const box = await open();
      const { host, username, password } = registry;
      await expect(box.login(host, { username, password: 'wrong' })).rejects.toMatchObject({
        code: 'ERR_BOX_REGISTRY_UNAUTHORIZED',
      });
      expect(await box.login(host, { username, password })).toEqual({ registry: host, place: file, plain: true });
      expect((await stat(file)).mode & 0o777).toBe(0o600);
      expect(await box.logout(host)).toEqual([file]);
      expect(await box.logout(host)).toEqual([]);
    } finally {
      if (before === undefined) delete process.env['REGISTRY_AUTH_FILE'];
      else process.env['REGISTRY_AUTH_FILE'] = before;
    }
  });

  it('reads a configuration strictly', async () => {
    const { readConfig } = await import('./config.ts');
    const file = join(home, 'config.json');
    const read = async (value: unknown) => {
      await writeFile(file, JSON.stringify(value));
      return readConfig(file);
    };
    expect(await read({ isolation: 'bubblewrap', registries: { 'docker.io': {} } })).toEqual({
      isolation: 'bubblewrap',
      file,
    });
    await expect(read({ isolatoin: 'x' })).rejects.toThrow('there is no setting "isolatoin"');
    await expect(read({ concurrency: 0 })).rejects.toThrow('concurrency: must be a whole number from 1 to 64');
    for (const budgets of [{ entrys: 1 }, { bytes: '1' }, { ratio: 0 }, { depth: 1.5 }, 3, []]) {
      await expect(read({ budgets })).rejects.toThrow('budgets: must be an object of whole numbers above zero');
    }
    await expect(read([])).rejects.toMatchObject({ code: 'ERR_BOX_CONFIG_INVALID' });
    expect(await readConfig(join(home, 'no such file'))).toEqual({});
    await expect(readConfig(join(home, 'no such file'), { mustExist: true })).rejects.toThrow('no such file');
  });
});
