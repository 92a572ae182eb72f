/** The bytes of one instruction, and its assembly; a label has no bytes. */
export type Instruction = readonly [bytes: string, assembly: string];

/** The machine code of a listing. */
export function machineCode(listing: readonly Instruction[]): Buffer {
  return Buffer.from(
    listing
      .map(([bytes]) => bytes)
      .join('')
      .replaceAll(' ', ''),
    'hex',
  );
}
