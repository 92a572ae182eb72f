import { constants } from 'node:os';
import { BoxError } from '@boxkit/contracts';

const firstRealTime = 34; // SIGRTMIN, as glibc and musl number it
const lastRealTime = 64;

/**
 * A signal by name (`SIGTERM`, `term`, `SIGRTMIN+3`, `SIGRTMAX-1`) or number; SIGTERM for nothing. Throws ERR_BOX_USAGE
 * for anything else.
 */
export function stopSignal(text: string | undefined): NodeJS.Signals | number {
  if (text === undefined || text.trim() === '') return 'SIGTERM';
  const name = text.trim().toUpperCase();
  if (/^\d+$/.test(name)) {
    const number = Number(name);
    if (number >= 1 && number <= lastRealTime) return number;
  }
  const full = name.startsWith('SIG') ? name : `SIG${name}`;
  if (full in constants.signals) return full as NodeJS.Signals;
  const realTime = realTimeSignal(full);
  if (realTime !== undefined) return realTime;
  throw new BoxError('ERR_BOX_USAGE', `cannot use ${JSON.stringify(text)} as a signal`, {
    hint: 'Give a name (SIGTERM, SIGRTMIN+3) or a number from 1 to 64.',
  });
}

function realTimeSignal(name: string): number | undefined {
  const parts = /^SIGRT(MIN|MAX)(?:([+-])(\d+))?$/.exec(name);
  if (parts === null) return undefined;
  const base = parts[1] === 'MIN' ? firstRealTime : lastRealTime;
  const number = base + Number(`${parts[2] ?? ''}${parts[3] ?? '0'}`);
  return number >= firstRealTime && number <= lastRealTime ? number : undefined;
}
