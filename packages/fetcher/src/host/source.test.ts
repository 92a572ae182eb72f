import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { extract } from 'tar-stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isBoxError, type Descriptor, type ResolvedImage, type SourceContext } from '@boxkit/contracts';
import { requireTool } from '@boxkit/testkit';
import { collect } from './collect.ts';
import { layerNames } from './host-tree.ts';
import { hostSource } from './source.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'box-host-'));
  chmodSync(directory, 0o755);
});
afterAll(() => rmSync(directory, { recursive: true }));

function context(options: Partial<SourceContext> = {}): SourceContext {
  const stage = async () => {
    const path = await mkdtemp(join(directory, 'stage-'));
    return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
  };
  return {
    signal: new AbortController().signal,
    store: { stage } as unknown as SourceContext['store'],
    logger: { debug() {}, warn() {} },
    emit() {},
    defer() {},
    ...options,
  };
}

function resolve(location: string, options: Partial<SourceContext> = {}): Promise<ResolvedImage> {
  const reference = { scheme: 'host', location, text: `host:${location}` };
  return hostSource().resolve(reference as Parameters<ReturnType<typeof hostSource>['resolve']>[0], context(options));
}

async function read(image: ResolvedImage, descriptor: Descriptor, offset = 0): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  const stream = await image.open(descriptor, { offset, signal: new AbortController().signal });
  expect(stream.startedAt).toBe(offset);
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function manifestOf(image: ResolvedImage): Promise<{ config: Descriptor; layers: Descriptor[] }> {
  return JSON.parse((await read(image, image.descriptor)).toString()) as { config: Descriptor; layers: Descriptor[] };
}

async function namesIn(layer: Buffer): Promise<readonly string[]> {
  const names: string[] = [];
  const tar = extract();
  tar.end(layer[0] === 0x1f ? gunzipSync(layer) : layer);
  for await (const entry of tar) {
    names.push(entry.header.name);
    entry.resume();
  }
  return names;
}

function sha256(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

function pathsOf(programs: readonly string[], searchPath?: string): readonly string[] {
  const { tree } = collect(programs, searchPath);
  return layerNames.flatMap((name) => tree.entries(name).map(([path]) => path));
}

function script(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text, { mode: 0o755 });
  return path;
}

