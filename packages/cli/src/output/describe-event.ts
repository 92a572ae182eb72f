import type { BoxEvent } from '@boxkit/contracts';
import type { Transfer } from './progress-state.ts';
import { formatBytes, formatDuration, shortDigest } from './format.ts';

/** An event as one line for people, or undefined for what is not worth a line of its own. */
export function describeEvent(event: BoxEvent, options: { readonly stages: boolean }): string | undefined {
  switch (event.type) {
    case 'stage-started':
      return options.stages ? `${event.stage}: started` : undefined;
    case 'stage-ended': {
      if (!options.stages) return undefined;
      const how = event.error === undefined ? 'done' : `failed (${event.error})`;
      return `${event.stage}: ${how} after ${formatDuration(event.duration)}`;
    }
    case 'image-resolved':
      return `${event.reference}: ${event.descriptor.digest}`;
    case 'container-started':
      return options.stages ? `container ${event.name}: pid ${event.pid}, isolated by ${event.isolator}` : undefined;
    case 'container-exited':
      return options.stages ? `container ended with status ${event.code}` : undefined;
    case 'waiting':
      return event.for === 'lock'
        ? `${event.what}: waiting for another box process`
        : `${event.what}: the server asks to wait${event.duration === undefined ? '' : ` ${formatDuration(event.duration)}`}`;
    case 'retrying':
      return `${event.what}: ${event.reason}; attempt ${event.attempt}`;
    case 'warning':
      return `warning: ${event.message}`;
    default:
      return undefined;
  }
}

/** A finished transfer as one line. */
export function describeTransfer(transfer: Transfer, now: number): string {
  const name = `${kindOf(transfer.mediaType)} ${shortDigest(transfer.digest)}`;
  const size = formatBytes(transfer.total);
  if (transfer.origin === 'present') return `${name}: ${size}, present`;
  const fetched = transfer.total - transfer.startedFrom;
  const resumed = transfer.origin === 'resumed' ? `, resumed at ${formatBytes(transfer.startedFrom)}` : '';
  const duration = Math.max(now - transfer.startedAt, 1);
  return `${name}: ${size}${resumed}, ${formatDuration(duration)} (${formatBytes(Math.round((fetched * 1000) / duration))}/s)`;
}

/** `layer`, `config`, `manifest`, `index`: what a media type says of a blob's part in an image. */
export function kindOf(mediaType: string): string {
  if (/config|container\.image/.test(mediaType)) return 'config';
  if (/index|manifest\.list/.test(mediaType)) return 'index';
  if (/manifest/.test(mediaType)) return 'manifest';
  return 'layer';
}
