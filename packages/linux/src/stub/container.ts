import { statSync } from 'node:fs';
import { BoxError, type Bundle, type Mount, type Rootfs, type SystemCall } from '@boxkit/contracts';
import {
  closeDescriptors,
  dieWithParent,
  enterWorkingDirectory,
  execute,
  giveTerminal,
  ownKeyring,
  startSession,
} from './calls/command.ts';
import { borrowDevices, makeDevices, makeSharedMemory, type DeviceOptions } from './calls/devices.ts';
import { placeFiles } from './calls/files.ts';
import { becomeUser } from './calls/identity.ts';
import { forkInit } from './calls/init.ts';
import { hideKernelFiles, placeKernelFiles, prepareKernelFiles } from './calls/kernel-files.ts';
import { CLONE_NEWNS, CLONE_VFORK, SIGCHLD } from './constants.ts';
import { awaitLauncher, reportEnd } from './report.ts';
import { setLimits } from './calls/limits.ts';
import { raiseLoopback } from './calls/network.ts';
import { makeDirectories } from './calls/paths.ts';
import { changeRoot, makeRootReadOnly, mountRoot, pivotRoot, rootPath } from './calls/root.ts';
import { borrowVolumes, collectVolumes, liesInDev, placeVolumes, type VolumeMount } from './calls/volumes.ts';

/** What the namespaces around the calls are. */
export interface ContainerSetting {
  /** Inside a user namespace: device nodes are borrowed. */
  readonly userNamespace: boolean;
  /** Only one id is mapped. */
  readonly singleId: boolean;
  /** A UTS namespace of its own, whose hostname may be set. */
  readonly utsNamespace: boolean;
  /** A network namespace of its own, made together with the others. */
  readonly networkNamespace: boolean;
  /** How the rootfs becomes the root. */
  readonly root: 'pivot_root' | 'chroot';
}

/**
 * All that happens between new namespaces and the container's program, as the stub's list. Whatever the image can
 * influence, a symlink at a mount's target, is used before /proc, /sys and /dev exist, with the host's root gone.
 */
export function containerCalls(bundle: Bundle, setting: ContainerSetting): readonly SystemCall[] {
  const volumes = inspectVolumes(bundle);
  const devices: DeviceOptions = {
    terminal: bundle.process.terminal,
    ttyGroup: !setting.singleId,
    ...(bundle.limits.shmSize === undefined ? {} : { shmSize: bundle.limits.shmSize }),
  };
  // only who owns the network namespace may show its devices
  const sys = !setting.userNamespace || setting.networkNamespace;
  return [
    ...mountRoot(bundle.rootfs),
    ...prepareKernelFiles({ sys }),
    ...borrowDevices(devices),
    ...borrowVolumes(volumes),
    ...(setting.root === 'pivot_root' ? pivotRoot(rootPath(bundle.rootfs)) : changeRoot(rootPath(bundle.rootfs))),
    ...placeVolumes(volumes, (volume) => !liesInDev(volume)),
    ...placeFiles(bundle),
    ...makeDirectories(bundle.process.cwd, 'the working directory, when it is missing'),
    ...makeDevices(devices),
    ...placeVolumes(volumes, liesInDev),
    ...placeKernelFiles({ sys }),
    ...hideKernelFiles(),
    ...(setting.networkNamespace ? raiseLoopback() : []),
    ...(bundle.userModeNetwork === undefined ? [] : awaitLauncher()),
    ...(setting.utsNamespace ? setHostname(bundle.hostname) : []),
    ...(bundle.readOnlyRootfs ? [makeRootReadOnly()] : []),
    ...commandCalls(bundle, setting.singleId),
  ];
}

/**
 * The list for a host program that has made the root, /proc and /dev, and mounted volumes at `stagedVolumes`: what is
 * left. No link of /proc leads out any more, since the host's root is gone and no directory of it is open.
 */
