import type { SeccompArgument, SeccompProfile, SeccompRule } from './profile.ts';

const allow = (names: string, rule: Partial<SeccompRule> = {}): SeccompRule => ({
  names: names.trim().split(/\s+/),
  action: 'SCMP_ACT_ALLOW',
  ...rule,
});
const argument = (index: number, op: string, value: number, valueTwo = 0): SeccompArgument => ({
  index,
  op: `SCMP_CMP_${op}`,
  value: BigInt(value),
  valueTwo: BigInt(valueTwo),
});
const refuse = (name: string, condition: SeccompArgument): SeccompRule => ({
  names: [name],
  action: 'SCMP_ACT_ERRNO',
  args: [condition],
});
const withCapability = (capability: string, names: string): SeccompRule =>
  allow(names, { includes: { caps: [capability] } });

/** CLONE_NEW{NS,CGROUP,UTS,IPC,USER,PID,NET}: the namespaces a container may not make for itself. */
const newNamespaces = 0x7e02_0000;
const ENOSYS = 38;
/**
 * From 12 on, those that docker lets pass: no DECnet, Econet, ATM SVC, IrDA, WANPIPE, ISDN, CAIF and none that is newer,
 * whose modules a mere socket(2) would load; no ALG, which had holes; no VSOCK, which reaches the hypervisor.
 */
const addressFamilies = [
  ...[13, 14, 15, 16, 17, 18, 21, 22, 24, 26, 27, 28, 29, 30, 31, 32, 33, 35, 36, 39, 41, 42, 43, 44, 45],
];
const TIOCSTI = 0x5412;
const TIOCLINUX = 0x541c;

const files = `
  access chdir chmod chown chown32 close close_range copy_file_range creat dup dup2 dup3 faccessat faccessat2 fadvise64
  fadvise64_64 fallocate fanotify_mark fchdir fchmod fchmodat fchmodat2 fchown fchown32 fchownat fcntl fcntl64 fdatasync
  fgetxattr flistxattr flock fremovexattr fsetxattr fstat fstat64 fstatat64 fstatfs fstatfs64 fsync ftruncate ftruncate64
  futimesat getcwd getdents getdents64 getxattr getxattrat inotify_add_watch inotify_init inotify_init1 inotify_rm_watch
  lchown lchown32 lgetxattr link linkat listxattr listxattrat llistxattr _llseek lremovexattr lseek lsetxattr lstat lstat64
  mkdir mkdirat mknod mknodat name_to_handle_at newfstatat open openat openat2 pread64 preadv preadv2 pwrite64 pwritev
  pwritev2 read readahead readlink readlinkat readv removexattr removexattrat rename renameat renameat2 rmdir
  sendfile sendfile64 setxattr setxattrat splice stat stat64 statfs statfs64 statx symlink symlinkat sync sync_file_range
  syncfs tee truncate truncate64 umask unlink unlinkat utime utimensat utimensat_time64 utimes vmsplice write writev
`;
const memory = `
  brk cachestat madvise map_shadow_stack membarrier memfd_create memfd_secret mincore mlock mlock2 mlockall mmap mmap2
  mprotect mremap mseal msync munlock munlockall munmap pkey_alloc pkey_free pkey_mprotect process_mrelease remap_file_pages
`;
const processes = `
  alarm capget capset execve execveat exit exit_group fork get_robust_list get_thread_area getcpu getegid getegid32 geteuid
  geteuid32 getgid getgid32 getgroups getgroups32 getitimer getpgid getpgrp getpid getppid getpriority getresgid
  getresgid32 getresuid getresuid32 getrlimit getrusage getsid gettid getuid getuid32 ioprio_get ioprio_set kill
  landlock_add_rule landlock_create_ruleset landlock_restrict_self pause pidfd_open pidfd_send_signal prctl prlimit64
  restart_syscall rseq sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr sched_getparam
  sched_getscheduler sched_rr_get_interval sched_rr_get_interval_time64 sched_setaffinity sched_setattr sched_setparam
  sched_setscheduler sched_yield seccomp set_robust_list set_thread_area set_tid_address setfsgid setfsgid32 setfsuid
  setfsuid32 setgid setgid32 setgroups setgroups32 setitimer setpgid setpriority setregid setregid32 setresgid
  setresgid32 setresuid setresuid32 setreuid setreuid32 setrlimit setsid setuid setuid32 sysinfo tgkill times tkill
  ugetrlimit uname uretprobe vfork wait4 waitid waitpid
`;
const signalsAndTime = `
  adjtimex clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep
  clock_nanosleep_time64 gettimeofday nanosleep rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn
  rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo sigaltstack signalfd signalfd4 sigprocmask sigreturn
  time timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64
  timer_settime timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64
`;
const communication = `
  accept accept4 bind connect epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait
  epoll_wait_old eventfd eventfd2 futex futex_requeue futex_time64 futex_wait futex_waitv futex_wake getpeername
  getrandom getsockname getsockopt io_cancel io_destroy io_getevents io_pgetevents io_pgetevents_time64 io_setup
  io_submit ipc listen mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend
  mq_timedsend_time64 mq_unlink msgctl msgget msgrcv msgsnd _newselect pipe pipe2 poll ppoll ppoll_time64 pselect6
  pselect6_time64 recv recvfrom recvmmsg recvmmsg_time64 recvmsg select semctl semget semop semtimedop semtimedop_time64
  send sendmmsg sendmsg sendto setsockopt shmat shmctl shmdt shmget shutdown socketcall socketpair
`;

