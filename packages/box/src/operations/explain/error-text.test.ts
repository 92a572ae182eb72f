import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCodes } from '@boxkit/contracts';
import { expect, it } from 'vitest';
import { explainError } from './explain-error.ts';

const page = join(import.meta.dirname, '../../../../../docs/reference/errors.md');

it('error-texts.ts is what docs/reference/errors.md says (renewed by vitest -u)', async () => {
  const sections = [
    ...(await readFile(page, 'utf8')).matchAll(/^## (ERR_BOX_\w+)\n\n([^]*?)(?=\n## |\n# |$(?![^]))/gm),
  ];
  const literal = (text: string): string => text.trim().replaceAll(/[\\`]|\$\{/g, String.raw`\$&`);
  const lines = sections.map(([, code, text = '']) => `  ${code}: \`${literal(text)}\`,`);
  const source = `// Made of docs/reference/errors.md by the test beside it (vitest -u).\nexport const errorTexts: Readonly<Record<string, string>> = {\n${lines.join('\n')}\n};\n`;
  await expect(source).toMatchFileSnapshot(join(import.meta.dirname, 'error-texts.ts'));
});

it('every code is explained, and an unknown one is not', () => {
  for (const code of errorCodes) expect(explainError(code)?.text.length).toBeGreaterThan(20);
  expect(explainError('ERR_BOX_NOTHING')).toBeUndefined();
  expect(explainError('constructor')).toBeUndefined();
});
