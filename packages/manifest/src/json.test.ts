import { describe, expect, it } from 'vitest';
import { parseJson } from './json.ts';

const read = (text: string) => parseJson(Buffer.from(text), 'the manifest of x');
const refusal = (message: string) =>
  expect.objectContaining({ code: 'ERR_BOX_DOCUMENT_INVALID', message: expect.stringContaining(message) });

describe('parseJson', () => {
  it('reads what JSON.parse reads', () => {
    const value = { a: [1, { 'b"': '\\"{[:,' }, 'x:{', null], 'c\\': { a: {} }, ü: '' };
    expect(read(JSON.stringify(value))).toEqual(value);
  });

  it('refuses 10,000 levels without recursing', () => {
    expect(() => read('['.repeat(10_000) + ']'.repeat(10_000))).toThrow(refusal('deeper than 64'));
    expect(() => read('{"a":'.repeat(10_000))).toThrow(refusal('deeper than 64'));
  });

  it('refuses a key that appears twice, however it is spelled, and says where', () => {
    expect(() => read('{"layers":[{"size":1},{"size":1,"digest":"","si\\u007ae":2}]}')).toThrow(
      refusal('layers[1].size: the key appears twice'),
    );
  });

  it('refuses a web page, an empty body, a truncated one and what is not UTF-8', () => {
    expect(() => read('<!DOCTYPE html><html>')).toThrow(refusal('not JSON (it starts with "<!DOCTYPE html'));
    expect(() => read('')).toThrow(refusal('it is empty'));
    expect(() => read('{"a":"b')).toThrow(refusal('it ends early, after 7 bytes'));
    expect(() => parseJson(Uint8Array.of(0x22, 0xff, 0x22), 'x')).toThrow(refusal('not UTF-8'));
  });

  it('takes linear time on text made of escapes', () => {
    expect(() => read(`"${'\\"'.repeat(2_000_000)}`)).toThrow(refusal('it ends early'));
    expect(read(`"${'\\\\'.repeat(2_000_000)}"`)).toHaveLength(2_000_000);
  });
});
