import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorCodes } from '@boxkit/contracts';
import { expect, test } from 'vitest';
import { readImports, readJson, root } from './workspace.ts';

const tracked = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\0')
  .filter((file) => file !== '');

function read(file: string): string {
  try {
    return readFileSync(join(root, file), 'latin1');
  } catch {
    // Deleted and not yet committed, or a link to nowhere.
    return '';
  }
}

test('every error code has its section, and no section is of a code that is gone', () => {
  const sections = [...read('docs/reference/errors.md').matchAll(/^## (ERR_BOX_\w+)\s*$/gm)].flatMap(
    ([, code]) => code ?? [],
  );
  expect(sections.toSorted()).toEqual([...errorCodes].toSorted());
});

test('every error code that the sources throw is known', () => {
  const sources = tracked.filter((file) => /^(packages|plugins)\/.*\.ts$/.test(file) && !file.includes('.test'));
  const used = new Set(
    sources.flatMap((file) => [...read(file).matchAll(/'(ERR_BOX_[A-Z_]+[A-Z])'/g)].map(([, code]) => code)),
  );
  const known: readonly (string | undefined)[] = errorCodes;
  expect([...used].filter((code) => !known.includes(code))).toEqual([]);
});

test('no file names the host of a package registry', () => {
  // Written so that this file does not name them either.
  const pattern = /registry[.]npmjs[.]|npmmirror[.]|yarnpkg[.]|(?:deb|snapshot|ftp|archive)[.](?:\w+[.])?debian[.]/;
  expect(tracked.filter((file) => pattern.test(read(file)))).toEqual([]);
});

test('package-lock.json says nothing of where packages were downloaded from', () => {
  const { packages } = readJson('package-lock.json') as {
    packages: Record<string, { resolved?: string; link?: boolean }>;
  };
  const named = Object.entries(packages).filter(([, { resolved, link }]) => resolved !== undefined && link !== true);
  expect(named).toEqual([]);
});

test('what runs before anything is installed imports nothing but Node', () => {
  const imports = ['tools/bootstrap.mjs', 'tools/debian-packages.mjs'].flatMap(readImports);
  expect(imports.filter(({ specifier }) => !/^(node:|\.\/debian-packages)/.test(specifier))).toEqual([]);
});
