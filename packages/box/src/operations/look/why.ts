import type { Image } from '@boxkit/contracts';
import { pathFromText, pathText } from '@boxkit/layer-applier';
import type { BytePath, IndexedEntry, IndexedImage } from '@boxkit/layer-applier';
import { imagePath, noSuchPath } from './entries.ts';
import { createdBy } from './history.ts';
import type { ImagePath, PathInLayer, PathOrigin } from './image-look.ts';

/** Which layers have to do with a path, and how; its last component is not followed. */
export function originOf(image: Image, indexed: IndexedImage, text: string): PathOrigin {
  // A path that is shown no more has no symlinks to follow.
  const path = indexed.find(text, { follow: false })?.path ?? plainPath(text);
  const steps = new Map<number, { does?: PathInLayer['does']; entry?: ImagePath }>();
  let owner: number | undefined;
  let below = false;
  for (const surveyed of indexed.survey()) {
    if (surveyed.path !== path) continue;
    const { layer, shown, met, entry } = surveyed;
    if (shown && met === undefined) owner = layer.position;
    if (!entry.implied) steps.set(layer.position, { ...steps.get(layer.position), entry: imagePath(surveyed) });
    below ||= entry.implied;
    tell(steps, surveyed);
  }
  // The root is there whatever the layers have.
  if (steps.size === 0 && !below && path !== '') throw noSuchPath(text);
  const layers = [...steps]
    .toSorted(([a], [b]) => b - a)
    .map(([position, { does = 'adds', entry }]) => ({
      position,
      diffId: image.layers[position]?.diffId as PathInLayer['diffId'],
      does,
      ...createdBy(image, position),
      ...(entry === undefined ? {} : { entry }),
    }));
  return { path: `/${pathText(path)}`, ...(owner === undefined ? {} : { owner }), layers };
}

/** What the nearest layer above does with the path is learnt from the entry below. */
function tell(
  steps: Map<number, { does?: PathInLayer['does']; entry?: ImagePath }>,
  { met }: Pick<IndexedEntry, 'met'>,
): void {
  if (met === undefined) return;
  const does = { replaced: 'changes', merged: 'keeps', deleted: 'deletes' } as const;
  steps.set(met.position, { ...steps.get(met.position), does: does[met.how] });
}

function plainPath(text: string): BytePath {
  return pathFromText(
    text
      .split('/')
      .filter((part) => part !== '' && part !== '.')
      .join('/'),
  );
}
