import type { ForeignOptions } from '../args/options.ts';

const published = 'Publish each port that you want: -p 8080:80, or -p 80 for any port of the host’s.';
const namespaces = 'A container has namespaces of its own always, but for --network host.';
const groups = 'Groups come from the image’s /etc/group for the user that is named without a group: -u NAME.';

/** Options of docker and podman run that box has not, and what to do instead. */
export const foreignRunOptions: ForeignOptions = {
  '--privileged':
    'Name what it needs: --cap-add, --device, --security-opt seccomp=unconfined, --no-new-privileges=false.',
  '--publish-all': published,
  '-P': published,
  '--expose': published,
  '--group-add': groups,
  '--pid': namespaces,
  '--ipc': namespaces,
  '--uts': namespaces,
  '--userns': namespaces,
  '--cgroupns': namespaces,
  '--memory-swap': '--memory limits memory; swap is as the host has it.',
  '--cpu-shares': 'Limit the processors with --cpus.',
  '--cpuset-cpus': 'Limit the processors with --cpus, or run box itself under taskset(1).',
  '--volumes-from': 'Give both containers the same named volume: -v NAME:DIR.',
  '--link': 'Publish the other’s port at 127.0.0.1 and use --network host.',
  '--gpus': 'Give it the devices by name: --device /dev/dri.',
  '--sysctl': 'Kernel settings are read-only inside; set them on the host.',
  '--oom-score-adj': 'Limit its memory with --memory.',
  '--attach': 'The output comes here unless -d is given; -i connects the input.',
  '-a': 'The output comes here unless -d is given; -i connects the input.',
  '--detach-keys': 'A container in the foreground ends with box; start it with -d and use box attach.',
  '--log-driver': 'The log of a container in the background is kept by box: see box logs.',
  '--log-opt': 'The log of a container in the background is kept by box: see box logs.',
  '--runtime': 'Choose how it is isolated with --isolation.',
  '--health-cmd': 'box checks no health; use box exec from a timer of yours.',
  '--dns-search': 'Mount a resolv.conf of yours: -v FILE:/etc/resolv.conf.',
  '--dns-option': 'Mount a resolv.conf of yours: -v FILE:/etc/resolv.conf.',
};
