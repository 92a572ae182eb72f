/**
 * What the stub's machine code and the encoder agree on.
 *
 * A program is loaded at `programAddress`: first one record for each system call, then the words that the records
 * point to, then strings and buffers. All addresses in it are absolute, since the stub is linked to a fixed address.
 */
export const programAddress = 0x1000_0000;
/** Bytes reserved for a program. The kernel takes at most 6 MiB of arguments and environment. */
export const programCapacity = 0x100_0000;

/** The descriptor that the stub reads its program from. */
export const programDescriptor = 3;
/** The descriptor that it writes report records to. */
export const reportDescriptor = 4;
/** What the stub exits with after a failing call. */
export const setupFailed = 125;

/** Offsets, in bytes, of the 64-bit words of a record. */
export const record = {
  number: 0,
  /** Six addresses of argument words. */
  args: 8,
  /** Where the result is stored. */
  result: 56,
  nextPositive: 64,
  nextZero: 72,
  nextError: 80,
  /** 128 bits: an errno whose bit is set goes on at `nextError`. */
  ignored: 88,
  /** The 16 bytes that are reported when the call fails: the list and its position + 1, 32 bits each, then the errno. */
  position: 104,
  errno: 112,
  size: 120,
} as const;

export const reportSize = 16;
