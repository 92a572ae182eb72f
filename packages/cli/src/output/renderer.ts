import type { BoxEvent } from '@boxkit/contracts';
import type { Terminal } from './terminal.ts';

/** Turns events into text, or into JSON lines. */
export interface Renderer {
  event(event: BoxEvent): void;
  /** Takes away what moves, before something else writes. Later events start anew. */
  clear(): void;
}

export interface RendererOptions {
  readonly mode: 'human' | 'json' | 'quiet';
  /** Tell of stages and containers too. */
  readonly stages: boolean;
  readonly terminal: Terminal | undefined;
  readonly write: (text: string) => void;
  readonly now?: () => number;
}
