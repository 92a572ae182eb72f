import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { ContainerSummary } from '@boxkit/box';
import { parseArguments } from '../args/parse.ts';
import { containerFilter } from './container-filter.ts';
import { containerFormat } from './container-format.ts';
import { foreignRunOptions } from './foreign-options.ts';
import { runOptions } from './options.ts';
import { readRunOptions } from './read-options.ts';

const directory = mkdtempSync(join(tmpdir(), 'box-options-'));
afterAll(() => rmSync(directory, { recursive: true }));

const read = async (...words: readonly string[]) => {
  const operands = { usage: '', min: 0, max: 0 };
  return readRunOptions(parseArguments(words, runOptions, operands, foreignRunOptions).values, []);
};

describe('the options of run, as people bring them along', () => {
  it.each([
    [['-m', '512m', '--cpus', '.5', '--pids-limit', '9'], { limits: { memory: 2 ** 29, cpus: 0.5, pids: 9 } }],
    [['--cap-drop', 'all', '--cap-add', 'chown,net_raw'], { capDrop: ['all'], capAdd: ['chown', 'net_raw'] }],
    [['--net', 'none'], { network: 'none' }],
    [
      ['--add-host', 'a=::1', '--add-host', 'b:[::2]'],
      {
        addHosts: [
          { host: 'a', address: '::1' },
          { host: 'b', address: '::2' },
        ],
      },
    ],
    [['--add-host', 'a:host-gateway'], { addHosts: [{ host: 'a', address: 'host-gateway' }] }],
    [['--security-opt', 'no-new-privileges:false'], { noNewPrivileges: false }],
    [
      ['--ulimit', 'nofile=-1:unlimited'],
      { limits: { ulimits: [{ name: 'nofile', soft: Infinity, hard: Infinity }] } },
    ],
    [['--entrypoint', ''], { entrypoint: [] }],
  ])('%j are understood', async (words, expected) => expect(await read(...words)).toMatchObject(expected));

  it('no limit may be said in docker’s words', async () => {
    const unlimited = ['-m', '0', '--cpus', '0', '--pids-limit', '-1'];
    const idle = ['--security-opt', 'label=disable', '--security-opt', 'apparmor=unconfined'];
    expect(await read(...unlimited, ...idle, '--security-opt', 'seccomp=builtin')).toEqual({ remove: false });
  });

  it('labels come from files too, and those on the line beat them', async () => {
    const file = join(directory, 'labels');
    writeFileSync(file, '# no\na=1\nb\nc=3\n');
    expect(await read('--label-file', file, '-l', 'a=2')).toMatchObject({ labels: { a: '2', b: '', c: '3' } });
  });

  it.each([
    [['-m', '1k'], 'at least 1m'],
    [['--cpus', '0.001'], 'at least 0.01'],
    [['--add-host', 'a:nonsense'], '--add-host'],
    [['--dns', 'nonsense'], '--dns'],
    [['--security-opt', 'unmask=ALL'], '--security-opt'],
    [['--network', 'bridge'], 'one of none, host, private'],
    [['--privileged'], 'box has no option --privileged'],
    [['-P'], 'box has no option -P'],
    [['--label-file', '/no/such'], 'option --label-file: cannot read /no/such'],
  ])('%j is refused, with a word on why', async (words, message) => {
    await expect(read(...words)).rejects.toThrow(message);
  });
});

describe('the list of containers', () => {
  const container = {
    containerId: 'ab'.repeat(32),
    name: 'web',
    reference: 'alpine:latest',
    command: ['sh', '\u001b[2J'],
    status: 'running',
    labels: { k: 'v' },
    ports: [],
  } as unknown as ContainerSummary;

  it.each([
    [[], true],
    [['name=we', 'status=running', 'label=k', 'label=x', 'ancestor=alpine', 'id=abab'], true],
    [['label=k=w'], false],
    [['name=web', 'status=exited'], false],
    [['exited=0'], false],
  ])('filtered by %j has it: %s', (filters, expected) => expect(containerFilter(filters)(container)).toBe(expected));

  it('is written after a template, without control characters of a container’s', () => {
    const { heading, line } = containerFormat('{{.ID}}\\t{{ .Names }} {{.Labels}}');
    expect(heading + line(container)).toBe('abababababab\tweb k=v\n');
    const table = containerFormat('table {{.Names}}\\t{{.Status}}');
    expect(table.heading + table.line(container)).toBe('NAMES\tSTATUS\nweb\trunning\n');
    expect(containerFormat('{{.Command}}').line(container)).not.toContain('\u001b');
    expect(() => containerFormat('{{.Nope}}')).toThrow('--format');
    for (const filter of ['nope=1', 'status=nope', 'status'])
      expect(() => containerFilter([filter])).toThrow('--filter');
  });
});
