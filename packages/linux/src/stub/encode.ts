import { constants } from 'node:os';
import type { SystemCall, SystemCallArgument } from '@boxkit/contracts';
import type { StubMachine } from './elf.ts';
import { programAddress, programCapacity, record } from './layout.ts';
import { systemCallNumber } from './numbers.ts';

/**
 * A list of system calls as the stub's program. Labels may repeat: a result is that of the last call before with the
 * label, a jump goes to the next one after, so that lists can be put together freely; a label that stands on one side
 * only is found there. Throws a RangeError for a label that no call has, for a list that can run past its end, and for a
 * program that is too large. `list` comes back in the report of a failure, to tell apart the lists of one plan.
 */
export function encodeProgram(calls: readonly SystemCall[], machine: StubMachine, list = 0): Buffer {
  return new Encoder(calls, machine, list).encode();
}

class Encoder {
  readonly #calls: readonly SystemCall[];
  readonly #machine: StubMachine;
  readonly #list: number;
  readonly #positions = new Map<string, number[]>();
  /** Argument words, six for each call, then the result words, one for each. */
  readonly #words: Words;
  readonly #records: Words;
  readonly #data: Buffer[] = [];
  #dataLength = 0;
  readonly #dataAddress: number;
  readonly #placed = new Map<unknown, number>();

  constructor(calls: readonly SystemCall[], machine: StubMachine, list: number) {
    this.#calls = calls;
    this.#machine = machine;
    this.#list = list;
    this.#records = makeWords(calls.length * record.size);
    this.#words = makeWords(calls.length * 7 * 8);
    this.#dataAddress = programAddress + this.#records.byteLength + this.#words.byteLength;
    calls.forEach(({ label }, position) => {
      if (label === undefined) return;
      this.#positions.set(label, [...(this.#positions.get(label) ?? []), position]);
    });
  }

