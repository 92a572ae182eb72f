import { readFile, readlink, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { requireTool, runCommand, temporaryDirectory } from '@boxkit/testkit';
import { writeTar, type TarEntry } from './tar-writer.ts';

async function bytesOf(entries: readonly TarEntry[]): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of writeTar(entries)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function file(name: string, text: string): TarEntry {
  return { type: 'file', name, mode: 0o640, size: Buffer.byteLength(text), content: [Buffer.from(text)] };
}

const long = `${'d'.repeat(99)}/${'ü'.repeat(99)}`;

describe('writeTar', () => {
  test.for(['tar', 'bsdtar'])('%s reads names, links and contents of any length', async (program, context) => {
    requireTool(context, program);
    await using directory = await temporaryDirectory('tar-writer');
    const tar = await bytesOf([
      { type: 'directory', name: 'd'.repeat(99), mode: 0o751 },
      file(long, 'x'.repeat(1000)),
      file('exactly', 'y'.repeat(512)),
      file('empty', ''),
      { type: 'symlink', name: 'link', target: long },
      { type: 'symlink', name: 'l'.repeat(120), target: 'exactly' },
    ]);
    const environment = { ...process.env, LC_ALL: 'C.UTF-8' };
    await runCommand(program, ['-xf', '-'], { cwd: directory.path, input: tar, env: environment });
    const at = (name: string) => join(directory.path, name);
    expect(await readFile(at(long), 'utf8')).toBe('x'.repeat(1000));
    expect(await readFile(at('l'.repeat(120)), 'utf8')).toBe('y'.repeat(512));
    expect(await readFile(at('empty'), 'utf8')).toBe('');
    expect(await readlink(at('link'))).toBe(long);
    expect((await stat(at('d'.repeat(99)))).mode & 0o777).toBe(0o751);
    expect((await stat(at('exactly'))).mtimeMs).toBe(0);
  });

  test('a size that no octal field holds goes into a pax header', async () => {
    const huge: TarEntry = { type: 'file', name: 'huge', mode: 0o644, size: 9 * 1024 ** 3, content: [] };
    const first = await writeTar([huge]).next();
    expect(Buffer.from(first.value ?? []).toString('latin1')).toContain('19 size=9663676416\n');
  });

  test.each([
    ['shorter', [new Uint8Array(9)]],
    ['longer', [new Uint8Array(9), new Uint8Array(9)]],
  ])('content that is %s than announced is an error', async (_name, content) => {
    await expect(bytesOf([{ type: 'file', name: 'a', mode: 0o644, size: 10, content }])).rejects.toThrow(
      'a changed while',
    );
  });
});
