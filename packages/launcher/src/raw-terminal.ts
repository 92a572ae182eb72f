import { bind, check } from '@boxkit/linux';

/** termios(3). */
const getAttributes = bind('int tcgetattr(int fd, _Out_ uint8_t *attributes)');
const makeRaw = bind('void cfmakeraw(_Inout_ uint8_t *attributes)');
const setAttributes = bind('int tcsetattr(int fd, int when, const void *attributes)');

/** TCSADRAIN: what was written before is still shown as it was meant. */
const afterOutput = 1;
/** More than the structure has anywhere. */
const size = 256;

/**
 * Lets every byte through a terminal as it is, in and out, until disposed: a terminal of the container's does the rest.
 * Node's own raw mode still turns each line feed that is shown into two characters, which spoils full-screen programs.
 * Throws SystemCallError for a descriptor that is no terminal.
 */
export function rawTerminal(fd: number): Disposable {
  const before = Buffer.alloc(size);
  check(getAttributes(fd, before), 'tcgetattr');
  const raw = Buffer.from(before);
  makeRaw(raw);
  check(setAttributes(fd, afterOutput, raw), 'tcsetattr');
  return { [Symbol.dispose]: () => void setAttributes(fd, afterOutput, before) };
}
