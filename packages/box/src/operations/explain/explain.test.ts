import { execFile, execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { buildImage, buildLayer, compareTrees, opaque, whiteout, writeOciLayout } from '@boxkit/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createBox, formatExplanation } from '../../index.ts';
import type { Box, ScriptBackend } from '../../index.ts';
import { commentLines, shellWord } from './shell-words.ts';

const dir = (path: string, mtime = 1000) => ({ path, type: 'directory' as const, mtime });

describe('an image explained', () => {
  let home: string;
  let box: Box;
  let reference: string;
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'box-explain-'));
    box = await createBox({ home: join(home, 'store') });
    const busybox = await readFile('/bin/busybox');
    const layers = [
      buildLayer([
        dir('.'),
        dir('bin'),
        { path: 'bin/busybox', content: busybox, mode: 0o755 },
        { path: 'bin/sh', type: 'symlink', link: 'busybox' },
        dir('etc'),
        { path: 'etc/passwd', content: 'root:x:0:0::/:/bin/sh\nme:x:7:8::/home:/bin/sh\n' },
        { path: 'etc/gone', content: 'bye' },
        dir('usr'),
        dir('usr/lib'),
        { path: 'lib', type: 'symlink', link: '/usr/lib' },
        dir('cache'),
        { path: 'cache/old', content: 'old' },
        dir('was-directory'),
        { path: 'was-directory/x', content: 'x' },
        { path: 'was-file', content: 'f' },
        { path: 'out', type: 'symlink', link: '/tmp' },
        // what the second layer goes through, by names of bytes and of options
        { path: '\u00e9', type: 'symlink', link: '-to\t' },
        { path: '-to\t/deep\u00e9', type: 'symlink', link: '/nowhere' },
        dir('-n\t'),
        { path: '-n\t/gone\t', content: 'x' },
        dir('hidden'),
        { path: 'hidden/x', content: 'x' },
        dir('proc'),
        dir('dev'),
      ]),
      buildLayer(
        [
          { path: 'lib/new', content: 'n', mode: 0o4711 },
          whiteout('etc/gone'),
          dir('cache', 2000),
          opaque('cache'),
          { path: 'cache/own', content: 'own', uid: 7, gid: 9 },
          { path: 'was-directory', content: 'now a file' },
          dir('was-file', 2000),
          { path: 'was-file/in', content: 'in' },
          { path: 'bin/ls', type: 'hardlink', link: 'bin/busybox' },
          dir('out', 3000),
          whiteout('out/passwd'),
          { path: "it's $(odd) \n name", content: 'odd' },
          { path: '\u00e9/f', content: 'through' },
          { path: '\u00e9/deep\u00e9/f', content: 'through two' },
          whiteout('-n\t/gone\t'),
          { path: 'implied/by', content: 'its entry', mtime: 4000 },
        ],
        { compression: 'zstd' },
      ),
      buildLayer(
        [
          { path: 'etc/passwd', content: 'root:x:0:0::/:/bin/sh\nme:x:7:8::/:/bin/sh\n' },
          { path: 'etc/group', content: 'root:x:0:\nextra:x:77:me\n' },
          whiteout("it's $(odd) \n name"),
          opaque('hidden'),
          whiteout('hidden'),
        ],
        { compression: 'none' },
      ),
    ];
    const history = [{ created_by: 'ADD rootfs\nrm -rf /' }, { created_by: 'RUN' }, { created_by: 'RUN' }];
    const config = { Env: ["A=it's", 'B=$HOME `x`'], Cmd: ['sh', '-c', 'echo default'], WorkingDir: '/usr/lib' };
    const image = buildImage({ layers, config, configOverride: { history } });
    await writeOciLayout(join(home, 'image'), [{ document: image, name: 'v1' }]);
    reference = `oci:${join(home, 'image')}:v1`;
  });
  afterAll(async () => {
    await box[Symbol.asyncDispose]();
    await rm(home, { recursive: true, force: true });
  });

  const byHand = (...args: readonly string[]) => runScript(['sh'], ...args);

  function runScript(
    [program = '', ...options]: readonly string[],
    ...args: readonly string[]
  ): Promise<{ code: number; stdout: string; stderr: string }> {
    return new Promise((resolve) => {
      execFile(program, [...options, ...args], { cwd: home }, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
      });
    });
  }

  it('by a script gives the tree that box unpack gives, in each shell', async () => {
    const script = join(home, 'unpack.sh');
    await writeFile(script, await box.script(reference));
    await box.unpack(reference, join(home, 'by-box'));
    for (const shell of [['dash'], ['bash', '--posix'], ['busybox', 'sh']]) {
      const tree = join(home, `by-${shell[0]}`);
      expect(await runScript(shell, script, tree, 'unpack')).toEqual({ code: 0, stdout: '', stderr: '' });
      expect(await compareTrees(join(home, 'by-box'), tree)).toEqual([]);
    }
  });

  it.each<readonly [ScriptBackend, string]>([
    [
      'unshare',
      'busybox pwd; busybox id -u; echo "$A $B"; busybox cat /etc/passwd /lib/new; busybox ls -l /was-file; exit 3',
    ],
    ['bubblewrap', 'busybox pwd; busybox id -u; echo "$A $B"; busybox ls /dev/null /proc/self/exe; exit 4'],
  ])('by a script with %s prints what box run prints', async (backend, command) => {
    const args = ['sh', '-c', command];
    const script = join(home, `${backend}.sh`);
    await writeFile(script, await box.script(reference, { args, backend }));
    const { code, stdout, stderr } = await byHand(script, join(home, `run-${backend}`));
    await using container = await box.run(reference, { args });
    const expected = container.stdout === null ? '' : await text(container.stdout);
    expect({ code, stdout, stderr }).toEqual({ code: (await container.exit).code, stdout: expected, stderr: '' });
  });

  it('by a script runs as the user that is asked for', async () => {
    const options = { args: ['busybox', 'id'], user: '7:8' };
    const script = join(home, 'user.sh');
    await writeFile(script, await box.script(reference, options));
    const { stdout } = await byHand(script, join(home, 'run-user'));
    expect(stdout).toBe('uid=7(me) gid=8\n');
    const named = { args: ['busybox', 'id'], user: 'me', workdir: '/' };
    await writeFile(script, await box.script(reference, named));
    const { stdout: grouped } = await byHand(script, join(home, 'run-grouped'));
    expect(grouped).toBe('uid=7(me) gid=8 groups=8,77(extra)\n');
  });

  it('by a script refuses what the script would leave out', async () => {
    const refusal = box.script(reference, { limits: { pids: 3 }, init: true });
    await expect(refusal).rejects.toMatchObject({ code: 'ERR_BOX_NOT_ENFORCEABLE' });
    await expect(box.script(reference, { backend: 'chroot' })).rejects.toMatchObject({
      code: 'ERR_BOX_NOT_ENFORCEABLE',
    });
  });

  it('by a script stops at a blob that was changed', async () => {
    const script = await box.script(reference);
    await writeFile(join(home, 'bad.sh'), script.replace(/verify sha256sum [0-9a-f]{8}/, 'verify sha256sum 00000000'));
    const { code, stderr } = await byHand(join(home, 'bad.sh'), join(home, 'bad'));
    expect({ code, stderr }).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('is not what its digest says') as unknown,
    });
  });

  it('in words tells of files, layers and system calls', async () => {
    const explanation = await box.explain(reference, { args: ['sh'] });
    expect(explanation.layers.map(({ adds, deletes }) => [adds, deletes])).toEqual([
      [24, 0],
      [8, 4],
      [1, 3],
    ]);
    const words = formatExplanation(explanation);
    expect(words).toContain(explanation.blobs[0]?.digest);
    expect(words).toContain('made by: ADD rootfs\\nrm -rf /');
    expect(words).toMatch(/deletes .*\/etc\/gone/);
    expect(words).toMatch(/pivot_root .*root/);
    expect(words).toContain(`box explain --script ${shellWord(reference)} -- sh`);
  });
});

describe('words of a shell', () => {
  it.each(['plain', '', "it's", '$(x) `y` "z"', 'a\nb', '-n', 'A=b', '*?[x]~'])(
    'are read back as they were: %j',
    (word) => {
      expect(execFileSync('sh', ['-c', `printf %s ${shellWord(word)}`]).toString()).toBe(word === '-n' ? '-n' : word);
    },
  );

  it('never leave a comment', () => {
    for (const line of commentLines('a\nrm -rf /\r\n\u2028x '.repeat(50))) expect(line).toMatch(/^# [^\n\r]*$/);
  });
});
