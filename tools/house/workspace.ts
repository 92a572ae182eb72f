import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
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

interface PackageJson {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** Every room below packages/ and plugins/, with what its sources import; tests are not looked at. */
export function readRooms(): Room[] {
  return globSync(['packages/*/package.json', 'plugins/*/package.json'], { cwd: root }).toSorted().map(readRoom);
}

function readRoom(manifest: string): Room {
  const directory = dirname(manifest);
  const content = readJson(manifest) as PackageJson;
  const config = readJson(join(directory, 'tsconfig.json')) as { references?: { path: string }[] };
  const files = globSync(`${directory}/src/**/*.ts`, { cwd: root }).filter((file) => !/\.test(-d)?\.ts$/.test(file));
  return {
    name: content.name,
    directory,
    dependencies: Object.keys({
      ...content.dependencies,
      ...content.optionalDependencies,
      ...content.peerDependencies,
    }),
    references: (config.references ?? []).map(({ path }) => join(directory, path)),
    imports: files.toSorted().flatMap((file) => readImports(file)),
  };
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