  encode(): Buffer {
    this.#calls.forEach((call, position) => this.#encodeCall(call, position));
    const program = Buffer.concat([bytesOf(this.#records), bytesOf(this.#words), ...this.#data]);
    if (program.length > programCapacity) {
      throw new RangeError(`a program of ${program.length} bytes is longer than ${programCapacity}`);
    }
    return program;
  }

  #encodeCall(call: SystemCall, position: number): void {
    const at = position * record.size;
    const set = (offset: number, value: number | bigint): void => setWord(this.#records, at + offset, value);
    set(record.number, systemCallNumber(call.name, this.#machine));
    for (let index = 0; index < 6; index++) {
      set(record.args + 8 * index, this.#argumentAddress(call.args[index] ?? null, position, index));
    }
    set(record.result, this.#resultAddress(position));
    set(record.nextPositive, this.#next(call, position, call.next?.positive));
    set(record.nextZero, this.#next(call, position, call.next?.zero));
    set(record.nextError, call.ignore === undefined ? 0 : this.#next(call, position, call.next?.error));
    if (call.ignore !== undefined) {
      const mask = ignoredErrors(call.ignore);
      set(record.ignored, mask);
      set(record.ignored + 8, mask >> 64n);
    }
    set(record.position, this.#list * 0x1_0000_0000 + position + 1);
  }

  #next(call: SystemCall, position: number, label: string | undefined): number {
    const target = label === undefined ? position + 1 : this.#jumpTarget(label, position);
    if (target < this.#calls.length) return programAddress + target * record.size;
    // a successful execve and exit_group do not return
    if (call.name === 'execve' || call.name === 'exit_group') return 0;
    throw new RangeError(`nothing follows the last system call, ${call.name}`);
  }

  #jumpTarget(label: string, from: number): number {
    const labelled = this.#labelled(label);
    return labelled.find((position) => position > from) ?? labelled.at(-1) ?? from;
  }

  #resultSource(label: string | number, from: number): number {
    if (typeof label === 'number') return label;
    const labelled = this.#labelled(label);
    return labelled.findLast((position) => position < from) ?? labelled[0] ?? from;
  }

  #labelled(label: string): readonly number[] {
    const positions = this.#positions.get(label);
    if (positions === undefined) throw new RangeError(`no system call has the label ${label}`);
    return positions;
  }

  #resultAddress(position: number): number {
    return programAddress + this.#records.byteLength + (this.#calls.length * 6 + position) * 8;
  }

  /** The address of the word that holds the argument when the call is made. */
  #argumentAddress(argument: SystemCallArgument, position: number, index: number): number {
    if (isObject(argument)) {
      if ('result' in argument) return this.#resultAddress(this.#resultSource(argument.result, position));
      if ('value' in argument) return this.#buffer(argument.value) + argument.offset;
    }
    const offset = (position * 6 + index) * 8;
    if (argument !== null && argument !== 0) setWord(this.#words, offset, this.#word(argument));
    return programAddress + this.#records.byteLength + offset;
  }

  #word(argument: SystemCallArgument): number | bigint {
    if (argument === null) return 0;
    if (typeof argument === 'number' || typeof argument === 'bigint') return argument;
    if (typeof argument === 'string') return this.#string(argument);
    if (!isObject(argument)) return this.#pointers([...argument, null], argument);
    if ('bytes' in argument) return this.#place(argument.bytes, argument.bytes);
    if ('words' in argument) return this.#pointers(argument.words, argument);
    if ('buffer' in argument) return this.#buffer(argument.buffer, argument.size);
    throw new RangeError('a result cannot stand inside a structure');
  }

  #string(text: string): number {
    if (text.includes('\0')) throw new RangeError(`a NUL byte in ${JSON.stringify(text)}`);
    return this.#place(text, Buffer.from(`${text}\0`));
  }

  #pointers(items: readonly SystemCallArgument[], key: unknown): number {
    const known = this.#placed.get(key);
    if (known !== undefined) return known;
    const words = makeWords(items.length * 8);
    items.forEach((item, at) => setWord(words, at * 8, this.#word(item)));
    return this.#place(key, bytesOf(words));
  }

  #buffer(name: string, size?: number): number {
    const key = `\0${name}`;
    const known = this.#placed.get(key);
    if (known !== undefined) return known;
    if (size === undefined) throw new RangeError(`the buffer ${name} is read before a call has given its size`);
    return this.#place(key, Buffer.alloc(size));
  }

  /** Puts bytes once for each key; returns their address. */
  #place(key: unknown, bytes: Uint8Array): number {
    const known = this.#placed.get(key);
    if (known !== undefined) return known;
    const address = this.#dataAddress + this.#dataLength;
    const padded = Buffer.alloc(Math.ceil((bytes.length + 8) / 8) * 8);
    padded.set(bytes);
    this.#data.push(padded);
    this.#dataLength += padded.length;
    this.#placed.set(key, address);
    return address;
  }
}

function isObject<T extends object>(argument: SystemCallArgument | T): argument is Exclude<T, readonly string[]> {
  return typeof argument === 'object' && argument !== null && !Array.isArray(argument);
}

const everyError = (1n << 128n) - 1n;
const errorBits = new Map<string, bigint>();

function ignoredErrors(ignore: SystemCall['ignore']): bigint {
  if (ignore === undefined) return 0n;
  if (ignore === 'any') return everyError;
  let mask = 0n;
  for (const name of ignore) mask |= errorBit(name);
  return mask;
}

function errorBit(name: string): bigint {
  if (errorBits.size === 0) {
    for (const [known, number] of Object.entries(constants.errno)) errorBits.set(known, 1n << BigInt(number));
  }
  const bit = errorBits.get(name);
  if (bit === undefined) throw new RangeError(`no number is known for the error ${name}`);
  return bit;
}

/**
 * Words of 64 bits, the lower half of each first: the machines that the stub exists for are little-endian. A program has
 * thousands, and a run on the command line encodes them with code that is not optimized yet, in which storing an element
 * takes a tenth of a call of Buffer's.
 */
type Words = Uint32Array<ArrayBuffer>;

const makeWords = (bytes: number): Words => new Uint32Array(bytes / 4);
const bytesOf = ({ buffer }: Words): Buffer => Buffer.from(buffer);

/** Most are small numbers, for which BigInt is dear. `offset` in bytes. */
function setWord(words: Words, offset: number, value: number | bigint): void {
  if (value === 0) return;
  const at = offset / 4;
  if (typeof value === 'number' && value >= 0) {
    words[at] = value;
    if (value > 0xffff_ffff) words[at + 1] = value / 0x1_0000_0000;
  } else {
    const word = BigInt.asUintN(64, BigInt(value));
    words[at] = Number(word & 0xffff_ffffn);
    words[at + 1] = Number(word >> 32n);
  }
}
