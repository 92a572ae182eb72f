import type { ResourceLimits, SystemCall } from '@boxkit/contracts';

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

/** Sets the limits of the process; -1 is unlimited. */
export function setLimits(ulimits: ResourceLimits['ulimits']): readonly SystemCall[] {
  return (ulimits ?? []).map(({ name, soft, hard }) => {
    const number = resourceNumbers[name];
    if (number === undefined) throw new RangeError(`${name} is no resource limit`);
    const limit = Buffer.alloc(16);
    limit.writeBigInt64LE(BigInt(soft), 0);
    limit.writeBigInt64LE(BigInt(hard), 8);
    return { name: 'prlimit64', args: [0, number, { bytes: limit }, null], why: `ulimit ${name}` };
  });
}
