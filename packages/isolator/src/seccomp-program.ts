import { readFileSync } from 'node:fs';
import { machine, release } from 'node:os';
import { BoxError } from '@boxkit/contracts';
import {
  compileSeccomp,
  defaultSeccompProfile,
  filterKey,
  parseSeccompProfile,
  readyMade,
  type SeccompArchitecture,
} from './seccomp/index.ts';

/**
 * The filter to load: docker's default when nothing is said, none for `unconfined`, else the profile in a file. Throws
 * ERR_BOX_CONFIG_INVALID for a file that is no profile, ERR_BOX_USAGE for one that cannot be read.
 */
export function seccompProgram(choice: string | undefined, capabilities: readonly string[]): Uint8Array | undefined {
  if (choice === 'unconfined') return undefined;
  const architecture = machine();
  if (architecture !== 'x86_64' && architecture !== 'aarch64') {
    throw new BoxError('ERR_BOX_NOT_ENFORCEABLE', `cannot filter system calls on ${architecture}`, {
      hint: 'seccomp=unconfined runs without a filter.',
    });
  }
  if (choice === undefined) return defaultProgram(architecture, capabilities);
  const profile = parseSeccompProfile(read(choice), choice);
  return compileSeccomp(profile, { architecture, capabilities: new Set(capabilities), kernel: release() });
}

const compiled = new Map<string, Uint8Array>();

/** Compiled once for each set of capabilities: a program may start thousands of containers. */
function defaultProgram(architecture: SeccompArchitecture, capabilities: readonly string[]): Uint8Array {
  const key = filterKey(architecture, capabilities);
  const known = compiled.get(key) ?? made(key);
  if (known !== undefined) return known;
  const circumstances = { architecture, capabilities: new Set(capabilities), kernel: release() };
  const program = compileSeccomp(defaultSeccompProfile, circumstances);
  compiled.set(key, program);
  return program;
}

function made(key: string): Uint8Array | undefined {
  const base64 = Object.hasOwn(readyMade, key) ? readyMade[key] : undefined;
  return base64 === undefined ? undefined : Buffer.from(base64, 'base64');
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new BoxError('ERR_BOX_USAGE', `cannot read the seccomp profile ${file}: ${String(cause)}`, {
      hint: "Name a file with a profile in docker's format, or unconfined.",
      cause,
    });
  }
}
