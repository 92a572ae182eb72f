import { fileURLToPath } from 'node:url';
import { box, compete, type BenchOptions } from './bench.ts';
import { benchRegistry } from './images.ts';

const node = process.execPath;
const library = fileURLToPath(new URL('contestants/run-library.ts', import.meta.url));

/** A bundle for runc and crun of what box unpacks, with the command in it. */
const bundle = (reference: string): string =>
  `${box} unpack --quiet ${reference} rootfs && runc spec && sed -i 's/"terminal": true/"terminal": false/; s|"sh"|"/bin/true"|' config.json`;

/** crun refuses a machine with both cgroup versions, unless it does not see the second. */
const withoutUnified = (script: string): string =>
  `unshare --mount sh -ec 'umount -l /sys/fs/cgroup/unified 2>/dev/null || :; ${script}'`;

/** `/bin/true` of a Debian that is there already: from the command to its exit status. */
export async function benchRun(options: BenchOptions): Promise<void> {
  await using registry = await benchRegistry(['debian']);
  const reference = `${registry.host}/debian:latest`;
  const bind = '--ro-bind rootfs / --proc /proc --dev /dev --unshare-all --die-with-parent';
  const podman = `podman --root $PWD/root --runroot $PWD/run --storage-driver overlay --cgroup-manager cgroupfs --runtime crun`;
  // Its own defaults ask for more than the hard limits here.
  const limits = '--cgroups=disabled --ulimit nofile=1024:1024 --ulimit nproc=1024:1024';
  const isolations = ['unshare', 'bubblewrap', 'chroot'].map((isolation) => {
    const script = `${box} run --quiet --rm --isolation ${isolation} ${reference} -- /bin/true`;
    return { name: `box run, ${isolation}`, prepare: `${script}; ${script}`, script };
  });
  const rootfs = `${box} unpack --quiet ${reference} rootfs`;
  await compete(
    'warm run of /bin/true',
    [
      ...isolations,
      { name: 'node -e 0', script: `${node} -e 0` },
      { name: 'bwrap by hand', prepare: rootfs, script: `bwrap ${bind} /bin/true` },
      {
        name: 'unshare + chroot',
        prepare: rootfs,
        script: `unshare --mount --pid --uts --ipc --fork chroot rootfs /bin/true`,
      },
      { name: 'crun', prepare: bundle(reference), script: withoutUnified('crun run bench-crun') },
      { name: 'runc', prepare: bundle(reference), script: 'runc run bench-runc' },
      {
        name: 'podman run',
        prepare: `${podman} pull -q --tls-verify=false ${reference} >/dev/null`,
        script: withoutUnified(`${podman} run --rm --network none ${limits} ${reference} /bin/true`),
      },
      ...['unshare', 'bubblewrap'].map((isolation) => ({
        name: `library, ${isolation}`,
        prepare: `${rootfs} && ${box} run --quiet --rm ${reference} -- /bin/true`,
        script: `${node} --expose-gc ${library} ${reference} ${isolation}`,
        tells: true,
      })),
    ],
    options,
  );
}
