import { readFileSync } from 'node:fs';
import { chmod, cp, mkdir, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCommand } from '@boxkit/testkit';

export const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));

/**
 * Installs the CLI as `npm install` of its packed tarball would, without a registry: what the tarball holds, its
 * dependencies and Node itself, readable by everyone. Gives the path of the `box` command.
 */
export async function installPackedCli(directory: string): Promise<string> {
  const modules = join(directory, 'node_modules');
  const target = join(modules, '@boxkit/cli');
  await mkdir(target, { recursive: true });
  const options = ['--pack-destination', directory, '--json', '--ignore-scripts', '--loglevel=error'];
  const { stdout } = await runCommand('npm', ['pack', '-w', 'packages/cli', ...options], { cwd: root });
  await runCommand('tar', ['-xzf', join(directory, packedName(stdout)), '-C', target, '--strip-components=1']);
  const wanted = Object.keys(readManifest(target).dependencies ?? {});
  while (wanted.length > 0) {
    const name = wanted.pop();
    const source = join(root, 'node_modules', name ?? '');
    await cp(await realpath(source), join(modules, name ?? ''), { recursive: true });
    const manifest = readManifest(source);
    wanted.push(...Object.keys(manifest.dependencies ?? {}));
    wanted.push(...Object.keys(manifest.optionalDependencies ?? {}).filter(isInstalled));
  }
  await mkdir(join(modules, 'node/bin'), { recursive: true });
  await cp(await realpath(join(root, 'node_modules/node/bin/node')), join(modules, 'node/bin/node'));
  await runCommand('chmod', ['-R', 'a+rX', directory]);
  await chmod(directory, 0o755);
  return join(target, 'bin/box');
}

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

function readManifest(directory: string): Manifest {
  return JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as Manifest;
}

function isInstalled(name: string): boolean {
  try {
    readManifest(join(root, 'node_modules', name));
    return true;
  } catch {
    return false;
  }
}

/** npm 12 prints an object by package name where npm 11 prints a list. */
function packedName(json: string): string {
  const [packed] = Object.values(JSON.parse(json) as Record<string, { readonly filename: string }>);
  if (packed === undefined) throw new Error(`npm pack made nothing: ${json}`);
  return packed.filename;
}
