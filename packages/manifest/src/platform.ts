import { readSync, openSync, closeSync } from 'node:fs';
import { BoxError, type Platform } from '@boxkit/contracts';

const component = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/;
const operatingSystems = new Set([
  'aix',
  'android',
  'darwin',
  'dragonfly',
  'freebsd',
  'illumos',
  'ios',
  'js',
  'linux',
  'netbsd',
  'openbsd',
  'plan9',
  'solaris',
  'wasip1',
  'windows',
]);

/**
 * Parses `os/architecture[/variant]`, or an architecture alone (for Linux), in any usual spelling (`linux/x86_64`,
 * `aarch64`, `linux/arm/v7`, `windows(10.0.17763)/amd64`). Throws ERR_BOX_PLATFORM_INVALID.
 */
export function parsePlatform(text: string): Platform {
  const versioned = /^([^/()]+)\(([^()/]+)\)(\/.*)?$/.exec(text);
  const parts = (versioned === null ? text : `${versioned[1]}${versioned[3] ?? ''}`).split('/');
  if (parts.length > 3 || parts.some((part) => !component.test(part))) throw invalid(text);
  const osVersion = versioned?.[2] === undefined ? {} : { 'os.version': versioned[2] };
  const [first = '', second, variant] = parts.map((part) => part.toLowerCase());
  if (second === undefined) {
    if (operatingSystems.has(first)) return { ...hostPlatform(), os: first, ...osVersion };
    return normalizePlatform({ os: 'linux', architecture: first, ...osVersion });
  }
  const platform = { os: first === 'macos' ? 'darwin' : first, architecture: second, ...osVersion };
  return normalizePlatform(variant === undefined ? platform : { ...platform, variant });
}

/** Writes a platform as `os/architecture[/variant]`, with the version of the system in brackets where there is one. */
export function formatPlatform(platform: Platform): string {
  const version = platform['os.version'];
  const variant = platform.variant === undefined || platform.variant === '' ? '' : `/${platform.variant}`;
  return `${platform.os}${version === undefined ? '' : `(${version})`}/${platform.architecture}${variant}`;
}

const architectures: Readonly<Record<string, readonly [architecture: string, variant?: string]>> = {
  x86_64: ['amd64'],
  'x86-64': ['amd64'],
  x64: ['amd64'],
  aarch64: ['arm64'],
  i386: ['386'],
  i486: ['386'],
  i586: ['386'],
  i686: ['386'],
  ia32: ['386'],
  armhf: ['arm', 'v7'],
  armel: ['arm', 'v6'],
  armv7l: ['arm', 'v7'],
  armv6l: ['arm', 'v6'],
  ppc64el: ['ppc64le'],
  mips64el: ['mips64le'],
  mipsel: ['mipsle'],
  loong64: ['loong64'],
  loongarch64: ['loong64'],
};

/** One spelling for each platform: Go's names, variants as `v7`, and the default variant left out (arm64/v8, amd64/v1). */
export function normalizePlatform(platform: Platform): Platform {
  const [architecture, implied] = architectures[platform.architecture] ?? [platform.architecture];
  const written = platform.variant === undefined || platform.variant === '' ? implied : platform.variant;
  const variant = written !== undefined && /^\d/.test(written) ? `v${written}` : written;
  const { variant: _, ...rest } = platform;
  const plain = (architecture === 'arm64' && variant === 'v8') || (architecture === 'amd64' && variant === 'v1');
  const settled = architecture === 'arm' ? (variant ?? 'v7') : variant;
  return { ...rest, architecture, ...(settled === undefined || plain ? {} : { variant: settled }) };
}

let known: Platform | undefined;

/** What this machine runs natively, its level (amd64) or version (arm) included. Read once. */
export function hostPlatform(): Platform {
  known ??= normalizePlatform({ os: 'linux', architecture: process.arch, ...hostVariant() });
  return known;
}

function hostVariant(): { variant?: string } {
  if (process.arch === 'x64') return { variant: amd64Level(cpuInfo('flags').split(' ')) };
  if (process.arch === 'arm') return { variant: `v${/^\d/.exec(cpuInfo('CPU architecture'))?.[0] ?? '7'}` };
  return {};
}

// x86-64 psABI, "micro-architecture levels"; the kernel's names of the flags that tell them apart.
const levels: readonly (readonly [level: string, flags: readonly string[]])[] = [
  ['v4', ['avx512f', 'avx512bw', 'avx512cd', 'avx512dq', 'avx512vl']],
  ['v3', ['avx', 'avx2', 'bmi1', 'bmi2', 'f16c', 'fma', 'abm', 'movbe', 'xsave']],
  ['v2', ['cx16', 'lahf_lm', 'popcnt', 'sse4_1', 'sse4_2', 'ssse3']],
];

/** The highest level whose flags, and those of all levels below it, a processor has. */
export function amd64Level(flags: readonly string[]): string {
  const present = new Set(flags);
  const has = levels.map(([, needed]) => needed.every((flag) => present.has(flag)));
  const index = has.findIndex((_, at) => has.slice(at).every(Boolean));
  return levels[index]?.[0] ?? 'v1';
}

/** One field of the first processor; only the head of the file is read, which the kernel makes anew for each reader. */
function cpuInfo(field: string): string {
  const head = Buffer.alloc(8192);
  try {
    const fd = openSync('/proc/cpuinfo', 'r');
    try {
      const text = head.toString('latin1', 0, readSync(fd, head, 0, head.length, 0));
      const line = text.split('\n').find((candidate) => candidate.startsWith(field));
      return line?.slice(line.indexOf(':') + 1).trim() ?? '';
    } finally {
      closeSync(fd);
    }
  } catch {
    return '';
  }
}

function invalid(text: string): BoxError {
  return new BoxError('ERR_BOX_PLATFORM_INVALID', `cannot read ${JSON.stringify(text.slice(0, 100))} as a platform`, {
    hint: 'A platform is os/architecture[/variant], as in linux/arm64 or linux/arm/v7.',
  });
}