/**
 * What a container may ask of the kernel unless its caller says otherwise: an allow-list, no wider than docker's
 * default. Beyond it, io_uring (whose requests a filter cannot see) is refused, and so are the ioctls that type into
 * a terminal that a container shares with its caller.
 */
export const defaultSeccompProfile: SeccompProfile = {
  defaultAction: 'SCMP_ACT_ERRNO',
  defaultErrnoRet: 1,
  syscalls: [
    allow(`${files} ${memory} ${processes} ${signalsAndTime} ${communication}`),
    // The kernel reads 32 bits of these arguments: a value with higher bits set must not slip past.
    ...[TIOCSTI, TIOCLINUX].map((request) => refuse('ioctl', argument(1, 'MASKED_EQ', 0xffff_ffff, request))),
    allow('ioctl'),
    allow('socket', { args: [argument(0, 'LT', 12)] }),
    ...addressFamilies.map((family) => allow('socket', { args: [argument(0, 'EQ', family)] })),
    ...[0, 0x8, 0x2_0000, 0x2_0008, 0xffff_ffff].map((persona) =>
      allow('personality', { args: [argument(0, 'EQ', persona)] }),
    ),
    allow('clone', { args: [argument(0, 'MASKED_EQ', newNamespaces, 0)], excludes: { caps: ['CAP_SYS_ADMIN'] } }),
    // Its flags lie in memory, where a filter cannot look; libc falls back to clone when told that there is no clone3.
    { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: ENOSYS, excludes: { caps: ['CAP_SYS_ADMIN'] } },
    allow('process_vm_readv process_vm_writev ptrace', { includes: { minKernel: '4.8' } }),
    allow('arch_prctl', { includes: { arches: ['amd64'] } }),
    allow('modify_ldt', { includes: { arches: ['amd64', 'x86'] } }),
    allow('arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls', {
      includes: { arches: ['arm64'] },
    }),
    withCapability(
      'CAP_SYS_ADMIN',
      `bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick listmount lookup_dcookie lsm_get_self_attr
       lsm_list_modules lsm_set_self_attr mount mount_setattr move_mount open_tree perf_event_open quotactl quotactl_fd
       setdomainname sethostname setns statmount syslog umount umount2 unshare`,
    ),
    withCapability('CAP_DAC_READ_SEARCH', 'open_by_handle_at'),
    withCapability('CAP_SYS_BOOT', 'reboot'),
    withCapability('CAP_SYS_CHROOT', 'chroot'),
    withCapability('CAP_SYS_MODULE', 'delete_module finit_module init_module'),
    withCapability('CAP_SYS_PACCT', 'acct'),
    withCapability('CAP_SYS_PTRACE', 'kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev ptrace'),
    withCapability('CAP_SYS_RAWIO', 'ioperm iopl'),
    withCapability('CAP_SYS_TIME', 'clock_settime clock_settime64 settimeofday stime'),
    withCapability('CAP_SYS_TTY_CONFIG', 'vhangup'),
    withCapability('CAP_SYS_NICE', 'get_mempolicy mbind set_mempolicy set_mempolicy_home_node'),
    withCapability('CAP_SYSLOG', 'syslog'),
    withCapability('CAP_BPF', 'bpf'),
    withCapability('CAP_PERFMON', 'perf_event_open'),
  ],
};