export function preparedRootCalls(bundle: Bundle, { singleId }: { readonly singleId: boolean }): readonly SystemCall[] {
  const volumes = inspectVolumes(bundle);
  return [
    ...collectVolumes(volumes),
    // before a symlink of the image can lead a volume to /dev or /proc, and what hides them with it
    ...makeSharedMemory(bundle.limits),
    ...hideKernelFiles(),
    ...placeVolumes(volumes, () => true),
    ...placeFiles(bundle),
    ...makeDirectories(bundle.process.cwd, 'the working directory, when it is missing'),
    ...(bundle.userModeNetwork === undefined ? [] : awaitLauncher()),
    ...(bundle.readOnlyRootfs ? [makeRootReadOnly()] : []),
    ...commandCalls(bundle, singleId),
  ];
}

/** What must be done for an overlay before a host program can use it as a plain directory. */
export function overlayCalls(rootfs: Rootfs): readonly SystemCall[] {
  return rootfs.kind === 'overlay' ? mountRoot(rootfs) : [];
}

/** The list for a new PID namespace: its first process is forked, and waited for from outside. */
export function inFirstProcess(inside: readonly SystemCall[]): readonly SystemCall[] {
  const [first, ...rest] = [dieWithParent(), ...inside];
  return [
    {
      name: 'clone',
      args: [CLONE_VFORK | SIGCHLD, 0, 0, 0, 0],
      why: 'the first process of the PID namespace; this one goes on when it has executed its command',
      label: 'fork',
      next: { zero: 'first process' },
    },
    ...reportEnd('fork'),
    ...(first === undefined ? [] : [{ ...first, label: 'first process' }]),
    ...rest,
  ];
}

/** The list for chroot(2): a mount namespace, so that no mount is left behind, and none of the others. */
export function changedRootCalls(bundle: Bundle): readonly SystemCall[] {
  const calls = containerCalls(bundle, {
    userNamespace: false,
    singleId: false,
    utsNamespace: false,
    networkNamespace: false,
    root: 'chroot',
  });
  const unshared: SystemCall = { name: 'unshare', args: [CLONE_NEWNS], why: 'mounts end with the process' };
  return [dieWithParent(), unshared, ...calls];
}

/** The part of the list that needs nothing but the finished root: from the descriptors to the command. */
export function commandCalls(bundle: Bundle, singleId: boolean): readonly SystemCall[] {
  return [
    ...closeDescriptors(),
    ...enterWorkingDirectory(bundle.process.cwd),
    ...setLimits(bundle.limits.ulimits),
    ...giveTerminal(bundle.process),
    ownKeyring(),
    ...becomeUser(bundle, singleId),
    { name: 'umask', args: [0o022], why: 'the usual one, whatever the caller had' },
    dieWithParent(),
    ...(bundle.init ? forkInit() : []),
    ...startSession(bundle.process),
    ...execute(bundle.process),
  ];
}

function setHostname(hostname: string): readonly SystemCall[] {
  return [{ name: 'sethostname', args: [hostname, Buffer.byteLength(hostname)], why: 'the hostname' }];
}

/** The bundle's mounts, with what their sources are. Throws ERR_BOX_CONTAINER_SETUP, see `inspect`. */
export function inspectVolumes({ mounts }: Bundle): readonly VolumeMount[] {
  return mounts.map(inspect);
}

/** Throws ERR_BOX_CONTAINER_SETUP for a source that is not there and for a target that the kernel's files lie on. */
function inspect(mount: Mount): VolumeMount {
  const refuse = (why: string, hint: string): BoxError =>
    new BoxError('ERR_BOX_CONTAINER_SETUP', `cannot mount on ${mount.target}: ${why}`, { hint });
  if (/^\/(?:(?:proc|sys)(?:\/.*)?|dev)?$/.test(mount.target) || !mount.target.startsWith('/')) {
    throw refuse("it is not the caller's to mount on", 'Choose an absolute path outside /proc, /sys and /dev.');
  }
  if (mount.type === 'tmpfs') return { mount, directory: true };
  const source = mount.source ?? '';
  const stat = statSync(source, { throwIfNoEntry: false });
  if (stat === undefined) throw refuse(`there is no ${source}`, 'Make the directory or the file first.');
  return { mount, directory: stat.isDirectory() };
}
