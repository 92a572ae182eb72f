import { expect, it } from 'vitest';
import { randomHex } from './random.ts';

it('gives as many bytes as are asked for, none twice', () => {
  const drawn = Array.from({ length: 1000 }, () => randomHex(8));
  expect(drawn.every((digits) => /^[0-9a-f]{16}$/.test(digits))).toBe(true);
  expect(new Set(drawn).size).toBe(drawn.length);
  expect(randomHex(300)).toMatch(/^[0-9a-f]{600}$/);
});
