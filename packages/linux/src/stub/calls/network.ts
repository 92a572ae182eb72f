import type { SystemCall } from '@boxkit/contracts';
import { O_CLOEXEC, SIOCSIFFLAGS } from '../constants.ts';

/** Brings the loopback device of a new network namespace up. */
export function raiseLoopback(): readonly SystemCall[] {
  const request = Buffer.alloc(40);
  request.write('lo', 'latin1');
  request.writeUInt16LE(0x41, 16); // IFF_UP | IFF_RUNNING
  const label = 'loopback socket';
  return [
    { name: 'socket', args: [2, 2 | O_CLOEXEC, 0], why: 'to configure the loopback device', label },
    { name: 'ioctl', args: [{ result: label }, SIOCSIFFLAGS, { bytes: request }], why: 'loopback works' },
    { name: 'close', args: [{ result: label }], why: 'not needed any more' },
  ];
}
