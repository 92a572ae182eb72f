import { describe, expect, it } from 'vitest';
import type { PublishedPort } from '@boxkit/contracts';
import { networkMode, userNetwork } from './network.ts';
import { resolvConfFile } from './network-files.ts';

const publish: readonly PublishedPort[] = [{ hostPort: 8080, containerPort: 80 }];
const usage = expect.objectContaining({ code: 'ERR_BOX_USAGE' });

describe('the network of a container', () => {
  it("is the host's unless said otherwise, and private when ports are published", () => {
    expect(networkMode({})).toBe('host');
    expect(networkMode({ network: 'none' })).toBe('none');
    expect(networkMode({ publish })).toBe('private');
    expect(networkMode({ publish, network: 'private' })).toBe('private');
    expect(networkMode({ publish: [], network: 'none' })).toBe('none');
  });

  it.each(['host', 'none'] as const)('has no ports to publish when it is %s', (network) => {
    expect(() => networkMode({ publish, network })).toThrow(usage);
  });

  it.each([
    { hostPort: 0, containerPort: 80 },
    { hostPort: 80, containerPort: 65_536 },
    { hostPort: 65_000, containerPort: 80, count: 1000 },
    { hostPort: 80, containerPort: 80, count: 0 },
    { hostPort: 80.5, containerPort: 80 },
    { hostPort: 80, containerPort: 80, address: 'localhost' },
    { hostPort: 80, containerPort: 80, address: '127.0.0.1/90 --tcp-ns' },
  ])('refuses the port %j', (port) => {
    expect(() => userNetwork({ publish: [port] })).toThrow(usage);
  });

  it('has one name server, the forwarder of its tool, unless others are asked for', () => {
    const servers = (text: string | undefined) => text?.match(/^nameserver.*$/gm);
    expect(servers(resolvConfFile({}, 'private', '169.254.1.1'))).toEqual(['nameserver 169.254.1.1']);
    const asked = resolvConfFile({ dns: ['192.0.2.1'] }, 'private', '169.254.1.1');
    expect(servers(asked)).toEqual(['nameserver 192.0.2.1']);
  });
});
