import type { PlannedContainer } from '@boxkit/contracts';

/** A plan as JSON for people: bytes as base64, 64-bit numbers in hexadecimal. */
export function formatPlan(planned: PlannedContainer): string {
  const plain = (_key: string, value: unknown): unknown => {
    if (typeof value === 'bigint') return `0x${value.toString(16)}`;
    if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
    return value;
  };
  return `${JSON.stringify(planned, plain, 2)}\n`;
}
