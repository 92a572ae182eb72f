import { readlinkSync } from 'node:fs';

/** Kinds of namespaces as /proc/<pid>/ns names them, with their flags of setns(2), in the order they are entered. */
const kinds = [
  ['cgroup', 0x200_0000],
  ['ipc', 0x800_0000],
  ['uts', 0x400_0000],
  ['net', 0x4000_0000],
  ['pid', 0x2000_0000],
  ['mnt', 0x2_0000],
] as const;

export type NamespaceKind = (typeof kinds)[number][0] | 'user';

export interface EnteredNamespace {
  readonly kind: NamespaceKind;
  /** What setns(2) is told to expect. */
  readonly flag: number;
}

/** The namespaces of a process that are not this process's, but for the user namespace, which its mounts tell. */
export function foreignNamespaces(pid: number): readonly EnteredNamespace[] {
  return kinds.filter(([kind]) => differs(pid, kind)).map(([kind, flag]) => ({ kind, flag }));
}

/** Whether a process is in another namespace of a kind. Throws what node:fs throws when it has ended or is not ours. */
export function differs(pid: number, kind: NamespaceKind): boolean {
  return readlinkSync(`/proc/${pid}/ns/${kind}`) !== readlinkSync(`/proc/self/ns/${kind}`);
}
