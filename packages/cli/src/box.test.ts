import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const binary = join(import.meta.dirname, '../bin/box');

interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

let home: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'box-cli-'));
});
afterAll(() => rm(home, { recursive: true, force: true }));

const environment = (): NodeJS.ProcessEnv => ({
  ...process.env,
  BOX_HOME: home,
  XDG_CONFIG_HOME: join(home, 'config'),
});

function box(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Result> {
  return new Promise((resolve) => {
    execFile(binary, [...args], { env: { ...environment(), ...env } }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

describe('box run', () => {
  it("prints the container's output and ends with its status", async () => {
    const script = 'echo out; echo err >&2; exit 42';
    const { code, stdout, stderr } = await box(['run', '--quiet', 'host:sh', '--', 'sh', '-c', script]);
    expect({ code, stdout, stderr }).toEqual({ code: 42, stdout: 'out\n', stderr: 'err\n' });
  });

  it('says nothing of its own when the image is in the store', async () => {
    await box(['run', 'host:sh', 'true']);
    expect(await box(['run', 'host:sh', '--', 'sh', '-c', ':'])).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  it('keeps events off standard output', async () => {
    const { stdout, stderr } = await box(['run', '--json', 'host:sh', '--', 'sh', '-c', 'echo out']);
    expect(stdout).toBe('out\n');
    const events = stderr
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string });
    expect(events.map(({ type }) => type)).toContain('container-exited');
  });

  it('ends with 127 for a command that is not there, and says so', async () => {
    const { code, stderr } = await box(['run', 'host:sh', 'no-such-command']);
    expect(code).toBe(127);
    expect(stderr).toContain('no-such-command');
  });

  it('passes on a SIGTERM, and leaves no container', async () => {
    await box(['images']);
    const before = await readdir(join(home, 'containers'));
    const child = spawn(
      binary,
      ['run', '--rm', 'host:sh,sleep', '--', 'sh', '-c', 'trap "exit 9" TERM; echo up; while :; do sleep 0.1; done'],
      {
        env: environment(),
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    await new Promise((resolve) => child.stdout.once('data', resolve));
    child.kill('SIGTERM');
    const code = await new Promise((resolve) => {
      child.once('exit', resolve);
    });
    expect(code).toBe(9);
    expect(await readdir(join(home, 'containers'))).toEqual(before);
  });

  it.each([
    [['run', '--isolatoin', 'x', 'host:sh'], 125, 'unknown option --isolatoin; did you mean --isolation?'],
    [['run'], 125, 'too few arguments'],
    [['run', '--memory', 'lots', 'host:sh'], 125, '"lots" is not bytes'],
    [['run', '-v', 'sub/dir:/x', 'host:sh'], 125, '"sub/dir" is neither a path nor the name of a volume'],
    [['run', '--isolation', 'magic', 'host:sh'], 125, 'magic'],
    [['run', 'host:no-such-program'], 125, 'ERR_BOX_HOST_PROGRAM'],
    [['pull', 'alpine:bad tag'], 1, 'ERR_BOX_REFERENCE_INVALID'],
    [['pull', '--platform', 'linux/', 'alpine'], 1, 'ERR_BOX_PLATFORM_INVALID'],
    [['rmi', 'nothing'], 1, 'ERR_BOX_IMAGE_UNKNOWN'],
    [['inspect', 'nothing'], 1, 'ERR_BOX_IMAGE_UNKNOWN'],
    [['unpack', 'host:sh'], 2, 'too few arguments; wanted: REF DIR'],
    [['frobnicate'], 2, 'there is no command "frobnicate"'],
    [['imagse'], 2, 'did you mean images?'],
    [['images', '--home', '/dev/null/x'], 1, 'ERR_BOX_STORE_UNWRITABLE'],
    [['images', '--home', '/proc/nothing'], 1, 'ERR_BOX_'],
    [['images', '--plugin', './no-such-plugin.mjs'], 1, 'ERR_BOX_PLUGIN_INVALID'],
    [['images', '--config', '/no/such/config.json'], 1, 'ERR_BOX_CONFIG_INVALID'],
  ])('%j ends with status %i and one clear error', async (args, code, message) => {
    const result = await box(args);
    expect(result.code).toBe(code);
    expect(result.stdout).toBe('');
    expect(result.stderr).toContain('box: error: ');
    expect(result.stderr).toContain(message);
    expect(result.stderr).not.toMatch(/^\s+at /m);
  });
});

describe('box', () => {
  it('takes options of every command before the command too', async () => {
    expect((await box(['--json', 'version'])).stdout).toMatch(/^\{"box":"/);
    expect(await box(['--hoem', 'x', 'images'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('unknown option --hoem; did you mean --home?'),
    });
  });

  it('shows help for every command, whatever else stands on the line', async () => {
    for (const name of ['pull', 'run', 'unpack', 'images', 'inspect', 'rmi', 'doctor', 'version', 'help']) {
      const { code, stdout } = await box([name, '--help']);
      expect(code).toBe(0);
      expect(stdout).toContain('Examples:');
    }
    expect((await box(['run', '-e', 'A=1', '--help'])).stdout).toContain('Usage: box run');
  });

  it("leaves a container's own --help to the container", async () => {
    expect((await box(['run', '-q', 'host:sh,ls', 'ls', '--help'])).stdout).toContain('Usage: ls');
  });

  it('pulls with events as JSON on standard output', async () => {
    const { stdout, stderr } = await box(['pull', '--json', 'host:sh']);
    const events = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string });
    expect(events.map(({ type }) => type)).toContain('image-resolved');
    expect(stderr).toBe('');
  });

  it('lists, names, shows and removes images', async () => {
    await box(['pull', '-q', 'host:sh']);
    await box(['tag', 'host:sh', 'mine:1']);
    expect((await box(['images', '-q'])).stdout.split('\n')).toEqual(expect.arrayContaining(['host:sh', 'mine:1']));
    const [inspected] = JSON.parse((await box(['inspect', 'mine:1'])).stdout) as [{ config: { os: string } }];
    expect(inspected.config.os).toBe('linux');
    expect((await box(['run', '-q', 'mine:1', '--', 'sh', '-c', 'echo ok'])).stdout).toBe('ok\n');
    expect((await box(['rmi', 'mine:1'])).stdout).toBe('mine:1\n');
    expect((await box(['rmi', 'mine:1'])).code).toBe(1);
  });

  it('unpacks into a missing or empty directory only', async () => {
    const directory = join(home, 'a pod');
    expect((await box(['unpack', 'host:sh', directory])).code).toBe(0);
    expect(existsSync(join(directory, 'bin/sh'))).toBe(true);
    const again = await box(['unpack', 'host:sh', directory]);
    expect(again.code).toBe(1);
    expect(again.stderr).toContain('ERR_BOX_DIRECTORY_NOT_EMPTY');
  });

  it('says nothing when the reader of its output has left', async () => {
    const stderr = await new Promise<string>((resolve) => {
      execFile('/bin/sh', ['-c', `'${binary}' help | true`], { env: environment() }, (_, __, text) => resolve(text));
    });
    expect(stderr).toBe('');
  });

  it('prints a whole file of an image, however slowly it is read', async () => {
    const shell = await readFile('/bin/sh');
    const slowly = `'${binary}' cat -q host:sh /bin/sh | (sleep 1; cat) | sha256sum`;
    const output = await new Promise<string>((resolve) => {
      execFile('/bin/sh', ['-c', slowly], { env: environment() }, (_, text) => resolve(text));
    });
    expect(output.split(' ')[0]).toBe(createHash('sha256').update(shell).digest('hex'));
    expect((await box(['cat', 'host:sh', '/no/such/file'])).stderr).toContain('ERR_BOX_FILE_UNREADABLE');
  });

  it('logs in with a password from standard input, and never from the command line', async () => {
    const result = await box(['login', '127.0.0.1:1']);
    expect(result).toMatchObject({ code: 2, stderr: expect.stringContaining('--password-stdin') });
    expect((await box(['login', '--password', 'x', '127.0.0.1:1'])).stderr).toContain('unknown option --password');
  });

  it('loads a plugin and its command from the configuration file', async () => {
    const plugin = join(home, 'greet.mjs');
    const command = `{ name: 'greet', summary: 'greet', help: 'box greet', run: async (args, io) => { io.stdout.write('hello ' + args[0] + '\\n'); return 4; } }`;
    await writeFile(plugin, `export default { name: 'greet', setup(host) { host.addCommand(${command}); } };`);
    const config = join(home, 'with-plugin.json');
    await writeFile(config, JSON.stringify({ plugins: ['./greet.mjs'] }));
    expect(await box(['greet', 'world'], { BOX_CONFIG: config })).toEqual({
      code: 4,
      stdout: 'hello world\n',
      stderr: '',
    });
  });

  it('tells what works here', async () => {
    const { code, stdout } = await box(['doctor']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Isolation backends:\n {2}unshare/);
    const found = JSON.parse((await box(['doctor', '--json'])).stdout) as { kind: string; name: string }[];
    expect(found.filter(({ kind }) => kind === 'isolator').map(({ name }) => name)).toEqual([
      'unshare',
      'bubblewrap',
      'chroot',
    ]);
  });
});

describe('a place where nothing can be', () => {
  it.each(['/proc/none/x', '/etc/passwd/x'])('is told as such, not as a defect: box unpack to %s', async (path) => {
    const { code, stderr } = await box(['unpack', '--quiet', 'host:sh', path]);
    expect(code).toBe(1);
    expect(stderr).toContain(`box: error: cannot unpack into ${path}: `);
    expect(stderr).toContain('code: ERR_BOX_SYSTEM_CALL');
  });

  it.each(['images', 'cat host:sh /bin/sh', 'save host:sh'])(
    'is told as such: a standard output that takes nothing, box %s',
    async (command) => {
      const { code, stderr } = await new Promise<Result>((resolve) => {
        execFile('sh', ['-c', `"$0" ${command} >/dev/full`, binary], { env: environment() }, (error, stdout, told) => {
          resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr: told });
        });
      });
      expect(code).toBe(1);
      expect(stderr).toMatch(/^box: error: cannot write .*: no space is left on the device\n/m);
    },
  );

  it('is told as such: a current directory that was removed', async () => {
    const script = `mkdir "$1/gone" && cd "$1/gone" && rmdir "$1/gone" && exec "$0" images`;
    const { code, stderr } = await new Promise<Result>((resolve) => {
      execFile('sh', ['-c', script, binary, home], { env: environment() }, (error, stdout, told) => {
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr: told });
      });
    });
    expect(code).toBe(2);
    expect(stderr).toContain('box: error: cannot start: the current directory was removed');
  });
});
