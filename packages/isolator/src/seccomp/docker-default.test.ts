import { capabilityNames, defaultCapabilities } from '@boxkit/linux';
import { runSeccompFilter } from '@boxkit/testkit';
import { describe, expect, it } from 'vitest';
import { compileSeccomp } from './compile.ts';
import { defaultSeccompProfile } from './default-profile.ts';
import { auditArchitecture, systemCallNumbers } from './system-call-table.ts';

/**
 * What docker's default profile allows whoever asks (moby/profiles, seccomp/default.json at 02e898b):
 * names without conditions.
 */
const always = new Set(
  `accept accept4 access adjtimex alarm bind brk cachestat capget capset chdir chmod chown chown32 clock_adjtime
  clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep clock_nanosleep_time64
  close close_range connect copy_file_range creat dup dup2 dup3 epoll_create epoll_create1 epoll_ctl epoll_ctl_old
  epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2 execve execveat exit exit_group faccessat faccessat2
  fadvise64 fadvise64_64 fallocate fanotify_mark fchdir fchmod fchmodat fchmodat2 fchown fchown32 fchownat fcntl fcntl64
  fdatasync fgetxattr flistxattr flock fork fremovexattr fsetxattr fstat fstat64 fstatat64 fstatfs fstatfs64 fsync
  ftruncate ftruncate64 futex futex_requeue futex_time64 futex_wait futex_waitv futex_wake futimesat getcpu getcwd
  getdents getdents64 getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getitimer getpeername
  getpgid getpgrp getpid getppid getpriority getrandom getresgid getresgid32 getresuid getresuid32 getrlimit
  get_robust_list getrusage getsid getsockname getsockopt get_thread_area gettid gettimeofday getuid getuid32 getxattr
  getxattrat inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_cancel ioctl io_destroy io_getevents
  io_pgetevents io_pgetevents_time64 ioprio_get ioprio_set io_setup io_submit ipc kill landlock_add_rule
  landlock_create_ruleset landlock_restrict_self lchown lchown32 lgetxattr link linkat listen listmount listxattr
  listxattrat llistxattr _llseek lremovexattr lseek lsetxattr lstat lstat64 madvise map_shadow_stack membarrier
  memfd_create memfd_secret mincore mkdir mkdirat mknod mknodat mlock mlock2 mlockall mmap mmap2 mprotect mq_getsetattr
  mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 mq_unlink mremap mseal msgctl
  msgget msgrcv msgsnd msync munlock munlockall munmap name_to_handle_at nanosleep newfstatat _newselect open openat
  openat2 pause pidfd_open pidfd_send_signal pipe pipe2 pkey_alloc pkey_free pkey_mprotect poll ppoll ppoll_time64 prctl
  pread64 preadv preadv2 prlimit64 process_mrelease process_vm_readv process_vm_writev pselect6 pselect6_time64 ptrace
  pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv recv recvfrom recvmmsg recvmmsg_time64 recvmsg
  remap_file_pages removexattr removexattrat rename renameat renameat2 restart_syscall riscv_hwprobe rmdir rseq
  rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait
  rt_sigtimedwait_time64 rt_tgsigqueueinfo sched_getaffinity sched_getattr sched_getparam sched_get_priority_max
  sched_get_priority_min sched_getscheduler sched_rr_get_interval sched_rr_get_interval_time64 sched_setaffinity
  sched_setattr sched_setparam sched_setscheduler sched_yield seccomp select semctl semget semop semtimedop
  semtimedop_time64 send sendfile sendfile64 sendmmsg sendmsg sendto setfsgid setfsgid32 setfsuid setfsuid32 setgid
  setgid32 setgroups setgroups32 setitimer setpgid setpriority setregid setregid32 setresgid setresgid32 setresuid
  setresuid32 setreuid setreuid32 setrlimit set_robust_list setsid setsockopt set_thread_area set_tid_address setuid
  setuid32 setxattr setxattrat shmat shmctl shmdt shmget shutdown sigaltstack signalfd signalfd4 sigprocmask sigreturn
  socketcall socketpair splice stat stat64 statfs statfs64 statmount statx symlink symlinkat sync sync_file_range syncfs
  sysinfo tee tgkill time timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime
  timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64 times tkill truncate
  truncate64 ugetrlimit umask uname unlink unlinkat uretprobe utime utimensat utimensat_time64 utimes vfork vmsplice wait4
  waitid waitpid write writev`.split(/\s+/),
);

