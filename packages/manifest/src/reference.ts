import { BoxError, type Reference, type RegistryReference } from '@boxkit/contracts';
import { familiarRegistryReference, formatRegistryReference, parseRegistryReference } from './registry-reference.ts';

/** What a caller knows about sources. Everything is optional: without it the built-in schemes are read. */
export interface ParseReferenceOptions {
  /** The schemes that exist. `docker` is always read. */
  readonly schemes?: readonly string[];
  /** Which scheme a text without one means (a path that exists, say); undefined means a registry. */
  readonly detect?: (text: string) => string | undefined;
  /** Brings a location of another scheme than `docker` to its normal form. */
  readonly normalize?: (scheme: string, location: string) => string;
}

/** The schemes of the built-in sources. */
export const builtInSchemes = ['docker', 'docker-archive', 'oci', 'oci-archive', 'dir', 'host', 'bytes'] as const;

// Transports of other tools: read as a repository and a tag they would fail late, or worse, find something.
const foreignSchemes = ['docker-daemon', 'containers-storage', 'containers-image', 'ostree', 'sif', 'tarball'];
const schemeGrammar = /^[a-z][a-z0-9+.-]*$/;

/**
 * Parses what a person writes for an image: `alpine`, `docker://host/app:tag`, `oci:DIR:TAG`, `host:sh,ls`.
 * Throws ERR_BOX_REFERENCE_INVALID, or ERR_BOX_SOURCE_UNKNOWN for a scheme that nobody provides.
 */
export function parseReference(text: string, options: ParseReferenceOptions = {}): Reference {
  if (text.includes('\0')) {
    throw new BoxError('ERR_BOX_REFERENCE_INVALID', 'cannot read a reference that has a NUL character in it');
  }
  const schemes = options.schemes ?? builtInSchemes;
  const written = splitScheme(text, schemes);
  if (written !== undefined) return make(written.scheme, written.location, options);
  const detected = options.detect?.(text);
  if (detected !== undefined) return make(detected, text, options);
  return make('docker', text, options);
}

function make(scheme: string, location: string, options: ParseReferenceOptions): Reference {
  if (scheme === 'docker') return registryReference(parseRegistryReference(location), options.schemes);
  if (location === '') {
    throw new BoxError(
      'ERR_BOX_REFERENCE_INVALID',
      `cannot read "${scheme}:" as a reference: nothing follows the colon`,
    );
  }
  const normal = options.normalize?.(scheme, location) ?? location;
  return { scheme, location: normal, text: `${scheme}:${normal}` } as Reference;
}

/** Makes a reference of the scheme `docker` from its parts. */
export function registryReference(parts: RegistryReference, schemes: readonly string[] = builtInSchemes): Reference {
  const location = formatRegistryReference(parts);
  const brief = familiarRegistryReference(parts);
  // The repository `oci` of Docker Hub cannot be written `oci:latest`, which names a directory.
  const taken = [...schemes, ...foreignSchemes].filter((scheme) => scheme !== 'docker');
  const ambiguous = taken.some((scheme) => brief.startsWith(`${scheme}:`));
  const text = ambiguous ? location : brief;
  const pinned = parts.digest === undefined ? {} : { digest: parts.digest };
  return { scheme: 'docker', location, text, ...pinned } as Reference;
}

function splitScheme(text: string, schemes: readonly string[]): { scheme: string; location: string } | undefined {
  const colon = text.indexOf(':');
  if (colon <= 0) return undefined;
  const scheme = text.slice(0, colon);
  const rest = text.slice(colon + 1);
  if (scheme === 'docker' && rest.startsWith('//')) return { scheme, location: rest.slice(2) };
  if (scheme !== 'docker' && schemes.includes(scheme)) return { scheme, location: rest };
  if (!schemeGrammar.test(scheme)) return undefined;
  if (rest.startsWith('//') || foreignSchemes.includes(scheme)) throw unknownScheme(scheme, schemes);
  return undefined;
}

function unknownScheme(scheme: string, schemes: readonly string[]): BoxError {
  const known = schemes.map((name) => (name === 'docker' ? 'docker://' : `${name}:`)).join(', ');
  const web = scheme === 'http' || scheme === 'https';
  return new BoxError(
    'ERR_BOX_SOURCE_UNKNOWN',
    `cannot fetch from ${JSON.stringify(`${scheme}:`)}: no source has that scheme`,
    {
      hint: web ? 'Leave the scheme out: host[:port]/repository[:tag].' : `Known schemes: ${known}.`,
      fields: { scheme, schemes },
    },
  );
}
