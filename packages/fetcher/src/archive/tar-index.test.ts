import { mkdir, open, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCommand, temporaryDirectory, writeTar, type TemporaryDirectory } from '@boxkit/testkit';
import { indexTar, type TarIndex } from './tar-index.ts';

let directory: TemporaryDirectory;
beforeAll(async () => {
  directory = await temporaryDirectory('tar-index');
});
afterAll(() => directory[Symbol.asyncDispose]());

async function index(path: string): Promise<TarIndex> {
  const handle = await open(path);
  try {
    return await indexTar(handle, { archive: path, signal: new AbortController().signal });
  } finally {
    await handle.close();
  }
}

describe('indexTar', () => {
  test.each(['v7', 'ustar', 'oldgnu', 'gnu', 'posix'])(
    'finds every file of a tar that GNU tar made as %s',
    async (format) => {
      const root = join(directory.path, format);
      const deep = format === 'v7' ? 'd/e' : `${'d'.repeat(format === 'ustar' ? 90 : 150)}/e`;
      const files = new Map([
        ['plain', 'one'],
        ['empty', ''],
        [`${deep}/file`, 'x'.repeat(1500)],
        ['ünïcode', 'two'],
      ]);
      for (const [name, content] of files) {
        await mkdir(dirname(join(root, 'tree', name)), { recursive: true });
        await writeFile(join(root, 'tree', name), content);
      }
      await runCommand('ln', ['-s', '../plain', join(root, 'tree/d-link')]);
      await runCommand('ln', [join(root, 'tree/plain'), join(root, 'tree/second')]);
      const path = join(root, 'all.tar');
      await runCommand('tar', ['-C', join(root, 'tree'), '--sort=name', `--format=${format}`, '-cf', path, '.']);
      const records = await index(path);
      const handle = await open(path);
      for (const [name, content] of files) {
        const record = records.get(name);
        const { offset, size } = record?.type === 'file' ? record : { offset: 0, size: -1 };
        expect({ name, size }).toEqual({ name, size: content.length });
        const { buffer } = await handle.read(Buffer.alloc(size), 0, size, offset);
        expect(buffer.toString()).toBe(content);
      }
      await handle.close();
      expect(records.get('d-link')).toEqual({ type: 'symlink', target: '../plain' });
      expect(records.get('second')).toMatchObject({ type: 'hardlink' });
    },
  );

  test.each(['pax', 'gnu'] as const)('a file of more than 8 GiB, as %s', async (format) => {
    const path = join(directory.path, `huge-${format}.tar`);
    const size = 9 * 1024 ** 3;
    const tar = writeTar([{ path: 'huge', size }], { format, end: false });
    await writeFile(path, tar);
    await truncate(path, tar.length + size);
    expect((await index(path)).get('huge')).toEqual({ type: 'file', offset: tar.length, size });
  });

  test('the last entry of a name counts, and names that lead outside are left out', async () => {
    const path = join(directory.path, 'names.tar');
    const entries = [
      { path: 'a', content: '1' },
      { path: './a', content: '22' },
      { path: '../b', content: '3' },
      { path: '/c//d', content: '4' },
    ];
    await writeFile(path, writeTar(entries));
    const records = await index(path);
    expect([...records.keys()]).toEqual(['a', 'c/d']);
    expect(records.get('a')).toMatchObject({ size: 2 });
  });
});
