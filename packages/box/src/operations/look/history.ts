import type { HistoryEntry, Image } from '@boxkit/contracts';
import type { HistoryStep } from './image-look.ts';

/** The steps that made layers, in the order of the layers; a history that does not fit them is of no use for it. */
export function layerSteps({ imageConfig, layers }: Image): readonly (HistoryEntry | undefined)[] {
  const steps = (imageConfig.history ?? []).filter((step) => step.empty_layer !== true);
  return layers.map((_, position) => (steps.length === layers.length ? steps[position] : undefined));
}

/** The command of the step that made a layer. */
export function createdBy(image: Image, position: number): { readonly createdBy?: string } {
  const command = layerSteps(image)[position]?.created_by;
  return command === undefined ? {} : { createdBy: command };
}

/** The build's steps, oldest first, with the layers that they made. */
export function historySteps(image: Image): readonly HistoryStep[] {
  const fits = layerSteps(image).every((step) => step !== undefined);
  let next = 0;
  return (image.imageConfig.history ?? []).map((step) => {
    const position = next;
    if (step.empty_layer === true || !fits) return step;
    next += 1;
    const layer = image.layers[position];
    if (layer === undefined) return step;
    return { ...step, layer: { position, digest: layer.descriptor.digest, size: layer.descriptor.size } };
  });
}
