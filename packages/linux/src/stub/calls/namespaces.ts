import type { SystemCall } from '@boxkit/contracts';
import { CLONE_NEWCGROUP, CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWUTS } from '../constants.ts';

/** All namespaces of a container but the user's. The PID namespace is for the children of who makes the call. */
export function newNamespaces({ network }: { readonly network: boolean }): SystemCall {
  const always = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWCGROUP;
  return { name: 'unshare', args: [network ? always | CLONE_NEWNET : always], why: "the container's namespaces" };
}
