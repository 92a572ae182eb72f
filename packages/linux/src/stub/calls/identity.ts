import type { Bundle, ContainerUser, SystemCall } from '@boxkit/contracts';
import { capabilityMask } from '../capabilities.ts';
import {
  AT_FDCWD,
  CLONE_NEWUSER,
  O_CLOEXEC,
  O_WRONLY,
  PR_CAPBSET_DROP,
  PR_CAP_AMBIENT,
  PR_CAP_AMBIENT_CLEAR_ALL,
  PR_SET_NO_NEW_PRIVS,
  SECCOMP_SET_MODE_FILTER,
} from '../constants.ts';

/**
 * Takes the capabilities away that the bundle does not grant, becomes its user, and loads its filter: from here on
 * nothing is gained again. `singleId` says that only one id is mapped, so that another user needs a user namespace of
 * its own.
 */
export function becomeUser(bundle: Bundle, singleId: boolean): readonly SystemCall[] {
  const { user } = bundle.process;
  const mask = capabilityMask(bundle.capabilities);
  const calls: SystemCall[] = [];
  if (singleId && (user.uid !== 0 || user.gid !== 0)) calls.push(...mapSingleUser(user));
  calls.push(...boundCapabilities(mask));
  const filter = loadFilter(bundle.seccomp);
  // without no_new_privs only CAP_SYS_ADMIN may load a filter, so it comes before the capabilities go
  if (!bundle.noNewPrivileges) calls.push(...filter);
  if (!singleId) calls.push(...switchUser(user));
  calls.push(setCapabilities(user.uid === 0 ? mask : 0n));
  if (bundle.noNewPrivileges) {
    calls.push(
      { name: 'prctl', args: [PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0], why: 'no program gains privileges by being executed' },
      ...filter,
    );
  }
  return calls;
}

function mapSingleUser({ uid, gid }: ContainerUser): readonly SystemCall[] {
  const map = (file: string, content: string): readonly SystemCall[] => {
    const label = `open ${file}`;
    const why = `the one id that there is becomes ${uid}:${gid}`;
    return [
      { name: 'openat', args: [AT_FDCWD, `/proc/self/${file}`, O_WRONLY | O_CLOEXEC, 0], why, label },
      { name: 'write', args: [{ result: label }, { bytes: Buffer.from(content) }, content.length], why },
      { name: 'close', args: [{ result: label }], why: 'written' },
    ];
  };
  return [
    { name: 'unshare', args: [CLONE_NEWUSER], why: 'another user than root needs a map of its own' },
    ...map('setgroups', 'deny'),
    ...map('uid_map', `${uid} 0 1`),
    ...map('gid_map', `${gid} 0 1`),
  ];
}

function boundCapabilities(mask: bigint): readonly SystemCall[] {
  const calls: SystemCall[] = [];
  // up to 63: a newer kernel may know more than the list of names
  for (let number = 0; number < 64; number++) {
    if ((mask >> BigInt(number)) & 1n) continue;
    calls.push({
      name: 'prctl',
      args: [PR_CAPBSET_DROP, number, 0, 0, 0],
      why: 'a capability that is not granted',
      ignore: ['EINVAL'],
    });
  }
  calls.push({
    name: 'prctl',
    args: [PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0],
    why: 'no ambient capabilities',
  });
  return calls;
}

function switchUser({ uid, gid, additionalGids }: ContainerUser): readonly SystemCall[] {
  const groups = Buffer.alloc(Math.max(4, additionalGids.length * 4));
  additionalGids.forEach((gid, at) => groups.writeUInt32LE(gid, at * 4));
  return [
    {
      name: 'setgroups',
      args: [additionalGids.length, { bytes: groups }],
      why: 'the groups of the user, none of the caller',
    },
    { name: 'setresgid', args: [gid, gid, gid], why: 'the group of the command' },
    { name: 'setresuid', args: [uid, uid, uid], why: 'the user of the command' },
  ];
}

function setCapabilities(mask: bigint): SystemCall {
  const header = Buffer.alloc(8);
  header.writeUInt32LE(0x2008_0522); // _LINUX_CAPABILITY_VERSION_3
  const sets = Buffer.alloc(24);
  const low = Number(mask & 0xffff_ffffn);
  const high = Number(mask >> 32n);
  [low, low, 0, high, high, 0].forEach((word, at) => sets.writeUInt32LE(word, at * 4));
  return { name: 'capset', args: [{ bytes: header }, { bytes: sets }], why: 'the capabilities of the command' };
}

function loadFilter(program: Uint8Array | undefined): readonly SystemCall[] {
  if (program === undefined) return [];
  return [
    {
      name: 'seccomp',
      args: [SECCOMP_SET_MODE_FILTER, 0, { words: [program.length / 8, { bytes: program }] }],
      why: 'filter system calls',
    },
  ];
}
