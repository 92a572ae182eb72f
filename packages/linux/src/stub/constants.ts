import { constants } from 'node:fs';

/** Numbers of the kernel's headers that node:fs does not have; the same on x86_64 and aarch64. */
export const AT_FDCWD = -100;

export const MS_RDONLY = 0x1;
export const MS_NOSUID = 0x2;
export const MS_NODEV = 0x4;
export const MS_NOEXEC = 0x8;
export const MS_REMOUNT = 0x20;
export const MS_BIND = 0x1000;
export const MS_REC = 0x4000;
export const MS_PRIVATE = 0x4_0000;
export const MS_STRICTATIME = 0x100_0000;
export const MNT_DETACH = 0x2;

export const OPEN_TREE_CLONE = 0x1;
export const AT_RECURSIVE = 0x8000;
export const MOVE_MOUNT_F_EMPTY_PATH = 0x4;
export const MOVE_MOUNT_T_SYMLINKS = 0x10;
export const AT_REMOVEDIR = 0x200;
export const AT_EMPTY_PATH = 0x1000;
export const MOUNT_ATTR_RDONLY = 0x1;
export const MOUNT_ATTR_NOSUID = 0x2;
export const MOUNT_ATTR_NODEV = 0x4;
export const MOUNT_ATTR_NOEXEC = 0x8;
/** nosuid, nodev, noexec */
export const MOUNT_ATTR_SAFE = 0xe;
export const FSOPEN_CLOEXEC = 0x1;
export const FSMOUNT_CLOEXEC = 0x1;
export const FSCONFIG_CMD_CREATE = 6;

export const CLONE_VFORK = 0x4000;
export const CLONE_NEWNS = 0x2_0000;
export const CLONE_NEWCGROUP = 0x200_0000;
export const CLONE_NEWUTS = 0x400_0000;
export const CLONE_NEWIPC = 0x800_0000;
export const CLONE_NEWUSER = 0x1000_0000;
export const CLONE_NEWPID = 0x2000_0000;
export const CLONE_NEWNET = 0x4000_0000;

export const O_PATH = 0x20_0000;
export const O_CLOEXEC = 0x8_0000;
export const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;

export const RESOLVE_NO_MAGICLINKS = 0x2;

export const S_IFREG = 0x8000;

export const PR_SET_PDEATHSIG = 1;
export const PR_SET_DUMPABLE = 4;
export const PR_SET_NAME = 15;
export const PR_CAPBSET_DROP = 24;
export const PR_SET_NO_NEW_PRIVS = 38;
export const PR_CAP_AMBIENT = 47;
export const PR_CAP_AMBIENT_CLEAR_ALL = 4;
export const SECCOMP_SET_MODE_FILTER = 1;

export const SIGKILL = 9;
export const SIGCHLD = 17;
export const SIG_SETMASK = 2;
export const SFD_NONBLOCK = 0x800;
export const SFD_CLOEXEC = 0x8_0000;
export const POLLIN = 1;
export const WNOHANG = 1;
export const WEXITED = 4;
export const WNOWAIT = 0x100_0000;
export const TIOCSCTTY = 0x540e;
export const F_SETFD = 2;
export const FD_CLOEXEC = 1;
export const SIOCSIFFLAGS = 0x8914;
export const NS_GET_USERNS = 0xb701;
