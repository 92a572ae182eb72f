/** A seccomp profile as docker's --security-opt seccomp=FILE has it. Names of fields and actions are libseccomp's. */
export interface SeccompProfile {
  readonly defaultAction: string;
  readonly defaultErrnoRet?: number;
  readonly syscalls: readonly SeccompRule[];
}

export interface SeccompRule {
  readonly names: readonly string[];
  readonly action: string;
  readonly errnoRet?: number;
  /** All must hold. */
  readonly args?: readonly SeccompArgument[];
  readonly includes?: SeccompScope;
  readonly excludes?: SeccompScope;
}

export interface SeccompArgument {
  /** Which argument, 0 to 5. */
  readonly index: number;
  readonly value: bigint;
  /** For SCMP_CMP_MASKED_EQ: the value to compare with; `value` is the mask. */
  readonly valueTwo: bigint;
  readonly op: string;
}

/** When a rule counts: every field given must be met (for `excludes`: none may be). */
export interface SeccompScope {
  readonly caps?: readonly string[];
  /** Docker's words: amd64, x86, arm64. */
  readonly arches?: readonly string[];
  /** `4.8`. */
  readonly minKernel?: string;
}
