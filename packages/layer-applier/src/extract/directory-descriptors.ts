import { close, lastErrno, openAt, openBeneath, openFlag } from '@boxkit/linux';
import type { Directory } from './directory.ts';
import { failedCall } from './failed-call.ts';
import { NameBuffer } from './name-buffer.ts';

const openDirectory = openFlag.readOnly | openFlag.directory | openFlag.noFollow | openFlag.closeOnExec;
/** Old kernels, old seccomp filters, paths too long for one call: then go down one by one. */
const noOpenat2 = new Set(['ENOSYS', 'EPERM', 'ENAMETOOLONG']);
const mostOpen = 128;

/** Open descriptors of the directories used last; one that was closed meanwhile is opened again, through no symlink. */
export class DirectoryDescriptors {
  readonly #root: Directory;
  readonly #open = new Set<Directory>();
  readonly #names = new NameBuffer();

  /** `root` has a descriptor, which stays open. */
  constructor(root: Directory) {
    this.#root = root;
  }

  /** A descriptor of the directory, good until the next call of this method but 100. */
  of(directory: Directory): number {
    if (directory.fd !== -1) return directory.fd;
    if (this.#open.size >= mostOpen) this.#closeOldest();
    directory.fd = this.#reopen(directory);
    this.#open.add(directory);
    return directory.fd;
  }

  /** Closes all descriptors but the root's. */
  closeAll(): void {
    for (const directory of this.#open) this.close(directory);
  }

  /** Closes one that is open; never the root's. */
  close(directory: Directory): void {
    if (directory.fd === -1 || directory === this.#root) return;
    close(directory.fd);
    directory.fd = -1;
    this.#open.delete(directory);
  }

  #reopen(directory: Directory): number {
    for (let attempt = 0; ; attempt++) {
      const near = directory.parent.fd;
      const fd =
        near === -1
          ? openBeneath(this.#root.fd, this.#names.set(directory.path), openDirectory)
          : openAt(near, this.#names.set(directory.name), openDirectory, 0);
      if (fd !== -1) return fd;
      const errno = lastErrno();
      if (near === -1 && noOpenat2.has(errno)) {
        this.of(directory.parent);
      } else if ((errno === 'EMFILE' || errno === 'ENFILE') && attempt === 0) {
        this.closeAll();
      } else {
        throw failedCall('openat', errno);
      }
    }
  }

  #closeOldest(): void {
    let left = mostOpen / 2;
    for (const directory of this.#open) {
      if (left-- === 0) break;
      this.close(directory);
    }
  }
}
