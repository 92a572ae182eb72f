import type { SeccompRule } from './profile.ts';
import { profileArchitecture } from './system-call-table.ts';
import type { SeccompArchitecture } from './system-call-table.ts';

/** What a rule's `includes` and `excludes` are held against. */
export interface SeccompCircumstances {
  readonly architecture: SeccompArchitecture;
  /** The capabilities the container's process will have: `CAP_SYS_ADMIN`. */
  readonly capabilities: ReadonlySet<string>;
  /** As os.release() gives it. */
  readonly kernel: string;
}

/** Whether a rule counts here: one capability of `includes` is enough, as in docker. */
export function inScope(rule: SeccompRule, circumstances: SeccompCircumstances): boolean {
  const { includes = {}, excludes = {} } = rule;
  const architecture = profileArchitecture[circumstances.architecture];
  const has = (capability: string): boolean => circumstances.capabilities.has(capability);
  if (includes.arches?.length && !includes.arches.includes(architecture)) return false;
  if (includes.caps?.length && !includes.caps.some(has)) return false;
  if (includes.minKernel && !atLeast(circumstances.kernel, includes.minKernel)) return false;
  if (excludes.arches?.includes(architecture)) return false;
  if (excludes.caps?.some(has)) return false;
  return !(excludes.minKernel && atLeast(circumstances.kernel, excludes.minKernel));
}

function atLeast(kernel: string, minimum: string): boolean {
  const [major = 0, minor = 0] = kernel.split(/[.-]/).map(Number);
  const [wantedMajor = 0, wantedMinor = 0] = minimum.split('.').map(Number);
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}
