import {
  BoxError,
  isolationFeatures,
  type Bundle,
  type IsolationCapabilities,
  type IsolationFeature,
  type Isolator,
  type LaunchPlan,
  type Privilege,
  type Probe,
} from '@boxkit/contracts';
import { bundleCgroups, changedRootCalls, enterCgroups, planOfCalls, rootPath } from '@boxkit/linux';

const noNamespace = 'chroot makes no such namespace';

/** What chroot cannot enforce, and why. */
const exceptions: Readonly<Partial<Record<IsolationFeature, string>>> = {
  filesystem: 'a process with CAP_SYS_CHROOT leaves a chroot at will',
  'pid-namespace': noNamespace,
  'ipc-namespace': noNamespace,
  'uts-namespace': noNamespace,
  'cgroup-namespace': noNamespace,
  'network-none': noNamespace,
  'network-private': noNamespace,
  init: 'an init needs a PID namespace',
};

/**
 * The backend that only changes the root. It sees the host's processes and network; its mounts are in a mount
 * namespace of its own, so that none is left behind.
 */
export function chrootIsolator(): Isolator {
  return { name: 'chroot', capabilities, probe, plan };
}

function capabilities(privilege: Privilege): IsolationCapabilities {
  const entries = isolationFeatures.map((feature) => {
    const answer = privilege === 'user' ? 'chroot needs root' : (exceptions[feature] ?? true);
    return [feature, answer] as const;
  });
  return Object.fromEntries(entries) as Record<IsolationFeature, true | string>;
}

async function probe(): Promise<Probe> {
  if (process.geteuid?.() === 0) return { available: true, note: 'no security boundary' };
  return { available: false, reason: 'chroot(2) needs root', hint: 'Use --isolation unshare or bubblewrap.' };
}

async function plan(bundle: Bundle): Promise<LaunchPlan> {
  if (process.geteuid?.() !== 0) {
    throw new BoxError('ERR_BOX_BACKEND_UNAVAILABLE', 'cannot isolate with chroot: chroot(2) needs root', {
      hint: 'Use --isolation unshare or bubblewrap.',
    });
  }
  if (bundle.network !== 'host') {
    throw new BoxError('ERR_BOX_NOT_ENFORCEABLE', `cannot isolate with chroot as asked: network ${bundle.network}`, {
      hint: 'unshare and bubblewrap make network namespaces.',
    });
  }
  const cgroups = bundleCgroups(bundle);
  return {
    isolator: 'chroot',
    containerId: bundle.containerId,
    ...planOfCalls([...enterCgroups(cgroups), ...changedRootCalls(bundle)]),
    terminal: bundle.process.terminal,
    tree: 'descendants',
    cgroups: cgroups.map(({ path }) => path),
    root: rootPath(bundle.rootfs),
    command: bundle.process.argv,
    warnings: [
      'chroot is no security boundary: the container sees the processes and the network of the host, and a root process inside can leave it',
    ],
  };
}
