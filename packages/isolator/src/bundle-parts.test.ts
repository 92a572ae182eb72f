import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { buildArgv } from './argv.ts';
import { capabilitySet } from './capability-set.ts';
import { effectiveConfig } from './effective-config.ts';
import { buildEnv } from './env.ts';
import { hostsFile, resolvConfFile } from './network-files.ts';
import { stopSignal } from './stop-signal.ts';
import { workingDirectory } from './working-directory.ts';

describe('argv', () => {
  const config = { Entrypoint: ['/entry'], Cmd: ['a', 'b'] };
  it.each([
    [{}, ['/entry', 'a', 'b']],
    [{ args: ['c'] }, ['/entry', 'c']],
    [{ args: [] }, ['/entry']],
    [{ entrypoint: ['/other'] }, ['/other']],
    [{ entrypoint: ['/other', 'x'], args: ['c'] }, ['/other', 'x', 'c']],
    [{ entrypoint: [], args: ['c'] }, ['c']],
  ])('%j gives %j', (options, expected) => {
    expect(buildArgv(config, options)).toEqual(expected);
  });

  it('nothing at all is an error', () => {
    const empty = expect.objectContaining({ code: 'ERR_BOX_COMMAND_EMPTY' });
    expect(() => buildArgv({ Entrypoint: null, Cmd: null }, {})).toThrow(empty);
    expect(() => buildArgv(config, { entrypoint: [] })).toThrow(empty);
  });
});

it("the effective config is the image's with what the caller asks, and nothing that box adds", () => {
  const config = { Entrypoint: ['/entry'], Cmd: ['a'], Env: ['A=1', 'B=2'], User: 'u', WorkingDir: '/w' };
  expect(effectiveConfig(config, {})).toEqual({ ...config, StopSignal: '' });
  expect(
    effectiveConfig(config, { args: ['c'], env: { B: '3', C: '' }, user: '', workdir: '/x', stopSignal: 'INT' }),
  ).toEqual({
    Entrypoint: ['/entry'],
    Cmd: ['c'],
    Env: ['A=1', 'B=3', 'C='],
    User: '',
    WorkingDir: '/x',
    StopSignal: 'INT',
  });
});

describe('env', () => {
  const facts = { home: '/h', hostname: 'host', terminal: false };
  it('merges by key, the caller last, and adds what is missing', () => {
    expect(buildEnv(['A=1', 'B=x=y', 'PATH=/p', 'broken', '=none'], { A: '2' }, facts)).toEqual({
      A: '2',
      B: 'x=y',
      PATH: '/p',
      HOME: '/h',
      HOSTNAME: 'host',
    });
  });

  it('has a PATH and, with a terminal, a TERM', () => {
    expect(buildEnv([], {}, { ...facts, terminal: true })).toMatchObject({
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      TERM: 'xterm',
    });
  });

  it.each([
    ['', 'x'],
    ['a=b', 'x'],
    ['a', 'x\0y'],
  ])('%j=%j cannot be set', (key, value) => {
    expect(() => buildEnv([], { [key]: value }, facts)).toThrow(expect.objectContaining({ code: 'ERR_BOX_USAGE' }));
  });
});

it.each([
  ['', '/'],
  ['/a/../b/', '/b'],
  ['relative', '/relative'],
  ['../..', '/'],
])('the working directory %j of an image is %j', (text, expected) => {
  expect(workingDirectory(undefined, text)).toBe(expected);
});

it('the working directory of the caller beats the image’s, and is absolute', () => {
  expect(workingDirectory('/a/../b', '/image')).toBe('/b');
  expect(workingDirectory('', '/image')).toBe('/image');
  expect(() => workingDirectory('relative', '/')).toThrow(expect.objectContaining({ code: 'ERR_BOX_USAGE' }));
});

it.each([
  [undefined, 'SIGTERM'],
  ['SIGQUIT', 'SIGQUIT'],
  ['quit', 'SIGQUIT'],
  ['9', 9],
  ['SIGRTMIN+3', 37],
  ['RTMAX-1', 63],
])('the stop signal %j is %j', (text, expected) => {
  expect(stopSignal(text)).toBe(expected);
});

it.each(['SIGNOPE', '0', '65', 'SIGRTMIN+99', '-1'])('%s is no signal', (text) => {
  expect(() => stopSignal(text)).toThrow(expect.objectContaining({ code: 'ERR_BOX_USAGE' }));
});

describe('capabilities', () => {
  it('are docker’s fourteen by default', () => {
    expect(capabilitySet({})).toHaveLength(14);
    expect(capabilitySet({})).not.toContain('CAP_SYS_ADMIN');
  });

  it('are added and dropped by name, with or without CAP_', () => {
    const set = capabilitySet({ capAdd: ['net_admin'], capDrop: ['CAP_CHOWN'] });
    expect(set).toContain('CAP_NET_ADMIN');
    expect(set).not.toContain('CAP_CHOWN');
  });

  it('ALL dropped leaves what is added', () => {
    expect(capabilitySet({ capAdd: ['KILL'], capDrop: ['all'] })).toEqual(['CAP_KILL']);
  });

  it('ALL added is what the caller may have, without what is dropped', () => {
    const all = capabilitySet({ capAdd: ['ALL'] });
    const bounding = /^CapBnd:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1] ?? '';
    const attainable = BigInt(`0x${bounding}`).toString(2).replaceAll('0', '').length;
    expect(all).toHaveLength(process.geteuid?.() === 0 ? attainable : 41);
    const set = capabilitySet({ capAdd: ['ALL'], capDrop: ['SYS_ADMIN'] });
    expect(set).toEqual(all.filter((name) => name !== 'CAP_SYS_ADMIN'));
  });

  it('an unknown one is refused', () => {
    expect(() => capabilitySet({ capAdd: ['NOPE'] })).toThrow(expect.objectContaining({ code: 'ERR_BOX_USAGE' }));
  });
});

it('the hosts file names the container and what was added', () => {
  const hosts = hostsFile({ addHosts: [{ host: 'db', address: '10.1.2.3' }] }, 'me');
  expect(hosts).toContain('127.0.0.1\tlocalhost\n');
  expect(hosts).toContain('127.0.1.1\tme\n');
  expect(hosts).toContain('10.1.2.3\tdb\n');
  const gateway = { addHosts: [{ host: 'here', address: 'host-gateway' }] };
  expect(hostsFile(gateway, 'me', 'host')).toContain('127.0.0.1\there\n');
  expect(() => hostsFile(gateway, 'me', 'none')).toThrow(expect.objectContaining({ code: 'ERR_BOX_USAGE' }));
  const noAddress = { addHosts: [{ host: 'db', address: '1.2.3.4\t5.6.7.8' }] };
  expect(() => hostsFile(noAddress, 'me')).toThrow(expect.objectContaining({ code: 'ERR_BOX_USAGE' }));
});

it('resolv.conf has the servers asked for, and is left alone without a network', () => {
  expect(resolvConfFile({ dns: ['192.0.2.1', '192.0.2.2'] }, 'host')).toBe(
    'nameserver 192.0.2.1\nnameserver 192.0.2.2\n',
  );
  expect(resolvConfFile({}, 'none')).toBeUndefined();
});
