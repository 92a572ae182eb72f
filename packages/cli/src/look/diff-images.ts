import type { ConfigDifference, ImageComparison, PathDifference } from '@boxkit/box';
import { escapeControls } from '../output/escape.ts';
import { formatBytes } from '../output/format.ts';
import { toJson } from '../output/json.ts';
import { streamLines } from './stream.ts';

const letters = { added: 'A', removed: 'D', changed: 'C' } as const;

export interface DiffOutput {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly signal: AbortSignal;
}

/** Prints what differs between two images. */
export function printComparison(comparison: ImageComparison, { json, quiet, signal }: DiffOutput): Promise<void> {
  return streamLines(json ? jsonLines(comparison) : textLines(comparison, quiet), signal);
}

async function* textLines(comparison: ImageComparison, quiet: boolean): AsyncGenerator<string, void, undefined> {
  if (!quiet) {
    yield summary(comparison);
    for (const difference of comparison.config) yield configLine(difference);
  }
  for await (const difference of comparison.paths()) {
    const path = escapeControls(difference.path);
    yield quiet ? path : `${letters[difference.change]} ${path}${details(difference)}`;
  }
}

/** One object a line: the summary, each field of the config, each path. */
async function* jsonLines(comparison: ImageComparison): AsyncGenerator<string, void, undefined> {
  const { before, after, sharedLayers, config } = comparison;
  const describe = ({ image }: typeof before) => ({
    reference: image.reference.text,
    manifest: image.manifest.digest,
    layers: image.layers.length,
    size: sizeOf(image),
  });
  yield toJson({ type: 'images', before: describe(before), after: describe(after), sharedLayers });
  for (const difference of config) yield toJson({ type: 'config', ...difference });
  for await (const difference of comparison.paths()) yield toJson({ type: 'path', ...difference });
}

function summary({ before, after, sharedLayers }: ImageComparison): string {
  const [a, b] = [before.image, after.image];
  const shared = `${sharedLayers.length} of ${a.layers.length} and ${b.layers.length} layers shared`;
  return `# ${formatBytes(sizeOf(a))} and ${formatBytes(sizeOf(b))}, ${shared}`;
}

function sizeOf({ layers }: ImageComparison['before']['image']): number {
  return layers.reduce((sum, { descriptor }) => sum + descriptor.size, 0);
}

function configLine({ field, before, after }: ConfigDifference): string {
  const show = (value: unknown) => (value === undefined ? 'nothing' : toJson(value));
  return `# ${escapeControls(field)}: ${show(before)} became ${show(after)}`;
}

function details({ fields, before, after }: PathDifference): string {
  if (fields === undefined) return '';
  const told = fields.map((field) => {
    if (field === 'size') return `size ${before?.size} to ${after?.size}`;
    if (field === 'mode') return `mode ${before?.mode} to ${after?.mode}`;
    if (field === 'owner') return `owner ${before?.uid}:${before?.gid} to ${after?.uid}:${after?.gid}`;
    return field;
  });
  return `  (${told.join(', ')})`;
}
