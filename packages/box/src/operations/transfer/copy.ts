import type { Descriptor, OutgoingImage, Platform, Reference } from '@boxkit/contracts';
import { BoxError } from '@boxkit/contracts';
import type { Cancellable } from '../../options.ts';
import type { FoundImage } from '../find-image.ts';
import { openScope, platformOption } from '../machine.ts';
import type { Machine, Scope } from '../machine.ts';
import { repositoryOf } from './holders.ts';
import { keepInStore } from './keep-in-store.ts';
import { openOutgoing } from './open-outgoing.ts';
import { destinationOf, findSource, readDestination, storeScheme } from './places.ts';
import type { PlainName } from './places.ts';
import { rememberPushed } from './provenance.ts';

export interface TransferOptions extends Cancellable {
  /** The platform of a multi-platform image: `linux/arm64`; default: this machine's. */
  readonly platform?: Platform | string;
  /** The index whole, with all its platforms. */
  readonly all?: boolean;
  /** Rewrite manifests with the OCI's or Docker's media types, which changes their digests; default: as they are. */
  readonly format?: 'oci' | 'v2s2';
  /** Fail where the destination's form needs other digests than the image has. */
  readonly preserveDigests?: boolean;
  /** Blobs written at the same time. */
  readonly concurrency?: number;
}

/** What was written, and where. */
export interface CopiedImage {
  /** In their normal forms. */
  readonly source: string;
  readonly destination: string;
  /** What the destination's name leads to now. */
  readonly descriptor: Descriptor;
}

/**
 * Copies an image from anywhere to anywhere: `docker://`, `docker-archive:`, `oci:`, `oci-archive:`, `dir:`, a plugin's, and
 * the store (a plain name, or a Reference of the scheme `store`). Blobs pass through, verified; those that the destination
 * has are skipped. When it throws, the destination's names lead where they did.
 */
export async function copyImage(
  source: string | Reference,
  destination: string | Reference,
  options: TransferOptions,
  machine: Machine,
): Promise<CopiedImage> {
  await using scope = openScope(machine, options);
  return await copyIn(source, destination, { ...options, plain: 'store' }, scope);
}

/** The same, within an operation's own scope. */
export async function copyIn(
  source: string | Reference,
  destination: string | Reference,
  options: TransferOptions & { readonly plain: PlainName },
  scope: Scope,
): Promise<CopiedImage> {
  const { plugins } = scope;
  const to = typeof destination === 'string' ? await readDestination(destination, options.plain, plugins) : destination;
  const chosen = await platformOption(options.platform);
  const found: FoundImage =
    typeof source === 'string'
      ? await findSource(source, chosen, scope)
      : source.scheme === storeScheme
        ? await findSource(`${storeScheme}:${source.text}`, chosen, scope)
        : { reference: source };
  const all = options.all === true;
  if (all && chosen.platform !== undefined) throw allOrOne();
  if (to.scheme === storeScheme) {
    if (options.format !== undefined) throw formatInStore();
    const concurrency = options.concurrency === undefined ? {} : { concurrency: options.concurrency };
    const { descriptor } = await keepInStore(found, to, { ...chosen, all, ...concurrency }, scope);
    return { source: found.reference.text, destination: to.text, descriptor };
  }
  // Asked first, so that nothing is fetched for a place that does not exist.
  await destinationOf(to, plugins);
  const image = await openOutgoing(found, { ...chosen, all }, scope);
  const descriptor = await writeOutgoing([image], to, options, scope);
  return { source: found.reference.text, destination: to.text, descriptor };
}

/** Writes open images to a destination. Resolves to what the first one's name leads to. */
export async function writeOutgoing(
  images: readonly OutgoingImage[],
  to: Reference,
  options: Pick<TransferOptions, 'format' | 'preserveDigests' | 'concurrency'>,
  { context, plugins, config }: Scope,
): Promise<Descriptor> {
  const destination = await destinationOf(to, plugins);
  if (images.length > 1 && destination.holdsMany !== true) {
    throw new BoxError('ERR_BOX_USAGE', `cannot write ${images.length} images to ${to.text}: it holds one`);
  }
  const { format, preserveDigests } = options;
  const concurrency = options.concurrency ?? config.concurrency;
  const written = format === undefined ? images : await converted(images, format, preserveDigests === true);
  await destination.write(written, to, {
    signal: context.signal,
    store: context.store,
    logger: context.logger,
    emit: (event) => context.emit(event),
    defer: (cleanup) => context.defer(cleanup),
    ...(concurrency === undefined ? {} : { concurrency }),
    ...(preserveDigests === undefined ? {} : { preserveDigests }),
  });
  const repository = to.scheme === 'docker' ? repositoryOf(to.text) : undefined;
  if (repository !== undefined) {
    const digests = written.flatMap(({ blobs }) => blobs.map(({ digest }) => digest));
    await rememberPushed(context.store, repository, digests);
  }
  const [first] = written;
  if (first === undefined) throw new BoxError('ERR_BOX_USAGE', `cannot write to ${to.text}: no image was given`);
  return first.root;
}

async function converted(
  images: readonly OutgoingImage[],
  format: 'oci' | 'v2s2',
  preserve: boolean,
): Promise<readonly OutgoingImage[]> {
  const { convertOutgoing, needsConversion } = await import('@boxkit/fetcher');
  return images.map((image) => {
    if (!preserve || !needsConversion(image, format)) return convertOutgoing(image, format);
    throw new BoxError('ERR_BOX_USAGE', `cannot write ${image.reference.text} as ${format} and keep its digest`, {
      hint: 'Give --format or --preserve-digests, and not both.',
    });
  });
}

function allOrOne(): BoxError {
  return new BoxError('ERR_BOX_USAGE', 'cannot copy all platforms and one platform at once', {
    hint: 'Give --all or --platform.',
  });
}

function formatInStore(): BoxError {
  return new BoxError('ERR_BOX_USAGE', 'cannot rewrite an image on its way into the store: it is kept as it is', {
    hint: 'Give --format when it is written elsewhere.',
  });
}
