import type { StoredImage } from '@boxkit/contracts';
import { type ConfigChanges, creationTime, mergeChanges, type NewLayer } from '@boxkit/manifest/edit';
import { detailsOf } from '../containers/details.ts';
import { openScope, type Machine } from '../machine.ts';
import type { Cancellable } from '../../options.ts';
import { readDestination } from '../transfer/places.ts';
import { requireBase } from './container-base.ts';
import { containerChanges } from './container-changes.ts';
import { containerTar, findForReading, held } from './container-tar.ts';
import { keepLayer } from './keep-layer.ts';
import { publishMade } from './publish-made.ts';

export interface CommitOptions extends Cancellable {
  /** What the new image is called in the store; or, with a scheme, where it goes instead: `oci:DIR:TAG`, `docker://HOST/NAME:TAG`. */
  readonly tag: string;
  /** Changes of the configuration, on top of what the container was started with. */
  readonly changes?: ConfigChanges;
  readonly author?: string;
  /** A remark in the history. */
  readonly message?: string;
  /** Hold a running container still while its files are read; default true. */
  readonly pause?: boolean;
  /** Default gzip. */
  readonly compression?: 'none' | 'gzip' | 'zstd';
  /** gzip: 0 to 9, zstd: 1 to 22. */
  readonly level?: number;
}

/**
 * Makes an image of a container's: its image with the configuration that the container was started with, and what the
 * container changed as one more layer. Where it changed nothing, there is no layer, but a step of the history.
 */
export async function commit(text: string, options: CommitOptions, machine: Machine): Promise<StoredImage> {
  await using scope = openScope(machine, options);
  const { store, context } = scope;
  const to = await readDestination(options.tag, 'store', scope.plugins);
  const created = creationTime();
  const record = await findForReading(text, 'commit', scope);
  const image = await requireBase(record, scope);
  const { author, message, compression = 'gzip', level, pause = true } = options;
  const keep = async () =>
    keepLayer(store, containerTar(record, 'changes', scope), {
      compression,
      what: `what the container ${record.name} changed`,
      ...(level === undefined ? {} : { level }),
      signal: context.signal,
    });
  const { descriptor, diffId, entries } = pause ? await held(record, scope, keep) : await keep();
  const history = {
    created_by: detailsOf(record).command.join(' '),
    ...(author === undefined ? {} : { author }),
    ...(message === undefined ? {} : { comment: message }),
  };
  const layers: NewLayer[] = entries === 0 ? [] : [{ descriptor, diffId, history }];
  const asked = { ...options.changes, ...(author === undefined ? {} : { author }) };
  const changes = mergeChanges(containerChanges(record, image.imageConfig.config ?? {}), asked);
  const step = entries === 0 ? { step: history } : {};
  return await publishMade({ image }, { created, layers, changes, ...step }, to, scope);
}
