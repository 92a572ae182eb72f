import { createBars } from './bars.ts';
import { describeEvent, describeTransfer, kindOf } from './describe-event.ts';
import { escapeControls } from './escape.ts';
import { ProgressState } from './progress-state.ts';
import type { Renderer, RendererOptions } from './renderer.ts';
import { toJson } from './json.ts';

/** The renderer that fits: JSON lines, warnings only, bars on a terminal, plain lines elsewhere. */
export function createRenderer(options: RendererOptions): Renderer {
  if (options.mode === 'json') return { event: (event) => options.write(`${toJson(event)}\n`), clear: () => {} };
  if (options.mode === 'quiet') return quiet(options);
  const now = options.now ?? (() => performance.now());
  return options.terminal === undefined
    ? lines(options, now)
    : createBars({ ...options, now, terminal: options.terminal });
}

function quiet({ write }: RendererOptions): Renderer {
  return {
    event: (event) => {
      if (event.type === 'warning') write(`box: ${escapeControls(describeEvent(event, { stages: false }) ?? '')}\n`);
    },
    clear: () => {},
  };
}

function lines({ write, stages }: RendererOptions, now: () => number): Renderer {
  const state = new ProgressState(now);
  return {
    event(event) {
      const change = state.take(event);
      if (change !== undefined && arrived(change) && kindOf(change.after.mediaType) === 'layer') {
        write(`${describeTransfer(change.after, now())}\n`);
      }
      const line = describeEvent(event, { stages });
      if (line !== undefined) write(`${escapeControls(line)}\n`);
    },
    clear: () => {},
  };
}

type Change = NonNullable<ReturnType<ProgressState['take']>>;

/** Whether a blob's last byte came with this event. */
function arrived({ before, after }: Change): boolean {
  return (
    after.received >= after.total && (before === undefined || before.received < before.total) && after.mediaType !== ''
  );
}
