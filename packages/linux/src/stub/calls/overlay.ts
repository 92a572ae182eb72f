import type { OverlayRootfs, SystemCall } from '@boxkit/contracts';

/** Mounts an overlay rootfs by mount(2). */
export function overlayMountCalls(rootfs: OverlayRootfs): readonly SystemCall[] {
  const escape = (path: string): string => path.replaceAll(/[\\:,]/g, String.raw`\$&`);
  const options = [
    `lowerdir=${rootfs.lower.map(escape).join(':')}`,
    `upperdir=${escape(rootfs.upper)}`,
    `workdir=${escape(rootfs.work)}`,
    ...(rootfs.userxattr ? ['userxattr'] : []),
  ];
  return [
    {
      name: 'mount',
      args: ['overlay', rootfs.target, 'overlay', 0, options.join(',')],
      why: "the container's layer over the image's",
    },
  ];
}
