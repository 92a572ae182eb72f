import {
  definePlugin,
  isolationFeatures,
  type Bundle,
  type IsolationFeature,
  type Isolator,
  type LaunchPlan,
  type SystemCall,
} from '@boxkit/contracts';
import { containerCalls, inFirstProcess, planOfCalls } from '@boxkit/linux';

/** clone(2): mount, cgroup, UTS, IPC and PID namespaces. */
const namespaces = 0x2_0000 | 0x200_0000 | 0x400_0000 | 0x800_0000 | 0x2000_0000;
const networkNamespace = 0x4000_0000;

/** What this backend leaves out, and why. */
const missing: Readonly<Partial<Record<IsolationFeature, string>>> = {
  'network-private': 'the example sets up no network',
  'memory-limit': 'the example makes no cgroups',
  'cpu-limit': 'the example makes no cgroups',
  'pids-limit': 'the example makes no cgroups',
};

/** A backend without any host program: the exec stub makes the namespaces itself. For root only. */
export function directIsolator(): Isolator {
  return {
    name: 'direct',
    capabilities: (privilege) => {
      const answer = (feature: IsolationFeature): true | string =>
        privilege === 'user' ? 'the example needs root' : (missing[feature] ?? true);
      return Object.fromEntries(isolationFeatures.map((feature) => [feature, answer(feature)])) as Record<
        IsolationFeature,
        true | string
      >;
    },
    probe: async () =>
      process.geteuid?.() === 0
        ? { available: true }
        : { available: false, reason: 'the example needs root', hint: 'Use unshare.' },
    plan: async (bundle) => plan(bundle),
  };
}

function plan(bundle: Bundle): LaunchPlan {
  const ownNetwork = bundle.network !== 'host';
  const unshared: SystemCall = {
    name: 'unshare',
    args: [namespaces | (ownNetwork ? networkNamespace : 0)],
    why: "namespaces of the container's own",
  };
  const inside = containerCalls(bundle, {
    userNamespace: false,
    singleId: false,
    utsNamespace: true,
    networkNamespace: ownNetwork,
    root: 'pivot_root',
  });
  return {
    isolator: 'direct',
    containerId: bundle.containerId,
    ...planOfCalls([dieWithLauncher, unshared, ...inFirstProcess(inside)]),
    terminal: bundle.process.terminal,
    tree: 'namespace',
    command: bundle.process.argv,
    warnings: [],
  };
}

const dieWithLauncher: SystemCall = { name: 'prctl', args: [1, 9, 0, 0, 0], why: 'end with the launcher' };

export default definePlugin({ name: 'example-direct', setup: (host) => host.addIsolator(directIsolator()) });
