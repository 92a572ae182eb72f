import { lastErrno } from '@boxkit/linux';
import { ExtractFailure } from './layer-error.ts';

/** The errno of the call that just failed, as what it means for an extraction. Throw the result. */
export function failedCall(syscall: string, errno: string = lastErrno()): ExtractFailure {
  if (errno === 'ENOSPC' || errno === 'EDQUOT') {
    return new ExtractFailure('ERR_BOX_STORE_FULL', `${syscall}: no space or inodes left (${errno})`, {
      hint: 'Free space on the file system of the store, or set BOX_HOME to another one.',
      fields: { errno },
    });
  }
  const hint = hints[errno];
  return new ExtractFailure('ERR_BOX_EXTRACT_FAILED', `${syscall}: ${errno}`, {
    ...(hint === undefined ? {} : { hint }),
    fields: { errno },
  });
}

const hints: Readonly<Record<string, string>> = {
  EMFILE: 'Raise the limit of open files (ulimit -n).',
  ENFILE: 'The system has run out of open files; raise fs.file-max.',
  EPERM: 'The user or the file system does not allow it; run as root, or extract without owners.',
  EACCES: 'Another process may have changed the staging directory.',
  ELOOP: 'Another process has put a symlink into the staging directory.',
  ENOTDIR: 'Another process has changed the staging directory.',
  EMLINK: 'The file system holds no more hardlinks to one file (ext4: 65,000); xfs, btrfs and tmpfs hold more.',
  EROFS: 'The file system of the store is mounted read-only.',
  EIO: 'The disk of the store reports an error; see the kernel log.',
};
