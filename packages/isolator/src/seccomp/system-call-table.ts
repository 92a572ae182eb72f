import { table as aarch64 } from './table-aarch64.ts';
import { table as x86 } from './table-x86.ts';
import { table as x86_64 } from './table-x86-64.ts';

/** The architectures a filter can be made for; the names are the kernel's. */
export type SeccompArchitecture = 'x86_64' | 'x86' | 'aarch64';

/** AUDIT_ARCH_* of linux/audit.h: what seccomp_data.arch holds. */
export const auditArchitecture: Readonly<Record<SeccompArchitecture, number>> = {
  x86_64: 0xc000_003e,
  x86: 0x4000_0003,
  aarch64: 0xc000_00b7,
};

/** What a docker profile calls an architecture in `includes.arches`. */
export const profileArchitecture: Readonly<Record<SeccompArchitecture, string>> = {
  x86_64: 'amd64',
  x86: 'x86',
  aarch64: 'arm64',
};

const tables: Readonly<Record<SeccompArchitecture, string>> = { x86_64, x86, aarch64 };
const parsed = new Map<SeccompArchitecture, ReadonlyMap<string, number>>();

/** Numbers of the system calls by name. */
export function systemCallNumbers(architecture: SeccompArchitecture): ReadonlyMap<string, number> {
  const known = parsed.get(architecture);
  if (known) return known;
  const numbers = new Map<string, number>();
  for (const item of tables[architecture].trim().split(/\s+/)) {
    const [name = '', number] = item.split(':');
    numbers.set(name, Number(number));
  }
  parsed.set(architecture, numbers);
  return numbers;
}
