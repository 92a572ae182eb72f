import { BoxError, type ResourceLimits, type SystemCall } from '@boxkit/contracts';

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

/** Sets the limits of the process, the last of each name; -1 and Infinity are unlimited. Throws ERR_BOX_USAGE. */
export function setLimits(ulimits: ResourceLimits['ulimits'] = []): readonly SystemCall[] {
  const last = new Map(ulimits.map((limit) => [limit.name, limit]));
  return [...last.values()].map(({ name, soft, hard }) => {
    const number = resourceNumbers[name];
    if (number === undefined) throw refused(name, 'there is no such limit');
    const [low, high] = [limitWord(soft), limitWord(hard)];
    if (low > high) throw refused(name, `the soft limit ${soft} is above the hard limit ${hard}`);
    const limit = Buffer.alloc(16);
    limit.writeBigUInt64LE(low, 0);
    limit.writeBigUInt64LE(high, 8);
    return { name: 'prlimit64', args: [0, number, { bytes: limit }, null], why: `ulimit ${name}` };
  });
}

/** As the kernel has it: RLIM_INFINITY is the highest. */
function limitWord(value: number): bigint {
  return value === Infinity || value === -1 ? 0xffff_ffff_ffff_ffffn : BigInt(value);
}

function refused(name: string, why: string): BoxError {
  return new BoxError('ERR_BOX_USAGE', `cannot set the ulimit ${name}: ${why}`, {
    hint: `Known are ${Object.keys(resourceNumbers).join(', ')}.`,
  });
}
