import { readFileSync } from 'node:fs';
import { BoxError, type ResourceLimits, type SystemCall } from '@boxkit/contracts';

/** capability.h */
const CAP_SYS_RESOURCE = 24;

/** By name as `ulimit`'s options of docker have them, from asm-generic/resource.h. */
export const resourceNumbers: Readonly<Record<string, number>> = {
  cpu: 0,
  fsize: 1,
  data: 2,
  stack: 3,
  core: 4,
  rss: 5,
  nproc: 6,
  nofile: 7,
  memlock: 8,
  as: 9,
  locks: 10,
  sigpending: 11,
  msgqueue: 12,
  nice: 13,
  rtprio: 14,
  rttime: 15,
};

/**
 * Sets the limits of the process, the last of each name; -1 and Infinity are unlimited, or for open files as many as the
 * kernel lets anybody have. Throws ERR_BOX_USAGE, and ERR_BOX_NOT_ENFORCEABLE for more than this user may set.
 */
export function setLimits(ulimits: ResourceLimits['ulimits'] = []): readonly SystemCall[] {
  const last = new Map(ulimits.map((limit) => [limit.name, limit]));
  const highest = last.size === 0 ? [] : hardLimits();
  return [...last.values()].map(({ name, soft, hard }) => {
    const number = resourceNumbers[name];
    if (number === undefined) throw refused(name, 'there is no such limit');
    const [low, high] = [limitWord(soft, name), limitWord(hard, name)];
    if (low > high) throw refused(name, `the soft limit ${soft} is above the hard limit ${hard}`);
    const own = highest[number];
    if (own !== undefined && high > own) throw tooHigh(name, high, own);
    const limit = Buffer.alloc(16);
    limit.writeBigUInt64LE(low, 0);
    limit.writeBigUInt64LE(high, 8);
    return { name: 'prlimit64', args: [0, number, { bytes: limit }, null], why: `ulimit ${name}` };
  });
}

const unlimited = 0xffff_ffff_ffff_ffffn;

/** As the kernel has it: RLIM_INFINITY is the highest. */
function limitWord(value: number, name: string): bigint {
  if (value !== Infinity && value !== -1) return BigInt(value);
  return name === 'nofile' ? BigInt(readFileSync('/proc/sys/fs/nr_open', 'latin1').trim()) : unlimited;
}

/** This process's own hard limits by number, which only CAP_SYS_RESOURCE may pass; none where it has that. proc(5), limits. */
function hardLimits(): readonly bigint[] {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1] ?? '0';
  if ((BigInt(`0x${effective}`) >> BigInt(CAP_SYS_RESOURCE)) & 1n) return [];
  const [, ...lines] = readFileSync('/proc/self/limits', 'latin1').trimEnd().split('\n');
  return lines.map((line) => {
    const hard = /\s(?:\d+|unlimited)\s+(\d+|unlimited)(?:\s|$)/.exec(line)?.[1] ?? 'unlimited';
    return hard === 'unlimited' ? unlimited : BigInt(hard);
  });
}

function tooHigh(name: string, wanted: bigint, own: bigint): BoxError {
  const number = wanted === unlimited ? 'unlimited' : String(wanted);
  return new BoxError(
    'ERR_BOX_NOT_ENFORCEABLE',
    `cannot set the ulimit ${name} to ${number}: your own ends at ${own}`,
    {
      hint: 'Only root with CAP_SYS_RESOURCE may raise it: `ulimit -H`, /etc/security/limits.conf.',
    },
  );
}

function refused(name: string, why: string): BoxError {
  return new BoxError('ERR_BOX_USAGE', `cannot set the ulimit ${name}: ${why}`, {
    hint: `Known are ${Object.keys(resourceNumbers).join(', ')}.`,
  });
}
