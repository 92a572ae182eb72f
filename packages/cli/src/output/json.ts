/**
 * JSON that is safe on a terminal: what JSON itself leaves as it is and a terminal obeys (DEL, C1 controls, marks that
 * reorder or hide text) is escaped too, which every parser reads back.
 */
export function toJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, replacer, indent).replace(
    /[\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Bytes as base64, 64-bit numbers in hexadecimal. */
function replacer(this: Readonly<Record<string, unknown>>, key: string, value: unknown): unknown {
  // A Buffer has been turned into a list of numbers by now; its holder still has it.
  const held = this[key];
  if (held instanceof Uint8Array) return Buffer.from(held).toString('base64');
  return typeof value === 'bigint' ? `0x${value.toString(16)}` : value;
}
