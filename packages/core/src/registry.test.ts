import { describe, expect, it } from 'vitest';
import { definePlugin } from '@boxkit/contracts';
import type { ImageDestination, ImageSource, Plugin, PluginHost } from '@boxkit/contracts';
import { createRegistry } from './registry.ts';

const source = (scheme: string): ImageSource => ({
  scheme,
  description: 'a source',
  resolve: () => Promise.reject(new Error('not in this test')),
});

/** As a stranger's JavaScript would hand it over: unchecked by the compiler. */
const untyped = (name: unknown, setup: unknown): Plugin => ({ name, setup }) as Plugin;

describe('plugin registry', () => {
  it('keeps contributions in order of registration', async () => {
    const registry = createRegistry();
    await registry.register(definePlugin({ name: 'one', setup: (host) => host.addSource(source('a')) }));
    await registry.register(
      definePlugin({
        name: '@scope/two',
        async setup(host) {
          host.addSource(source('b'));
          host.addStage('apply', { name: 'look', run: (applied) => Promise.resolve(applied) });
        },
      }),
    );
    expect(registry.plugins).toEqual(['one', '@scope/two']);
    expect(registry.sources.map(({ scheme }) => scheme)).toEqual(['a', 'b']);
    expect(registry.stagesAfter('apply').map(({ name }) => name)).toEqual(['look']);
    expect(registry.stagesAfter('fetch')).toEqual([]);
  });

  it.each([
    ['a plugin without a name', untyped(undefined, () => {}), 'plugin without a name: plugin.name'],
    ['a plugin without a setup', untyped('odd', 7), 'plugin odd: plugin.setup: must be a function'],
    [
      'a source without resolve',
      untyped('odd', (host: PluginHost) => host.addSource({ scheme: 'x', description: '' } as ImageSource)),
      'plugin odd: source.resolve: must be a function',
    ],
    [
      'a destination without write',
      untyped('odd', (host: PluginHost) =>
        host.addDestination({ scheme: 'x', description: '' } as unknown as ImageDestination),
      ),
      'plugin odd: destination.write: must be a function',
    ],
    [
      'a source with an impossible scheme',
      untyped('odd', (host: PluginHost) => host.addSource(source('A:B'))),
      'plugin odd: source.scheme: must be lower-case',
    ],
    [
      'a stage after a stage there is not',
      untyped('odd', (host: PluginHost) => host.addStage('launch' as 'apply', { name: 'x', run: async () => 1 })),
      'plugin odd: stage.after',
    ],
    [
      'an observer that is no function',
      untyped('odd', (host: PluginHost) => host.onEvent('x' as unknown as () => void)),
      'plugin odd: observer: must be a function',
    ],
  ])('refuses %s', async (_, plugin, message) => {
    const registry = createRegistry();
    await expect(registry.register(plugin)).rejects.toMatchObject({
      code: 'ERR_BOX_PLUGIN_INVALID',
      message: expect.stringContaining(message),
    });
    expect(registry.plugins).toEqual([]);
  });

  it('refuses a name that is taken, and then keeps nothing of that plugin', async () => {
    const registry = createRegistry();
    await registry.register(definePlugin({ name: 'one', setup: (host) => host.addSource(source('a')) }));
    const again = definePlugin({
      name: 'two',
      setup(host) {
        host.addSource(source('c'));
        host.addSource(source('a'));
      },
    });
    await expect(registry.register(again)).rejects.toMatchObject({
      code: 'ERR_BOX_PLUGIN_INVALID',
      message: 'plugin two adds the source "a", a name that is taken',
    });
    await expect(registry.register(definePlugin({ name: 'one', setup: () => {} }))).rejects.toMatchObject({
      code: 'ERR_BOX_PLUGIN_INVALID',
    });
    expect(registry.sources.map(({ scheme }) => scheme)).toEqual(['a']);
  });
});
