import { describe, expect, it } from 'vitest';
import type { BoxEvent, Digest, DiffId } from '@boxkit/contracts';
import { createRenderer } from './create-renderer.ts';
import type { RendererOptions } from './renderer.ts';

const digest = `sha256:${'ab'.repeat(32)}` as Digest;
const mediaType = 'application/vnd.oci.image.layer.v1.tar+gzip';

const progress = (received: number, origin: 'source' | 'resumed' | 'present' = 'source'): BoxEvent => ({
  type: 'blob-progress',
  digest,
  mediaType,
  received,
  total: 45_000_000,
  origin,
});

// Built from text, because the linter allows no control characters in a literal.
const eraseBars = new RegExp(String.raw`\u001b\[\d+A\u001b\[J`);

/** A renderer whose clock each event moves by 100 ms, and what it wrote. */
function rendered(options: Partial<RendererOptions>, events: readonly BoxEvent[]): string {
  let written = '';
  let time = 0;
  const renderer = createRenderer({
    mode: 'human',
    stages: false,
    terminal: undefined,
    write: (text) => (written += text),
    now: () => (time += 25),
    ...options,
  });
  for (const event of events) renderer.event(event);
  return written;
}

describe('renderer', () => {
  it('prints each event as a line of JSON', () => {
    const events = [progress(0), progress(45_000_000)];
    const lines = rendered({ mode: 'json' }, events).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toEqual(events);
  });

  it('prints a finished layer as one plain line, and says what was resumed or present', () => {
    expect(rendered({}, [progress(0), progress(20_000_000), progress(45_000_000)])).toMatch(
      /^layer abababababab: 45\.0 MB, \d+ ms \(.*\/s\)\n$/,
    );
    expect(rendered({}, [progress(45_000_000, 'present')])).toBe('layer abababababab: 45.0 MB, present\n');
    expect(rendered({}, [progress(30_000_000, 'resumed'), progress(45_000_000, 'resumed')])).toContain(
      'resumed at 30.0 MB',
    );
  });

  it('times what goes on to another place by itself', () => {
    expect(rendered({}, [progress(45_000_000, 'present'), progress(0), progress(45_000_000)])).toMatch(
      /^layer abababababab: 45\.0 MB, present\nlayer abababababab: 45\.0 MB, \d+ ms \([1-9].*\/s\)\n$/,
    );
  });

  it('prints stages only when asked to', () => {
    const events: BoxEvent[] = [
      { type: 'stage-started', stage: 'fetch' },
      { type: 'stage-ended', stage: 'fetch', duration: 12 },
      { type: 'stage-ended', stage: 'apply', duration: 1, error: 'ERR_BOX_LAYER_UNSAFE' },
    ];
    expect(rendered({}, events)).toBe('');
    expect(rendered({ stages: true }, events)).toBe(
      'fetch: started\nfetch: done after 12 ms\napply: failed (ERR_BOX_LAYER_UNSAFE) after 1 ms\n',
    );
  });

  it('prints warnings even when quiet', () => {
    const events: BoxEvent[] = [progress(0), { type: 'warning', code: 'x', message: 'mind the gap' }];
    expect(rendered({ mode: 'quiet' }, events)).toBe('box: warning: mind the gap\n');
  });

  it('lets no control character of an image or a registry reach a terminal', () => {
    const message = 'evil \u001b[2J\u009b31m \u202e gnp.exe\nsecond';
    const written = rendered({}, [{ type: 'warning', code: 'x', message }]);
    expect(written).toBe('warning: evil \\x1b[2J\\x9b31m \\u202e gnp.exe\\nsecond\n');
  });

  it.each([
    [80, true],
    [30, true],
    [80, false],
  ])('draws bars that fit %i columns (unicode: %s)', (columns, unicode) => {
    const written = rendered({ terminal: { columns: () => columns, unicode } }, [
      progress(0),
      progress(20_000_000),
      progress(30_000_000),
    ]);
    const frames = written.split(eraseBars);
    expect(frames.length).toBeGreaterThan(1);
    for (const line of frames.flatMap((frame) => frame.split('\n'))) expect(line.length).toBeLessThan(columns);
    expect(written.includes('█') || written.includes('░')).toBe(unicode && columns === 80);
  });

  it('shows extraction after the download, then a finished line, and leaves no bar', () => {
    const extraction = (processed: number): BoxEvent => ({
      type: 'layer-progress',
      diffId: digest as string as DiffId,
      digest,
      processed,
      total: 45_000_000,
    });
    const terminal = { columns: () => 100, unicode: true };
    const written = rendered({ terminal }, [
      progress(0),
      extraction(0),
      progress(45_000_000),
      extraction(9_000_000),
      extraction(20_000_000),
      extraction(30_000_000),
      extraction(45_000_000),
    ]);
    expect(written).toContain('  reading');
    const last = written.slice(written.lastIndexOf('\u001b[J') + 3);
    expect(last).toMatch(/^layer abababababab: 45\.0 MB, .*\n$/);
  });
});
