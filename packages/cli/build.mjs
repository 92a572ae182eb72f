// Bundles the command: one directory of modules that load what a command needs and nothing else.
import { glob, mkdir, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const outdir = join(here, 'dist');

/** Files that are started by their path, as a thread or a process of their own: they must lie beside the modules that start them. */
const workers = (
  await Array.fromAsync(glob('{packages,plugins}/*/dist/**/*-worker.js', { cwd: join(here, '../..') }))
).filter((path) => !/^packages\/(?:cli|testkit)\//.test(path));

/** Our own modules do nothing when they are loaded, so what is not used of them can be left out. */
const ownModulesAreFree = {
  name: 'own-modules-are-free',
  setup(bundler) {
    bundler.onResolve({ filter: /^(?:@boxkit\/|\.{1,2}\/)/ }, async (args) => {
      const inDependency = args.importer.includes('/node_modules/') && !args.path.startsWith('@boxkit/');
      if (args.pluginData === 'resolved' || inDependency || args.kind === 'entry-point') return undefined;
      const { path, errors } = await bundler.resolve(args.path, {
        kind: args.kind,
        resolveDir: args.resolveDir,
        importer: args.importer,
        pluginData: 'resolved',
      });
      return errors.length > 0 ? { errors } : { path, sideEffects: false };
    });
  },
};

// What an older build left, but not the compiler's own output.
await mkdir(outdir, { recursive: true });
for (const name of await readdir(outdir)) {
  if (name !== 'types') await rm(join(outdir, name), { recursive: true });
}
await build({
  entryPoints: [join(here, 'src/box.ts'), ...workers.map((worker) => join(here, '../..', worker))],
  outdir,
  entryNames: '[name]',
  // Beside the entry points, because modules start their workers by a path relative to themselves.
  chunkNames: '[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node22.15',
  external: ['koffi'],
  sourcemap: 'external',
  plugins: [ownModulesAreFree],
  logLevel: 'warning',
});
