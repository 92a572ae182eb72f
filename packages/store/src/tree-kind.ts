/** What the store keeps as directories named by a digest: extracted layers, indexes of layers that are not extracted, merged trees. */
export type TreeKind = 'layers' | 'indexes' | 'rootfs';

export function isTreeKind(kind: string | undefined): kind is TreeKind {
  return kind === 'layers' || kind === 'indexes' || kind === 'rootfs';
}
