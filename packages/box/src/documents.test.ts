import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { glob, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { errorCodes } from '@boxkit/contracts';

const execute = promisify(execFile);
const root = join(import.meta.dirname, '../../..');

const documents = [
  'README.md',
  'docs/guide/library.md',
  'docs/guide/plugins.md',
  'docs/guide/plumbing.md',
  'docs/guide/looking-in.md',
  'docs/guide/explaining.md',
  'docs/guide/making.md',
  'docs/guide/sharing.md',
  'docs/reference/errors.md',
];

interface Program {
  readonly name: string;
  readonly text: string;
}

/** Every ```ts block of a document, named after the document and the line it starts on. */
async function programsOf(document: string): Promise<Program[]> {
  const text = await readFile(join(root, document), 'utf8');
  return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map((match) => {
    const line = text.slice(0, match.index).split('\n').length;
    return { name: `${document.replaceAll(/[^a-zA-Z]+/g, '-')}-${line}.ts`, text: match[1] ?? '' };
  });
}

const programs = (await Promise.all(documents.map(programsOf))).flat();

/** What each program of which more is known than that it ends well prints. */
const outputs: Readonly<Record<string, RegExp>> = {
  'you said': /^you said: box, hello\nstatus 3\n$/,
  'createBox();\nawait using container': /(?:^|\n)bin\n[^]*ended with status 0\n$/,
  "defineStage('tell'": /layers, as a (?:directory|overlay) rootfs\n[^]*code: 0/,
  countSetuid: /0 setuid files\n[^]*ls\n[^]*code: 0/,
  'ended by': /ended by SIG/,
  'memory:anything': /^1 sha256:[0-9a-f]{64}\n$/,
};

describe('the programs printed in the documentation', () => {
  let directory: string;
  let home: string;

  beforeAll(async () => {
    // Inside the package, so that imports resolve as in a program that depends on it.
    directory = await mkdtemp(join(import.meta.dirname, '../.documents-'));
    home = await mkdtemp(join(tmpdir(), 'box-documents-'));
    await mkdir(directory, { recursive: true });
    await Promise.all(programs.map(({ name, text }) => writeFile(join(directory, name), text)));
  });

  afterAll(async () => {
    await rm(directory, { recursive: true, force: true });
    await rm(home, { recursive: true, force: true });
  });

  it('exist', () => {
    expect(programs.length).toBeGreaterThanOrEqual(10);
  });

  it('are type-correct', async () => {
    const configuration = {
      extends: '../../../tsconfig.test.json',
      compilerOptions: { noUnusedLocals: false },
      include: ['*.ts'],
      exclude: [],
    };
    await writeFile(join(directory, 'tsconfig.json'), JSON.stringify(configuration));
    const tsc = join(root, 'node_modules/.bin/tsc');
    const { stdout } = await execute(process.execPath, [tsc, '-p', directory]).catch((error: unknown) => {
      return error as { stdout: string };
    });
    expect(stdout).toBe('');
  });

  it.each(programs)('$name runs as it is printed', async ({ name, text }) => {
    const { stdout } = await execute(process.execPath, [join(directory, name)], {
      env: { ...process.env, BOX_HOME: home },
      timeout: 60_000,
    });
    const [, output = /^/] = Object.entries(outputs).find(([part]) => text.includes(part)) ?? [];
    expect(stdout).toMatch(output);
  });
});

describe('the documentation', () => {
  it('has no link to a page that is not there', async () => {
    const pages = [
      'README.md',
      'CONTRIBUTING.md',
      'CHANGELOG.md',
      ...(await Array.fromAsync(glob('docs/**/*.md', { cwd: root }))),
    ];
    const broken: string[] = [];
    for (const page of pages) {
      const text = await readFile(join(root, page), 'utf8');
      for (const [, target = ''] of text.matchAll(/\]\((?!https?:|mailto:|#)([^)#\s]+)/g)) {
        if (!existsSync(join(root, dirname(page), target))) broken.push(`${page}: ${target}`);
      }
    }
    expect(broken).toEqual([]);
  });

  it('lists every decision', async () => {
    const index = await readFile(join(root, 'docs/decisions/README.md'), 'utf8');
    const pages = (await readdir(join(root, 'docs/decisions'))).filter((name) => name !== 'README.md');
    expect(pages.filter((name) => !index.includes(`(${name})`))).toEqual([]);
  });
});

describe('docs/reference/errors.md', () => {
  it('has one section for each code, and no other', async () => {
    const text = await readFile(join(root, 'docs/reference/errors.md'), 'utf8');
    const sections = [...text.matchAll(/^## (ERR_BOX_\w+)$/gm)].map((match) => match[1]);
    expect(new Set(sections)).toEqual(new Set(errorCodes));
    expect(sections).toHaveLength(errorCodes.length);
  });
});
