import type { HistoryEntry } from '@boxkit/contracts';
import type { JsonObject } from './json-object.ts';

/** What stands for the step of a layer of which the history does not tell. */
const unknownStep: HistoryEntry = { comment: 'a layer of which the history tells nothing' };

/**
 * The steps of a configuration, filled up so that each layer has its own: tools refuse a history with other steps than
 * layers, and one that lacks some would give new layers' steps to old ones. OCI image-spec, config.md "history".
 */
export function fittedHistory(config: JsonObject, layers: number): readonly HistoryEntry[] {
  const steps = Array.isArray(config['history']) ? (config['history'] as readonly HistoryEntry[]) : [];
  const missing = layers - steps.filter((step) => step.empty_layer !== true).length;
  return [...steps, ...Array.from({ length: Math.max(0, missing) }, () => unknownStep)];
}

/**
 * The steps when only the lowest `kept` layers stay: those above stay too, as steps without a layer, so that it can
 * still be read how the image came about.
 */
export function emptiedHistory(steps: readonly HistoryEntry[], kept: number): readonly HistoryEntry[] {
  let layers = 0;
  return steps.map((step) => {
    if (step.empty_layer === true) return step;
    layers += 1;
    return layers <= kept ? step : { ...step, empty_layer: true };
  });
}
