import { getXattr, listXattrs } from '@boxkit/linux';
import type { OverlayNamespace } from './overlay-namespace.ts';

/**
 * The attributes of a directory of a layer that belong to the image: the overlay's own marks do not. An image's attribute of such a name is kept escaped (`trusted.overlay.overlay.`), and so is none.
 */
export function imageXattrs(path: string | Uint8Array, namespace: OverlayNamespace): [name: string, value: Buffer][] {
  const own = `${namespace}.overlay.`;
  return listXattrs(path)
    .filter((name) => name !== 'security.selinux')
    .filter((name) => !name.startsWith(own) || name.startsWith(`${own}overlay.`))
    .map((name) => [name, getXattr(path, name)]);
}
