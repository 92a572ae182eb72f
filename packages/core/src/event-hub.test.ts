import { describe, expect, it } from 'vitest';
import type { BoxEvent, Digest } from '@boxkit/contracts';
import { createEventHub } from './event-hub.ts';

const started = (stage: string): BoxEvent => ({ type: 'stage-started', stage });
const progress = (received: number): BoxEvent => ({
  type: 'blob-progress',
  digest: `sha256:${'0'.repeat(64)}` as Digest,
  mediaType: 'x',
  received,
  total: 1000,
  origin: 'source',
});

async function collect(events: AsyncIterable<BoxEvent>): Promise<BoxEvent[]> {
  const collected: BoxEvent[] = [];
  for await (const event of events) collected.push(event);
  return collected;
}

describe('event hub', () => {
  it('tells every observer in order', () => {
    const hub = createEventHub();
    const seen: string[] = [];
    hub.subscribe((event) => seen.push(`a ${event.type}`));
    const leave = hub.subscribe((event) => seen.push(`b ${event.type}`));
    hub.emit(started('x'));
    leave();
    hub.emit(started('y'));
    expect(seen).toEqual(['a stage-started', 'b stage-started', 'a stage-started']);
  });

  it('turns an observer that throws into one warning for the others', () => {
    const hub = createEventHub();
    const seen: BoxEvent[] = [];
    hub.subscribe(() => {
      throw new Error('no pen');
    });
    hub.subscribe((event) => seen.push(event));
    hub.emit(started('x'));
    hub.emit(started('y'));
    expect(seen.filter((event) => event.type === 'warning')).toEqual([
      {
        type: 'warning',
        code: 'observer-failed',
        message: 'an observer of events failed on stage-started: no pen',
      },
    ]);
    expect(seen).toHaveLength(3);
  });

  it('iterates over events from the call on and ends when it is closed', async () => {
    const hub = createEventHub();
    hub.emit(started('before'));
    const events = hub.events();
    hub.emit(started('x'));
    const all = collect(events);
    hub.emit(started('y'));
    hub.close();
    expect(await all).toEqual([started('x'), started('y')]);
  });

  it('ends an iteration when its signal aborts', async () => {
    const hub = createEventHub();
    const controller = new AbortController();
    const all = collect(hub.events({ signal: controller.signal }));
    hub.emit(started('x'));
    controller.abort();
    hub.emit(started('y'));
    expect(await all).toEqual([started('x')]);
  });

  it('holds a bounded number of unread events, drops progress first and says so', async () => {
    const hub = createEventHub();
    const events = hub.events({ limit: 3 });
    hub.emit(started('x'));
    for (let received = 1; received <= 10; received += 1) hub.emit(progress(received));
    hub.close();
    expect(await collect(events)).toEqual([
      { type: 'warning', code: 'events-dropped', message: '8 events were dropped because nobody read them in time' },
      started('x'),
      progress(9),
      progress(10),
    ]);
  });

  it('stops collecting when the loop is left', async () => {
    const hub = createEventHub();
    const events = hub.events();
    hub.emit(started('x'));
    for await (const event of events) {
      expect(event).toEqual(started('x'));
      break;
    }
    hub.emit(started('y'));
    expect(await events.next()).toEqual({ done: true, value: undefined });
  });
});
