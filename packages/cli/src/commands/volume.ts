import { randomBytes } from 'node:crypto';
import { BoxError, type Box } from '@boxkit/box';
import type { Volume } from '@boxkit/contracts';
import { usage } from '../args/parse.ts';
import { defineCommand } from '../command.ts';
import { formatAge, formatTable } from '../output/format.ts';
import { toJson } from '../output/json.ts';

const actions = ['ls', 'create', 'inspect', 'rm', 'prune'] as const;

export const volume = defineCommand({
  name: 'volume',
  summary: 'list, make and remove volumes',
  description: `ls lists the volumes; create makes one, of the name given or a random one, and prints its name; inspect shows what is
known of some, as JSON; rm removes some that no container uses; prune removes all of those.
box run -v NAME:DIR makes a volume when there is none; see docs/guide/volumes.md.`,
  options: {
    force: { type: 'flag', short: 'f', summary: 'prune: do not ask; rm: what is missing is no error' },
  },
  operands: { usage: 'ls|create|inspect|rm|prune [NAME...]', min: 1, max: Infinity },
  examples: [
    { line: 'box volume create data', what: 'an empty one, filled from an image at its first use' },
    { line: 'box volume ls', what: 'all of them, and how many containers use each' },
    { line: 'box volume rm data', what: 'with all that is in it' },
  ],
  async run({ operands: [action = '', ...names], values, global, signal, openBox, write }) {
    checkNames(action, names);
    if (action === 'prune' && !values.force && !(await confirmed(signal))) return 1;
    const box = await openBox();
    const { volumes } = box.store;
    if (action === 'ls') {
      const all = await volumes.list();
      write(global.json ? `${toJson(all, 2)}\n` : table(all, global.quiet));
    } else if (action === 'inspect') {
      write(`${toJson(await Promise.all(names.map((name) => known(box, name))), 2)}\n`);
    } else if (action === 'create') {
      const name = names[0] ?? randomBytes(32).toString('hex');
      await volumes.create(name);
      write(`${name}\n`);
    } else {
      const unused = async (): Promise<string[]> =>
        (await volumes.list()).filter(({ users }) => users.length === 0).map(({ name }) => name);
      for (const name of action === 'rm' ? names : await unused()) {
        const removed = await volumes.remove(name);
        if (removed) write(`${name}\n`);
        else if (action === 'rm' && !values.force) throw unknown(name);
      }
    }
    return 0;
  },
});

function checkNames(action: string, names: readonly string[]): void {
  if (!actions.some((known) => known === action))
    throw usage(`there is no \`box volume ${action}\``, `Known are ${actions.join(', ')}.`);
  const most = action === 'ls' || action === 'prune' ? 0 : action === 'create' ? 1 : Infinity;
  const least = action === 'rm' || action === 'inspect' ? 1 : 0;
  if (names.length < least) throw usage(`\`box volume ${action}\` needs a name`);
  if (names.length > most) throw usage(`\`box volume ${action}\` takes ${most === 0 ? 'no names' : 'one name'}`);
}

async function known({ store }: Box, name: string): Promise<Volume> {
  const found = await store.volumes.get(name);
  if (found !== undefined) return found;
  throw unknown(name);
}

function unknown(name: string): BoxError {
  return new BoxError('ERR_BOX_VOLUME_UNKNOWN', `cannot find the volume ${JSON.stringify(name)}: there is none`, {
    fields: { name },
  });
}

function table(volumes: readonly Volume[], quiet: boolean): string {
  if (quiet) return volumes.map(({ name }) => `${name}\n`).join('');
  const rows = volumes.map(({ name, created, users }) => [name, formatAge(created, Date.now()), String(users.length)]);
  return formatTable(['NAME', 'CREATED', 'CONTAINERS'], rows);
}

/** Asks on the terminal; where there is none to ask on, wants --force. */
async function confirmed(signal: AbortSignal): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY)
    throw usage('volume prune removes files', 'Give --force to do so without being asked.');
  const { askLine } = await import('../output/ask.ts');
  return /^y(?:es)?$/i.test(await askLine('Remove all volumes that no container uses? [y/N] ', signal));
}
