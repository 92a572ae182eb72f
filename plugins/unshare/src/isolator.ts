import { BoxError, type Bundle, type Isolator, type LaunchPlan } from '@boxkit/contracts';
import {
  bundleCgroups,
  containerCalls,
  effectiveIdMap,
  enterCgroups,
  findProgram,
  inFirstProcess,
  planAround,
  stubPath,
  unshareArguments,
} from '@boxkit/linux';
import { unshareCapabilities } from './capabilities.ts';
import { probeUnshare } from './probe.ts';

/** The backend that lets util-linux's `unshare` make the namespaces, and the exec stub everything inside them. */
export function unshareIsolator(): Isolator {
  return { name: 'unshare', capabilities: unshareCapabilities, probe: probeUnshare, plan };
}

async function plan(bundle: Bundle): Promise<LaunchPlan> {
  const unshare = findProgram('unshare');
  if (unshare === undefined) {
    throw new BoxError('ERR_BOX_BACKEND_UNAVAILABLE', 'cannot isolate with unshare: there is no program unshare', {
      hint: 'Install util-linux.',
    });
  }
  const idMap = effectiveIdMap(bundle.rootfs.idMap);
  const cgroups = bundleCgroups(bundle);
  const networkNamespace = bundle.network !== 'host';
  const inside = containerCalls(bundle, {
    userNamespace: idMap.kind !== 'host',
    singleId: idMap.kind === 'single',
    utsNamespace: true,
    networkNamespace,
    root: 'pivot_root',
  });
  const namespaces = ['--mount', '--pid', '--uts', '--ipc', '--cgroup', ...(networkNamespace ? ['--net'] : [])];
  return {
    isolator: 'unshare',
    containerId: bundle.containerId,
    ...planAround(
      [{ before: enterCgroups(cgroups), argv: [unshare, ...unshareArguments(idMap), ...namespaces, '--', stubPath] }],
      inFirstProcess(inside),
    ),
    terminal: bundle.process.terminal,
    tree: 'namespace',
    ...(bundle.userModeNetwork === undefined ? {} : { network: bundle.userModeNetwork }),
    cgroups: cgroups.map(({ path }) => path),
    command: bundle.process.argv,
    warnings: [],
  };
}
