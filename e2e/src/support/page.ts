import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { root } from './packed-cli.ts';

/** A block of commands on a page of the docs. */
export interface Block {
  readonly line: number;
  /** The heading that it stands below. */
  readonly section: string;
  readonly script: string;
  /** What it prints, as far as the page shows it: `...` stands for anything. */
  readonly output: string | undefined;
}

/** The shell commands of a page, each block with the output that follows it; of a console's only what is typed. */
export async function pageBlocks(page: string): Promise<readonly Block[]> {
  const text = await readFile(join(root, page), 'utf8');
  const found = [...text.matchAll(/^```(\w+)\n([^]*?)^```$/gm)].map(({ index, 1: kind, 2: body = '' }) => {
    const above = text.slice(0, index);
    const section = /^[^]*^## (.*)$/m.exec(above)?.[1] ?? '';
    return { kind, body, line: above.split('\n').length, section };
  });
  return found.flatMap(({ kind, body, ...place }, at) => {
    const next = found[at + 1];
    if (kind === 'sh') return [{ ...place, script: body, output: next?.kind === 'text' ? next.body : undefined }];
    const typed = [...body.matchAll(/^\$ (.*)$/gm)].map(([, command]) => `${command}\n`);
    return kind === 'console' ? [{ ...place, script: typed.join(''), output: undefined }] : [];
  });
}

/** What is typed on a page, line by line: `$ COMMAND` in indented text, and each line of a shell block. */
export async function typedLines(page: string): Promise<readonly string[]> {
  const text = await readFile(join(root, page), 'utf8');
  const found = text.matchAll(/^ {4}\$ (.*)$|^```sh\n([^]*?)^```$/gm);
  return [...found].flatMap(([, typed, block = '']) => typed ?? block.trimEnd().split('\n'));
}

/** `...` within a line stands for anything in it, and as a line of its own for any lines. */
export function outputPattern(output: string): RegExp {
  const expressions = output
    .trimEnd()
    .split('\n')
    .map((line) => {
      if (line === '...') return '(?:.*\\n)*?';
      const words = line
        .trim()
        .split('...')
        .map((part) => part.trim().replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
      return `[^]*?${words.join('.*')}.*\\n`;
    });
  return new RegExp(expressions.join(''));
}
