import { globSync, readFileSync } from 'node:fs';
import { dirname, join, matchesGlob } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** One package of the workspace, as its package.json and its sources have it. */
export interface Room {
  /** `@boxkit/x`. */
  readonly name: string;
  /** Relative to the workspace. */
  readonly directory: string;
  readonly dependencies: readonly string[];
  /** What its tsconfig.json refers to, as directories relative to the workspace. */
  readonly references: readonly string[];
  readonly imports: readonly Import[];
}

export interface Import {
  /** Relative to the workspace. */
  readonly file: string;
  readonly specifier: string;
}

interface TsConfig {
  readonly references?: readonly { readonly path: string }[];
  readonly exclude?: readonly string[];
}

interface PackageJson {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/** Every room below packages/ and plugins/, with what its sources import. What a room's build leaves out (its tests) is not looked at. */
export function readRooms(): Room[] {
  return globSync(['packages/*/package.json', 'plugins/*/package.json'], { cwd: root }).toSorted().map(readRoom);
}

function readRoom(manifest: string): Room {
  const directory = dirname(manifest);
  const content = readJson(manifest) as PackageJson;
  const config = readJson(join(directory, 'tsconfig.json')) as TsConfig;
  const excluded = config.exclude ?? [];
  const files = globSync('src/**/*.ts', { cwd: join(root, directory) })
    .filter((file) => !excluded.some((pattern) => matchesGlob(file, pattern) || file.startsWith(`${pattern}/`)))
    .map((file) => join(directory, file));
  return {
    name: content.name,
    directory,
    dependencies: dependenciesOf(content),
    references: (config.references ?? []).map(({ path }) => join(directory, path)),
    imports: files.toSorted().flatMap((file) => readImports(file)),
  };
}

function dependenciesOf(content: PackageJson): string[] {
  const { dependencies, optionalDependencies, peerDependencies, devDependencies } = content;
  // The CLI is bundled, so what it is made of is needed to build it and not to run it.
  const bundled = content.name === '@boxkit/cli' ? devDependencies : undefined;
  return Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies, ...bundled });
}

/** Static and dynamic imports and re-exports of a file; those in comments do not count. */
export function readImports(file: string): Import[] {
  const source = readFileSync(join(root, file), 'utf8')
    .replaceAll(/\/\*[\s\S]*?\*\//g, '')
    .replaceAll(/^\s*\/\/.*$/gm, '');
  const statements =
    /(?:^|\n)\s*(?:import|export)\s(?:[^'";]*?\sfrom\s*)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/g;
  return [...source.matchAll(statements)].map(([, fixed, dynamic]) => ({ file, specifier: fixed ?? dynamic ?? '' }));
}

/** `@scope/name/deep` and `name/deep` without what is behind the package's name. */
export function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

export function readJson(path: string): unknown {
  return JSON.parse(readFileSync(join(root, path), 'utf8'));
}
