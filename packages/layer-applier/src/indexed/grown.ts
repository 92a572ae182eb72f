type Column = Uint8Array | Uint16Array | Uint32Array | Float64Array;

/** The same numbers with room for `length` and as many again; the array itself where there is room. */
export function grown<Numbers extends Column>(column: Numbers, length: number): Numbers {
  if (length <= column.length) return column;
  const larger = new (column.constructor as new (length: number) => Numbers)(Math.max(length, column.length * 2));
  larger.set(column);
  return larger;
}
