import {
  chmodAt,
  close,
  cString,
  currentDirectory,
  deviceNumber,
  fsetxattr,
  lastErrno,
  linkAt,
  mknodAt,
  openAt,
  openFlag,
  symlinkAt,
} from '@boxkit/linux';
import { baseName, joinPath, parentPath, type BytePath } from '../byte-path.ts';
import { TarType, type TarEntry } from '../tar/tar-entry.ts';
import type { TarReader } from '../tar/tar-reader.ts';
import type { Directory } from './directory.ts';
import type { DirectoryTable } from './directory-table.ts';
import { failedCall } from './failed-call.ts';
import { invalid } from './layer-error.ts';
import type { Metadata, MetadataWriter } from './metadata.ts';
import { NameBuffer } from './name-buffer.ts';
import { removeAt } from './remove-at.ts';
import { type ContentObserver, writeContent } from './write-content.ts';

const createFile = openFlag.writeOnly | openFlag.create | openFlag.exclusive | openFlag.noFollow | openFlag.closeOnExec;
const openDirectory = openFlag.readOnly | openFlag.directory | openFlag.noFollow | openFlag.closeOnExec;

const typeBits = { characterDevice: 0o020000, blockDevice: 0o060000, fifo: 0o010000 } as const;

/**
 * Makes the entries of one layer below its tree. Every call is relative to a directory's descriptor, names no `/`, and
 * creates: what stood there is removed first, never written through.
 */
export class TreeWriter {
  readonly #directories: DirectoryTable;
  readonly #metadata: MetadataWriter;
  readonly #onReplace: (path: BytePath, wasDirectory: boolean) => void;
  readonly #names = new NameBuffer();
  readonly #targets = new NameBuffer();

  /** `onReplace` is told of every path of this layer that gives way to a later entry. */
  constructor(
    directories: DirectoryTable,
    metadata: MetadataWriter,
    onReplace: (path: BytePath, wasDirectory: boolean) => void,
  ) {
    this.#directories = directories;
    this.#metadata = metadata;
    this.#onReplace = onReplace;
  }

