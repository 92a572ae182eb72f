import {
  atFlag,
  chownAt,
  cString,
  fchmod,
  fchown,
  fsetxattr,
  futimens,
  lastErrno,
  lsetxattr,
  utimensAt,
  writeTimes,
} from '@boxkit/linux';
import type { WhiteoutForm } from '../staged-layer.ts';
import { failedCall } from './failed-call.ts';
import type { Warnings } from './warnings.ts';

export interface Metadata {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly seconds: number;
  readonly nanoseconds: number;
  readonly xattrs: ReadonlyMap<string, Uint8Array> | undefined;
}

/** The twelve bits that a chown clears, and that creation may not grant. */
const specialBits = 0o6000;
const accessAcl = 'system.posix_acl_access';
/** File systems that cannot hold the attribute, and users who may not set it. */
const tolerated = new Set(['ENOTSUP', 'EOPNOTSUPP', 'EPERM', 'EACCES', 'E2BIG', 'ERANGE', 'ENOSPC', 'EINVAL']);

/** Puts owner, xattrs, mode and times on what has been made, in the order that keeps all of them. */
export class MetadataWriter {
  readonly #chown: boolean;
  readonly #exactModes: boolean;
  readonly #overlay: boolean;
  readonly #warnings: Warnings;
  readonly #uid = process.geteuid?.() ?? 0;
  readonly #gid = process.getegid?.() ?? 0;
  readonly #times = new Uint8Array(32);
  readonly #timesView = new DataView(this.#times.buffer);
  /** What `#times` holds: most entries have the time of the one before. */
  #seconds = 0;
  #nanoseconds = 0;

  /** `exactModes`: the umask is 0, so that files have the mode they were created with. */
  constructor(options: { chown: boolean; exactModes: boolean; whiteouts: WhiteoutForm; warnings: Warnings }) {
    this.#chown = options.chown;
    this.#exactModes = options.exactModes;
    this.#overlay = options.whiteouts !== 'record';
    this.#warnings = options.warnings;
  }

  /** The mode to create a file with: private until its owner is right. */
  creationMode({ mode, uid, gid, xattrs }: Metadata): number {
    return xattrs === undefined && !this.#isForeign(uid, gid) ? mode : 0o600;
  }

  /** For a descriptor of a file that was created with `creationMode`, or of a directory (`created` -1). */
  applyTo(fd: number, metadata: Metadata, created: number): void {
    const { mode, uid, gid, xattrs } = metadata;
    if (this.#isForeign(uid, gid) && fchown(fd, uid, gid) !== 0) throw this.#failedChown(uid, gid);
    if (xattrs !== undefined)
      this.#setXattrs(xattrs, (name, value) => fsetxattr(fd, name, bytesOf(value), value.length, 0));
    if ((created !== mode || !this.#exactModes || (mode & specialBits) !== 0) && fchmod(fd, mode) !== 0) {
      throw failedCall('fchmod');
    }
    if (xattrs?.has(accessAcl) === true)
      this.#setXattrs(xattrs, (name, value) => fsetxattr(fd, name, bytesOf(value), value.length, 0), true);
    this.#setTimes(metadata);
    if (futimens(fd, this.#times) !== 0) throw failedCall('futimens');
  }

  /** For a symlink, device or fifo, by its name; `fix` sets the mode of what is no symlink. */
  applyAt(directory: number, name: Buffer, metadata: Metadata, fix: ((mode: number) => number) | undefined): void {
    const { mode, uid, gid, xattrs } = metadata;
    if (this.#isForeign(uid, gid) && chownAt(directory, name, uid, gid, atFlag.symlinkNoFollow) !== 0) {
      throw this.#failedChown(uid, gid);
    }
    if (xattrs !== undefined) {
      const end = name.indexOf(0);
      const path = cString(Buffer.concat([Buffer.from(`/proc/self/fd/${directory}/`), name.subarray(0, end)]));
      const set = (key: Buffer, value: Uint8Array): number => lsetxattr(path, key, bytesOf(value), value.length, 0);
      this.#setXattrs(xattrs, set);
      if (fix !== undefined && fix(mode) !== 0) throw failedCall('fchmodat');
      this.#setXattrs(xattrs, set, true);
    } else if (fix !== undefined && fix(mode) !== 0) throw failedCall('fchmodat');
    this.#setTimes(metadata);
    if (utimensAt(directory, name, this.#times, atFlag.symlinkNoFollow) !== 0) throw failedCall('utimensat');
  }

  #isForeign(uid: number, gid: number): boolean {
    return this.#chown && (uid !== this.#uid || gid !== this.#gid);
  }

  #failedChown(uid: number, gid: number): Error {
    const failure = failedCall('fchownat');
    failure.message += ` (owner ${uid}:${gid})`;
    return failure;
  }

  #setTimes({ seconds, nanoseconds }: Metadata): void {
    if (seconds === this.#seconds && nanoseconds === this.#nanoseconds) return;
    this.#seconds = seconds;
    this.#nanoseconds = nanoseconds;
    writeTimes(this.#timesView, seconds, nanoseconds);
  }

  /** All but the access ACL, or (`late`) it alone: a chmod after it would take its mask for the mode's group bits. */
  #setXattrs(
    xattrs: ReadonlyMap<string, Uint8Array>,
    set: (name: Buffer, value: Uint8Array) => number,
    late = false,
  ): void {
    for (const [name, value] of xattrs) {
      if ((name === accessAcl) !== late) continue;
      // A label belongs to the policy of the machine that gave it.
      if (name === 'security.selinux') continue;
      if (name.startsWith('SCHILY.acl.')) {
        this.#warnings.add('xattrs-skipped', 'ACLs name users or groups without their numbers');
        continue;
      }
      if (set(cString(Buffer.from(this.#escape(name), 'latin1')), value) === 0) continue;
      const errno = lastErrno();
      if (!tolerated.has(errno)) throw failedCall(`setxattr ${name}`, errno);
      this.#warnings.add('xattrs-skipped', `the file system or the user cannot hold xattrs such as ${name} (${errno})`);
    }
  }

  /** In an overlay layer overlayfs's own attributes would act: the kernel's escape is the prefix twice (Linux 6.7). */
  #escape(name: string): string {
    if (!this.#overlay) return name;
    return name.replace(/^(trusted|user)\.overlay\./, '$1.overlay.overlay.');
  }
}

/** An empty view has no address that could be passed. */
function bytesOf(value: Uint8Array): Uint8Array {
  return value.length === 0 ? Buffer.alloc(1) : value;
}
