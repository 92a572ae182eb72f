import { describeEvent, describeTransfer, kindOf } from './describe-event.ts';
import { escapeControls } from './escape.ts';
import { formatBytes, formatDuration, shortDigest } from './format.ts';
import { ProgressState } from './progress-state.ts';
import type { Transfer } from './progress-state.ts';
import type { Renderer, RendererOptions } from './renderer.ts';
import type { Terminal } from './terminal.ts';

/** Milliseconds between frames: quick enough to look alive, slow enough to cost nothing. */
const frameInterval = 100;
const maxBars = 12;

/**
 * A bar for each layer on its way, a line for all of them below; layers that are done scroll up as plain lines.
 * Frames are drawn when events come, never by a timer, so nothing keeps the process alive.
 */
export function createBars(
  options: RendererOptions & { readonly terminal: Terminal; readonly now: () => number },
): Renderer {
  const { terminal, now, write } = options;
  const state = new ProgressState(now);
  const finished = new Set<string>();
  let drawn = 0;
  let lastFrame = -Infinity;

  const erase = (): string => (drawn === 0 ? '' : `\x1b[${drawn}A\x1b[J`);

  function draw(above: readonly string[]): void {
    const width = Math.max(terminal.columns(), 20) - 1;
    const active = state.transfers.filter((transfer) => !transfer.done && kindOf(transfer.mediaType) === 'layer');
    const bars = active.slice(0, maxBars).map((transfer) => barLine(transfer, width, terminal.unicode));
    if (active.length > maxBars) bars.push(`... and ${active.length - maxBars} more`.slice(0, width));
    if (active.length > 0) bars.push(sumLine(state, now()).slice(0, width));
    const text = [...above, ...bars].map((line) => `${line}\n`).join('');
    write(`${erase()}${text}`);
    drawn = bars.length;
    lastFrame = now();
  }

  function clear(): void {
    write(erase());
    drawn = 0;
  }

  return {
    event(event) {
      // What the container writes comes next, and must find no bars to be erased later.
      if (event.type === 'stage-started' && event.stage === 'launch') clear();
      const above: string[] = [];
      const change = state.take(event);
      const transfer = change?.after;
      if (transfer !== undefined && transfer.done && !finished.has(transfer.digest)) {
        finished.add(transfer.digest);
        if (kindOf(transfer.mediaType) === 'layer') above.push(describeTransfer(transfer, now()));
      }
      const line = describeEvent(event, { stages: options.stages });
      if (line !== undefined) above.push(escapeControls(line));
      const due = change !== undefined && now() - lastFrame >= frameInterval;
      if (above.length > 0 || due) draw(above);
    },
    clear,
  };
}

function barLine(transfer: Transfer, width: number, unicode: boolean): string {
  const isReading = transfer.received >= transfer.total && transfer.extracted !== undefined;
  const amount = isReading ? (transfer.extracted ?? 0) : transfer.received;
  const name = `${kindOf(transfer.mediaType)} ${shortDigest(transfer.digest)}`;
  const left = transfer.rate > 0 ? ((transfer.total - transfer.received) * 1000) / transfer.rate : undefined;
  const pace = isReading
    ? 'reading'
    : `${formatBytes(Math.round(transfer.rate))}/s${left === undefined ? '' : ` ${formatDuration(left)}`}`;
  const numbers = `${formatBytes(amount)} / ${formatBytes(transfer.total)}  ${pace}`;
  const room = width - name.length - numbers.length - 6;
  const bar = room < 8 ? '' : `  ${drawBar(amount / Math.max(transfer.total, 1), Math.min(room, 40), unicode)}`;
  return `${name}${bar}  ${numbers}`.slice(0, width);
}

function drawBar(share: number, cells: number, unicode: boolean): string {
  const filled = Math.min(cells, Math.max(0, Math.round(share * cells)));
  const [full, empty] = unicode ? ['█', '░'] : ['#', '-'];
  return unicode
    ? full.repeat(filled) + empty.repeat(cells - filled)
    : `[${full.repeat(filled)}${empty.repeat(cells - filled)}]`;
}

function sumLine(state: ProgressState, now: number): string {
  const { received, total, rate } = state.sum();
  const left = rate > 0 ? `, ${formatDuration(((total - received) * 1000) / rate)} left` : '';
  const started = Math.min(...state.transfers.map((transfer) => transfer.startedAt));
  return `total ${formatBytes(received)} / ${formatBytes(total)}, ${formatBytes(Math.round(rate))}/s${left}, ${formatDuration(now - started)} so far`;
}
