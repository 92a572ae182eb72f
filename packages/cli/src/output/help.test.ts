import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { commands } from '../commands/index.ts';
import { formatHelp, formatOverview } from './help.ts';

const page = join(import.meta.dirname, '../../../../docs/reference/cli.md');

describe('help', () => {
  it('is what docs/reference/cli.md shows (renewed by vitest -u)', async () => {
    const sections = await Promise.all(
      commands.map(async (entry) => `## box ${entry.name}\n\n${indented(formatHelp(await entry.load()))}`),
    );
    const text = `# Commands\n\n${indented(formatOverview(commands))}\n${exitStatuses}\n${sections.join('\n')}`;
    await expect(text).toMatchFileSnapshot(page);
  });

  it.each(commands.map(({ name }) => name))(
    'of %s has a summary that agrees with the overview, and an example',
    async (name) => {
      const entry = commands.find((command) => command.name === name);
      const command = await entry?.load();
      expect(command?.summary).toBe(entry?.summary);
      expect(command?.name).toBe(name);
      expect(command?.examples.length).toBeGreaterThan(0);
      for (const { line } of command?.examples ?? []) expect(line).toContain(`box ${name}`);
    },
  );
});

const exitStatuses = `## Exit status

\`run\` ends with the status of the container's command: 128+n when signal n ended it, 126 when it could not be invoked, 127
when there is no such command. 125 means that box itself failed. The other commands end with 0, 1 for a failure, 2 for a
command line that makes no sense, and 128+n when signal n stopped them.

## Output

Results go to standard output; progress, warnings and errors to standard error. With \`--json\`, \`pull\` and \`unpack\` print
events on standard output and \`run\` on standard error, one JSON document a line (\`type\` tells which; an error has the type
\`error\`), and \`images\`, \`inspect\`, \`doctor\`, \`prune\`, \`fsck\` and \`version\` print their result as JSON.
`;

function indented(text: string): string {
  return text.replaceAll(/^(?=.)/gm, '    ');
}
