// Bundles the command. docs/decisions/cli-bundle.md says why it looks as it does, with what was measured.
import { createHash } from 'node:crypto';
import { glob, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { joinChunks } from './join-chunks.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '../..');
const dist = join(here, 'dist');
/** Built aside, so that a build which fails leaves the command that works. */
const outdir = join(dist, '.new');

/** Our own modules do nothing when they are loaded, so what is not used of them can be left out. */
const ownModulesAreFree = {
  name: 'own-modules-are-free',
  setup(bundler) {
    bundler.onResolve({ filter: /^(?:@boxkit\/|\.{1,2}\/)/ }, async (args) => {
      const inDependency = args.importer.includes('/node_modules/') && !args.path.startsWith('@boxkit/');
      if (args.pluginData === 'resolved' || inDependency || args.kind === 'entry-point') return undefined;
      const { path, external, errors } = await bundler.resolve(args.path, {
        kind: args.kind,
        resolveDir: args.resolveDir,
        importer: args.importer,
        pluginData: 'resolved',
      });
      return errors.length > 0 ? { errors } : { path, external, sideEffects: false };
    });
  },
};

/** zod in a file of its own: a good part of all the code, and no warm run needs it. */
const zodApart = {
  name: 'zod-apart',
  setup(bundler) {
    bundler.onResolve({ filter: /^zod$/ }, (args) =>
      args.importer === '<stdin>' ? undefined : { path: './zod.cjs', external: true },
    );
    // Its messages in forty languages, of which English is the one that is used.
    bundler.onResolve({ filter: /\/locales\/index\.js$/ }, async (args) => ({
      path: join(args.resolveDir, args.path, '../en.js'),
    }));
  },
};

/**
 * Only those functions of zod that our schemas call: loading and starting the rest takes a pull ten milliseconds. They are
 * asked for as `z.NAME` everywhere, on one line or two; a name that zod does not have fails the build.
 */
async function zodAsUsed() {
  const names = new Set();
  for await (const path of glob('packages/*/dist/**/*.js', { cwd: root, exclude: ['packages/cli/**'] })) {
    const source = await readFile(join(root, path), 'utf8');
    if (!/from 'zod'/.test(source)) continue;
    for (const [, name] of source.matchAll(/\bz\s*\.(\w+)/g)) names.add(name);
  }
  const listed = [...names].toSorted((one, other) => one.localeCompare(other));
  return {
    contents: `import { ${listed.map((name) => `${name} as ${name}_`).join(', ')} } from 'zod';
export const z = { ${listed.map((name) => `${name}: ${name}_`).join(', ')} };`,
    resolveDir: join(root, 'packages/manifest'),
  };
}

/** The default seccomp filters as data, by the compiler that a run would call otherwise. */
const filtersReadyMade = {
  name: 'filters-ready-made',
  setup(bundler) {
    bundler.onLoad({ filter: /\/isolator\/dist\/seccomp\/ready-made\.js$/ }, async ({ path }) => {
      const { compileSeccomp, defaultSeccompProfile, filterKey } = await import('@boxkit/isolator');
      const { defaultCapabilities } = await import('@boxkit/linux');
      // No rule of the profile tells one of the kernels that box runs on from another.
      const circumstances = { capabilities: new Set(defaultCapabilities), kernel: '5.12' };
      const filters = ['x86_64', 'aarch64'].map((architecture) => {
        const filter = compileSeccomp(defaultSeccompProfile, { ...circumstances, architecture });
        return [filterKey(architecture, defaultCapabilities), Buffer.from(filter).toString('base64')];
      });
      const source = await readFile(path, 'utf8');
      const filled = source.replace('readyMade = {}', `readyMade = ${JSON.stringify(Object.fromEntries(filters))}`);
      if (filled === source) throw new Error(`${path}: there is nothing to fill`);
      return { contents: filled };
    });
  },
};

/** Node's modules that take a millisecond or more to load, and which most commands need for nothing or but one call. */
const dear =
  /^node:(?:crypto|child_process|fs\/promises|stream\/promises|stream\/consumers|timers\/promises|http|https|net|tls|zlib|tty|worker_threads)$/;

/** Loaded when something of them is first used, and not when a module that names them is. */
const dearModulesLate = {
  name: 'dear-modules-late',
  setup(bundler) {
    bundler.onResolve({ filter: dear }, ({ path, namespace, importer }) =>
      namespace === 'late' || importer.includes('/node_modules/') ? undefined : { path, namespace: 'late' },
    );
    bundler.onLoad({ filter: dear, namespace: 'late' }, async ({ path }) => {
      const names = Object.keys(await import(path)).filter((name) => !['default', 'module.exports'].includes(name));
      const getters = names.map((name) => `get ${name}() { return load().${name}; }`);
      return { contents: `const load = () => require('${path}');\nmodule.exports = {\n${getters.join(',\n')}\n};` };
    });
  },
};

const shared = {
  outdir,
  entryNames: '[name]',
  bundle: true,
  platform: 'node',
  target: 'node22.15',
  external: ['koffi'],
  minifyWhitespace: true,
  minifySyntax: true,
  charset: 'ascii',
  plugins: [zodApart, filtersReadyMade, ownModulesAreFree],
  logLevel: 'warning',
};

await rm(outdir, { recursive: true, force: true });
await mkdir(outdir, { recursive: true });

const zod = join(outdir, 'zod.cjs');
await build({ ...shared, format: 'cjs', outdir: undefined, outfile: zod, stdin: await zodAsUsed() });

// CommonJS, where a module's imports are loaded when the module is: in one ESM file all would be at once.
const { outputFiles } = await build({
  ...shared,
  entryPoints: [join(here, 'src/main.ts')],
  format: 'esm',
  splitting: true,
  chunkNames: 'chunk-[hash]',
  write: false,
  plugins: [...shared.plugins, dearModulesLate],
  define: { 'import.meta.url': 'bundleUrl' },
});
const banner = 'const bundleUrl=require("node:url").pathToFileURL(__filename).href;';
const main = `${banner}\n${await joinChunks(outputFiles)}`;
await writeFile(join(outdir, 'main.cjs'), main);
const mainDigest = createHash('sha256').update(main).digest('hex').slice(0, 16);
await build({
  ...shared,
  entryPoints: [join(here, 'src/box.ts')],
  format: 'cjs',
  outExtension: { '.js': '.cjs' },
  define: { mainDigest: JSON.stringify(mainDigest) },
});

// Started by their path, as a thread or a process of their own: they must lie beside what starts them.
// Asked of the sources: the compiler leaves the output of files that have moved.
const workers = await Array.fromAsync(glob('{packages,plugins}/*/src/**/*-worker.ts', { cwd: root }));
const compiled = (path) => join(root, path.replace('/src/', '/dist/').replace(/\.ts$/, '.js'));
await build({
  ...shared,
  entryPoints: workers.filter((path) => !/^packages\/(?:cli|testkit)\//.test(path)).map(compiled),
  format: 'esm',
});

const built = await readdir(outdir);
for (const name of built) await rename(join(outdir, name), join(dist, name));
// What an older build left, but not the compiler's own output.
const kept = new Set([...built, 'types']);
for (const name of await readdir(dist)) {
  if (!kept.has(name)) await rm(join(dist, name), { recursive: true });
}
