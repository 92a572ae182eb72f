import { BoxError } from '@boxkit/contracts';
import type { ImageDestination, Reference } from '@boxkit/contracts';
import { parseReference } from '@boxkit/manifest';
import type { LazyRegistry } from '../../built-in.ts';
import { findImage, readReference } from '../find-image.ts';
import type { FindOptions, FoundImage } from '../find-image.ts';
import type { Machine } from '../machine.ts';

/** The scheme of names in this box's own store: `store:NAME`, or a name without any. */
export const storeScheme = 'store';

/** Where a plain name leads: to the store, or to the registry that it names. */
export type PlainName = 'store' | 'registry';

/** A destination by what a person writes: `oci:DIR:TAG`, `docker://host/app:1`, or a plain name. */
export async function readDestination(text: string, plain: PlainName, plugins: LazyRegistry): Promise<Reference> {
  const { destinations } = await plugins.with('sources');
  const schemes = [...destinations.map(({ scheme }) => scheme), storeScheme];
  requireKnown(text, schemes);
  const reference = parseReference(text, {
    schemes,
    normalize: (scheme, location) =>
      destinations.find((candidate) => candidate.scheme === scheme)?.normalize?.(location) ?? location,
  });
  if (reference.scheme === storeScheme) return storeReference(reference.location);
  requireTag(reference, text);
  const isPlain = reference.scheme === 'docker' && !text.startsWith('docker://');
  return isPlain && plain === 'store' ? storeReference(text) : reference;
}

/** The name of an image in the store, as a place to write to. Throws ERR_BOX_REFERENCE_INVALID. */
export function storeReference(name: string): Reference {
  const reference = parseReference(name, { schemes: [] });
  requireTag(reference, name);
  const { location, text } = reference;
  return { scheme: storeScheme, location, text } as Reference;
}

/**
 * A source by what a person writes: a plain name is the store's image, or, when it has none, that of the registry;
 * `docker://` asks the registry in any case.
 */
export async function findSource(
  text: string,
  options: FindOptions,
  machine: Pick<Machine, 'store' | 'plugins'>,
): Promise<FoundImage> {
  if (text.startsWith(`${storeScheme}:`)) {
    return findImage(text.slice(storeScheme.length + 1), { ...options, pull: 'never' }, machine);
  }
  if (text.startsWith('docker://')) return { reference: await readReference(text, machine.plugins) };
  return findImage(text, options, machine);
}

/** As `findSource`, but a plain name is the store's image or none. */
export async function findStored(
  text: string,
  options: FindOptions,
  machine: Pick<Machine, 'store' | 'plugins'>,
): Promise<FoundImage> {
  const { scheme } = await readReference(text.replace(/^store:/, ''), machine.plugins);
  const isPlain = scheme === 'docker' && !text.startsWith('docker://');
  return findSource(isPlain && !text.startsWith('store:') ? `store:${text}` : text, options, machine);
}

/** The destination of a reference. Throws ERR_BOX_USAGE, naming those there are. */
export async function destinationOf(reference: Reference, plugins: LazyRegistry): Promise<ImageDestination> {
  const { destinations } = await plugins.with('sources');
  const found = destinations.find(({ scheme }) => scheme === reference.scheme);
  if (found !== undefined) return found;
  throw unknownPlace(reference.text, [...destinations.map(({ scheme }) => scheme), storeScheme]);
}

/** What is a source and no destination (`host:sh`) must not be read as a repository of that name. */
function requireKnown(text: string, schemes: readonly string[]): void {
  const scheme = /^([a-z][a-z0-9-]*):/.exec(text)?.[1];
  const rest = text.slice((scheme?.length ?? 0) + 1);
  const path = /^\.{0,2}\//.test(text);
  if (text === '' || path) throw unknownPlace(text, schemes);
  if (scheme === undefined || scheme === 'docker' || schemes.includes(scheme)) return;
  if (['host', 'bytes'].includes(scheme) || rest.startsWith('/') || rest.startsWith('.'))
    throw unknownPlace(text, schemes);
}

function requireTag(reference: Reference, text: string): void {
  if (reference.scheme !== 'docker' || reference.digest === undefined) return;
  throw new BoxError('ERR_BOX_REFERENCE_INVALID', `cannot call an image ${text}: its digest follows from what it is`, {
    hint: 'Name a tag instead: name:tag.',
  });
}

function unknownPlace(text: string, schemes: readonly string[]): BoxError {
  const shown = JSON.stringify(text.slice(0, 160));
  const forms = [
    'docker://HOST/NAME:TAG',
    'docker-archive:FILE',
    'docker-archive:DIR/',
    'oci:DIR[:TAG]',
    'oci-archive:FILE',
    'dir:DIR',
  ];
  const others = schemes.filter(
    (scheme) => scheme !== storeScheme && !forms.some((form) => form.startsWith(`${scheme}:`)),
  );
  const known = [...forms, ...others.map((scheme) => `${scheme}:`)].join(', ');
  return new BoxError('ERR_BOX_USAGE', `cannot write an image to ${shown}: no such kind of place`, {
    hint: `Write a name for the store, or one of ${known}.`,
    fields: { schemes },
  });
}
