import { box, compete, type BenchOptions } from './bench.ts';
import { benchRegistry } from './images.ts';

/** `/bin/true` of a Debian that is there already: from the command to its exit status. */
export async function benchRun(options: BenchOptions): Promise<void> {
  await using registry = await benchRegistry(['debian']);
  const reference = `${registry.host}/debian:latest`;
  const podman = `podman --root $PWD/root --runroot $PWD/run --storage-driver overlay --cgroup-manager cgroupfs`;
  const bind = '--ro-bind rootfs / --proc /proc --dev /dev --unshare-all --die-with-parent';
  const isolations = ['unshare', 'bubblewrap', 'chroot'].map((isolation) => ({
    name: `box run, ${isolation}`,
    prepare: `${box} run --quiet --isolation ${isolation} ${reference} -- true`,
    script: `${box} run --quiet --isolation ${isolation} ${reference} -- true`,
  }));
  await compete(
    'warm run of /bin/true',
    [
      ...isolations,
      {
        name: 'bwrap by hand',
        prepare: `${box} unpack --quiet ${reference} rootfs`,
        script: `bwrap ${bind} /bin/true`,
      },
      {
        name: 'podman run',
        prepare: `${podman} pull -q --tls-verify=false ${reference} >/dev/null`,
        script: `${podman} run --rm --network none ${reference} /bin/true`,
      },
    ],
    options,
  );
}
