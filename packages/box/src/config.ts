import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { BoxError, type ImageBudgets } from '@boxkit/contracts';
import type { RegistryOptions } from '@boxkit/fetcher';

/** What config.json may hold; docs/reference/config.md. Every field may be left out. */
export interface BoxConfig {
  /** As `BOX_HOME`, which wins. */
  readonly home?: string;
  /** The isolation backend when none is named. */
  readonly isolation?: string;
  /** The rootfs driver when none is named. */
  readonly rootfsDriver?: string;
  /** Modules whose default export is a plugin; a path starts with `/`, `./` or `../`, from the file's own directory. */
  readonly plugins?: readonly string[];
  /** Settings of registries, by host[:port], for programs. Those of a file stay in it for the registry source to read. */
  readonly registries?: RegistryOptions;
  /** The file that `readConfig` read. */
  readonly file?: string;
  /** Blobs fetched at the same time. */
  readonly concurrency?: number;
  /** What one image may cost; those left out have their defaults. */
  readonly budgets?: ImageBudgets;
}

/** Where the file is unless its caller says otherwise: `$BOX_CONFIG`, else `$XDG_CONFIG_HOME/box/config.json`. */
export function defaultConfigPath(env: NodeJS.ProcessEnv = process.env): string {
  if (env['BOX_CONFIG'] !== undefined && env['BOX_CONFIG'] !== '') return env['BOX_CONFIG'];
  const base = env['XDG_CONFIG_HOME'];
  // The XDG base directory specification: a relative path is to be ignored.
  if (base !== undefined && isAbsolute(base)) return join(base, 'box', 'config.json');
  return join(env['HOME'] || homedir(), '.config', 'box', 'config.json');
}

/**
 * Reads a configuration; a file that is not there is an empty one, unless it must exist.
 * Throws ERR_BOX_CONFIG_INVALID naming file and field.
 */
export async function readConfig(path: string, options: { readonly mustExist?: boolean } = {}): Promise<BoxConfig> {
  let text: string;
  try {
    // Not with node:fs/promises, which takes longer to load than this to read.
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
    if (missing && options.mustExist !== true) return {};
    throw invalid(path, error instanceof Error ? error.message : 'it cannot be read', error);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw invalid(path, error instanceof Error ? error.message : 'it is no JSON', error);
  }
  return checkConfig(path, value);
}

// By hand, and not with zod: this is read by every command, and zod takes longer to load than a container to start.
const isText = (value: unknown): boolean => typeof value === 'string' && value !== '';
const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Of the contract ImageBudgets; a new one that is missing here does not compile. */
const budgetUnits = {
  bytes: true,
  entries: true,
  nameLength: true,
  pathLength: true,
  depth: true,
  headerBytes: true,
  ratio: true,
} as const satisfies Record<keyof ImageBudgets, true>;

/** The names of the budgets, for those who read them from words. */
export const budgetNames = Object.keys(budgetUnits) as readonly (keyof ImageBudgets)[];

function isBudgets(value: unknown): boolean {
  const isLimit = (limit: unknown): boolean => Number.isSafeInteger(limit) && Number(limit) > 0;
  return (
    isObject(value) &&
    Object.entries(value as object).every(([name, limit]) => Object.hasOwn(budgetUnits, name) && isLimit(limit))
  );
}

const fields: Readonly<
  Record<Exclude<keyof BoxConfig, 'file'>, { readonly is: (value: unknown) => boolean; readonly wanted: string }>
> = {
  home: { is: (value) => typeof value === 'string' && isAbsolute(value), wanted: 'an absolute path' },
  isolation: { is: isText, wanted: 'the name of a backend' },
  rootfsDriver: { is: isText, wanted: 'the name of a rootfs driver' },
  plugins: { is: (value) => Array.isArray(value) && value.every(isText), wanted: 'a list of modules' },
  registries: {
    is: (value) => isObject(value) && Object.values(value as object).every(isObject),
    wanted: 'an object of objects by host',
  },
  concurrency: {
    is: (value) => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 64,
    wanted: 'a whole number from 1 to 64',
  },
  budgets: {
    is: isBudgets,
    wanted: `an object of whole numbers above zero: ${budgetNames.join(', ')}`,
  },
};

function checkConfig(path: string, value: unknown): BoxConfig {
  if (!isObject(value)) throw invalid(path, 'it is no object');
  for (const [name, given] of Object.entries(value as object)) {
    const field = Object.hasOwn(fields, name) ? fields[name as keyof typeof fields] : undefined;
    if (field === undefined) throw invalid(path, `there is no setting ${JSON.stringify(name)}`);
    if (!field.is(given)) throw invalid(path, `${name}: must be ${field.wanted}`);
  }
  const { registries: _left, ...settings } = value as BoxConfig;
  return { ...settings, file: path };
}

function invalid(path: string, why: string, cause?: unknown): BoxError {
  return new BoxError('ERR_BOX_CONFIG_INVALID', `cannot use the configuration ${path}: ${why}`, {
    hint: 'docs/reference/config.md lists the settings.',
    fields: { path },
    ...(cause === undefined ? {} : { cause }),
  });
}
