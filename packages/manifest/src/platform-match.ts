import type { Platform } from '@boxkit/contracts';
import { normalizePlatform } from './platform.ts';

/**
 * How well `offered` serves someone who wants `wanted`: 0 is exact, more is further away, undefined is not at all.
 * An arm v7 runs v6 and v5; an amd64 of level 3 runs levels 2 and 1; nothing runs what is above it, and no
 * architecture stands in for another.
 */
export function matchPlatform(wanted: Platform, offered: Platform): number | undefined {
  const want = normalizePlatform(wanted);
  const have = normalizePlatform(offered);
  if (want.os !== have.os || want.architecture !== have.architecture) return undefined;
  const distance = variantDistance(want, have);
  if (distance === undefined) return undefined;
  const version = versionDistance(want['os.version'], have['os.version']);
  return version === undefined ? undefined : distance * 10 + version;
}

/** The best of several offers: the index of the closest, the first among equals; undefined when none will do. */
export function choosePlatform(wanted: Platform, offered: readonly (Platform | undefined)[]): number | undefined {
  let best: { index: number; distance: number } | undefined;
  for (const [index, platform] of offered.entries()) {
    const distance = platform === undefined ? undefined : matchPlatform(wanted, platform);
    if (distance !== undefined && (best === undefined || distance < best.distance)) best = { index, distance };
  }
  return best?.index;
}

function variantDistance(want: Platform, have: Platform): number | undefined {
  const wanted = variantNumber(want);
  const offered = variantNumber(have);
  if (wanted === undefined || offered === undefined) return want.variant === have.variant ? 0 : undefined;
  const lowest = want.architecture === 'arm' ? 5 : 1;
  return offered <= wanted && offered >= lowest ? wanted - offered : undefined;
}

// The variant that is left out: amd64 means v1, arm64 means v8.
function variantNumber({ architecture, variant }: Platform): number | undefined {
  if (variant === undefined) return architecture === 'amd64' ? 1 : architecture === 'arm64' ? 8 : undefined;
  const digits = /^v(\d+)$/.exec(variant)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

// Windows: a build runs only on its own kernel; the last number is the patch level and does not count.
function versionDistance(want: string | undefined, have: string | undefined): number | undefined {
  if (want === undefined) return 0;
  if (have === undefined) return 2;
  if (want === have) return 0;
  const build = (version: string): string => version.split('.').slice(0, 3).join('.');
  return build(want) === build(have) ? 1 : undefined;
}
