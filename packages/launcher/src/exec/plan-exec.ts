import { BoxError, type Bundle, type PlannedContainer } from '@boxkit/contracts';
import { effectiveIdMap, planOfCalls } from '@boxkit/linux';
import { differs, foreignNamespaces } from './entered-namespaces.ts';
import { execCalls } from './exec-calls.ts';

export interface ExecRequest {
  readonly name: string;
  /** The container's, with the further command's process in it. */
  readonly bundle: Bundle;
  /** The container's first process, as the host numbers it. */
  readonly pid: number;
  readonly isolator: string;
  readonly cgroups: readonly string[];
  readonly stop: PlannedContainer['stop'];
}

/**
 * Plans a further command in a container: the same namespaces, cgroups, capabilities and filter, for `launch` to
 * start. Throws ERR_BOX_CONTAINER_STATE when the container's process has ended or is not the caller's.
 */
export function planExec({ name, bundle, pid, isolator, cgroups, stop }: ExecRequest): PlannedContainer {
  const { containerId } = bundle;
  const target = { pid, ...inspectProcess(pid, name), singleId: effectiveIdMap(bundle.rootfs.idMap).kind === 'single' };
  return {
    containerId,
    name,
    bundle,
    stop,
    plan: {
      isolator,
      containerId,
      ...planOfCalls(execCalls(bundle, { ...target, cgroups })),
      terminal: bundle.process.terminal,
      tree: 'namespace',
      command: bundle.process.argv,
      warnings: [],
    },
  };
}

function inspectProcess(pid: number, name: string) {
  try {
    const namespaces = foreignNamespaces(pid);
    return {
      namespaces,
      userNamespace: differs(pid, 'user'),
      changedRoot: !namespaces.some(({ kind }) => kind === 'pid'),
    };
  } catch (cause) {
    const why =
      cause instanceof Error && 'code' in cause && cause.code === 'EACCES' ? "it is another user's" : 'it has ended';
    throw new BoxError('ERR_BOX_CONTAINER_STATE', `cannot start a command in the container ${name}: ${why}`, { cause });
  }
}
