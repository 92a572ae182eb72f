import type { ContainerSummary } from '@boxkit/box';
import { formatAge } from '../output/format.ts';

/** In words: its state, since when, and how it ended. */
export function containerStatus({ status, exit, started, finished }: ContainerSummary): string {
  const now = Date.now();
  if (status === 'exited') {
    const when = finished === undefined ? '' : `, ${formatAge(finished, now)}`;
    return `exited (${exit?.code ?? '?'})${when}`;
  }
  return started === undefined ? status : `${status}, since ${formatAge(started, now).replace(/ ago$/, '')}`;
}