  file(parent: Directory, name: string, entry: TarEntry, reader: TarReader, observer?: ContentObserver): void {
    const mode = this.#metadata.creationMode(entry);
    const directory = this.#directories.fdOf(parent);
    let fd = openAt(directory, this.#names.set(name), createFile, mode);
    if (fd === -1)
      fd = this.#recreate(parent, name, 'openat', () =>
        openAt(this.#directories.fdOf(parent), this.#names.set(name), createFile, mode),
      );
    try {
      writeContent(fd, entry, reader, observer);
      this.#metadata.applyTo(fd, entry, mode);
    } finally {
      close(fd);
    }
  }

  directory(parent: Directory, name: string, path: BytePath): Directory {
    const known = this.#directories.get(path);
    if (known !== undefined) {
      if (!known.implied) this.#onReplace(path, false);
      known.implied = false;
      return known;
    }
    const made = this.#directories.tryMake(parent, name, false);
    if (made !== undefined) return made;
    this.clear(parent, name);
    return this.#directories.make(parent, name, false);
  }

  symlink(parent: Directory, name: string, target: string, metadata: Metadata): void {
    const make = (): number =>
      symlinkAt(this.#targets.set(target), this.#directories.fdOf(parent), this.#names.set(name));
    if (make() === -1) this.#recreate(parent, name, 'symlinkat', make);
    this.#metadata.applyAt(this.#directories.fdOf(parent), this.#names.set(name), metadata, undefined);
  }

  /** A fifo or a device. False when the system does not let us make it. */
  node(parent: Directory, name: string, entry: TarEntry): boolean {
    const bits =
      entry.type === TarType.fifo
        ? typeBits.fifo
        : entry.type === TarType.blockDevice
          ? typeBits.blockDevice
          : typeBits.characterDevice;
    const device = entry.type === TarType.fifo ? 0 : deviceNumber(entry.major, entry.minor);
    const make = (): number => mknodAt(this.#directories.fdOf(parent), this.#names.set(name), bits | 0o600, device);
    if (make() === -1) {
      if (lastErrno() === 'EPERM') return false;
      this.#recreate(parent, name, 'mknodat', make);
    }
    const directory = this.#directories.fdOf(parent);
    const bytes = this.#names.set(name);
    this.#metadata.applyAt(directory, bytes, entry, (mode) => this.#chmod(directory, bytes, mode));
    return true;
  }

  /** chmod(2) follows symlinks: through a descriptor of what stands there now it cannot. */
  #chmod(directory: number, name: Buffer, mode: number): number {
    const fd = openAt(directory, name, openFlag.path | openFlag.noFollow | openFlag.closeOnExec, 0);
    if (fd === -1) return -1;
    try {
      return chmodAt(currentDirectory, cString(`/proc/self/fd/${fd}`), mode, 0);
    } finally {
      close(fd);
    }
  }

  /** False when this layer has no such target (yet). What stands at the link's place is removed only for success. */
  hardlink(parent: Directory, name: string, target: BytePath): boolean {
    if (target === '') throw invalid('it is a hardlink to the root');
    const from = this.#directories.find(parentPath(target));
    if (from === undefined) return false;
    const targetName = baseName(target);
    if (from === parent && targetName === name) {
      this.#requireNoDirectory(from, targetName);
      return this.#exists(parent, name);
    }
    const make = (): number =>
      linkAt(
        this.#directories.fdOf(from),
        this.#targets.set(targetName),
        this.#directories.fdOf(parent),
        this.#names.set(name),
        0,
      );
    if (make() !== -1) return true;
    const errno = lastErrno();
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return false;
    // The clash at the link's own place is told before the target's type.
    if (errno === 'EPERM' || errno === 'EEXIST') this.#requireNoDirectory(from, targetName);
    if (errno !== 'EEXIST') throw failedCall('linkat', errno);
    if (!this.#exists(from, targetName)) return false;
    const place = joinPath(parent.path, name);
    if (from.path === place || from.path.startsWith(`${place}/`)) {
      throw invalid('it is a hardlink to something that lies below itself');
    }
    this.#recreate(parent, name, 'linkat', make, errno);
    return true;
  }

  #requireNoDirectory(parent: Directory, name: string): void {
    if (this.#directories.get(joinPath(parent.path, name)) !== undefined) {
      throw invalid('it is a hardlink to a directory');
    }
  }

  /** A link to a file that is kept beside the tree. False when there is none of that name. */
  hardlinkFrom(directory: number, source: string, parent: Directory, name: string): boolean {
    const make = (): number =>
      linkAt(directory, this.#targets.set(source), this.#directories.fdOf(parent), this.#names.set(name), 0);
    if (make() !== -1) return true;
    const errno = lastErrno();
    if (errno === 'ENOENT') return false;
    this.#recreate(parent, name, 'linkat', make, errno);
    return true;
  }

  /** The form that overlayfs reads. False when the layer has something of its own at that path. */
  whiteoutDevice(parent: Directory, name: string): boolean {
    const device = deviceNumber(0, 0);
    if (mknodAt(this.#directories.fdOf(parent), this.#names.set(name), typeBits.characterDevice, device) === 0)
      return true;
    const errno = lastErrno();
    if (errno === 'EEXIST') return false;
    throw failedCall('mknodat', errno);
  }

  /** Puts the final attributes on a directory whose children are all there. */
  finishDirectory(directory: Directory, opaqueXattr: string | undefined): void {
    const isRoot = directory === this.#directories.root;
    const fd = isRoot ? directory.fd : this.#open(directory.parent, directory.name, openDirectory);
    if (fd === -1) throw failedCall('openat');
    try {
      if (opaqueXattr !== undefined && fsetxattr(fd, cString(opaqueXattr), Buffer.from('y'), 1, 0) !== 0) {
        throw failedCall(`fsetxattr ${opaqueXattr}`);
      }
      this.#metadata.applyTo(fd, directory, -1);
    } finally {
      if (!isRoot) close(fd);
    }
  }

  /** Removes whatever stands at a name. */
  clear(parent: Directory, name: string): void {
    const path = joinPath(parent.path, name);
    const known = this.#directories.get(path);
    if (known === undefined && !this.#exists(parent, name)) return;
    if (known !== undefined) this.#directories.forget(known);
    removeAt(this.#directories.fdOf(parent), name);
    this.#directories.invalidate();
    this.#onReplace(path, known !== undefined);
  }

  /** Clears the place after EEXIST and tries once more. */
  #recreate(parent: Directory, name: string, syscall: string, make: () => number, errno = lastErrno()): number {
    if (errno === 'EEXIST') this.clear(parent, name);
    else if (errno === 'EMFILE' || errno === 'ENFILE') this.#directories.closeAll();
    else throw failedCall(syscall, errno);
    const result = make();
    if (result === -1) throw failedCall(syscall);
    return result;
  }

  /** Opens what is there; short of descriptors, those that are only kept for speed give way. */
  #open(parent: Directory, name: string, flags: number): number {
    const fd = openAt(this.#directories.fdOf(parent), this.#names.set(name), flags, 0);
    if (fd !== -1) return fd;
    const errno = lastErrno();
    if (errno !== 'EMFILE' && errno !== 'ENFILE') return fd;
    this.#directories.closeAll();
    return openAt(this.#directories.fdOf(parent), this.#names.set(name), flags, 0);
  }

  #exists(parent: Directory, name: string): boolean {
    const fd = this.#open(parent, name, openFlag.path | openFlag.noFollow | openFlag.closeOnExec);
    if (fd === -1) {
      const errno = lastErrno();
      if (errno === 'ENOENT' || errno === 'ENOTDIR') return false;
      throw failedCall('openat', errno);
    }
    close(fd);
    return true;
  }
}
