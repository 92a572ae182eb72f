import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { bubblewrapIsolator } from '@boxkit/plugin-bubblewrap';
import { chrootIsolator } from '@boxkit/plugin-chroot';
import { unshareIsolator } from '@boxkit/plugin-unshare';
import { capabilityTable } from './capability-table.ts';

it('the page of what each backend enforces is what the code says', () => {
  const page = readFileSync(new URL('../../../docs/reference/isolation.md', import.meta.url), 'utf8');
  expect(page).toContain(capabilityTable([unshareIsolator(), bubblewrapIsolator(), chrootIsolator()]));
});
