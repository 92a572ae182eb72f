import { release } from 'node:os';
import { expect, it } from 'vitest';
import { defaultCapabilities } from '@boxkit/linux';
import { capabilitySet } from './capability-set.ts';
import { compileSeccomp, defaultSeccompProfile, filterKey } from './seccomp/index.ts';

it.each(['x86_64', 'aarch64'] as const)(
  'the default filter of %s is the same on each kernel that box runs on, so that it can be made ahead',
  (architecture) => {
    const on = (kernel: string): Uint8Array =>
      compileSeccomp(defaultSeccompProfile, { architecture, capabilities: new Set(defaultCapabilities), kernel });
    expect(on('5.12')).toEqual(on(release()));
    expect(on('5.12')).toEqual(on('7.0.1'));
  },
);

it('the filter that is made ahead is the one that a container with the default capabilities asks for', () => {
  expect(filterKey('x86_64', capabilitySet({}))).toBe(filterKey('x86_64', defaultCapabilities));
});
