import { fileURLToPath } from 'node:url';
import { runCommand } from '@boxkit/testkit';
import { expect, test } from 'vitest';
import { putImage } from './testing/fixtures.ts';
import { temporaryStore } from './testing/temporary-store.ts';

test('what a warm run asks of the store loads no native library and no schemas', async () => {
  await using t = await temporaryStore();
  const { diffId } = await putImage(t.store, 'app');
  const module = fileURLToPath(new URL('./index.ts', import.meta.url));
  const script = `
    import { readFileSync } from 'node:fs';
    import { registerHooks } from 'node:module';
    const loaded = [];
    registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
    const { openStore } = await import(${JSON.stringify(module)});
    {
      await using store = await openStore({ home: ${JSON.stringify(t.home)} });
      const image = await store.images.get('app');
      await store.layers.has(${JSON.stringify(diffId)});
      for await (const chunk of store.blobs.open(image.config.digest));
      await using container = await store.containers.create({ uses: { layers: [], rootfs: [] } });
      await container.update({ status: 'running' });
      await using staging = await store.stage('bundle');
    }
    const libraries = readFileSync('/proc/self/maps', 'utf8');
    console.log([...loaded, libraries].join('\\n'));`;
  const { stdout } = await runCommand(process.execPath, ['--input-type=module', '-e', script]);
  expect(stdout).toContain('/store.ts');
  expect(stdout).not.toMatch(/koffi|zod/);
});