describe('host:', () => {
  test('every digest, size and diffID of the image is that of its bytes', async () => {
    await using image = await resolve('sh,ls');
    const manifest = await manifestOf(image);
    const config = JSON.parse((await read(image, manifest.config)).toString()) as { rootfs: { diff_ids: string[] } };
    expect(manifest.layers).toHaveLength(layerNames.length);
    for (const descriptor of [image.descriptor, manifest.config, ...manifest.layers]) {
      const bytes = await read(image, descriptor);
      expect({ digest: sha256(bytes), size: bytes.length }).toEqual({
        digest: descriptor.digest,
        size: descriptor.size,
      });
      expect(await read(image, descriptor, 100)).toEqual(bytes.subarray(100));
    }
    const diffIds = await Promise.all(
      manifest.layers.map(async (descriptor) => {
        const bytes = await read(image, descriptor);
        return sha256(descriptor.mediaType.endsWith('gzip') ? gunzipSync(bytes) : bytes);
      }),
    );
    expect(config.rootfs.diff_ids).toEqual(diffIds);
  });

  test('the same programs give the same digest', async () => {
    await using first = await resolve('sh,ls');
    await using second = await resolve('sh,ls');
    expect(second.descriptor).toEqual(first.descriptor);
  });

  test('the last layer hides a file of the first', async () => {
    await using image = await resolve('sh');
    const { layers } = await manifestOf(image);
    const [lowest, highest] = await Promise.all(
      [layers.at(0), layers.at(-1)].map(async (each) => (each === undefined ? [] : namesIn(await read(image, each)))),
    );
    const whiteout = highest?.find((name) => name.includes('/.wh.')) ?? '';
    expect(lowest).toContain(whiteout.replace('.wh.', ''));
  });

  test('holds every library that ldd finds', (context) => {
    requireTool(context, 'ldd', 'which');
    const programs = ['sh', 'ls', 'ps', 'id', 'git', 'tar'].filter((name) => spawnSync('which', [name]).status === 0);
    const paths = new Set(pathsOf(programs, '/usr/bin:/bin'));
    for (const name of programs) {
      const program = execFileSync('which', [name], { encoding: 'utf8' }).trim();
      const libraries = execFileSync('ldd', [program], { encoding: 'utf8' }).matchAll(/(?:=> )?(\/\S+) \(0x/g);
      for (const [, library = ''] of libraries) expect(paths).toContain(realpathSync(library));
    }
  });

  test('keeps the symlinks that lead to a program', () => {
    const target = script('tool-1.2', '#!/bin/sh\n');
    const link = join(directory, 'tool');
    symlinkSync('./tool-1.2', link);
    const paths = pathsOf([link]);
    expect(paths).toContain(link);
    expect(paths).toContain(target);
    expect(paths).toContain(realpathSync('/bin/sh'));
  });

  test('a script brings its interpreter, through env too', () => {
    const paths = pathsOf([script('by-env', '#!/usr/bin/env -S LC_ALL=C cat -n\n')], '/usr/bin');
    expect(paths).toContain(realpathSync('/usr/bin/env'));
    expect(paths).toContain(realpathSync('/usr/bin/cat'));
  });

  test('scripts that interpret each other end in an error', () => {
    const path = join(directory, 'ouroboros');
    writeFileSync(path, `#!${path}\n`, { mode: 0o755 });
    expect(pathsOf([path])).toContain(path);
    const chain = Array.from({ length: 8 }, (_, index) =>
      script(`chain-${index}`, `#!${join(directory, `chain-${index + 1}`)}\n`),
    );
    script('chain-8', '#!/bin/sh\n');
    expect(() => collect([chain[0] ?? ''], undefined)).toThrow('scripts without end');
  });

  test('a program that only the caller PATH leads to is linked into the image PATH', () => {
    script('box-test-only', '#!/bin/sh\n');
    expect(pathsOf(['box-test-only'], directory)).toContain('/usr/local/bin/box-test-only');
  });

  test('RUNPATH with $ORIGIN is followed, RPATH down to the libraries of libraries', (context) => {
    requireTool(context, 'gcc');
    const root = join(directory, 'runpath');
    for (const each of ['bin', 'lib', 'deep']) mkdirSync(join(root, each), { recursive: true });
    const compile = (...args: string[]) =>
      execFileSync('gcc', args, { cwd: root, input: 'int f(void){return 0;} int main(void){return f();}' });
    const source = ['-x', 'c', '-'];
    compile('-shared', '-fPIC', '-Wl,-soname,libdeep.so', '-o', 'deep/libdeep.so', ...source);
    compile('-shared', '-fPIC', '-Wl,--no-as-needed', '-o', 'lib/libnear.so', ...source, '-Ldeep', '-ldeep');
    const near = ['-Wl,--no-as-needed', ...source, '-Llib', '-lnear'];
    compile('-Wl,--disable-new-dtags,-rpath,$ORIGIN/../lib:${ORIGIN}/../deep', '-o', 'bin/rpath', ...near);
    compile(
      '-Wl,--enable-new-dtags,-rpath,$ORIGIN/../lib:$ORIGIN/../deep,--allow-shlib-undefined',
      '-o',
      'bin/runpath',
      ...near,
    );
    expect(pathsOf([join(root, 'bin/rpath')])).toEqual(
      expect.arrayContaining([join(root, 'lib/libnear.so'), join(root, 'deep/libdeep.so')]),
    );
    // A RUNPATH does not count for the needs of a library: ld.so fails here as well.
    expect(() => collect([join(root, 'bin/runpath')], undefined)).toThrow(/needs libdeep\.so/);
    expect(spawnSync(join(root, 'bin/rpath')).status).toBe(0);
    expect(spawnSync(join(root, 'bin/runpath')).status).toBe(127);
  });

  test('libraries that need each other in a circle, with RPATHs, are walked once', (context) => {
    requireTool(context, 'gcc');
    const root = join(directory, 'circle');
    mkdirSync(root);
    const compile = (input: string, ...args: string[]) =>
      execFileSync('gcc', [...args, '-x', 'c', '-'], { cwd: root, input });
    const link = ['-Wl,--disable-new-dtags,-rpath,$ORIGIN,--no-as-needed', '-L.'];
    compile('int a(void){return 0;}', '-shared', '-fPIC', '-o', 'liba.so');
    execFileSync('gcc', ['-shared', '-fPIC', '-o', 'libb.so', ...link, '-la'], { cwd: root });
    execFileSync('gcc', ['-shared', '-fPIC', '-o', 'liba.so', ...link, '-lb'], { cwd: root });
    execFileSync('gcc', ['-x', 'c', '-', '-o', 'program', ...link, '-la'], {
      cwd: root,
      input: 'int main(void){return 0;}',
    });
    expect(pathsOf([join(root, 'program')])).toEqual(
      expect.arrayContaining([join(root, 'liba.so'), join(root, 'libb.so')]),
    );
  });

  test('a statically linked program brings nothing else', (context) => {
    requireTool(context, 'gcc');
    const path = join(directory, 'static');
    execFileSync('gcc', ['-static', '-x', 'c', '-', '-o', path], { input: 'int main(void){return 0;}' });
    expect(collect([path], undefined).tree.entries('libraries')).toEqual([]);
  });

  test('names every program that is missing', async () => {
    const failure = await resolve('no-such-a,sh,/no/such/b').catch((error: unknown) => error);
    expect(isBoxError(failure, 'ERR_BOX_HOST_PROGRAM')).toBe(true);
    expect(failure).toMatchObject({ fields: { programs: ['no-such-a', '/no/such/b'] } });
  });

  test('a program that may not be read is an error that says so', () => {
    const path = script('secret', '#!/bin/sh\n');
    chmodSync(path, 0o711);
    const root = process.geteuid?.() === 0;
    if (root) process.seteuid?.(65534);
    try {
      expect(() => collect([path], undefined)).toThrow(/secret: .*permission denied/);
    } finally {
      if (root) process.seteuid?.(0);
    }
  });

  test('another platform is refused', async () => {
    const failure = resolve('sh', { platform: { os: 'linux', architecture: 'mips64' } });
    await expect(failure).rejects.toMatchObject({ code: 'ERR_BOX_PLATFORM_MISSING' });
  });

  test.each([0, 1, 5, 20, 60])('an abort after %i ms leaves no staging directory', async (delay) => {
    const controller = new AbortController();
    const staged = new Set<string>();
    const stage = async () => {
      const path = await mkdtemp(join(directory, 'abort-'));
      staged.add(path);
      if (delay === 0) controller.abort();
      else setTimeout(() => controller.abort(), delay);
      const dispose = async () => {
        await rm(path, { recursive: true });
        staged.delete(path);
      };
      return { path, [Symbol.asyncDispose]: dispose };
    };
    const store = { stage } as unknown as SourceContext['store'];
    const failure = await resolve('sh,ls,node', { signal: controller.signal, store }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: 'AbortError' });
    expect(staged).toEqual(new Set());
  });

  test('a location has one normal form, and nonsense is refused', () => {
    const normalize = (location: string) => hostSource().normalize?.(location);
    expect(normalize(' sh, ls,,sh ,/usr/bin/../bin/env')).toBe('sh,ls,/usr/bin/env');
    for (const text of ['', ',', './x', 'a/b', '..', '/', '/bin/', 'a\nb']) {
      expect(() => normalize(text)).toThrow(expect.objectContaining({ code: 'ERR_BOX_REFERENCE_INVALID' }));
    }
  });
});
