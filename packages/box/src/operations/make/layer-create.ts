import { statSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { BoxError } from '@boxkit/contracts';
import {
  compressLayer,
  packTree,
  pathFromText,
  pathText,
  type BytePath,
  type CompressionOptions,
  type PackedOwner,
} from '@boxkit/layer-applier';
import { creationTime } from '@boxkit/manifest/edit';
import type { Cancellable } from '../../options.ts';
import type { Machine } from '../machine.ts';
import { compressionNamed } from '../compression-named.ts';
import { stagingPrefix } from './layer-file.ts';
import { type PackWarnings, warningsOf } from './pack-warnings.ts';

/** How a layer is written. */
export interface LayerOptions extends Cancellable, CompressionOptions {
  /**
   * The file that the layer goes to. It is not in the layer itself, wherever it is; its name chooses the compression
   * (`.gz`, `.tgz`, `.zst`) where `compression` does not.
   */
  readonly output?: string;
}

export interface LayerCreateOptions extends LayerOptions {
  /** Where in the image the directory's content goes; default `/`. What is above it has no entry. */
  readonly at?: string;
  /** Who owns everything: ids, or `keep` for who does on this machine. Default root, 0:0. */
  readonly owner?: PackedOwner;
}

/**
 * The bytes of a layer made of a directory. The same tree gives the same bytes: names are sorted, times later than
 * SOURCE_DATE_EPOCH are set to it when that is given, and nothing of this machine is told.
 */
export function createLayer(
  directory: string,
  options: LayerCreateOptions,
  machine: Pick<Machine, 'emit'>,
): AsyncIterable<Uint8Array> {
  const at = placeOf(options.at ?? '/');
  const latest = latestTime();
  const warnings = warningsOf(machine);
  const tar = packTree(resolve(directory), {
    at,
    owner: options.owner ?? { uid: 0, gid: 0 },
    ...(latest === undefined ? {} : { latest }),
    ...leavingOut(options.output),
    onWarning: (code, path) => warnings.add(code, path),
  });
  return compressed(tar, options, warnings);
}

/** Compresses what is packed, as the options or the name of the output say, and tells the warnings at its end. */
export function compressed(
  tar: Iterable<Uint8Array>,
  options: LayerOptions,
  warnings: PackWarnings,
): AsyncIterable<Uint8Array> {
  const compression = options.compression ?? compressionNamed(options.output);
  const how = { compression, ...(options.level === undefined ? {} : { level: options.level }) };
  return compressLayer(watched(tar, warnings, options.signal), how);
}

async function* watched(
  tar: Iterable<Uint8Array>,
  warnings: PackWarnings,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  for (const chunk of tar) {
    signal?.throwIfAborted();
    yield chunk;
  }
  warnings.tell();
}

/** Seconds since 1970, from SOURCE_DATE_EPOCH. Throws ERR_BOX_USAGE. */
export function latestTime(): number | undefined {
  return process.env['SOURCE_DATE_EPOCH'] ? creationTime().getTime() / 1000 : undefined;
}

/** A place in the image as a path below its root. Throws ERR_BOX_USAGE for one that climbs. */
function placeOf(at: string): BytePath {
  const components = at.split('/').filter((component) => component !== '' && component !== '.');
  if (at === '' || at.includes('\0') || components.includes('..')) {
    throw new BoxError('ERR_BOX_USAGE', `cannot put a directory at ${JSON.stringify(at)} of an image`, {
      hint: 'Name a path that counts from the root of the image, without `..`: /nix.',
    });
  }
  return pathFromText(components.join('/'));
}

/** The file that is being written, as it was before and while it is staged. */
export function leavingOut(output: string | undefined): {
  readonly without?: (found: { readonly path: BytePath; readonly inode: string }) => boolean;
} {
  if (output === undefined) return {};
  const stat = statSync(output, { bigint: true, throwIfNoEntry: false });
  const inode = stat?.isFile() === true ? `${stat.dev}:${stat.ino}` : undefined;
  const staged = stagingPrefix(output);
  return {
    without: (found) => found.inode === inode || basename(pathText(found.path)).startsWith(staged),
  };
}
