import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { layerRules, stackTests, type LayerRule, type NamedTest } from '@boxkit/testkit';
import { expect, test } from 'vitest';
import { root } from './workspace.ts';

const introduction = `# What layers mean

The rules by which the layers of an image become a root file system, each with the tests that hold box to it: of one layer that is
extracted by itself, of a stack of layers that is merged (by the driver \`merge\`, and in a mounted overlay), and of images beside
umoci and podman. Where a peer does otherwise the page says what, and a test that it is so.

The stacks are in \`packages/testkit/src/rules\`, and this page is made of them:
\`npx vitest run tools/house/layer-rules.test.ts -u\`. How box goes about it is told in
[layers-into-rootfs.md](../decisions/layers-into-rootfs.md) and [layer-extraction.md](../decisions/layer-extraction.md).
`;

/** The tests of a rule, one alone, one merged, one beside peers. */
function testsOf({ rule, alone, shown }: LayerRule): readonly NamedTest[] {
  if (!('layers' in shown)) return [alone, shown.merged, shown.peers];
  return [
    alone,
    { file: stackTests.merged, name: `merged: ${rule}` },
    { file: stackTests.peers, name: `beside peers: ${rule}` },
  ];
}

function peersOf({ shown }: LayerRule): string {
  const others = 'otherwise' in shown ? Object.entries(shown.otherwise ?? {}) : [];
  return others.map(([peer, what]) => `${peer}: ${what}`).join('; ');
}

function cell({ file, name }: NamedTest): string {
  return `[${name.replace(/^(?:merged|beside peers): .*/, 'by its name')}](../../${file})`;
}

test('the page of the rules is what the rules and their tests are', async () => {
  const chapters = Object.entries(layerRules).map(([chapter, rules]) => {
    const rows = rules.map((rule) => {
      const [alone, merged, peers] = testsOf(rule).map(cell);
      const note = peersOf(rule);
      return `| ${rule.rule} | ${alone} | ${merged} | ${peers}${note === '' ? '' : `; ${note}`} |`;
    });
    return [`\n## ${chapter}\n`, '| rule | alone | merged | beside peers |', '|---|---|---|---|', ...rows].join('\n');
  });
  await expect([introduction, ...chapters, ''].join('\n')).toMatchFileSnapshot('../../docs/reference/layer-rules.md');
});

test('every test that the page names exists', () => {
  const named = Object.values(layerRules).flat().flatMap(testsOf);
  const missing = named.filter(({ file, name }) => {
    // Tests of stacks are called by their rule.
    const text = /^(merged|beside peers): /.exec(name)?.[0] ?? name;
    const source = readFileSync(join(root, file), 'utf8').replaceAll("\\'", "'");
    return !source.includes(text);
  });
  expect(missing).toEqual([]);
});
