import { usage } from '../args/parse.ts';

/** Keys one after the other as docker writes them: `ctrl-p,ctrl-q`, `a`, `ctrl-@`; none in an empty text. Throws ERR_BOX_USAGE. */
export function parseKeys(option: string, text: string): Buffer {
  if (text === '') return Buffer.alloc(0);
  return Buffer.concat(text.split(',').map((key) => parseKey(key) ?? refuse(option, text, key)));
}

function parseKey(key: string): Buffer | undefined {
  const control = /^ctrl-([a-z@[\\\]^_])$/i.exec(key)?.[1];
  // what a terminal makes of Ctrl and a key: ascii(7)
  if (control !== undefined) return Buffer.from([control.toUpperCase().charCodeAt(0) & 0x1f]);
  return /^.$/u.test(key) ? Buffer.from(key) : undefined;
}

function refuse(option: string, text: string, key: string): never {
  throw usage(
    `option ${option}: ${JSON.stringify(key)} in ${JSON.stringify(text)} is no key`,
    'Keys are single characters or ctrl- and one of a-z @ [ \\ ] ^ _, with commas between: ctrl-p,ctrl-q.',
  );
}
