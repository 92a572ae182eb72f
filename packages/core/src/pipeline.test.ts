import { describe, expect, it } from 'vitest';
import { BoxError } from '@boxkit/contracts';
import type { BoxEvent, Store } from '@boxkit/contracts';
import { createContext } from './context.ts';
import { defineStage, pipeline } from './pipeline.ts';

// The stages of these tests never touch the store.
const store = {} as Store;

const parse = defineStage('parse', (text: string) => Number(text));
const double = defineStage('double', (value: number) => value * 2);
const print = defineStage('print', (value: number) => ({ printed: String(value) }));

/** A context and what its observers saw; the durations, which differ from run to run, as 0. */
function observed(signal?: AbortSignal) {
  const events: BoxEvent[] = [];
  const context = createContext({
    store,
    ...(signal === undefined ? {} : { signal }),
    onEvent: (event) => events.push(event.type === 'stage-ended' ? { ...event, duration: 0 } : event),
  });
  return { context, events };
}

describe('pipeline', () => {
  it("hands each stage's output to the next", async () => {
    const { context } = observed();
    expect(await pipeline(parse, double, print).run('21', context)).toEqual({ printed: '42' });
  });

  it('is a stage itself, so that pipelines nest', async () => {
    const { context } = observed();
    const inner = pipeline(parse, double);
    expect(inner.stages).toEqual(['parse', 'double']);
    expect(await pipeline(inner, print).run('3', context)).toEqual({ printed: '6' });
  });

  it('tells of the start and the end of each stage in order, nested ones once', async () => {
    const { context, events } = observed();
    await pipeline(pipeline(parse, double), print).run('1', context);
    expect(events).toEqual([
      { type: 'stage-started', stage: 'parse' },
      { type: 'stage-ended', stage: 'parse', duration: 0 },
      { type: 'stage-started', stage: 'double' },
      { type: 'stage-ended', stage: 'double', duration: 0 },
      { type: 'stage-started', stage: 'print' },
      { type: 'stage-ended', stage: 'print', duration: 0 },
    ]);
  });

  it("lets a stage's error through untouched and names its code in the event", async () => {
    const { context, events } = observed();
    const refusal = new BoxError('ERR_BOX_USAGE', 'no such number');
    const refuse = defineStage('refuse', (): number => {
      throw refusal;
    });
    await expect(pipeline(parse, refuse, print).run('1', context)).rejects.toBe(refusal);
    expect(events.at(-1)).toEqual({ type: 'stage-ended', stage: 'refuse', duration: 0, error: 'ERR_BOX_USAGE' });
  });

  it('makes a typed error of what is thrown and is no Error', async () => {
    const { context } = observed();
    const odd = { name: 'odd', run: (): Promise<number> => Promise.reject('a string') };
    await expect(pipeline(parse, odd).run('1', context)).rejects.toMatchObject({
      code: 'ERR_BOX_INTERNAL',
      message: 'stage odd threw something that is no Error',
      cause: 'a string',
    });
  });

  it('undoes in reverse order what was deferred when a stage fails, and reports clean-ups that fail', async () => {
    const { context, events } = observed();
    const undone: string[] = [];
    const first = defineStage('first', (value: number, stage) => {
      stage.defer(() => void undone.push('first'));
      stage.defer(() => {
        throw new Error('stuck');
      });
      stage.defer(async () => void undone.push('second'));
      return value;
    });
    const fail = defineStage('fail', (): number => {
      throw new BoxError('ERR_BOX_INTERNAL', 'broken');
    });
    await expect(pipeline(parse, first, fail).run('1', context)).rejects.toThrow('broken');
    expect(undone).toEqual(['second', 'first']);
    expect(events.at(-1)).toEqual({ type: 'warning', code: 'cleanup-failed', message: 'cleaning up: stuck' });
  });

  it("undoes what was deferred after the result's own disposal", async () => {
    const { context } = observed();
    const undone: string[] = [];
    const make = defineStage('make', (value: number, stage) => {
      stage.defer(() => void undone.push('rootfs'));
      return value;
    });
    const start = defineStage('start', () => ({
      async [Symbol.asyncDispose]() {
        undone.push('process');
      },
    }));
    const result = await pipeline(pipeline(parse, make), start).run('1', context);
    expect(undone).toEqual([]);
    await result[Symbol.asyncDispose]();
    await result[Symbol.asyncDispose]();
    await context[Symbol.asyncDispose]();
    expect(undone).toEqual(['process', 'rootfs', 'process']);
  });

  it('leaves to the context what a result that cannot be disposed needs', async () => {
    const { context } = observed();
    const undone: string[] = [];
    const make = defineStage('make', (value: number, stage) => {
      stage.defer(() => void undone.push('rootfs'));
      return { value };
    });
    expect(await pipeline(parse, make).run('1', context)).toEqual({ value: 1 });
    expect(undone).toEqual([]);
    await context[Symbol.asyncDispose]();
    expect(undone).toEqual(['rootfs']);
  });

  it("starts no further stage after an abort and rejects with the signal's reason", async () => {
    const controller = new AbortController();
    const { context, events } = observed(controller.signal);
    const undone: string[] = [];
    const reason = new BoxError('ERR_BOX_ABORTED', 'stopped');
    const abort = defineStage('abort', (value: number, stage) => {
      stage.defer(() => void undone.push('abort'));
      controller.abort(reason);
      return value;
    });
    await expect(pipeline(parse, abort, print).run('1', context)).rejects.toBe(reason);
    expect(events.filter((event) => event.type === 'stage-started').map((event) => event.stage)).toEqual([
      'parse',
      'abort',
    ]);
    expect(undone).toEqual(['abort']);
  });
});