/** What a capability opens, and an architecture. */
const withCapability: Readonly<Record<string, string>> = {
  CAP_DAC_READ_SEARCH: 'open_by_handle_at',
  CAP_SYS_ADMIN: `bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie lsm_get_self_attr
    lsm_list_modules lsm_set_self_attr mount mount_setattr move_mount open_tree perf_event_open quotactl quotactl_fd
    setdomainname sethostname setns syslog umount umount2 unshare`,
  CAP_SYS_BOOT: 'reboot',
  CAP_SYS_CHROOT: 'chroot',
  CAP_SYS_MODULE: 'delete_module init_module finit_module',
  CAP_SYS_PACCT: 'acct',
  CAP_SYS_PTRACE: 'kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev ptrace',
  CAP_SYS_RAWIO: 'iopl ioperm',
  CAP_SYS_TIME: 'settimeofday stime clock_settime clock_settime64',
  CAP_SYS_TTY_CONFIG: 'vhangup',
  CAP_SYS_NICE: 'get_mempolicy mbind set_mempolicy set_mempolicy_home_node',
  CAP_SYSLOG: 'syslog',
  CAP_BPF: 'bpf',
  CAP_PERFMON: 'perf_event_open',
};
const withArchitecture = {
  x86_64: ['arch_prctl', 'modify_ldt'],
  aarch64: ['arm_fadvise64_64', 'arm_sync_file_range', 'sync_file_range2', 'breakpoint', 'cacheflush', 'set_tls'],
} as const;
/** No DECnet, Econet, ATM SVC, IrDA, WANPIPE, ISDN, CAIF, ALG, VSOCK, and none that is newer than MCTP. */
const families = new Set([
  ...Array.from({ length: 12 }, (_, family) => family),
  ...[13, 14, 15, 16, 17, 18, 21, 22, 24, 26, 27, 28, 29, 30, 31, 32, 33, 35, 36, 39, 41, 42, 43, 44, 45],
]);
const personalities = new Set([0, 0x8, 0x2_0000, 0x2_0008, 0xffff_ffff]);
const newNamespaces = 0x7e02_0000n;

function dockerAllows(name: string, argument: bigint, setting: Setting): boolean {
  const { capabilities, architecture } = setting;
  if (always.has(name)) return true;
  if ((withArchitecture[architecture] as readonly string[]).includes(name)) return true;
  const granted = Object.entries(withCapability).filter(([capability]) => capabilities.has(capability));
  if (granted.some(([, names]) => names.split(/\s+/).includes(name))) return true;
  if (name === 'socket') return families.has(Number(argument));
  if (name === 'personality') return personalities.has(Number(argument));
  return name === 'clone' && (argument & newNamespaces) === 0n;
}

interface Setting {
  readonly architecture: 'x86_64' | 'aarch64';
  readonly capabilities: ReadonlySet<string>;
}

/** First arguments that a rule looks at, with bits above those that the kernel reads. */
function argumentsOf(name: string): readonly bigint[] {
  if (name === 'socket') return [...Array.from({ length: 50 }, (_, family) => BigInt(family)), 0x1_0000_0026n];
  if (name === 'personality') return [0n, 1n, 8n, 0x2_0000n, 0x2_0008n, 0x4_0000n, 0xffff_ffffn, 0x1_0000_0000n];
  if (name !== 'clone') return [0n];
  const bits = [0x2_0000n, 0x200_0000n, 0x400_0000n, 0x800_0000n, 0x1000_0000n, 0x2000_0000n, 0x4000_0000n];
  return [0n, 0x11n, 0x120_0011n, newNamespaces, ...bits, ...bits.map((bit) => bit | 0x1_0000_0011n)];
}

const sets: readonly (readonly [string, ReadonlySet<string>])[] = [
  ['no capability', new Set<string>()],
  ['the default capabilities', new Set<string>(defaultCapabilities)],
  ['all capabilities', new Set<string>(capabilityNames)],
  ...capabilityNames.map((name) => [name, new Set<string>([name])] as const),
];

describe.each(['x86_64', 'aarch64'] as const)('the default profile beside docker’s on %s', (architecture) => {
  it.each(sets)(
    'allows nothing that docker denies, and with %s is as narrow in what is listed only',
    (_, capabilities) => {
      const setting = { architecture, capabilities };
      const program = compileSeccomp(defaultSeccompProfile, { architecture, capabilities, kernel: '6.1.0' });
      const [wider, narrower] = [new Set<string>(), new Set<string>()];
      for (const [name, nr] of systemCallNumbers(architecture)) {
        for (const argument of argumentsOf(name)) {
          const verdict = runSeccompFilter(program, { nr, arch: auditArchitecture[architecture], args: [argument] });
          const [ours, docker] = [verdict === 0x7fff_0000, dockerAllows(name, argument, setting)];
          if (ours && !docker) wider.add(`${name}(${argument})`);
          if (docker && !ours) narrower.add(name);
        }
      }
      expect([...wider]).toEqual([]);
      // What mounts the host has is nobody's business; these calls came with Linux 6.8, so no image relies on them.
      expect([...narrower]).toEqual(capabilities.has('CAP_SYS_ADMIN') ? [] : ['statmount', 'listmount']);
    },
  );
});
