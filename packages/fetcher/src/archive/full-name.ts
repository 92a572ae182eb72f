import { formatRegistryReference, parseRegistryReference } from '@boxkit/manifest';

/** An image's name with all its parts, so that `busybox` and `docker.io/library/busybox:latest` are the same; undefined for what is no name. */
export function fullName(name: string): string | undefined {
  try {
    return formatRegistryReference(parseRegistryReference(name));
  } catch {
    return undefined;
  }
}
