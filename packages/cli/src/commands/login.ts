import { text as readAll } from 'node:stream/consumers';
import { usage } from '../args/parse.ts';
import { defineCommand } from '../command.ts';
import { escapeControls } from '../output/escape.ts';
import { askLine, askSecret } from '../output/ask.ts';
import { toJson } from '../output/json.ts';

export const login = defineCommand({
  name: 'login',
  summary: 'keep a user name and password for a registry',
  description: `Asks the registry whether they are right, and keeps them where docker, podman and skopeo find them too. The
password is asked for, or read from standard input; never from the command line, where others can see it.`,
  options: {
    username: { type: 'value', short: 'u', placeholder: 'NAME', summary: 'the user name' },
    'password-stdin': { type: 'flag', summary: 'read the password from standard input' },
  },
  operands: { usage: '[REGISTRY]', min: 0, max: 1 },
  examples: [
    { line: 'box login ghcr.io', what: 'asks for both' },
    { line: 'box login -u me --password-stdin 127.0.0.1:5000 < token', what: 'without a terminal' },
  ],
  async run({ values, operands: [registry = 'docker.io'], global, signal, openBox, write }) {
    const fromStdin = values['password-stdin'];
    if (fromStdin && values.username === undefined) throw usage('--password-stdin needs --username');
    if (!fromStdin && !process.stdin.isTTY) {
      throw usage('there is no terminal to ask on', 'Give --username NAME --password-stdin.');
    }
    const username = values.username ?? (await askLine('User name: ', signal));
    const password = fromStdin
      ? (await readAll(process.stdin)).replace(/\r?\n$/, '')
      : await askSecret('Password: ', signal);
    if (username === '' || password === '') throw usage('the user name and the password must not be empty');
    const box = await openBox();
    const saved = await box.login(registry, { username, password, signal });
    if (global.json) write(`${toJson(saved)}\n`);
    else if (!global.quiet)
      write(
        `logged in to ${escapeControls(saved.registry)}; kept in ${escapeControls(saved.place)}${saved.plain ? ', in clear' : ''}\n`,
      );
    return 0;
  },
});
