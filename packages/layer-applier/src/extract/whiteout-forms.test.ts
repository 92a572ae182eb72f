import { expect, test } from 'vitest';
import { extracted, paths } from './layer.fixture.ts';

const layer = [
  { path: 'd/', type: 'directory' },
  { path: 'd/.wh.gone', content: '' },
  { path: 'd/own', content: 'x' },
  { path: 'd/.wh.own', content: '' },
  { path: 'e/.wh..wh..opq', content: '' },
  { path: 'f/', type: 'directory' },
  { path: '.wh.f', content: '' },
] as const;

test.each([
  ['overlay', 'trusted.overlay.opaque'],
  ['overlay-user', 'user.overlay.opaque'],
] as const)('in the form %s whiteouts are devices 0:0 and opaque directories have %s', async (whiteouts, xattr) => {
  const { staged, tree, index } = await extracted(layer, { whiteouts });
  expect(paths(tree)).toEqual(['d', 'd/gone', 'd/own', 'e', 'f']);
  expect(tree.get('d/gone')).toMatchObject({ type: 'char', device: '0:0' });
  expect(tree.get('d/own')?.type).toBe('file');
  expect(tree.get('d')?.xattrs).toEqual({});
  expect(tree.get('e')?.xattrs).toEqual({ [xattr]: '0x79' });
  expect(tree.get('f')?.xattrs).toEqual({ [xattr]: '0x79' });
  expect(staged.whiteouts).toEqual(['d/gone', 'd/own', 'f']);
  expect(staged.opaques).toEqual(['e']);
  expect(staged.impliedDirectories).toEqual(['e']);
  expect(index.filter(({ type }) => type === 'whiteout').map(({ made }) => made)).toEqual([true, false, true]);
});

test("overlayfs's own xattrs and a device 0:0 of the layer do not act in an overlay layer", async () => {
  const hostile = [
    { path: 'd/', type: 'directory', xattrs: { 'trusted.overlay.opaque': 'y', 'user.overlay.redirect': '/x' } },
    { path: 'd/device', type: 'char', major: 0, minor: 0 },
  ] as const;
  const { staged, tree } = await extracted(hostile, { whiteouts: 'overlay' });
  expect(tree.get('d')?.xattrs).toEqual({
    'trusted.overlay.overlay.opaque': '0x79',
    'user.overlay.overlay.redirect': '0x2f78',
  });
  expect(paths(tree)).toEqual(['d']);
  expect(staged.warnings).toMatchObject([{ code: 'devices-skipped', count: 1 }]);
  const plain = await extracted(hostile);
  expect(plain.tree.get('d')?.xattrs).toEqual({ 'trusted.overlay.opaque': '0x79', 'user.overlay.redirect': '0x2f78' });
  expect(paths(plain.tree)).toEqual(['d', 'd/device']);
});
