import { BoxError, type Bundle, type IdMap, type Isolator, type LaunchPlan } from '@boxkit/contracts';
import {
  effectiveIdMap,
  findProgram,
  planAround,
  preparedRootCalls,
  stubPath,
  type HostProgram,
  bundleCgroups,
  enterCgroups,
  type CgroupDirectory,
} from '@boxkit/linux';
import { bubblewrapArguments } from './arguments.ts';
import { bubblewrapCapabilities } from './capabilities.ts';
import { outerPrograms } from './outer.ts';
import { probeBubblewrap } from './probe.ts';
import { checkRoot } from './check-root.ts';

/** The backend that lets bwrap make namespaces, root, /proc and /dev, and the exec stub the rest. */
export function bubblewrapIsolator(): Isolator {
  return { name: 'bubblewrap', capabilities: bubblewrapCapabilities, probe: probeBubblewrap, plan };
}

async function plan(bundle: Bundle): Promise<LaunchPlan> {
  const bwrap = findProgram('bwrap');
  if (bwrap === undefined) {
    throw new BoxError('ERR_BOX_BACKEND_UNAVAILABLE', 'cannot isolate with bubblewrap: there is no program bwrap', {
      hint: 'Install bubblewrap.',
    });
  }
  if (!bundle.noNewPrivileges) {
    throw new BoxError(
      'ERR_BOX_NOT_ENFORCEABLE',
      'cannot isolate with bubblewrap as asked: it always sets no_new_privs',
      {
        hint: 'unshare can run setuid programs.',
      },
    );
  }
  checkRoot(bundle.rootfs);
  const idMap = effectiveIdMap(bundle.rootfs.idMap);
  const programs: readonly HostProgram[] = outerPrograms(bundle.rootfs, idMap, {
    argv: [bwrap, ...bubblewrapArguments(bundle, { ownUserNamespace: makesUserNamespace(bundle, idMap) }), stubPath],
  });
  // bwrap waits outside for the first process
  const cgroups = bundleCgroups(bundle, { waiting: 1 });
  return {
    isolator: 'bubblewrap',
    containerId: bundle.containerId,
    ...planAround(startIn(cgroups, programs), preparedRootCalls(bundle, { singleId: idMap.kind === 'single' })),
    terminal: bundle.process.terminal,
    tree: 'namespace',
    ...(bundle.userModeNetwork === undefined ? {} : { network: bundle.userModeNetwork }),
    cgroups: cgroups.map(({ path }) => path),
    command: bundle.process.argv,
    warnings: [],
  };
}

function startIn(
  cgroups: readonly CgroupDirectory[],
  [first, ...others]: readonly HostProgram[],
): readonly HostProgram[] {
  if (first === undefined) return [];
  return [{ ...first, before: [...enterCgroups(cgroups), ...(first.before ?? [])] }, ...others];
}

/** bwrap maps one id by itself; an overlay must be mounted before, in the same user namespace. */
function makesUserNamespace({ rootfs }: Bundle, idMap: IdMap): boolean {
  return idMap.kind === 'single' && rootfs.kind === 'directory';
}
