import { BoxError, type Bundle, type IdMap, type Isolator, type LaunchPlan } from '@boxkit/contracts';
import {
  bundleCgroups,
  containerCalls,
  dieWithParent,
  effectiveIdMap,
  enterCgroups,
  findProgram,
  inFirstProcess,
  newNamespaces,
  planAround,
  planOfCalls,
  stubPath,
  unshareArguments,
  type HostProgram,
} from '@boxkit/linux';
import { unshareCapabilities } from './capabilities.ts';
import { probeUnshare } from './probe.ts';

/**
 * The backend of the kernel's own namespaces: the exec stub makes them, and everything inside them. Only a user
 * namespace is left to util-linux's `unshare`, which knows how to have its ids mapped.
 */
export function unshareIsolator(): Isolator {
  return { name: 'unshare', capabilities: unshareCapabilities, probe: probeUnshare, plan };
}

async function plan(bundle: Bundle): Promise<LaunchPlan> {
  const idMap = effectiveIdMap(bundle.rootfs.idMap);
  // the stub waits outside for the first process
  const cgroups = bundleCgroups(bundle, { waiting: 1 });
  const networkNamespace = bundle.network !== 'host';
  const inside = containerCalls(bundle, {
    userNamespace: idMap.kind !== 'host',
    singleId: idMap.kind === 'single',
    utsNamespace: true,
    networkNamespace,
    root: 'pivot_root',
  });
  const first = inFirstProcess(inside);
  const outside = enterCgroups(cgroups);
  return {
    isolator: 'unshare',
    containerId: bundle.containerId,
    ...(idMap.kind === 'host'
      ? planOfCalls([dieWithParent(), ...outside, newNamespaces({ network: networkNamespace }), ...first])
      : planAround([{ before: outside, argv: inNamespaces(idMap, networkNamespace) }], first)),
    terminal: bundle.process.terminal,
    tree: 'namespace',
    ...(bundle.userModeNetwork === undefined ? {} : { network: bundle.userModeNetwork }),
    cgroups: cgroups.map(({ path }) => path),
    command: bundle.process.argv,
    warnings: [],
  };
}

/** The stub in new namespaces, a user namespace with these ids among them. */
function inNamespaces(idMap: IdMap, networkNamespace: boolean): HostProgram['argv'] {
  const unshare = findProgram('unshare');
  if (unshare === undefined) {
    throw new BoxError('ERR_BOX_BACKEND_UNAVAILABLE', 'cannot isolate with unshare: there is no program unshare', {
      hint: 'Install util-linux.',
    });
  }
  const namespaces = ['--mount', '--pid', '--uts', '--ipc', '--cgroup', ...(networkNamespace ? ['--net'] : [])];
  return [unshare, ...unshareArguments(idMap), ...namespaces, '--', stubPath];
}
