import { describe, expect, test } from 'vitest';
import { hostname } from 'node:os';
import type { SuiteContext } from './suite-context.ts';

/** The process as it was asked for: status, streams, environment, directory, user. */
export function processTests(context: SuiteContext): void {
  describe('the process', () => {
    test.each([0, 1, 125, 126, 127, 255])('exits with its own status %i', async (code) => {
      expect((await context.harness.run(['sh', '-c', `exit ${code}`])).status).toEqual({ code });
    });

    test('ended by a signal counts as 128 and the signal', async () => {
      const script = `sh -c 'kill -SEGV $$'; exit $?`;
      expect((await context.harness.run(['sh', '-c', script])).status.code).toBe(128 + 11);
    });

    test.each([
      ['a missing command', ['no-such-command'], 127],
      ['a missing path', ['/no/such'], 127],
      ['a directory', ['/etc'], 126],
      ['a file that is not executable', ['/etc/passwd'], 126],
      ['a file of no format', ['/bad-format'], 126],
      ['a script without its interpreter', ['/bad-script'], 127],
    ] as const)('%s is told from a status of its own', async (_name, args, code) => {
      const rootfs = await context.harness.rootfs();
      const { chmod, writeFile } = await import('node:fs/promises');
      for (const [name, content] of [
        ['bad-format', 'neither'],
        ['bad-script', '#!/no/interpreter\n'],
      ]) {
        await writeFile(`${context.harness.root}/${name}`, content ?? '');
        await chmod(`${context.harness.root}/${name}`, 0o755);
      }
      const { status } = await context.harness.run(args, { rootfs });
      expect(status).toMatchObject({ code, reason: expect.stringContaining(args[0]) });
    });

    test('reads its input to the end and keeps output and errors apart', async () => {
      const { stdout, stderr, status } = await context.harness.run(['sh', '-c', 'cat; echo err >&2'], {
        input: 'a\nb',
      });
      expect({ stdout, stderr, status }).toEqual({ stdout: 'a\nb', stderr: 'err\n', status: { code: 0 } });
    });

    test('can open its output again by name', async () => {
      expect(await context.harness.sh('echo again > /dev/stdout')).toBe('again');
    });

    test('passes a megabyte through', async () => {
      const input = 'x'.repeat(1024 * 1024);
      expect((await context.harness.run(['cat'], { input })).stdout.length).toBe(input.length);
    });

    test('has the planned environment and nothing of the caller', async () => {
      process.env['BOX_SUITE_SECRET'] = 'secret';
      const output = await context.harness.sh('env', {
        config: { Env: ['FROM_IMAGE=1', 'BOTH=image'] },
        env: { BOTH: 'caller', ODD: 'a b\n"c"' },
      });
      expect(output).toContain('FROM_IMAGE=1');
      expect(output).toContain('BOTH=caller');
      expect(output).toContain('ODD=a b\n"c"');
      const names = [...output.matchAll(/^(\w+)=/gm)].map(([, name]) => name);
      expect(new Set(names)).toEqual(
        new Set(['BOTH', 'FROM_IMAGE', 'HOME', 'HOSTNAME', 'ODD', 'PATH', 'PWD', 'SHLVL']),
      );
    });

    test('keeps arguments as they are', async () => {
      const { stdout } = await context.harness.run(['echo', '-n', 'a b', '', '*', '\n', 'ä$(x)']);
      expect(stdout).toBe('a b  * \n ä$(x)');
    });

    test('starts in the working directory, which is made when missing', async () => {
      expect(await context.harness.sh('pwd; stat -c %a .', { workdir: '/deep er/dir' })).toBe('/deep er/dir\n755');
      expect(await context.harness.sh('pwd', { config: { WorkingDir: '/etc' } })).toBe('/etc');
    });

    test('is root unless another user is asked for', async () => {
      expect(await context.harness.sh('id -u; id -g; echo $HOME')).toBe('0\n0\n/root');
    });

    test.each([
      ['app', '1000 1000 /home/app'],
      ['1000', '1000 1000 /home/app'],
      ['1000:29', '1000 29 /home/app'],
      ['app:video', '1000 44 /home/app'],
      ['4242', '4242 0 /'],
      ['4242:4343', '4242 4343 /'],
    ])('runs as user %s', async (user, expected) => {
      const { harness } = context;
      const script = 'echo $(id -u) $(id -g) $HOME; grep CapEff /proc/self/status';
      expect(await harness.sh(script, { user })).toBe(`${expected}\nCapEff:\t0000000000000000`);
    });

    test('has the supplementary groups of its user, and none of the caller', async () => {
      const { harness } = context;
      const { idMap } = await harness.rootfs();
      const groups = (await harness.sh('id -G', { user: 'app' })).split(' ');
      // a single id leaves no room for more groups
      const expected = idMap.kind === 'single' ? ['1000'] : ['1000', '29', '44'];
      expect(groups).toEqual(expect.arrayContaining(expected));
      expect(groups.length === expected.length || idMap.kind === 'single').toBe(true);
    });

    test('has no supplementary groups but the one that is named', async () => {
      const { harness } = context;
      expect((await harness.sh('id -G', { user: 'app:app' })).split(' ')[0]).toBe('1000');
      const { idMap } = await harness.rootfs();
      // the kernel lets nobody choose groups where a single id is mapped, nor leave the one there is
      if (idMap.kind === 'single') return;
      expect(await harness.sh('grep Groups /proc/self/status', { user: 'app:video' })).toMatch(/^Groups:\s44\s*$/);
    });

    test('an unknown user is refused', async () => {
      await expect(context.harness.run(['true'], { user: 'nobody-here' })).rejects.toMatchObject({
        code: 'ERR_BOX_USER_UNKNOWN',
      });
    });

    test('no command at all is refused', async () => {
      await expect(context.harness.run([])).rejects.toMatchObject({ code: 'ERR_BOX_COMMAND_EMPTY' });
    });

    test('has a hostname of its own', async () => {
      const expected = context.can('uts-namespace') ? 'box-suite\nbox-suite' : 'ERR_BOX_NOT_ENFORCEABLE';
      expect(await context.harness.attempt('hostname; cat /etc/hostname', { hostname: 'box-suite' })).toBe(expected);
      expect(hostname()).not.toBe('box-suite');
    });

    test('has the umask 022 and no descriptor but 0, 1 and 2', async () => {
      expect(await context.harness.sh('umask; ls /proc/self/fd')).toBe('0022\n0\n1\n2\n3');
    });

    test('has the limits asked for', async () => {
      const limits = { ulimits: [{ name: 'nofile', soft: 100, hard: 200 }] };
      expect(await context.harness.sh('ulimit -Sn; ulimit -Hn', { limits })).toBe('100\n200');
    });

    test('may have no limit where the caller has none, and never more than the kernel knows', async () => {
      const limits = { ulimits: [{ name: 'core', soft: 0, hard: Infinity }] };
      const printed = await context.harness.attempt('ulimit -Sc; ulimit -Hc', { limits });
      expect(['0\nunlimited', 'ERR_BOX_NOT_ENFORCEABLE']).toContain(printed);
      const many = { ulimits: [{ name: 'nofile', soft: Infinity, hard: Infinity }] };
      expect(await context.harness.attempt('ulimit -n', { limits: many })).toMatch(/^(?:\d+|ERR_BOX_NOT_ENFORCEABLE)$/);
    });

    test('runs on an overlay, whose lower layer stays as it is', async () => {
      const { harness } = context;
      expect(await harness.sh('echo new > /etc/new; rm /etc/group; ls /etc', { overlay: true })).toContain('new');
      expect(await harness.sh('ls /etc')).toContain('group');
    });
  });
}
